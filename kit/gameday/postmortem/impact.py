"""Who was hurt, and what it cost: sums over the whole window, and the error budget. Pure.

Budget: of N events in a period the share b may be bad. A run's cost is told twice, as neither tells all: as part of
the budget of a whole period at the traffic of this window, and as what is left of the budget over the period that ends
with it, as far back as there is data.
"""

from __future__ import annotations

from dataclasses import dataclass

from kit.gameday.postmortem.model import Missing, Objective, Series

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
    """Our count beside an independent one. ``probes`` are requests that only we count: those of the canary."""

    ours: float
    theirs: float
    probes: float
    agrees: bool


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
