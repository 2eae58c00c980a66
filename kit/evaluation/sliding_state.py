"""What is kept while a window slides over intervals: running totals, and the values that lie in it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import accumulate
from operator import sub

from kit.evaluation.distribution import Distribution
from kit.evaluation.statistics import Statistic

EXACT = 2.0**53
"""Up to here, sums of whole floats are not rounded."""


class RunningTotals:
    """Running totals of finite floats, 0 first. What lies between two of them is rounded once at most."""

    def __init__(self, values: Sequence[float]) -> None:
        floats = list(map(float, values))
        self._scale: int | None = None
        self.running: list[float]
        if all(map(float.is_integer, floats)) and sum(map(abs, floats)) <= EXACT:
            self.running = list(accumulate(floats, initial=0.0))
            return
        ratios = [value.as_integer_ratio() for value in floats]
        # all denominators are powers of two, so the largest is a multiple of each
        self._scale = scale = max(denominator for _, denominator in ratios)
        self.running = list(accumulate((top * (scale // bottom) for top, bottom in ratios), initial=0))

    def differences(self, lows: Sequence[float], highs: Sequence[float]) -> list[float]:
        """What lies between two members of ``running``, for many pairs of them."""
        if self._scale is None:
            return list(map(sub, highs, lows))
        scale = self._scale
        return [(high - low) / scale for low, high in zip(lows, highs, strict=True)]


def lowest(values: Sequence[float], lows: Sequence[int], highs: Sequence[int]) -> list[float | None]:
    """The least of ``values[low:high]`` for rising pairs of bounds, None where that is inf or nothing.

    The queue holds the places of the values that can still become the least, the present one in front.
    """
    queue: deque[int] = deque()
    found: list[float | None] = []
    seen = 0
    for low, high in zip(lows, highs, strict=True):
        while seen < high:
            while queue and values[queue[-1]] >= values[seen]:
                queue.pop()
            queue.append(seen)
            seen += 1
        while queue and queue[0] < low:
            queue.popleft()
        least = values[queue[0]] if queue else math.inf
        found.append(None if least == math.inf else least)
    return found


def ranked(
    statistic: Statistic, distributions: Sequence[Distribution | None], lows: Sequence[int], highs: Sequence[int]
) -> list[float | None]:
    """A statistic that needs the exact values of ``distributions[low:high]``, for rising pairs of bounds."""
    held = _HeldValues(distributions)
    found: list[float | None] = []
    for low, high in zip(lows, highs, strict=True):
        found.append(held.answer(statistic) if held.move(low, high) or not found else found[-1])
    return found


class _HeldValues:
    """The values in a window that moves on; some intervals enter, some leave."""

    def __init__(self, distributions: Sequence[Distribution | None]) -> None:
        self._distributions = distributions
        self._low = self._high = 0
        self._hidden = self._negative = 0.0
        self._values: dict[float, float] = {}
        # A count that is not whole may leave a rest of rounding when it is taken away again.
        self._whole = all(
            count.is_integer()
            for slot in distributions
            if slot is not None and slot.values is not None
            for count in map(float, slot.values.values())
        )

    def move(self, low: int, high: int) -> bool:
        """Moves on to the intervals [low, high); tells whether any sample entered or left."""
        entering = list(filter(None, self._distributions[max(self._high, low) : high]))
        leaving = list(filter(None, self._distributions[self._low : min(low, self._high)]))
        self._low, self._high = low, high
        if not entering and not leaving:
            return False
        for slot in entering:
            self._count(slot, 1.0)
        for slot in leaving:
            self._count(slot, -1.0)
        if not self._whole:
            self._values = {}
            for slot in filter(None, self._distributions[low:high]):
                self._add(slot, 1.0)
        return True

    def _count(self, slot: Distribution, sign: float) -> None:
        self._hidden += sign * (slot.values is None)
        self._negative += sign * slot.negative
        if self._whole:
            self._add(slot, sign)

    def _add(self, slot: Distribution, sign: float) -> None:
        values = self._values
        for value, count in (slot.values or {}).items():
            left = values.get(value, 0.0) + sign * count
            if left:
                values[value] = left
            else:
                del values[value]

    def answer(self, statistic: Statistic) -> float | None:
        if self._hidden or self._negative or not self._values:
            return None
        held = Distribution()
        held.values, held.count = self._values, sum(self._values.values())
        return statistic.of(held)
