"""TagResource: adds tags, and replaces the values of those that are there."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.tags import checked, limited
from kit.emulator.protocol import Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    resource = engine.tagged(params["ResourceARN"])
    resource.tags = limited({**resource.tags, **checked(params["Tags"])})
    return {}
