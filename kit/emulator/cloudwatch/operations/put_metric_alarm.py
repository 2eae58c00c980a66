"""PutMetricAlarm: creates an alarm in INSUFFICIENT_DATA, or replaces its configuration and leaves its state."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch import alarm_rules
from kit.emulator.cloudwatch.alarms import CompositeAlarm
from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.tags import checked
from kit.emulator.protocol import AwsError, Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    definition = alarm_rules.metric_alarm(params)
    tags = checked(params.get("Tags", ()))
    settings = {key: value for key, value in params.items() if key != "Tags"}
    with engine.alarms.lock:
        if isinstance(engine.alarms.get(params["AlarmName"]), CompositeAlarm):
            raise AwsError("ValidationError", f"The alarm {params['AlarmName']} exists and is a composite alarm.")
        engine.alarms.put_metric(settings, definition, tags)
    return {}
