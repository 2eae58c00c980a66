"""``python -m kit.gameday.postmortem.svg``: Vega-Lite drawings from stdin as SVG to stdout, both as JSON lists.

A process of its own, as the drawing library takes 130 MB.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from kit.errors import KitError

_TIMEOUT_S = 60.0


def drawn(specs: Sequence[Any]) -> list[str]:
    """One SVG a drawing. Raises KitError when the process that draws fails."""
    if not specs:
        return []
    try:
        done = subprocess.run(
            [sys.executable, "-m", __name__],
            input=json.dumps(specs),
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
        found: list[str] = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise KitError("charts", f"could not be drawn: {error}", "Run it again.") from error
    return found


def _main() -> None:
    os.environ["TZ"] = "UTC"  # the library draws times of the machine's own zone
    import vl_convert  # noqa: PLC0415  # only this process pays for it

    sys.stdout.write(json.dumps([vl_convert.vegalite_to_svg(json.dumps(spec)) for spec in json.load(sys.stdin)]))


if __name__ == "__main__":
    _main()
