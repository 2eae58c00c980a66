"""EnableAlarmActions."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.protocol import Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    engine.alarms.enable_actions(params["AlarmNames"], True)
    return {}
