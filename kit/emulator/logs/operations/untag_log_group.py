"""UntagLogGroup: takes tags from a log group, by its name; AWS wants UntagResource instead."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.logs.tags import remove
from kit.emulator.protocol import Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Take tags away; keys that aren't there are passed over."""
    remove(engine, engine.group(params["logGroupName"]), params["tags"])
    return {}
