"""An alarm's definition as the widget that charts what it watches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kit.charts.annotations import Mark
from kit.charts.dashboard import Widget
from kit.charts.scale import finite

_SIGNS = {
    "GreaterThanOrEqualToThreshold": "≥",
    "GreaterThanThreshold": ">",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
    "LessThanLowerOrGreaterThanUpperThreshold": "outside",
    "LessThanLowerThreshold": "below",
    "GreaterThanUpperThreshold": "above",
}


def alarm_widget(definition: Mapping[str, Any], index: int = 0) -> Widget | None:
    """The graph of a metric alarm as DescribeAlarms gives it; None when it watches no metric (a composite, PromQL)."""
    rows = _rows(definition)
    if not rows:
        return None
    return Widget(
        index=index,
        type="metric",
        x=0,
        y=0,
        width=24,
        height=6,
        properties={"metrics": rows, "period": watched_period(definition), "view": "timeSeries"},
    )


def threshold(definition: Mapping[str, Any], color: str) -> Mark | None:
    """The threshold as a line, shaded on the side where it is breached."""
    value = finite(definition.get("Threshold"))
    if value is None:
        return None
    above = str(definition.get("ComparisonOperator", "")).startswith("Greater")
    return Mark(value, None, "threshold", color, "above" if above else "below")


def condition(definition: Mapping[str, Any]) -> str:
    """In words: ``> 2 in 3 of 5 periods of 60 s``; nothing for an alarm that compares with nothing (PromQL)."""
    sign = _SIGNS.get(str(definition.get("ComparisonOperator")))
    if sign is None:
        return ""
    value = finite(definition.get("Threshold"))
    limit = f"{sign} the expected band" if value is None else f"{sign} {value:g}"
    periods = definition.get("EvaluationPeriods", 1)
    needed = definition.get("DatapointsToAlarm", periods)
    period = watched_period(definition)
    if periods == 1:
        return f"{limit} over {period} s"
    return f"{limit} in {needed} of {periods} periods of {period} s"


def watched_period(definition: Mapping[str, Any]) -> int:
    """The period in seconds that the alarm judges."""
    period = definition.get("Period")
    if isinstance(period, int):
        return period
    periods = [
        query.get("Period") or query.get("MetricStat", {}).get("Period")
        for query in _queries(definition)
        if isinstance(query, Mapping)
    ]
    return max((each for each in periods if isinstance(each, int)), default=60)


def _queries(definition: Mapping[str, Any]) -> Sequence[Any]:
    metrics = definition.get("Metrics")
    return metrics if isinstance(metrics, list) else []


def _rows(definition: Mapping[str, Any]) -> list[list[Any]]:
    name = definition.get("MetricName")
    if isinstance(name, str):
        stat = definition.get("ExtendedStatistic") or definition.get("Statistic") or "Average"
        return [[*_metric(definition), {"stat": stat, "period": watched_period(definition)}]]
    rows: list[list[Any]] = []
    for query in _queries(definition):
        shown: dict[str, Any] = {"id": query.get("Id"), "visible": query.get("ReturnData", True)}
        if query.get("Label"):
            shown["label"] = query["Label"]
        stat = query.get("MetricStat")
        if stat:
            rows.append([*_metric(stat["Metric"]), {**shown, "stat": stat["Stat"], "period": stat["Period"]}])
        else:
            rows.append([{**shown, "expression": query.get("Expression")}])
    return rows


def _metric(metric: Mapping[str, Any]) -> list[str]:
    cells = [metric["Namespace"], metric["MetricName"]]
    for dimension in metric.get("Dimensions", []):
        cells += [dimension["Name"], dimension["Value"]]
    return cells
