"""PutCompositeAlarm: as PutMetricAlarm; the alarms that its rule names, and its suppressor, must exist."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch import alarm_rules
from kit.emulator.cloudwatch.alarms import MetricAlarm, name_of
from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.tags import checked
from kit.emulator.protocol import AwsError, Context


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    rule = alarm_rules.composite_alarm(params)
    suppressor = alarm_rules.suppressor(params)
    tags = checked(params.get("Tags", ()))
    settings = {key: value for key, value in params.items() if key != "Tags"}
    book, name = engine.alarms, params["AlarmName"]
    with book.lock:
        if isinstance(book.get(name), MetricAlarm):
            raise AwsError("ValidationError", f"The alarm {name} exists and is a metric alarm.")
        existing = {key for alarm in book.all() for key in (alarm.name, alarm.arn)}
        alarm_rules.children_exist(rule.children, existing)
        alarm_rules.suppressor_exists(suppressor, existing)
        for child in sorted(map(name_of, rule.children)):
            alarm_rules.parents_within_limit(
                child, [parent.name for parent in book.parents(child) if parent.name != name]
            )
        book.put_composite(settings, rule, suppressor, tags)
    return {}
