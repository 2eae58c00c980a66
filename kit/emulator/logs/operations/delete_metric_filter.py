"""DeleteMetricFilter."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.protocol import Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Delete a metric filter."""
    engine.group(params["logGroupName"]).metric_filters.delete(params["filterName"])
    return {}
