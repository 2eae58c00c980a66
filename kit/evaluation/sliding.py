"""What a metric received over a long time, and its statistics over a window that slides along it.

A window of any length costs about the same: sums and sample counts are differences of running totals, extremes come
from a queue, percentiles from values that enter and leave.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from itertools import repeat
from operator import lt
from typing import TypeVar

from kit.evaluation.distribution import Distribution
from kit.evaluation.request import MetricRef, MetricSource, MetricStat
from kit.evaluation.series import Series, slots
from kit.evaluation.sliding_state import RunningTotals, lowest, ranked
from kit.evaluation.statistics import Statistic

N = TypeVar("N", int, float)


class Intervals:
    """One metric's samples by intervals of ``step`` seconds from epoch second ``start`` on.

    The samples of an interval count as received at its beginning, so a window has an interval whole or not at all; with
    windows whose ends are whole multiples of ``step`` away from ``start`` nothing is lost by that. Sums are exact and
    rounded once, whatever the window: they can differ in the last digit from a sum that rounds at every sample.
    """

    def __init__(
        self,
        start: int,
        step: int,
        counts: Sequence[float],
        totals: Sequence[float],
        distributions: Sequence[Distribution | None] | None = None,
    ) -> None:
        """``counts`` and ``totals`` are SampleCount and Sum of every interval, 0 where nothing was received.

        Without ``distributions`` the other statistics can't be told. All numbers must be finite.
        """
        present = bytes(map(lt, repeat(0), counts))
        # Intervals without samples at either end say nothing; without them a window that touches the rest has some.
        first, last = max(present.find(1), 0), present.rfind(1) + 1
        self.start = start + first * step
        self.step = step
        self.counts = counts[first:last]
        self.totals = totals[first:last]
        self._distributions = None if distributions is None else distributions[first:last]
        self._single = False
        self._longest_gap = max(map(len, present[first:last].split(b"\x01")))

    @classmethod
    def of_values(cls, start: int, step: int, values: Sequence[float | None]) -> Intervals:
        """At most one sample an interval, None where there is none."""
        counts = [0.0 if value is None else 1.0 for value in values]
        intervals = cls(start, step, counts, [value or 0.0 for value in values])
        intervals._single = True
        return intervals

    @classmethod
    def of_distributions(cls, start: int, step: int, distributions: Sequence[Distribution | None]) -> Intervals:
        counts = [0.0 if slot is None else slot.count for slot in distributions]
        return cls(start, step, counts, [0.0 if slot is None else slot.total for slot in distributions], distributions)

    @cached_property
    def distributions(self) -> Sequence[Distribution | None]:
        """Raises ValueError when only sums and sample counts are known."""
        if self._single:
            return [_sample(total) if count else None for total, count in zip(self.totals, self.counts, strict=True)]
        if self._distributions is None:
            raise ValueError("only Sum, SampleCount and Average are known of this history")
        return self._distributions

    def statistic(self, statistic: Statistic, ends: range, period: int) -> list[float | None]:
        """The statistic of [end - period, end) for every end (rising epoch seconds), None where no sample lies."""
        latest = self.start + (len(self.counts) - 1) * self.step
        early = _upto(ends, self.start) if self.counts else len(ends)
        inside = _upto(ends, latest + period)
        known = ends[early:inside]
        values = self._inside(statistic, known, period) if known else []
        return [None] * early + values + [None] * (len(ends) - early - len(known))

    def _inside(self, statistic: Statistic, ends: range, period: int) -> list[float | None]:
        begins = range(ends.start - period, ends.stop - period, ends.step)
        if statistic.kind in ("Sum", "SampleCount", "Average"):
            return self._counted(statistic.kind, begins, ends, gaps=period // self.step <= self._longest_gap)
        indices = range(len(self.counts) + 1)
        lows, highs = self._pick(indices, begins), self._pick(indices, ends)
        first = lows[0]
        inside = self.distributions[first : highs[-1]]
        lows, highs = [low - first for low in lows], [high - first for high in highs]
        if statistic.kind == "Minimum":
            return lowest([math.inf if slot is None else slot.minimum for slot in inside], lows, highs)
        if statistic.kind == "Maximum":
            turned = lowest([math.inf if slot is None else -slot.maximum for slot in inside], lows, highs)
            return [None if value is None else -value for value in turned]
        return ranked(statistic, inside, lows, highs)

    def _counted(self, kind: str, begins: range, ends: range, *, gaps: bool) -> list[float | None]:
        if kind == "Sum" and not gaps:
            return [*self._between(self._totals, begins, ends)]
        counts = self._between(self._counts, begins, ends)
        if kind == "SampleCount":
            return [count or None for count in counts]
        totals = self._between(self._totals, begins, ends)
        if kind == "Sum":
            return [total if count else None for total, count in zip(totals, counts, strict=True)]
        return [total / count if count else None for total, count in zip(totals, counts, strict=True)]

    @cached_property
    def _totals(self) -> RunningTotals:
        return RunningTotals(self.totals)

    @cached_property
    def _counts(self) -> RunningTotals:
        return RunningTotals(self.counts)

    def _between(self, totals: RunningTotals, begins: range, ends: range) -> list[float]:
        return totals.differences(self._pick(totals.running, begins), self._pick(totals.running, ends))

    def _pick(self, running: Sequence[N], moments: range) -> Sequence[N]:
        """``running[n]`` for the number n of intervals that have begun before each moment."""
        size = len(self.counts)
        if moments.step % self.step:
            begun = (-((self.start - moment) // self.step) for moment in moments)
            return [running[min(max(number, 0), size)] for number in begun]
        stride = moments.step // self.step
        first = -((self.start - moments.start) // self.step)
        before = min(max(-(first // stride), 0), len(moments))
        stop = min(first + len(moments) * stride, size + 1)
        inside = running[first + before * stride : stop : stride] if stop > 0 else []
        after = len(moments) - before - len(inside)
        return [running[0]] * before + list(inside) + [running[size]] * after


class History:
    """A MetricSource of many metrics' Intervals. What was not added has no samples."""

    def __init__(self) -> None:
        self._intervals: dict[tuple[MetricRef, str | None], Intervals] = {}

    def add(self, metric: MetricRef, intervals: Intervals, unit: str | None = None) -> None:
        """``unit`` is the one that a MetricStat must ask for to see the samples."""
        self._intervals[metric, unit] = intervals

    def sliding(self, stat: MetricStat, ends: range) -> list[float | None]:
        """The statistic of the period before every end (rising epoch seconds)."""
        intervals = self._intervals.get((stat.metric, stat.unit))
        return [None] * len(ends) if intervals is None else intervals.statistic(stat.statistic, ends, stat.period)

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        return Series(start, stat.period, tuple(self.sliding(stat, _ends(stat, start, end))))

    def distributions(self, stat: MetricStat, start: int, end: int) -> Sequence[Distribution | None]:
        found: list[Distribution | None] = [None] * slots(start, end, stat.period)
        intervals = self._intervals.get((stat.metric, stat.unit))
        if intervals is None:
            return found
        for number, slot in enumerate(intervals.distributions):
            index = (intervals.start + number * intervals.step - start) // stat.period
            if slot is not None and 0 <= index < len(found):
                merged = found[index] = found[index] or Distribution()
                merged.merge(slot)
        return found


