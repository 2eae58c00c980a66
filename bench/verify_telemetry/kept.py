"""What was finished within a day is kept, so that a run may be stopped and started again."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bench.telemetry_sinks.client import ROOT
from bench.verify_telemetry.result import Result

KEPT_FOR_S = 86_400
SOURCES = ("service/telemetry", "bench/verify_telemetry", "bench/telemetry_sinks")


class Kept:
    """The rows of one plan, until what they measure changes."""

    def __init__(self, path: Path, plan: Iterable[float]) -> None:
        """``plan``: the figures that a row was asked with."""
        self._path = path
        self._key = f"{_digest()} {' '.join(f'{figure:g}' for figure in plan)}"

    def find(self, row: str) -> Result | None:
        """What this row found, if it was finished within a day."""
        found = self._read().get(f"{self._key} {row}")
        if found is None or time.time() - found["at"] > KEPT_FOR_S:
            return None
        return Result(**found["result"])

    def put(self, row: str, result: Result) -> None:
        """Keep a row."""
        given = {name: value for name, value in result.as_json().items() if name != "met"}
        everything = self._read() | {f"{self._key} {row}": {"at": time.time(), "result": given}}
        self._path.parent.mkdir(exist_ok=True)
        fresh = self._path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(everything), "utf-8")
        fresh.replace(self._path)

    def _read(self) -> dict[str, Any]:
        try:
            found: dict[str, Any] = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):
            return {}
        return found


def _digest() -> str:
    digest = hashlib.sha256()
    for path in sorted(path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
