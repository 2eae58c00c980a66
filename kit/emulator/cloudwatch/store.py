"""The metric store of one Region: every number that was sent, found again by metric, period and statistic.

A metric is its namespace, name and exact set of dimensions; units and storage resolutions are kept apart below it, as
in CloudWatch. Safe to use from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal

import msgspec

from kit.emulator.clock import Clock
from kit.emulator.cloudwatch.channel import HOUR_SLOTS_LIVE, Channel, Part
from kit.emulator.cloudwatch.crowd import MOST_METRICS, Crowd
from kit.emulator.cloudwatch.memo import Kept, Memo
from kit.emulator.cloudwatch.percentiles import percentiles
from kit.evaluation.distribution import Distribution
from kit.evaluation.query import MetricRef, MetricStat
from kit.evaluation.search import Search
from kit.evaluation.series import Series, slots

Dimensions = tuple[tuple[str, str], ...]

NO_UNIT = "None"

# How long after its last value a metric is listed and found.
LISTED_S = 14 * 86_400


class Datum(msgspec.Struct, frozen=True, gc=False):
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


# A metric's namespace, name and dimensions; its unit and its resolution in seconds.
LaneKey = tuple[tuple[str, str, Dimensions], tuple[str, int]]


@dataclass(slots=True)
class Mirror:
    """What a store was told, in order, which parts of its channels it has rolled up, and which it has let go of."""

    recorded: list[Datum] = field(default_factory=list)
    rolled: dict[LaneKey, set[Part]] = field(default_factory=dict)
    dropped: list[LaneKey] = field(default_factory=list)


class _Metric:
    __slots__ = ("channels", "memo", "newest", "ref")

    def __init__(self, ref: MetricRef) -> None:
        self.ref = ref
        self.channels: dict[tuple[str, int], Channel] = {}
        self.memo = Memo()
        self.newest = float("-inf")


class MetricStore:
    """Metrics of one Region. Implements kit.evaluation's MetricSource and Searchable."""

    def __init__(self, clock: Clock, account: str = "", most: int = MOST_METRICS) -> None:
        """``account`` is the one that a search for :aws.AccountId finds; ``most`` is how many metrics there may be."""
        self._clock = clock
        self._account = account
        self._lock = threading.RLock()
        self._metrics: dict[tuple[str, str, Dimensions], _Metric] = {}
        self._mirror: Mirror | None = None
        self._crowd = Crowd[tuple[str, str, Dimensions]](most)

    def __len__(self) -> int:
        """How many metrics there are."""
        return len(self._metrics)

    def record(self, data: Sequence[Datum]) -> None:
        """Adds the data; a reader sees all of one call or nothing of it."""
        now = self._clock.now()
        with self._lock:
            if self._mirror is not None:
                self._mirror.recorded += data
            for datum in data:
                self._record(datum, now)

    def _record(self, datum: Datum, now: float) -> None:
        key = (datum.namespace, datum.name, datum.dimensions)
        metric = self._metrics.get(key)
        if metric is None:
            if len(self._metrics) >= self._crowd.most:
                self._let_go()
            metric = self._metrics[key] = _Metric(MetricRef(*key))
        moment, resolution = datum.timestamp, datum.resolution
        if metric.newest < moment:  # noqa: PLR1730 - max() costs more than all else in this line
            metric.newest = moment
        if metric.memo.kept:
            metric.memo.forget(moment)
        lane = (datum.unit or NO_UNIT, resolution)
        channel = metric.channels.get(lane)
        if channel is None:
            channel = metric.channels[lane] = Channel(resolution)
        values = datum.values
        if len(values) == 1:
            channel.add(moment, now, values[0], datum.counts[0])
        elif datum.statistic_set is None:
            channel.add_all(moment, now, values, datum.counts)
        else:
            channel.add_set(moment, now, datum.statistic_set)

    def _let_go(self) -> None:
        for key in self._crowd.leaving((key, metric.newest) for key, metric in self._metrics.items()):
            gone = self._metrics.pop(key)
            if self._mirror is not None:
                self._mirror.dropped += [(key, lane) for lane in gone.channels]

    @property
    def dropped(self) -> int:
        """How many metrics have gone because there were too many."""
        return self._crowd.dropped

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        """One statistic by period from start (inclusive) to end (exclusive), epoch seconds; None where nothing is."""
        with self._lock:
            metric = self._metrics.get(_key(stat.metric))
            if metric is None or not stat.statistic.needs_values:
                return Series(start, stat.period, tuple(self._values(stat, start, end)))
            return Series(start, stat.period, tuple(self._remembered(metric.memo.of(stat, start), stat, start, end)))

    def _values(self, stat: MetricStat, start: int, end: int) -> list[float | None]:
        percent = stat.statistic.percentile
        if percent is not None:
            return self._percentiles(stat, percent, start, end)
        of = stat.statistic.of
        return [None if bucket is None else of(bucket) for bucket in self._buckets(stat, start, end)[0]]

    def _percentiles(self, stat: MetricStat, percent: float, start: int, end: int) -> list[float | None]:
        now = self._clock.now()
        lanes = (channel.rising(start, end, stat.period, now) for channel in self._channels(stat))
        return percentiles(chain.from_iterable(lanes), percent, start, stat.period, slots(start, end, stat.period))

    def _channels(self, stat: MetricStat) -> list[Channel]:
        """What there is of the metric in the unit that is asked for."""
        metric = self._metrics.get(_key(stat.metric))
        if metric is None:
            return []
        return [channel for (unit, _), channel in metric.channels.items() if stat.unit is None or stat.unit == unit]

    def _remembered(self, kept: Kept, stat: MetricStat, start: int, end: int) -> list[float | None]:
        """The values of all periods, computing only the stretch between the first and the last that isn't known."""
        starts = range(start, end, stat.period)
        unknown = [at for at in starts if at not in kept or at + stat.period > end]
        fresh: Kept = {}
        if unknown:
            last = min(unknown[-1] + stat.period, end)
            values = self._values(stat, unknown[0], last)
            fresh = dict(zip(range(unknown[0], last, stat.period), values, strict=True))
            kept.update((at, value) for at, value in fresh.items() if at + stat.period <= end)
        return [fresh[at] if at in fresh else kept[at] for at in starts]

    def distributions(self, stat: MetricStat, start: int, end: int) -> Sequence[Distribution | None]:
        """The distribution of each period from start.

        For the five plain statistics it holds sums only, without the single values.
        """
        with self._lock:
            buckets, shared = self._buckets(stat, start, end)
            for index in shared:
                bucket = buckets[index]
                buckets[index] = None if bucket is None else bucket.copy()
        return buckets

    def _buckets(self, stat: MetricStat, start: int, end: int) -> tuple[list[Distribution | None], set[int]]:
        """The periods, and which of them are the stored objects themselves. Call it with the lock held."""
        buckets: list[Distribution | None] = [None] * slots(start, end, stat.period)
        now = self._clock.now()
        shared: set[int] = set()
        for channel in self._channels(stat):
            if stat.statistic.needs_values:
                _gather_values(buckets, shared, channel.between(start, end, stat.period, now), start, stat.period)
            else:
                _gather_sums(buckets, channel.sums(start, end, stat.period, now), start, stat.period)
        return buckets, shared

    def units(self, ref: MetricRef) -> tuple[str, ...]:
        """The units this metric was sent with, in order of arrival."""
        with self._lock:
            metric = self._metrics.get(_key(ref))
            return tuple(dict.fromkeys(unit for unit, _ in metric.channels)) if metric else ()

    def refs(self, newer_than: float) -> list[MetricRef]:
        """Metrics with a value at or after this time (epoch seconds), sorted."""
        return sorted(self._recent(newer_than), key=_key)

    def _recent(self, newer_than: float) -> list[MetricRef]:
        with self._lock:
            return [metric.ref for metric in self._metrics.values() if metric.newest >= newer_than]

    def search(self, wanted: Search) -> list[MetricRef]:
        """The metrics that a SEARCH finds among those with data in the last two weeks, sorted."""
        recent = self._recent(self._clock.now() - LISTED_S)
        return sorted((ref for ref in recent if wanted.matches(ref, self._account)), key=_key)

    def roll(self) -> None:
        """Lets go of what is too old to be kept as it is; call it about once a minute."""
        now = self._clock.now()
        with self._lock:
            for key, metric in list(self._metrics.items()):
                metric.memo.prune(now)
                for lane, channel in metric.channels.items():
                    changed = channel.roll(now)
                    if changed and self._mirror is not None:
                        self._mirror.rolled.setdefault((key, lane), set()).update(changed)
                if metric.newest < now - HOUR_SLOTS_LIVE and not any(map(len, metric.channels.values())):
                    del self._metrics[key]

    # -- keeping

    @contextmanager
    def mirrored(self) -> Iterator[Mirror]:
        """What has changed since it was last emptied; within the block nothing changes. The first call begins it."""
        with self._lock:
            if self._mirror is None:
                self._mirror = Mirror()
            yield self._mirror

    def lanes(self) -> dict[LaneKey, Channel]:
        """Everything there is."""
        with self._lock:
            return {(key, lane): channel for key, m in self._metrics.items() for lane, channel in m.channels.items()}

    def lane(self, key: LaneKey) -> tuple[Channel, float] | None:
        """A metric's channel of one unit and resolution, and the time of the metric's newest value, epoch seconds."""
        metric = self._metrics.get(key[0])
        channel = metric.channels.get(key[1]) if metric is not None else None
        return None if metric is None or channel is None else (channel, metric.newest)

    def restored(self, key: LaneKey, newest: float) -> Channel:
        """A metric's channel of one unit and resolution, made if need be; ``newest`` as ``lane`` gave it."""
        with self._lock:
            metric = self._metrics.get(key[0])
            if metric is None:
                metric = self._metrics[key[0]] = _Metric(MetricRef(*key[0]))
            metric.newest = max(metric.newest, newest)
            return metric.channels.setdefault(key[1], Channel(key[1][1]))


def _key(ref: MetricRef) -> tuple[str, str, Dimensions]:
    return ref.namespace, ref.name, ref.dimensions


def _gather_sums(
    buckets: list[Distribution | None],
    stored: Iterable[tuple[int, float, float, float, float]],
    start: int,
    period: int,
) -> None:
    """For the five plain statistics: adds up without touching the single values, which is most of the cost."""
    for at, count, total, minimum, maximum in stored:
        index = (at - start) // period
        bucket = buckets[index]
        if bucket is None:
            bucket = buckets[index] = Distribution()
        bucket.count += count
        bucket.total += total
        bucket.minimum = min(bucket.minimum, minimum)
        bucket.maximum = max(bucket.maximum, maximum)


def _gather_values(
    buckets: list[Distribution | None],
    shared: set[int],
    stored: Iterable[tuple[int, Distribution]],
    start: int,
    period: int,
) -> None:
    """For percentiles and trimmed statistics. A period of one slot stays that slot's own object; see ``shared``."""
    for at, cell in stored:
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
