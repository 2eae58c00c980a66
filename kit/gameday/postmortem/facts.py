"""All facts of one write-up, as they stand in facts.json."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from kit.gameday.course import Row
from kit.gameday.postmortem.first_signal import Moved
from kit.gameday.postmortem.impact import Absent, Agreement, Budget, Hurt
from kit.gameday.postmortem.model import Change, Entry, Missing, Objective, Series, Window
from kit.gameday.postmortem.moments import Moments
from kit.gameday.postmortem.stories import Story
from kit.gameday.postmortem.telemetry import Example
from kit.incidents.model import Incident


@dataclass(frozen=True, slots=True)
class Promise:
    """What became of one objective: ``hurt`` and budgets, with the series they come from."""

    objective: Objective
    period: int
    bad: Series
    total: Series
    hurt: Hurt
    budgets: tuple[Budget, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """``scenario`` and ``hidden`` belong to a run: a blind one that still goes on hides what was broken.

    ``expected`` are the rows of its verdict. ``movers`` are sorted, the first signal first.
    """

    title: str
    stage: str
    account: str
    region: str
    environment: str
    window: Window
    run: str | None
    hidden: bool
    scenario: Mapping[str, Any] | Missing
    promises: tuple[Promise, ...] | Missing
    agreement: Agreement | Missing
    absent: Absent | Missing
    moments: Moments
    movers: tuple[Moved, ...] | Missing
    changes: tuple[Change, ...] | Missing
    expected: tuple[Row, ...] | Missing
    incidents: tuple[Incident, ...] | Missing
    timeline: tuple[Entry, ...]
    stories: tuple[Story, ...] | Missing
    example: Example | Missing

    def durations(self) -> dict[str, float | Missing]:
        """Seconds: to detect, mitigate and restore from the beginning, to acknowledge from the detection."""
        m = self.moments
        return {
            "detect": m.since(m.detected, m.began),
            "acknowledge": m.since(m.acknowledged, m.detected),
            "mitigate": m.since(m.mitigated, m.began),
            "restore": m.since(m.restored, m.began),
        }


def as_json(value: Any) -> Any:
    """Plain JSON; a fact that cannot be had is ``{"missing": reason}``, times stay epoch seconds."""
    if isinstance(value, Missing):
        return {"missing": value.reason}
    if isinstance(value, Facts):
        told = {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
        return told | {"durations_s": as_json(value.durations())}
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): as_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(inner) for inner in value]
    return value
