"""Which series moved first. Pure.

1. What is usual is the median of a series' values before the beginning, and its noise the greatest of: 1.48 times
   the median distance from it (for a normal distribution that is one deviation), the square root for a count (chance
   alone spreads counts so far), and a tenth of it for anything else.
2. A series has moved in a period whose value is more than five times its noise away, and the next one too: one odd
   value moves nothing. In the last period there is no next one, and it counts.
3. It could be seen at the end of that period. The earliest wins; of several at once the one that is furthest out.

A series of which fewer than ``FEWEST`` values are known from before is left out: nobody knows what is usual for it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from statistics import median

from kit.gameday.postmortem.model import Series

FEWEST = 3
FURTHER_THAN = 5.0
_TO_DEVIATION = 1.4826
_COUNTS = ("Sum", "SampleCount")


@dataclass(frozen=True, slots=True)
class Moved:
    """``at`` is when it could be seen; ``noise`` is how many times its noise ``value`` was away from ``usual``."""

    series: Series
    at: float
    usual: float
    value: float
    noise: float


def moved(series: Series, began: float, end: float) -> Moved | None:
    """The first period of a series that is out of the ordinary, None if there is none or nothing to compare with."""
    before = [value for _, value in series.between(-math.inf, began)]
    if len(before) < FEWEST:
        return None
    usual = median(before)
    noise = _noise(series, before, usual)
    after = [(at, value) for at, value in series.between(began - series.period, end) if at + series.period > began]
    away = [abs(value - usual) / noise for _, value in after]
    for number, (at, value) in enumerate(after):
        following = away[number + 1] if number + 1 < len(away) else math.inf
        if away[number] > FURTHER_THAN and following > FURTHER_THAN:
            return Moved(series, float(at + series.period), usual, value, away[number])
    return None


def first_movers(series: Iterable[Series], began: float, end: float) -> list[Moved]:
    """All that moved, the first first."""
    found = [each for each in (moved(one, began, end) for one in series) if each is not None]
    return sorted(found, key=lambda each: (each.at, -each.noise, str(each.series.metric)))


def _noise(series: Series, before: list[float], usual: float) -> float:
    spread = _TO_DEVIATION * median(abs(value - usual) for value in before)
    chance = math.sqrt(max(abs(usual), 1.0)) if series.metric.stat in _COUNTS else max(0.1 * abs(usual), 1e-9)
    return max(spread, chance)
