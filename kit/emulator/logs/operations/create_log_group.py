"""CreateLogGroup."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.logs.tags import checked
from kit.emulator.protocol import AwsError, Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Make an empty group that keeps its events for ever."""
    name = params["logGroupName"]
    if name.startswith("aws/"):
        raise AwsError("InvalidParameterException", "Log groups starting with AWS/ are reserved for AWS.")
    engine.create_group(name, params.get("logGroupClass", "STANDARD"), checked(params.get("tags", {})))
    return {}
