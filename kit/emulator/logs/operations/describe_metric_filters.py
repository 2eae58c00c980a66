"""DescribeMetricFilters."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine, Group
from kit.emulator.logs.metric_filters import MetricFilter
from kit.emulator.logs.pages import Key, page_after
from kit.emulator.protocol import AwsError, Context

_PAGE = 50


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Filters of one group or of all, by group and name; chosen by a prefix of the name, or by their metric."""
    if ("metricName" in params) != ("metricNamespace" in params):
        text = "metricName and metricNamespace must be given together."
        raise AwsError("InvalidParameterException", text)
    named = params.get("logGroupName")
    groups = [engine.group(named)] if named is not None else engine.groups()
    chosen: list[tuple[Key, tuple[Group, MetricFilter]]] = [
        ([group.name, item.name], (group, item))
        for group in groups
        for item in group.metric_filters.all()
        if _is_asked_for(item, params)
    ]
    found, token = page_after(chosen, params.get("nextToken"), params.get("limit", _PAGE))
    return {"metricFilters": [_described(group, item) for group, item in found], "nextToken": token}


def _is_asked_for(item: MetricFilter, params: dict[str, Any]) -> bool:
    by_metric = (member for member in ("metricName", "metricNamespace") if member in params)
    # API Reference, DescribeMetricFilters: the prefix is used only where logGroupName is given, too
    prefix = params.get("filterNamePrefix", "") if "logGroupName" in params else ""
    right_name = item.name.startswith(prefix)
    return right_name and all(item.transformation[member] == params[member] for member in by_metric)


def _described(group: Group, item: MetricFilter) -> dict[str, Any]:
    return {
        "filterName": item.name,
        "filterPattern": item.settings["filterPattern"],
        "metricTransformations": item.settings["metricTransformations"],
        "creationTime": item.created,
        "logGroupName": group.name,
        "applyOnTransformedLogs": item.settings.get("applyOnTransformedLogs", False),
    }
