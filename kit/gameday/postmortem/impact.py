"""Who was hurt, and what it cost: sums over the whole window, and the error budget. Pure.

Budget: of N events in a period the share b may be bad. A run's cost is told twice, as neither tells all: as part of
the budget of a whole period at the traffic of this window, and as what is left of the budget over the period that ends
with it, as far back as there is data.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import median

from kit.gameday.postmortem.model import Missing, Objective, Series

FEWEST_PERIODS = 3
FEWER_THAN = 0.5
NO_CHANCE = 5.0
"""A period lacks events when it has less than half of the usual, and fewer than chance would: five standard deviations
of a count.
"""

TOLERANCE = 0.01
FEWEST = 3
"""Two independent counts agree within 1 %, or three requests."""


@dataclass(frozen=True, slots=True)
class Hurt:
    """Bad events of ``total``."""

    bad: float
    total: float

    @property
    def share(self) -> float:
        """Of all events; 0 when there were none."""
        return self.bad / self.total if self.total else 0.0


@dataclass(frozen=True, slots=True)
class Budget:
    """Shares of the error budget of ``period_s``.

    ``burnt``: by this window, at its own traffic. ``left``: of the period that ends with it; below 0 it is overdrawn.
    ``covered_s``: so much of that period has data.
    """

    period_s: int
    burnt: float | Missing
    left: float | Missing
    covered_s: float


@dataclass(frozen=True, slots=True)
class Agreement:
    """Our count beside an independent one. ``probes`` are requests that only we count: the canary's."""

    ours: float
    theirs: float
    probes: float
    agrees: bool


@dataclass(frozen=True, slots=True)
class Absent:
    """Events that never came, so that nothing measured them: an estimate.

    ``number``: of the usual ones in ``seconds``, which are the ``periods`` that had far fewer; ``usual``: events a
    second, before. Beside it what the load generator knows: ``unanswered`` requests of its got no answer at all, of
    which ``checkouts`` were checkouts.
    """

    number: float
    seconds: float
    usual: float
    periods: tuple[tuple[int, int], ...]
    unanswered: float | Missing
    checkouts: float | Missing


def absent(
    total: Series, began: float, until: float, unanswered: float | Missing, checkouts: float | Missing
) -> Absent | Missing:
    """What is missing of a series' events between two moments, by the median of its periods before.

    A period without data says nothing: its events may have come. So telemetry that is lost is no outage here.
    """
    before = [value for _, value in total.between(-math.inf, began)]
    if len(before) < FEWEST_PERIODS:
        return Missing("there is too little data from before to say what is usual")
    usual = median(before)
    few = min(FEWER_THAN * usual, usual - NO_CHANCE * math.sqrt(usual))
    found = [(at, value) for at, value in total.between(began, until) if value < few]
    number = sum(usual - value for _, value in found)
    periods = tuple((at, at + total.period) for at, _ in found)
    return Absent(number, float(len(found) * total.period), usual / total.period, periods, unanswered, checkouts)


def hurt(objective: Objective, bad: Series, total: Series) -> Hurt:
    """The sums over all points of the two series."""
    everything, counted = sum(total.points.values()), sum(bad.points.values())
    return Hurt(max(0.0, everything - counted) if objective.counts_good else counted, everything)


def budget(
    objective: Objective, period_s: int, run: Hurt, run_s: float, window: Hurt | Missing, covered_s: float
) -> Budget:
    """``window`` is what the period that ends with the run has seen, the run included."""
    burnt: float | Missing = Missing(f"there were no {objective.events} to count")
    if run.total > 0 and run_s > 0:
        burnt = run.bad / (objective.budget * run.total / run_s * period_s)
    left: float | Missing = Missing(f"there were no {objective.events} to count")
    if isinstance(window, Missing):
        left = window
    elif window.total > 0:
        left = 1 - window.bad / (objective.budget * window.total)
    return Budget(period_s, burnt, left, min(covered_s, float(period_s)))


def agreement(ours: float, theirs: float, probes: float) -> Agreement:
    """Whether both counts are the same within 1 % or three, with the probes that the other one cannot see."""
    expected = theirs + probes
    return Agreement(ours, theirs, probes, abs(ours - expected) <= max(FEWEST, TOLERANCE * expected))
