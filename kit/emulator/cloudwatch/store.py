"""The metric store of one Region: every number that was sent, found again by metric, period and statistic.

A metric is its namespace, name and exact set of dimensions; units and storage resolutions are kept apart below it, as
in CloudWatch. Safe to use from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kit.emulator.clock import Clock
from kit.emulator.cloudwatch.slots import HOUR_SLOTS_LIVE, Channel
from kit.evaluation.distribution import Distribution
from kit.evaluation.query import MetricRef, MetricStat
from kit.evaluation.series import Series

Dimensions = tuple[tuple[str, str], ...]

NO_UNIT = "None"
PLAIN_STATISTICS = frozenset({"SampleCount", "Sum", "Average", "Minimum", "Maximum"})


@dataclass(frozen=True, slots=True)
class Datum:
    """What one MetricDatum, or one embedded metric, adds to a series.

    ``dimensions`` are sorted by name; ``timestamp`` is in epoch seconds; ``resolution`` is 1 or 60 s. Either ``values``
    with as many ``counts``, or ``statistic_set`` = (sample count, sum, minimum, maximum).
    """

    namespace: str
    name: str
    dimensions: Dimensions
    timestamp: float
    unit: str | None
    resolution: Literal[1, 60]
    values: tuple[float, ...]
    counts: tuple[float, ...]
    statistic_set: tuple[float, float, float, float] | None = None


class _Metric:
    __slots__ = ("channels", "newest", "ref")

    def __init__(self, ref: MetricRef) -> None:
        self.ref = ref
        self.channels: dict[tuple[str, int], Channel] = {}
        self.newest = float("-inf")


class MetricStore:
    """Metrics of one Region. Implements kit.evaluation.query.MetricSource."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.RLock()
        self._metrics: dict[tuple[str, str, Dimensions], _Metric] = {}

    def record(self, data: Iterable[Datum]) -> None:
        """Adds the data; a reader sees all of one call or nothing of it."""
        now = self._clock.now()
        with self._lock:
            for datum in data:
                self._record(datum, now)

    def _record(self, datum: Datum, now: float) -> None:
        key = (datum.namespace, datum.name, datum.dimensions)
        metric = self._metrics.get(key)
        if metric is None:
            metric = self._metrics[key] = _Metric(MetricRef(datum.namespace, datum.name, datum.dimensions))
        metric.newest = max(metric.newest, datum.timestamp)
        lane = (datum.unit or NO_UNIT, datum.resolution)
        channel = metric.channels.get(lane)
        if channel is None:
            channel = metric.channels[lane] = Channel(datum.resolution)
        for cell in channel.cells(datum.timestamp, now):
            if datum.statistic_set is not None:
                cell.add_set(*datum.statistic_set)
            for value, count in zip(datum.values, datum.counts, strict=True):
                cell.add(value, count)

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        """One statistic by period from start (inclusive) to end (exclusive), epoch seconds; None where there is nothing."""
        of = stat.statistic.of
        with self._lock:
            buckets, _ = self._buckets(stat, start, end)
            return Series(start, stat.period, tuple(None if bucket is None else of(bucket) for bucket in buckets))

    def distributions(self, stat: MetricStat, start: int, end: int) -> Sequence[Distribution | None]:
        """The distribution of each period from start.

        For the five plain statistics it holds sums only, without the single values.
        """
        with self._lock:
            buckets, shared = self._buckets(stat, start, end)
            for index in shared:
                bucket = buckets[index]
                buckets[index] = bucket and bucket.copy()
        return buckets

    def _buckets(self, stat: MetricStat, start: int, end: int) -> tuple[list[Distribution | None], set[int]]:
        """The periods, and which of them are the stored objects themselves. Call it with the lock held."""
        buckets: list[Distribution | None] = [None] * max(0, -((start - end) // stat.period))
        ref = stat.metric
        metric = self._metrics.get((ref.namespace, ref.name, ref.dimensions))
        if metric is None:
            return buckets, set()
        slots = self._slots(metric, stat, start, end)
        if stat.statistic.text in PLAIN_STATISTICS:
            _gather_sums(buckets, slots, start, stat.period)
            return buckets, set()
        return buckets, _gather_values(buckets, slots, start, stat.period)

    def _slots(self, metric: _Metric, stat: MetricStat, start: int, end: int) -> Iterator[tuple[int, Distribution]]:
        now = self._clock.now()
        for (unit, _), channel in metric.channels.items():
            if stat.unit is None or stat.unit == unit:
                yield from channel.between(start, end, stat.period, now)

    def units(self, ref: MetricRef) -> tuple[str, ...]:
        """The units this metric was sent with, in order of arrival."""
        with self._lock:
            metric = self._metrics.get((ref.namespace, ref.name, ref.dimensions))
            return tuple(dict.fromkeys(unit for unit, _ in metric.channels)) if metric else ()

    def refs(self, newer_than: float) -> list[MetricRef]:
        """Metrics with a value at or after this time (epoch seconds), sorted."""
        with self._lock:
            found = [metric.ref for metric in self._metrics.values() if metric.newest >= newer_than]
        return sorted(found, key=lambda ref: (ref.namespace, ref.name, ref.dimensions))

    def roll(self) -> None:
        """Applies the lifetimes of §slots to all metrics; call it about once a minute."""
        now = self._clock.now()
        with self._lock:
            for key, metric in list(self._metrics.items()):
                for channel in metric.channels.values():
                    channel.roll(now)
                if metric.newest < now - HOUR_SLOTS_LIVE and all(c.empty for c in metric.channels.values()):
                    del self._metrics[key]


def _gather_sums(
    buckets: list[Distribution | None], slots: Iterable[tuple[int, Distribution]], start: int, period: int
) -> None:
    """For the five plain statistics: adds up without touching the single values, which is most of the cost."""
    for at, cell in slots:
        index = (at - start) // period
        bucket = buckets[index]
        if bucket is None:
            bucket = buckets[index] = Distribution()
            bucket.count = cell.count
            bucket.total = cell.total
            bucket.minimum = cell.minimum
            bucket.maximum = cell.maximum
            continue
        bucket.count += cell.count
        bucket.total += cell.total
        bucket.minimum = min(bucket.minimum, cell.minimum)
        bucket.maximum = max(bucket.maximum, cell.maximum)


def _gather_values(
    buckets: list[Distribution | None], slots: Iterable[tuple[int, Distribution]], start: int, period: int
) -> set[int]:
    """For percentiles and trimmed statistics. A period of one slot is the stored object; returns their indexes."""
    shared: set[int] = set()
    for at, cell in slots:
        index = (at - start) // period
        bucket = buckets[index]
        if bucket is None:
            buckets[index] = cell
            shared.add(index)
            continue
        if index in shared:
            bucket = buckets[index] = bucket.copy()
            shared.remove(index)
        bucket.merge(cell)
    return shared
