"""PutTelemetryRecords."""

from __future__ import annotations

from typing import Any

from kit.emulator.protocol import Context
from kit.emulator.xray.engine import Engine


def handle(_engine: Engine, _params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Take a daemon's report about itself, which no AWS API gives back."""
    return {}
