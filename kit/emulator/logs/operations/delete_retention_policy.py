"""DeleteRetentionPolicy."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.protocol import Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Keep a group's events for ever."""
    engine.set_retention(engine.group(params["logGroupName"]), None)
    return {}
