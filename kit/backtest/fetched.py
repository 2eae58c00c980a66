"""The datapoints of an alarm's window as GetMetricData gives them, ready for the evaluator."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from kit.evaluation.alarm import EXTRA_PERIODS
from kit.evaluation.alarm_definition import AlarmDefinition
from kit.evaluation.request import MetricStat
from kit.evaluation.series import Series
from kit.evaluation.statistics import SIMPLE, parse_statistic

FINEST_S = 10
Points = Mapping[int, float]
"""Values by timestamp, in epoch seconds."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A MetricSource of what was asked for: [start, end) in epoch seconds.

    ``grid_off_s`` is how far the service's periods begin before the alarm's, where that couldn't be helped.
    """

    start: int
    end: int
    points: Mapping[MetricStat, Points]
    grid_off_s: int = 0

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        return Series(start, stat.period, tuple(self._slot(stat, begin) for begin in range(start, end, stat.period)))

    def _slot(self, stat: MetricStat, begin: int) -> float | None:
        if stat in self.points:
            begin -= self.grid_off_s if stat.statistic.needs_values else 0
            return self.points[stat].get(begin)
        fine = {kind: self._within(stat, kind, begin) for kind in SIMPLE if _finer(stat, kind) in self.points}
        if not any(fine.values()):
            return None
        match stat.statistic.kind:
            case "Minimum":
                return min(fine["Minimum"])
            case "Maximum":
                return max(fine["Maximum"])
            case "Average":
                return sum(fine["Sum"]) / sum(fine["SampleCount"])
            case kind:
                return sum(fine[kind])

    def _within(self, stat: MetricStat, kind: str, begin: int) -> list[float]:
        points = self.points[_finer(stat, kind)]
        return [value for at, value in points.items() if begin <= at < begin + stat.period]


def fetch(cloudwatch: Any, alarm: AlarmDefinition, end: int) -> Fetched:
    """The evaluation range of the alarm that ends at ``end`` (epoch seconds); raises what botocore raises.

    GetMetricData rounds the start down to a whole period below a minute (API Reference, "GetMetricData", StartTime),
    while an alarm's window ends at any ten seconds. Then periods of 10 s are asked for and put together here; of a
    percentile they can't be, so its periods are the service's.
    """
    start = end - (alarm.evaluation_periods + EXTRA_PERIODS) * alarm.period
    off = start % alarm.period if alarm.period < 60 else 0
    stats = {query.metric_stat for query in alarm.plan.queries if query.metric_stat is not None}
    if alarm.metric is not None:
        stats.add(replace(alarm.metric, statistic=parse_statistic("SampleCount")))
    asked = [part for stat in stats for part in _parts(stat, off)]
    return Fetched(start, end, _get(cloudwatch, sorted(set(asked), key=repr), start - off, end), off)


def _parts(stat: MetricStat, off: int) -> Iterable[MetricStat]:
    if not off or stat.statistic.needs_values:
        return [stat]
    kinds = ("Sum", "SampleCount") if stat.statistic.kind == "Average" else (stat.statistic.kind,)
    return [_finer(stat, kind) for kind in kinds]


def _finer(stat: MetricStat, kind: str) -> MetricStat:
    return replace(stat, period=FINEST_S, statistic=parse_statistic(kind))


def _get(cloudwatch: Any, stats: Sequence[MetricStat], start: int, end: int) -> dict[MetricStat, Points]:
    queries = [{"Id": f"m{index}", "MetricStat": _api(stat)} for index, stat in enumerate(stats)]
    found: dict[str, dict[int, float]] = {str(query["Id"]): {} for query in queries}
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries,
        StartTime=datetime.fromtimestamp(start, UTC),
        EndTime=datetime.fromtimestamp(end, UTC),
    )
    for page in pages:
        for result in page["MetricDataResults"]:
            pairs = zip(result["Timestamps"], result["Values"], strict=True)
            found[result["Id"]] |= {round(at.timestamp()): value for at, value in pairs}
    return {stat: found[f"m{index}"] for index, stat in enumerate(stats)}


def _api(stat: MetricStat) -> dict[str, Any]:
    metric = {
        "Namespace": stat.metric.namespace,
        "MetricName": stat.metric.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in stat.metric.dimensions],
    }
    asked = {"Metric": metric, "Period": stat.period, "Stat": stat.statistic.text}
    return asked | ({"Unit": stat.unit} if stat.unit else {})
