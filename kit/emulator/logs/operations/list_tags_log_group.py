"""ListTagsLogGroup: a log group's tags, by its name; AWS wants ListTagsForResource instead."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.protocol import Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """All of them; there are fifty at most."""
    return {"tags": dict(engine.group(params["logGroupName"]).tags)}
