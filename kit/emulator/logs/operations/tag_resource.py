"""TagResource: tags of a log group, by its ARN."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.logs.tags import TAGS_A_GROUP, add
from kit.emulator.protocol import AwsError, Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Add tags, and replace the values of those that are there."""
    group = engine.tagged(params["resourceArn"])
    text = f"A resource can have no more than {TAGS_A_GROUP} tags."
    add(engine, group, params["tags"], AwsError("TooManyTagsException", text, fields={"resourceName": group.arn}))
    return {}
