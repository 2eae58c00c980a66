"""What the facts are made of. Times are epoch seconds, lengths seconds, shares fractions of 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that cannot be had; ``reason`` goes on after "not available because"."""

    reason: str

    def __str__(self) -> str:
        return f"not available because {self.reason}"


@dataclass(frozen=True, slots=True)
class Metric:
    """One CloudWatch metric with all its dimensions, and the statistic to ask for."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str = "Sum"

    def __str__(self) -> str:
        told = [value for name, value in self.dimensions if name not in ("Environment",)]
        return f"{self.name} of {', '.join(told)}" if told else self.name

    @property
    def operation(self) -> str | None:
        """The value of the dimension Operation."""
        return dict(self.dimensions).get("Operation")


@dataclass(frozen=True, slots=True)
class Objective:
    """One promise: of ``events`` (a word) at most the share ``1 - target`` is bad over ``period_s``.

    ``counts_good``: ``bad`` is the metric of the good ones.
    """

    name: str
    title: str
    target: float
    period_s: int
    events: str
    failed: str
    bad: Metric
    total: Metric
    counts_good: bool = False

    @property
    def budget(self) -> float:
        """The share that may be bad."""
        return 1 - self.target


@dataclass(frozen=True, slots=True)
class Series:
    """A metric's values by the start of their period. A period without data is left out."""

    metric: Metric
    period: int
    points: Mapping[int, float] = field(default_factory=dict)

    def between(self, start: float, end: float) -> list[tuple[int, float]]:
        """Points whose whole period lies in [start, end), oldest first."""
        return [(at, self.points[at]) for at in sorted(self.points) if start <= at and at + self.period <= end]


@dataclass(frozen=True, slots=True)
class Change:
    """An alarm's state changed. ``severity``: page, ticket, or nothing for an alarm that tells nobody."""

    at: float
    alarm: str
    before: str
    after: str
    reason: str
    severity: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline. ``source``: run, load, fault, alarm, page, people."""

    at: float
    source: str
    text: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """The span of time that is written up: start included, end excluded."""

    start: float
    end: float

    @property
    def length(self) -> float:
        """Seconds."""
        return self.end - self.start
