"""When it began, was noticed, taken, ended, and when the alarms were quiet again. Pure.

1. *Began*: the first step of the run's schedule; without a journal the first period in which an objective was hurt,
   or else the first alarm.
2. *Detected*: the first page after that (the first ticket, where nothing pages).
3. *Acknowledged*: the first person who took an incident after that.
4. *Mitigated*: the end of the last period in which an objective was hurt or customers never arrived: whatever was
   done, they felt no more of it. Known only when a whole period follows in which none was.
5. *Restored*: the last of the alarms that had told somebody was OK again.

An objective is hurt in a period when its share of bad events exceeds the budget, by three bad events at least: one
failure in a quiet period is no incident.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kit.gameday.postmortem.model import Change, Missing, Objective, Series, Window

FEWEST_BAD = 3
NOTHING_HURT = "no objective was hurt for as long as a period"


@dataclass(frozen=True, slots=True)
class Moments:
    """Each is a moment, or why there is none."""

    began: float | Missing
    detected: float | Missing
    acknowledged: float | Missing
    mitigated: float | Missing
    restored: float | Missing

    def since(self, later: float | Missing, earlier: float | Missing) -> float | Missing:
        """Seconds from one to the other; why not, where one of them is missing."""
        if isinstance(earlier, Missing):
            return earlier
        return later if isinstance(later, Missing) else max(0.0, later - earlier)


Period = tuple[int, int]
"""Start and end."""


def hurt_periods(objective: Objective, bad: Series, total: Series, window: Window) -> list[Period]:
    """The periods in which the objective was hurt."""
    found = []
    for at, events in total.between(window.start - total.period, window.end + total.period):
        counted = bad.points.get(at)
        wrong = 0.0 if counted is None else (events - counted if objective.counts_good else counted)
        if wrong >= FEWEST_BAD and wrong > objective.budget * events:
            found.append((at, at + total.period))
    return found


def moments(
    window: Window,
    trouble: float | None,
    hurt: Sequence[Period] | Missing,
    changes: Sequence[Change] | Missing,
    acknowledgements: Iterable[float] | Missing,
) -> Moments:
    """``trouble``: what the journal says of the beginning. ``hurt``: the periods in which any objective was."""
    began = _began(trouble, hurt, changes)
    known = () if isinstance(changes, Missing) else changes
    told = changes if isinstance(changes, Missing) else _telling(known, began)
    detected: float | Missing = told if isinstance(told, Missing) else min(change.at for change in told)
    return Moments(
        began,
        detected,
        _acknowledged(detected, acknowledgements),
        _mitigated(window, hurt),
        told if isinstance(told, Missing) else _restored(told, known),
    )


def _began(
    trouble: float | None, hurt: Sequence[Period] | Missing, changes: Sequence[Change] | Missing
) -> float | Missing:
    if trouble is not None:
        return trouble
    if not isinstance(hurt, Missing) and hurt:
        return float(min(hurt)[0])
    fired = [] if isinstance(changes, Missing) else [c.at for c in changes if c.after == "ALARM" and c.severity]
    return min(fired) if fired else Missing(f"{NOTHING_HURT} and no alarm told anybody")


def _telling(changes: Sequence[Change], began: float | Missing) -> list[Change] | Missing:
    """The changes to ALARM that told somebody: pages if there are any, else tickets."""
    since = float("-inf") if isinstance(began, Missing) else began
    fired = [change for change in changes if change.after == "ALARM" and change.at >= since]
    for severity in ("page", "ticket"):
        found = [change for change in fired if change.severity == severity]
        if found:
            return found
    return Missing("no alarm told anybody")


def _acknowledged(detected: float | Missing, acknowledgements: Iterable[float] | Missing) -> float | Missing:
    if isinstance(detected, Missing):
        return detected
    if isinstance(acknowledgements, Missing):
        return acknowledgements
    return min((at for at in acknowledgements if at >= detected), default=Missing("nobody acknowledged it"))


def _mitigated(window: Window, hurt: Sequence[Period] | Missing) -> float | Missing:
    if isinstance(hurt, Missing):
        return hurt
    if not hurt:
        return Missing(NOTHING_HURT)
    start, end = max(hurt, key=lambda period: period[1])
    return float(end) if end + (end - start) <= window.end else Missing("it still hurt at the end")


def _restored(told: Sequence[Change], changes: Sequence[Change]) -> float | Missing:
    latest = {change.alarm: change for change in sorted(changes, key=lambda each: each.at)}
    names = sorted({change.alarm for change in told})
    still = [name for name in names if latest[name].after != "OK"]
    if still:
        return Missing(f"{still[0]} was not OK again at the end")
    return max(latest[name].at for name in names)
