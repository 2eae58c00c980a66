"""DescribeAlarmsForMetric: alarms on exactly this metric; not those on expressions that use it."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.protocol import Context

_FILTERS = ("Statistic", "ExtendedStatistic", "Period", "Unit")


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    wanted = _metric(params)
    with engine.alarms.lock:
        found = [
            alarm.described()
            for alarm in engine.alarms.all()
            if alarm.type == "MetricAlarm"
            and _metric(alarm.settings) == wanted
            and all(alarm.settings.get(key) == params[key] for key in _FILTERS if key in params)
        ]
    return {"MetricAlarms": found}


def _metric(settings: dict[str, Any]) -> tuple[Any, ...]:
    dimensions = sorted((dimension["Name"], dimension["Value"]) for dimension in settings.get("Dimensions", ()))
    return settings.get("Namespace"), settings.get("MetricName"), dimensions
