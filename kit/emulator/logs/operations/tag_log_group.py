"""TagLogGroup: tags of a log group, by its name; AWS wants TagResource instead."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.logs.tags import TAGS_A_GROUP, add
from kit.emulator.protocol import AwsError, Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Add tags, and replace the values of those that are there."""
    text = f"A log group can have no more than {TAGS_A_GROUP} tags."
    group = engine.group(params["logGroupName"])
    add(engine, group, params["tags"], AwsError("InvalidParameterException", text))
    return {}
