"""``python -m <package>.catalogue`` writes catalogue.json from names.py; ``--check`` only says whether it is stale.

Exit codes: 0 in order, 1 stale, 2 wrong arguments.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from . import names

FILE = Path(__file__).with_name("catalogue.json")


def catalogue() -> dict[str, Any]:
    """The names, as tools outside Python want them (resolution and sli_resolution in seconds)."""
    return {
        "generated": "by catalogue.py from names.py; do not edit",
        "namespace": names.NAMESPACE,
        "metrics": [
            *(_entry(metric, "service", 60) for metric in names.METRICS),
            *(_entry(metric, "canary", 1) for metric in names.OF_THE_CANARY),
        ],
        "unmatched_operation": names.UNMATCHED,
        "emf_fields": list(names.EMF_FIELDS),
        "log_fields": [*names.LOG_FIELDS, *names.ACCESS_FIELDS],
        "log_groups": ["/<namespace>/<environment>/<service>/logs", "/<namespace>/<environment>/<service>/emf"],
        "annotations": [*names.RESOURCE_ANNOTATIONS, *names.ANNOTATIONS],
    }


def _entry(metric: names.Metric, emitter: str, resolution: int) -> dict[str, Any]:
    return {
        "name": metric.name,
        "unit": metric.unit,
        "kind": metric.kind,
        "emitter": emitter,
        "dimensions": [list(keys) for keys in metric.dimensions],
        "resolution": resolution,
        # Only for the operations that an app declares, in the set with Operation.
        "sli_resolution": 1 if metric.sli else resolution,
        "event": metric.event,
        "meaning": metric.meaning,
    }


def text() -> str:
    """What catalogue.json must hold."""
    return json.dumps(catalogue(), indent=2) + "\n"


def main(arguments: Sequence[str]) -> int:
    """Write or check the file; returns the exit code."""
    if list(arguments) not in ([], ["--check"]):
        print("usage: catalogue [--check]", file=sys.stderr)  # noqa: T201 - this is a command
        return 2
    if not arguments:
        FILE.write_text(text(), encoding="utf-8")
        return 0
    if FILE.exists() and FILE.read_text(encoding="utf-8") == text():
        return 0
    print(f"{FILE}: stale; run python -m {__package__}.catalogue", file=sys.stderr)  # noqa: T201 - this is a command
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
