"""Percentiles of whole periods, kept until a value arrives in them: a page that refreshes asks for them again."""

from __future__ import annotations

from kit.emulator.cloudwatch.channel import lifetime
from kit.evaluation.query import MetricStat

# So many different questions about one metric are remembered, and so many periods of each.
QUESTIONS_KEPT = 8
PERIODS_KEPT = 4096

Kept = dict[int, float | None]


class Memo:
    """What was computed for one metric: by statistic, unit, period and the period's phase, each by period start."""

    __slots__ = ("kept",)

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str | None, int, int], Kept] = {}

    def of(self, stat: MetricStat, start: int) -> Kept:
        """Values by period start, for periods that lie on the grid of this start; to be added to."""
        key = (stat.statistic.text, stat.unit, stat.period, start % stat.period)
        kept = self.kept.get(key)
        if kept is None:
            if len(self.kept) >= QUESTIONS_KEPT:
                del self.kept[next(iter(self.kept))]
            kept = self.kept[key] = {}
        elif len(kept) > PERIODS_KEPT:
            kept.clear()
        return kept

    def forget(self, moment: float) -> None:
        """A value of this moment has arrived."""
        second = int(moment)
        for (_, _, period, phase), kept in self.kept.items():
            kept.pop(second - (second - phase) % period, None)

    def prune(self, now: float) -> None:
        """Forgets periods that are too old to be shown at their length."""
        for (_, _, period, _), kept in self.kept.items():
            horizon = now - lifetime(period)
            for start in [start for start in kept if start < horizon]:
                del kept[start]
