"""The series of a case as the evaluator asks for them.

The i-th value arrives at i × interval and carries that moment as its timestamp, as a datapoint of CloudWatch carries
the beginning of its period. So a window that ends at T holds all that arrived before T.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import accumulate
from math import fsum

from kit.definitions.cases import Case, SeriesGiven
from kit.definitions.cases_series import same
from kit.evaluation.distribution import Distribution
from kit.evaluation.request import MetricRef, MetricStat
from kit.evaluation.series import Series, slots
from kit.evaluation.statistics import Statistic

Answer = Callable[[int, int], float | None]
"""The statistic of the values with indices in [first, last)."""


class CaseSource:
    """A MetricSource over the series of one case; moments are epoch seconds, as the evaluator has them."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._given: dict[MetricRef, list[SeriesGiven]] = {}
        for series in case.series:
            self._given.setdefault(series.metric, []).append(series)
        self._answers: dict[tuple[MetricRef, Statistic], Answer] = {}

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        key = (stat.metric, stat.statistic)
        if key not in self._answers:
            self._answers[key] = _answer(self._given.get(stat.metric, ()), stat.statistic)
        answer = self._answers[key]
        values = (
            answer(*self._indices(start + index * stat.period, stat.period)) for index in self._slots(stat, start, end)
        )
        return Series(start, stat.period, tuple(values))

    def given(self, metric: MetricRef, after: int, until: int) -> tuple[SeriesGiven, int, int] | None:
        """The series of a metric, and which of its values arrived from ``after`` on and before ``until``."""
        found = self._given.get(metric)
        return (found[0], *self._indices(after, until - after)) if found else None

    @staticmethod
    def _slots(stat: MetricStat, start: int, end: int) -> range:
        return range(slots(start, end, stat.period))

    def _indices(self, start: int, length: int) -> tuple[int, int]:
        """The values that arrive in [start, start + length)."""
        since, interval = start - self._case.starts, self._case.interval
        return max(0, -(-since // interval)), max(0, -(-(since + length) // interval))


def _answer(given: Sequence[SeriesGiven], statistic: Statistic) -> Answer:
    for series in given:
        if series.stat is None:
            return _of_samples(series.samples, statistic)
        if same(series.stat, statistic):
            return _of_values(series.values, statistic)
    return _nothing


def _nothing(_first: int, _last: int) -> None:
    """Nothing was given, so nothing arrives."""


def _of_samples(samples: Sequence[Sequence[float]], statistic: Statistic) -> Answer:
    @lru_cache(maxsize=4096)
    def answer(first: int, last: int) -> float | None:
        merged = Distribution()
        for interval in samples[first:last]:
            for sample in interval:
                merged.add(sample)
        return statistic.of(merged)

    return answer


def _of_values(values: Sequence[float | None], statistic: Statistic) -> Answer:
    if statistic.kind in ("Sum", "SampleCount"):
        return _summed(values)
    combine: Callable[[Sequence[float]], float] = {"Minimum": min, "Maximum": max}.get(statistic.kind, _mean)

    @lru_cache(maxsize=4096)
    def answer(first: int, last: int) -> float | None:
        present = [value for value in values[first:last] if value is not None]
        return combine(present) if present else None

    return answer


def _mean(values: Sequence[float]) -> float:
    """Of averages: every interval weighs the same, for nobody said how many samples it had."""
    return fsum(values) / len(values)


def _summed(values: Sequence[float | None]) -> Answer:
    present = list(accumulate((value is not None for value in values), initial=0))
    total = _total([value or 0.0 for value in values])

    def answer(first: int, last: int) -> float | None:
        first, last = min(first, len(values)), min(last, len(values))
        return total(first, last) if present[last] > present[first] else None

    return answer


def _total(values: Sequence[float]) -> Callable[[int, int], float]:
    """Whole numbers of this size add up without rounding, so the difference of two running sums is exact."""
    if all(value.is_integer() for value in values) and fsum(map(abs, values)) < 2**53:
        running = list(accumulate(values, initial=0.0))

        def difference(first: int, last: int) -> float:
            return running[last] - running[first]

        return difference

    @lru_cache(maxsize=4096)
    def total(first: int, last: int) -> float:
        return fsum(values[first:last])

    return total
