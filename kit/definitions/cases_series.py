"""The series of a case: built, and compared with what the alarms read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from math import isfinite
from typing import Any

from kit.definitions.cases import Alarms, SeriesGiven, duration
from kit.definitions.cases_notation import NotationError, parse_values
from kit.definitions.structure import Flaw
from kit.evaluation.query import QueryError, queries_from_api
from kit.evaluation.request import MetricRef, MetricStat
from kit.evaluation.statistics import Statistic, StatisticError, parse_statistic


def series_of(raw: Mapping[str, Any], read: frozenset[MetricRef]) -> SeriesGiven | list[Flaw]:
    """One entry under ``series:``, or what is wrong with it; pointers are relative to the entry."""
    metric = MetricRef(*_split(raw["metric"], read), tuple(sorted(raw.get("dimensions", {}).items())))
    if ("values" in raw) == ("samples" in raw):
        return [Flaw("", "needs exactly one of values and samples", "Write values: '60x10', for instance.")]
    if "samples" in raw:
        if "stat" in raw:
            return [Flaw("/stat", "cannot stand beside samples, which give every statistic", "Remove stat.")]
        samples = tuple(tuple(float(value) for value in interval) for interval in raw["samples"])
        if not all(isfinite(value) for interval in samples for value in interval):
            return [Flaw("/samples", "holds a number that is too large")]
        return SeriesGiven(metric, None, samples=samples)
    flaws = []
    try:
        stat = parse_statistic(raw.get("stat", "Sum"))
    except StatisticError as error:
        flaws.append(Flaw("/stat", str(error)))
    try:
        values = parse_values(raw["values"])
        if not values:
            flaws.append(Flaw("/values", "is empty", "Write _ for an interval without data, or leave the series out."))
    except NotationError as error:
        flaws.append(Flaw("/values", str(error)))
    return flaws or SeriesGiven(metric, stat, values=values)


def _split(text: str, read: frozenset[MetricRef]) -> tuple[str, str]:
    """Namespace and name, both of which may hold a slash: as an alarm reads them, else at the last one."""
    known = {(metric.namespace, metric.name) for metric in read}
    pairs = [(text[:index], text[index + 1 :]) for index, letter in enumerate(text) if letter == "/"]
    return next((pair for pair in pairs if pair in known), pairs[-1])


def metrics_read(requests: Sequence[Mapping[str, Any]]) -> frozenset[MetricRef]:
    """Every metric that one of these PutMetricAlarm inputs names."""
    found: set[MetricRef] = set()
    for request in requests:
        items = request.get("Metrics")
        if items is None:
            pairs = tuple(sorted((item["Name"], item["Value"]) for item in request.get("Dimensions", ())))
            found.add(MetricRef(request.get("Namespace", ""), request.get("MetricName", ""), pairs))
            continue
        try:
            queries = queries_from_api(items)
        except QueryError:  # of a kind that is not available here
            continue
        found.update(query.metric_stat.metric for query in queries if query.metric_stat is not None)
    return frozenset(found)


def unread(given: SeriesGiven, read: frozenset[MetricRef]) -> Flaw | None:
    """A series that no alarm reads tests nothing."""
    if given.metric in read:
        return None
    metric = f"{given.metric.namespace}/{given.metric.name}"
    same = sorted(m.dimensions for m in read if (m.namespace, m.name) == (given.metric.namespace, given.metric.name))
    if same:
        ours, theirs = (
            ", ".join(f"{k}: {v}" for k, v in pairs) or "none" for pairs in (given.metric.dimensions, same[0])
        )
        return Flaw("/dimensions", f"no alarm reads {metric} with the dimensions {ours}", f"They read {theirs}.")
    known = sorted({f"{m.namespace}/{m.name}" for m in read})
    near = get_close_matches(metric, known, n=1)
    remedy = f"Did you mean {near[0]}?" if near else f"They read {', '.join(known)}."
    return Flaw("/metric", f"no alarm reads {metric}", remedy)


def _pairs(dimensions: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name}: {value}" for name, value in dimensions) or "none"


def twins(series: Sequence[SeriesGiven]) -> Iterator[tuple[int, Flaw]]:
    """Pairs of series that would answer the same question, by the index of the second."""
    for index, one in enumerate(series):
        for other in series[:index]:
            if one.metric == other.metric and (None in (one.stat, other.stat) or same(one.stat, other.stat)):
                yield index, Flaw("", f"{one.metric.name} is given twice", "Give it once, or with another stat.")
                break


def unanswered(series: Sequence[SeriesGiven], interval: int, alarms: Alarms) -> Iterator[tuple[int, Flaw]]:
    """Where an alarm reads a statistic of a given metric that the given values can't tell, by the series' index."""
    for name, alarm in alarms.metric.items():
        for query in alarm.plan.queries:
            if query.metric_stat is None:
                continue
            indices = [index for index, one in enumerate(series) if one.metric == query.metric_stat.metric]
            if indices and (flaw := _unanswered(name, query.metric_stat, [series[i] for i in indices], interval)):
                yield indices[0], flaw
        counted = alarm.metric if alarm.samples_needed is not None else None
        for index, one in enumerate(series):
            if counted is not None and one.metric == counted.metric and one.stat is not None:
                problem = f"{name} looks at how many samples there are, and values don't tell"
                yield index, Flaw("/values", problem, "Give samples: instead.")


def _unanswered(name: str, asked: MetricStat, given: Sequence[SeriesGiven], interval: int) -> Flaw | None:
    wanted = asked.statistic
    matching = [one for one in given if one.stat is None or same(one.stat, wanted)]
    if not matching:
        stats = " and ".join(one.stat.text for one in given if one.stat is not None)
        remedy = f"Add stat: {wanted.text}, or give samples: instead of values:."
        return Flaw("", f"gives its {stats}, and {name} reads its {wanted.text}", remedy)
    if wanted.needs_values and matching[0].stat is not None and asked.period > interval:
        problem = f"{name} reads its {wanted.text} over {duration(asked.period)}, which those of {duration(interval)}"
        return Flaw("/values", f"{problem} can't tell", "Give samples: instead.")
    return None


def same(one: Statistic | None, other: Statistic | None) -> bool:
    """Whether two statistics are one, however they are written (p99 and p99.0)."""
    if one is None or other is None:
        return one is other
    return (one.kind, one.low, one.high, one.percent) == (other.kind, other.low, other.high, other.percent)
