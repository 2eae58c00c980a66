"""The state of an alarm, before and after it was evaluated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

StateValue = Literal["OK", "ALARM", "INSUFFICIENT_DATA"]


@dataclass(frozen=True, slots=True)
class AlarmState:
    """The state that stands: its value, StateReason, StateReasonData (as a mapping) and since when (epoch seconds)."""

    value: StateValue
    reason: str = "Unchecked: Initial alarm creation"
    data: Mapping[str, Any] = field(default_factory=dict)
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an evaluation found.

    When ``state`` equals the previous one nothing has happened: actions and history follow a change only. ``next_due``
    is the epoch second of the next evaluation (inf when only a change elsewhere asks for one).
    """

    state: StateValue
    reason: str
    data: Mapping[str, Any]
    next_due: float
