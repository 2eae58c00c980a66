"""Unit tests of alarms as frozen values: what arrives, and what the alarms shall make of it.

All times are whole seconds from the start of the case, at which every alarm is new (INSUFFICIENT_DATA).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from kit.definitions.model import AlarmFile, CompositeFile, Definitions
from kit.evaluation.alarm import AlarmDefinition
from kit.evaluation.request import MetricRef
from kit.evaluation.rule import Rule
from kit.evaluation.state import StateValue
from kit.evaluation.statistics import Statistic

Kind = Literal["firing", "quiet", "missing"]
Scale = Literal["production", "practice"]

KINDS: tuple[Kind, ...] = ("firing", "quiet", "missing")
STARTS = 1_704_067_200
"""0 of a case unless it says otherwise: Monday 2024-01-01, midnight UTC."""

_UNITS = {"d": 86_400, "h": 3600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class SeriesGiven:
    """One metric's data: the i-th entry arrives at i × interval, and None means that nothing does.

    Either ``values`` holds the statistic ``stat`` of each interval, or ``samples`` its raw values and ``stat`` is None.
    """

    metric: MetricRef
    stat: Statistic | None
    values: tuple[float | None, ...] = ()
    samples: tuple[tuple[float, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.samples if self.stat is None else self.values)


@dataclass(frozen=True, slots=True)
class Becomes:
    """It changes to ``state`` at least once from ``first`` to ``last``, both included."""

    state: StateValue
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Stays:
    """From its first evaluation on, but not before ``first``, it is in ``state`` until ``last``."""

    state: StateValue
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Never:
    """It is not in ``state`` at any moment from ``first`` to ``last``, nor was it put there by an evaluation before."""

    state: StateValue
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class IsAt:
    """It is in ``state`` after the evaluation at ``moment``."""

    state: StateValue
    moment: int


@dataclass(frozen=True, slots=True)
class Line:
    """It is in ``states[k]`` after the evaluation at k × ``every``."""

    states: tuple[StateValue, ...]
    every: int


Claim = Becomes | Stays | Never | IsAt | Line


@dataclass(frozen=True, slots=True)
class Expectation:
    """What shall be true of one alarm; ``text`` says it as the file does.

    ``actions`` is how often its actions shall run in the whole case: those for the state of a ``becomes``, else all.
    """

    alarm: str
    claim: Claim | None
    actions: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Case:
    """``interval`` and ``lasts`` are in seconds, ``starts`` is the epoch second of its 0."""

    name: str
    kind: Kind | None
    scale: Scale
    starts: int
    interval: int
    lasts: int
    series: tuple[SeriesGiven, ...]
    expect: tuple[Expectation, ...]


@dataclass(frozen=True, slots=True)
class Alarms:
    """The alarms of one file of cases at one scale, ready to be evaluated.

    Only those are ``metric`` or ``composite`` that a case needs. ``composite`` has children before their parents.
    """

    definitions: Definitions
    metric: dict[str, AlarmDefinition]
    composite: dict[str, Rule]

    def request(self, name: str) -> AlarmFile | CompositeFile:
        """The file that defines the alarm with this name."""
        for alarm in self.definitions.alarms:
            if alarm.name == name:
                return alarm
        return next(composite for composite in self.definitions.composites if composite.name == name)

    def cadence(self, name: str) -> int:
        """Seconds between two evaluations; of a composite those of the quickest alarm below it."""
        if name in self.metric:
            return self.metric[name].cadence_s
        return min((self.metric[leaf].cadence_s for leaf in self.leaves(name)), default=60)

    def leaves(self, name: str) -> tuple[str, ...]:
        """The metric alarms below (or: that are) the alarm, by name."""
        if name in self.metric:
            return (name,)
        found = {leaf for child in self.below(name) for leaf in self.leaves(child)}
        return tuple(sorted(found))

    def below(self, name: str) -> tuple[str, ...]:
        """The children and the suppressor of a composite, by name."""
        alarm = self.request(name)
        return tuple(sorted(alarm.needs)) if isinstance(alarm, CompositeFile) else ()


@dataclass(frozen=True, slots=True)
class CaseFile:
    """``alarms`` has an entry for each scale that a case asks for."""

    path: Path
    file: str
    cases: tuple[Case, ...]
    alarms: dict[Scale, Alarms]


def seconds(duration: str) -> int:
    """The seconds of ``1h30m``; the schema has checked the text."""
    return sum(int(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+)([dhms])", duration))


def duration(moment: int) -> str:
    """Seconds as ``1h30m``; 0 as ``0``."""
    parts = []
    for unit, size in _UNITS.items():
        count, moment = divmod(moment, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0"
