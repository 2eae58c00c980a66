"""Pages, what people do about them, and the incidents that both add up to. Times are epoch seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["ack", "note", "resolve"]
State = Literal["open", "acknowledged", "resolved"]
Severity = Literal["page", "ticket"]

ALARM, OK = "ALARM", "OK"
NO_ALARM = ""
"""The alarm of a page that a person or a program published without one."""


@dataclass(frozen=True, slots=True)
class Page:
    """One notification. ``at`` is when the alarm changed its state, ``received`` when it came in.

    ``id`` is SNS's MessageId; ``topic`` an ARN. For a message that no alarm sent, ``alarm`` is empty, ``state`` ALARM
    and ``reason`` its text.
    """

    id: str
    alarm: str
    state: str
    before: str
    reason: str
    about: str
    severity: Severity
    topic: str
    at: float
    received: float


@dataclass(frozen=True, slots=True)
class Act:
    """What a person did about an incident."""

    at: float
    actor: str
    kind: Kind
    text: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an incident's timeline.

    ``kind``: page, ok, opened again, ack, note, resolve. ``actor`` is a person, an alarm, or "kit".
    """

    at: float
    kind: str
    actor: str
    text: str


@dataclass(frozen=True, slots=True)
class Incident:
    """One cause, as far as the pages tell. ``opened`` is when its first alarm changed to ALARM.

    ``acknowledged`` and ``resolved`` are None while it isn't. ``first_ack`` stays when it was opened again.
    ``pages`` counts notifications of ALARM, ``alarms`` gives the latest known state of each.
    """

    id: int
    state: State
    severity: Severity
    title: str
    about: str
    opened: float
    last_page: float
    alarms: Mapping[str, str]
    pages: int
    reopened: int
    first_ack: float | None
    acknowledged: float | None
    acknowledged_by: str | None
    resolved: float | None
    resolved_by: str | None
    timeline: tuple[Entry, ...]

    @property
    def time_to_acknowledge_s(self) -> float | None:
        """Seconds from the first alarm to the first person who took it, None while nobody did."""
        return None if self.first_ack is None else max(0.0, self.first_ack - self.opened)
