"""A game day's scenario as frozen values: what is broken when, and what the alarms must make of it.

Alarms stand under the names of their files. A stage at practice scale has them with a prefix, which whoever runs the
scenario adds; every length of time is meant for practice scale.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

FOLDER = "gamedays"

Verb = Literal["fault", "lift", "load", "client", "stop", "end"]
DIALS: Mapping[str, tuple[str, ...]] = {"fault": ("percent", "ms", "mb", "n", "scope", "expires"), "client": ("rate",)}
"""What a step may say beside its verb."""

VERBS: tuple[Verb, ...] = ("fault", "lift", "load", "client", "stop", "end")
EVERYTHING = "all"
"""``lift: all`` lifts every fault."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the schedule, ``at`` seconds after the load began.

    ``name`` is the fault or client that the verb is about; a change of the load has it in ``dials``.
    """

    at: float
    verb: Verb
    name: str = ""
    dials: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        dials = [f"{self.dials[key]:g} {unit}" for key, unit in (("percent", "%"), ("ms", "ms")) if key in self.dials]
        match self.verb:
            case "fault":
                return " ".join((self.name, *dials))
            case "load":
                return f"load {' '.join(f'{key} {value}' for key, value in self.dials.items())}"
            case "end":
                return "end"
        return f"{self.verb} {self.name}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is expected of one alarm.

    ``fires_within``: in ALARM so many seconds after the first step. ``never``: not in ALARM in the whole run.
    ``held_back``: whatever its state, it tells nobody. ``error_ratio`` is the share of checkouts that the fault hurts,
    from which the bound of a burn-rate alarm follows.
    """

    alarm: str
    fires_within: int | None = None
    error_ratio: float | None = None
    never: bool = False
    held_back: bool = False


@dataclass(frozen=True, slots=True)
class Pages:
    """How many pages a whole run sends: exactly so many, or at most."""

    number: int
    exactly: bool

    def holds(self, sent: int) -> bool:
        """Whether so many are as expected."""
        return sent == self.number if self.exactly else sent <= self.number

    def __str__(self) -> str:
        return f"{'exactly' if self.exactly else 'at most'} {self.number}"


@dataclass(frozen=True, slots=True)
class Hint:
    """Help for players, at a cost in points."""

    cost: int
    text: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole file. ``signal`` and ``answers`` are as they stand in it; ``blind`` says that players may be kept in the
    dark about which scenario it is.
    """

    path: Path
    file: str
    name: str
    summary: str
    hypothesis: str
    lesson: str
    runbook: str | None
    load: Mapping[str, Any]
    schedule: tuple[Step, ...]
    expect: tuple[Expectation, ...]
    pages: Pages | None
    signal: Mapping[str, str]
    hints: tuple[Hint, ...]
    answers: Mapping[str, str]
    blind: bool

    @property
    def lasts(self) -> float:
        """Seconds from the start of the load to the end."""
        return self.schedule[-1].at

    @property
    def trouble(self) -> Step:
        """The first step: what alarms are timed from."""
        return self.schedule[0]

    @property
    def faults(self) -> tuple[str, ...]:
        """The faults of the schedule, each once."""
        return tuple(dict.fromkeys(step.name for step in self.schedule if step.verb == "fault"))

    @property
    def over(self) -> float:
        """Seconds after which the trouble is taken back: the last step before the end, if there is one."""
        before = [step.at for step in self.schedule[1:] if step.verb != "end"]
        return before[-1] if before else self.lasts
