"""SetAlarmState: a state by hand, for testing; the next evaluation puts a metric alarm right again."""

from __future__ import annotations

import json
from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.protocol import AwsError, Context
from kit.evaluation.state import AlarmState


def handle(engine: Engine, params: dict[str, Any], context: Context) -> dict[str, Any]:
    data = _reason_data(params.get("StateReasonData"))
    with engine.alarms.lock:
        alarm = engine.alarms.get(params["AlarmName"])
        if alarm is None:
            raise AwsError("ResourceNotFound", f"Unknown alarm {params['AlarmName']}", status=404)
        value = params["StateValue"]
        since = alarm.state.since if alarm.state.value == value else context.clock.now()
        engine.alarms.enter([(alarm, AlarmState(value, params["StateReason"], data, since))])
    return {}


def _reason_data(text: str | None) -> dict[str, Any]:
    if not text:
        return {}
    try:
        data = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise AwsError("InvalidFormat", "StateReasonData is not a valid JSON object.")
    return data


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
