"""UntagResource: takes tags away; keys that aren't there are passed over."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.protocol import Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    resource = engine.tagged(params["ResourceARN"])
    gone = frozenset(params["TagKeys"])
    resource.tags = {key: value for key, value in resource.tags.items() if key not in gone}
    return {}
