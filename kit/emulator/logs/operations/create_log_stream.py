"""CreateLogStream."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.protocol import Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Make an empty stream in a group."""
    engine.create_stream(engine.group(params["logGroupName"]), params["logStreamName"])
    return {}
