"""Vega for the pages: one script, made once from the installed package and kept in a file.

``python -m kit.console.bundle FILE`` makes it. That costs 140 MB for two seconds, so it runs in a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from kit.errors import KitError

PACKAGE = "vl-convert-python"
SNIPPET_VERSION = 1
SNIPPET = "window.vegaEmbed = vegaEmbed; window.vega = vega;"
BUILD_TIMEOUT_S = 120


class Bundle:
    """The script's file in ``folder``; ``name`` changes with the version, so that browsers may keep it for good."""

    def __init__(self, folder: Path) -> None:
        self.name = f"vega-{version(PACKAGE)}-{SNIPPET_VERSION}.js"
        self._folder = folder
        self._building = threading.Lock()

    def path(self) -> Path:
        """The file, made first where there is none. Raises KitError when that fails."""
        path = self._folder / self.name
        with self._building:
            if not path.is_file():
                self._build(path)
        return path

    def prepare(self) -> None:
        """Start making it now, so that the first page need not wait."""
        threading.Thread(target=self._try, name="vega-bundle", daemon=True).start()

    def _try(self) -> None:
        try:
            self.path()
        except KitError as error:
            sys.stderr.write(f"kit: {error}\n")

    def _build(self, path: Path) -> None:
        draft = path.with_suffix(f".{os.getpid()}")
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            subprocess.run(
                [sys.executable, "-m", "kit.console.bundle", str(draft)],
                check=True,
                capture_output=True,
                timeout=BUILD_TIMEOUT_S,
            )
            draft.replace(path)
        except (OSError, subprocess.SubprocessError) as error:
            with suppress(OSError):
                draft.unlink()
            detail = getattr(error, "stderr", b"") or str(error).encode()
            last = detail.decode(errors="replace").strip().splitlines()[-1:]
            raise KitError(
                str(path), f"the chart library could not be written: {' '.join(last)}", "Check the disk and try again."
            ) from error


def write(path: Path) -> None:
    """Make the script in this process and write it to ``path``."""
    import vl_convert  # noqa: PLC0415  # it takes 130 MB that a serving process must not pay for

    path.write_text(vl_convert.javascript_bundle(SNIPPET), encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
