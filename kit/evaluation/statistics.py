"""CloudWatch's statistics: one number out of a distribution (User Guide, "CloudWatch statistics definitions")."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import ceil

from kit.evaluation.distribution import Distribution

SIMPLE = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")


class StatisticError(ValueError):
    """The text names no CloudWatch statistic."""


@dataclass(frozen=True, slots=True)
class Statistic:
    """A statistic with its bounds: ``kind`` is one of SIMPLE or p, TM, WM, TC, TS, PR.

    ``low`` and ``high`` are None where a side is open. They count percent of the samples when ``percent`` is true and
    the metric's own unit otherwise. A percentile ``pN`` has its N in ``high``.
    """

    text: str
    kind: str
    low: float | None = None
    high: float | None = None
    percent: bool = False

    def of(self, distribution: Distribution) -> float | None:
        """This statistic of the samples, or None where CloudWatch has no answer.

        No samples give none. The percentile family also needs every value, and none of them negative.
        """
        if distribution.count <= 0:
            return None
        simple = _SIMPLE.get(self.kind)
        if simple is not None:
            return simple(distribution)
        if distribution.values is None or distribution.negative:
            return None
        return _of_ranked(self, _Ranked(distribution.values))

    @property
    def percentile(self) -> float | None:
        """N of ``pN`` (0 to 100); None for every other statistic."""
        return self.high if self.kind == "p" else None

    @property
    def needs_values(self) -> bool:
        """Whether the exact values are needed, and not just count, sum and extremes."""
        return self.kind not in _SIMPLE


_SIMPLE: dict[str, Callable[[Distribution], float]] = {
    "SampleCount": lambda d: d.count,
    "Sum": lambda d: d.total,
    "Average": lambda d: d.total / d.count,
    "Minimum": lambda d: d.minimum,
    "Maximum": lambda d: d.maximum,
}


class _Ranked:
    """The values in rising order with the running count of samples, which every percentile statistic reads."""

    __slots__ = ("counts", "size", "upto", "values")

    def __init__(self, values: Mapping[float, float]) -> None:
        pairs = sorted(values.items())
        self.values = [value for value, _ in pairs]
        self.counts = [count for _, count in pairs]
        self.upto = list(accumulate(self.counts))
        self.size = self.upto[-1]

    def percentile(self, percent: float) -> float:
        """The smallest value that at least ``percent`` of the samples do not exceed (nearest rank: a real sample)."""
        return self.values[min(bisect_left(self.upto, _rank(percent, self.size)), len(self.values) - 1)]

    def inside(self, low: float, high: float) -> tuple[float, float]:
        """Count and sum of the samples whose rank is in (low, high]; a sample cut by a bound counts in part."""
        mass = total = below = 0.0
        for value, upto in zip(self.values, self.upto, strict=True):
            part = min(upto, high) - max(below, low)
            if part > 0:
                mass += part
                total += part * value
            below = upto
        return mass, total

    def between(self, low: float | None, high: float | None) -> tuple[float, float]:
        """Count and sum of the samples with low < value <= high."""
        mass = total = 0.0
        for value, count in zip(self.values, self.counts, strict=True):
            if (low is None or value > low) and (high is None or value <= high):
                mass += count
                total += count * value
        return mass, total


def _rank(percent: float, size: float) -> float:
    """CloudWatch's own interpolation is not documented. The tolerance keeps p7 of 100 samples on the 7th."""
    return percent * size / 100 * (1 - 1e-12)


def percentile_of_rising(values: Sequence[float], percent: float) -> float:
    """The percentile of samples in rising order, one entry a sample and at least one: what ``pN`` is of them."""
    return values[max(0, ceil(_rank(percent, len(values))) - 1)]


def percentile_of_counted(values: Mapping[float, float], percent: float) -> float:
    """The percentile of at least one value, each with how often it occurred."""
    return _Ranked(values).percentile(percent)


def _of_ranked(statistic: Statistic, ranked: _Ranked) -> float | None:
    low, high, size = statistic.low, statistic.high, ranked.size
    if statistic.kind == "p":
        return ranked.percentile(high or 0.0)
    if statistic.percent:
        below, upto = size * (low or 0.0) / 100, size * (100.0 if high is None else high) / 100
        mass, total = ranked.inside(below, upto)
    else:
        mass, total = ranked.between(low, high)
        below = 0.0 if low is None else ranked.between(None, low)[0]
        upto = below + mass
    replaced = below * _edge(statistic, ranked, low) + (size - upto) * _edge(statistic, ranked, high)
    answers = {
        "TC": mass,
        "TS": total,
        "PR": 100.0 * mass / size,
        "TM": total / mass if mass > 0 else None,
        "WM": (total + replaced) / size,
    }
    return answers[statistic.kind]


def _edge(statistic: Statistic, ranked: _Ranked, bound: float | None) -> float:
    """What a winsorized mean (WM) puts in place of the values beyond ``bound``."""
    if bound is None:
        return 0.0
    return ranked.percentile(bound) if statistic.percent else bound


_NUMBER = r"[0-9]+(?:\.[0-9]{1,10})?"
_ONE_NUMBER = re.compile(rf"(p|tm|wm|tc|ts)({_NUMBER})")
_RANGE = re.compile(rf"(TM|WM|TC|TS|PR)\((-?{_NUMBER}%?)?:(-?{_NUMBER}%?)?\)")


@lru_cache(maxsize=1024)
def parse_statistic(text: str) -> Statistic:
    """The statistic that ``text`` names, e.g. ``Sum``, ``p99.9``, ``tm90``, ``TM(10%:90%)``, ``IQM``, ``PR(:300)``.

    One-number forms are lower-case, ranges upper-case; ``tm90`` is ``TM(:90%)`` and ``IQM`` is ``TM(25%:75%)``.
    Raises StatisticError.
    """
    if text in SIMPLE:
        return Statistic(text, text)
    if text == "IQM":
        return Statistic(text, "TM", 25.0, 75.0, percent=True)
    if one := _ONE_NUMBER.fullmatch(text):
        kind, number = one.group(1), float(one.group(2))
        if number > 100:
            raise StatisticError(f"the statistic {text!r} goes beyond 100 percent")
        return Statistic(text, kind if kind == "p" else kind.upper(), None, number, percent=True)
    if span := _RANGE.fullmatch(text):
        return _range_statistic(text, span.group(1), span.group(2), span.group(3))
    raise StatisticError(
        f"{text!r} is no CloudWatch statistic: expected one of {', '.join(SIMPLE)}, IQM, or a form like p99, tm90, "
        "TM(10%:90%) or PR(:300)"
    )


def _range_statistic(text: str, kind: str, low: str | None, high: str | None) -> Statistic:
    sides = [side for side in (low, high) if side is not None]
    if not sides:
        raise StatisticError(f"the statistic {text!r} needs at least one bound")
    percent = sides[0].endswith("%")
    if any(side.endswith("%") != percent for side in sides):
        raise StatisticError(f"the statistic {text!r} mixes a percentage with a value")
    if percent and kind == "PR":
        raise StatisticError(f"the statistic {text!r} takes values, not percentages")
    bounds = [None if side is None else float(side.rstrip("%")) for side in (low, high)]
    known = [bound for bound in bounds if bound is not None]
    if percent and not all(0 <= bound <= 100 for bound in known):
        raise StatisticError(f"the statistic {text!r} needs percentages from 0 to 100")
    if len(known) == 2 and known[0] >= known[1]:
        raise StatisticError(f"the statistic {text!r} needs a lower bound below its upper bound")
    return Statistic(text, kind, bounds[0], bounds[1], percent)
