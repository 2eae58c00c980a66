"""One flush of metrics -> embedded-metric-format documents (AWS: "Specification: Embedded metric format").

Every document is one series: the service, one operation, one remote service, or what a metric of your own declares.
What is written:

- a series in which something happened, and every SLI operation: at each flush;
- everything declared, zeros included: at the first flush, and at the one that covers the start of a minute.

So no datapoint of a living process is missing at the resolution of its metric, and an idle service costs a few hundred
bytes a minute, apart from its SLI series.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .histogram import Distribution
from .jsontext import RecordIds, to_json
from .names import BY_NAME, METRICS, OPERATION, REMOTE, SERVICE, Metric, xray_trace_id

Series = tuple[tuple[str, str], ...]
"""Dimensions beyond Service and Environment: (), or such as (("Operation", "GET /items"),)."""
Value = float | Distribution


def operation_series(name: str) -> Series:
    """The series of one operation."""
    return ((OPERATION[-1], name),)


def remote_series(name: str) -> Series:
    """The series of one other service."""
    return ((REMOTE[-1], name),)


@dataclass(frozen=True, slots=True)
class Declared:
    """The series that exist while nothing happens; ``own``: metrics that names.py does not know."""

    operations: frozenset[str] = frozenset()
    sli_operations: frozenset[str] = frozenset()
    remotes: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()
    own: Sequence[Metric] = ()

    def zeros(self, *, whole: bool) -> dict[Series, dict[str, Value]]:
        """The counters that are zero if nothing happened; without ``whole`` only those of high resolution."""
        operations = self.sli_operations | (self.operations if whole else set())
        found: dict[Series, dict[str, Value]] = {operation_series(name): dict(_OPERATION) for name in operations}
        if whole:
            found |= {remote_series(name): dict(_REMOTE) for name in self.remotes}
            found[()] = {**_SERVICE, **dict.fromkeys(self.events, 0)}
        for metric in self.own:
            if metric.kind == "counter" and (whole or metric.sli):
                if SERVICE in metric.dimensions:
                    found.setdefault((), {})[metric.name] = 0
                for values in metric.idle:
                    series = tuple(zip(metric.dimensions[-1][len(SERVICE) :], values, strict=True))
                    found.setdefault(series, {})[metric.name] = 0
        return found


def _zeros(dimensions: tuple[str, ...]) -> dict[str, Value]:
    return {
        metric.name: 0
        for metric in METRICS
        if metric.kind == "counter" and dimensions in metric.dimensions and not metric.event
    }


_SERVICE, _OPERATION, _REMOTE = map(_zeros, (SERVICE, OPERATION, REMOTE))


@dataclass(slots=True)
class Flush:
    """What one interval brought. ``start`` is its first second; ``whole`` asks for everything declared.

    ``weights``: how many accepted records a series tells of, none twice. ``slowest``: (milliseconds, trace id) of the
    slowest sampled request of each operation.
    """

    start: int
    whole: bool
    series: dict[Series, dict[str, Value]] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)
    weights: dict[Series, int] = field(default_factory=dict)
    slowest: dict[str, tuple[float, str]] = field(default_factory=dict)

    def add(self, series: Series, metric: str, value: Value) -> None:
        """Add a count or a distribution to what the series has."""
        values = self.series.setdefault(series, {})
        held = values.get(metric)
        if isinstance(value, Distribution):
            values[metric] = Distribution.merged([held, value] if isinstance(held, Distribution) else [value])
        else:
            values[metric] = value + (held if isinstance(held, (int, float)) else 0)


class Documents:
    """Writes the documents of one service. ``strict``: only what the published schema shows."""

    def __init__(self, namespace: str, service: str, environment: str, *, strict: bool = False) -> None:
        self._namespace = namespace
        self._about = dict(zip(SERVICE, (service, environment), strict=True))
        self._strict = strict
        self._record_id = RecordIds()

    def write(self, flush: Flush, declared: Declared) -> Iterator[tuple[str, int]]:
        """(document, how many accepted records it tells of)."""
        own = {metric.name: metric for metric in declared.own}
        zeros = declared.zeros(whole=flush.whole)
        sli_series = {operation_series(name) for name in declared.sli_operations}
        happened = flush.whole or bool(flush.series)
        for series in sorted({*zeros, *flush.series, *([()] if happened else [])}):
            values = {**zeros.get(series, {}), **flush.series.get(series, {})}
            if series == ():
                values |= flush.gauges if happened else {}
            sli = series[:1] in sli_series
            documents = self._documents(flush, series, values, own, sli=sli)
            weight = flush.weights.get(series, 0)
            for document in documents:
                yield document, weight
                weight = 0

    def _documents(
        self, flush: Flush, series: Series, values: Mapping[str, Value], own: Mapping[str, Metric], *, sli: bool
    ) -> Iterator[str]:
        """One document; and one more for each further part of a distribution of too many values."""
        first: dict[str, Any] = {}
        more: list[tuple[str, Any]] = []
        for metric, value in values.items():
            if isinstance(value, Distribution):
                head, *rest = value.arrays() if self._strict else value.targets()
                first[metric] = head
                more.extend((metric, part) for part in rest)
            else:
                first[metric] = int(value) if value == int(value) else value
        if first:
            yield self._document(flush, series, first, own, sli=sli)
        for metric, part in more:
            yield self._document(flush, series, {metric: part}, own, sli=sli)

    def _document(
        self, flush: Flush, series: Series, values: Mapping[str, Any], own: Mapping[str, Metric], *, sli: bool
    ) -> str:
        directive = {
            "Namespace": self._namespace,
            "Dimensions": [[*SERVICE, *(key for key, _ in series)]],
            "Metrics": [_definition(own.get(name) or BY_NAME[name], sli=sli, own=name in own) for name in values],
        }
        document = {
            "_aws": {"Timestamp": flush.start * 1000, "CloudWatchMetrics": [directive]},
            **self._about,
            **dict(series),
            **values,
            "record_id": self._record_id(),
        }
        if (slowest := _slowest(flush, series)) is not None:
            document["trace_id"] = slowest[1]
            document["xray_trace_id"] = xray_trace_id(slowest[1])
        return to_json(document)


def _slowest(flush: Flush, series: Series) -> tuple[float, str] | None:
    if series == ():
        return max(flush.slowest.values(), default=None)
    return flush.slowest.get(series[0][1]) if series[0][0] == OPERATION[-1] else None


def _definition(metric: Metric, *, sli: bool, own: bool) -> dict[str, Any]:
    definition: dict[str, Any] = {"Name": metric.name, "Unit": metric.unit}
    if metric.sli and (sli or own):
        definition["StorageResolution"] = 1
    return definition