def sliding(source: MetricSource, stat: MetricStat, ends: range) -> list[float | None]:
    """The statistic of the period before every end (rising epoch seconds), a whole number of which make a period."""
    if isinstance(source, History):
        return source.sliding(stat, ends)
    apart = stat.period // ends.step
    line: list[float | None] = [None] * len(ends)
    for offset in range(min(apart, len(ends))):
        own = ends[offset::apart]  # the periods that follow each other without overlapping
        line[offset::apart] = source.series(stat, own[0] - stat.period, own[-1]).values
    return line


class SlidingSource:
    """A MetricSource for windows that end at one of ``ends`` each: every statistic is worked out once for all."""

    def __init__(self, source: MetricSource, ends: range) -> None:
        self._source = source
        self._ends = ends
        self._lines: dict[MetricStat, list[float | None]] = {}

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        asked = _ends(stat, start, end)
        apart, rest = divmod(stat.period, self._ends.step)
        if rest or not asked or asked[0] not in self._ends or asked[-1] not in self._ends:
            return self._source.series(stat, start, end)
        line = self._lines.get(stat)
        if line is None:
            line = self._lines[stat] = sliding(self._source, stat, self._ends)
        first, last = self._ends.index(asked[0]), self._ends.index(asked[-1])
        return Series(start, stat.period, tuple(line[first : last + 1 : apart]))


def _ends(stat: MetricStat, start: int, end: int) -> range:
    """The end of every period of [start, end)."""
    first = start + stat.period
    return range(first, first + slots(start, end, stat.period) * stat.period, stat.period)


def _upto(moments: range, bound: int) -> int:
    """How many of the moments are not beyond ``bound``."""
    return min(max((bound - moments.start) // moments.step + 1, 0), len(moments))


def _sample(value: float) -> Distribution:
    distribution = Distribution()
    distribution.add(value)
    return distribution
