"""One flush of metrics -> embedded-metric-format documents (AWS: "Specification: Embedded metric format").

Every document is one set of dimension values: the service, one operation, or one remote service. What is written:

- an operation or remote in which something happened, and every SLI operation: at each flush;
- everything declared, zeros included: at the first flush, and at the one that covers the start of a minute.

So no datapoint of a living process is missing at the resolution of its metric, and an idle service costs a few hundred
bytes a minute, apart from its SLI series.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from .histogram import Distribution
from .names import BY_NAME, METRICS, OPERATION, REMOTE, SERVICE, Metric, xray_trace_id

Key = tuple[str, ...]  # the values of a dimension set beyond Service and Environment: (), or one name


@dataclass(frozen=True, slots=True)
class Declared:
    """The series that exist while nothing happens."""

    operations: frozenset[str] = frozenset()
    sli_operations: frozenset[str] = frozenset()
    remotes: frozenset[str] = frozenset()
    events: frozenset[str] = frozenset()


@dataclass(slots=True)
class Flush:
    """What one interval brought. ``start`` is its first second; ``whole`` asks for everything declared.

    Values by metric name and the operation or remote they belong to; the service's own sums are made here. ``slowest``:
    (milliseconds, trace id) of the slowest sampled request of each operation.
    """

    start: int
    whole: bool
    counters: dict[tuple[str, str], float] = field(default_factory=dict)
    distributions: dict[tuple[str, str], Distribution] = field(default_factory=dict)
    gauges: dict[str, float] = field(default_factory=dict)
    slowest: dict[str, tuple[float, int]] = field(default_factory=dict)


def documents(flush: Flush, declared: Declared, namespace: str, service: str, environment: str) -> Iterator[str]:
    """The documents of a flush, as JSON."""
    frame = _Frame(flush.start * 1000, namespace, service, environment)
    active = {name for metric, name in (*flush.counters, *flush.distributions) if metric in _PER_OPERATION}
    for operation in sorted(active | declared.sli_operations | (declared.operations if flush.whole else set())):
        sli = operation in declared.sli_operations
        values = _values(flush, OPERATION, operation, zeros=flush.whole or sli)
        yield from frame.documents(OPERATION, operation, values, sli=sli, slowest=flush.slowest.get(operation))
    remotes = {name for metric, name in (*flush.counters, *flush.distributions) if metric in _PER_REMOTE}
    for remote in sorted(remotes | (declared.remotes if flush.whole else set())):
        yield from frame.documents(REMOTE, remote, _values(flush, REMOTE, remote, zeros=flush.whole))
    if flush.whole or flush.counters or flush.distributions:
        values = _values(flush, SERVICE, "", zeros=flush.whole)
        if flush.whole:
            for event in declared.events:
                values.setdefault(event, 0)
        yield from frame.documents(SERVICE, "", values, slowest=max(flush.slowest.values(), default=None))


_PER_OPERATION = frozenset(metric.name for metric in METRICS if OPERATION in metric.dimensions)
_PER_REMOTE = frozenset(metric.name for metric in METRICS if REMOTE in metric.dimensions)


def _values(flush: Flush, dimensions: Key, name: str, *, zeros: bool) -> dict[str, Any]:
    """Metric name -> number or Distribution, for one document; ``zeros`` fills in the idle counters."""
    values: dict[str, Any] = {}
    for metric in METRICS:
        if dimensions not in metric.dimensions:
            continue
        # A metric with a set by operation comes by those names, and the service's value is their sum.
        names = [name] if dimensions == metric.dimensions[-1] else _names(flush, metric)
        value = _value(flush, metric, names)
        if value is not None:
            values[metric.name] = value
        elif zeros and metric.kind == "counter" and not metric.event:
            values[metric.name] = 0
    return values


def _names(flush: Flush, metric: Metric) -> list[str]:
    series = flush.distributions if metric.kind == "histogram" else flush.counters
    return [name for found, name in series if found == metric.name]


def _value(flush: Flush, metric: Metric, names: Iterable[str]) -> Any:
    keys = [(metric.name, name) for name in names]
    if metric.kind == "gauge":
        return flush.gauges.get(metric.name)
    if metric.kind == "counter":
        found = [flush.counters[key] for key in keys if key in flush.counters]
        return sum(found) if found else None
    parts = [flush.distributions[key] for key in keys if key in flush.distributions]
    return Distribution.merged(parts) if parts else None


@dataclass(frozen=True, slots=True)
class _Frame:
    """What all documents of a flush have in common."""

    timestamp: int
    namespace: str
    service: str
    environment: str

    def documents(
        self,
        dimensions: Key,
        name: str,
        values: Mapping[str, Any],
        *,
        sli: bool = False,
        slowest: tuple[float, int] | None = None,
    ) -> Iterator[str]:
        """One document; and one more for each further part of a distribution of too many values."""
        first: dict[str, Any] = {}
        more: list[tuple[str, Any]] = []
        for metric, value in values.items():
            if isinstance(value, Distribution):
                head, *rest = value.targets()
                first[metric] = head
                more.extend((metric, part) for part in rest)
            else:
                first[metric] = int(value) if value == int(value) else value
        fields = {}
        if slowest is not None:
            fields = {"trace_id": f"{slowest[1]:032x}", "xray_trace_id": xray_trace_id(slowest[1])}
        if first:
            yield self._document(dimensions, name, first, fields, sli=sli)
        for metric, part in more:
            yield self._document(dimensions, name, {metric: part}, fields, sli=sli)

    def _document(
        self, dimensions: Key, name: str, values: Mapping[str, Any], fields: Mapping[str, str], *, sli: bool
    ) -> str:
        directive = {
            "Namespace": self.namespace,
            "Dimensions": [list(dimensions)],
            "Metrics": [_definition(BY_NAME[metric], sli=sli) for metric in values],
        }
        members = dict(zip(dimensions, (self.service, self.environment, name), strict=False))
        head = {"_aws": {"Timestamp": self.timestamp, "CloudWatchMetrics": [directive]}}
        return json.dumps({**head, **members, **values, **fields}, separators=(",", ":"))


def _definition(metric: Metric, *, sli: bool) -> dict[str, Any]:
    definition: dict[str, Any] = {"Name": metric.name, "Unit": metric.unit}
    if sli and metric.sli:
        definition["StorageResolution"] = 1
    return definition
