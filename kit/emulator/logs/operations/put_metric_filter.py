"""PutMetricFilter."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.logs.metric_filters import MetricFilter
from kit.emulator.logs.patterns import parse_pattern
from kit.emulator.protocol import AwsError, Context

_NOT_HERE = ("fieldSelectionCriteria", "emitSystemFieldDimensions")  # of logs centralised from other accounts


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Make a metric filter, or replace the one of this name; it applies to events that come from now on."""
    group = engine.group(params["logGroupName"])
    if group.log_class != "STANDARD":
        text = f"Metric filters are not supported for log groups of class {group.log_class}."
        raise AwsError("InvalidOperationException", text)
    for member in _NOT_HERE:
        if params.get(member):
            raise AwsError("InvalidParameterException", f"{member} is not supported by this emulator.")
    pattern = parse_pattern(params["filterPattern"])
    group.metric_filters.put(MetricFilter(params["filterName"], pattern, params, engine.now_ms()))
    return {}
