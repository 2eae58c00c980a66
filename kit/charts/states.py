"""An alarm's recent past as spans of one state each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """One transition of one alarm; ``at`` in epoch seconds."""

    alarm: str
    at: float
    before: str
    after: str
    reason: str


@dataclass(frozen=True, slots=True)
class Span:
    """One state from ``start`` to ``end`` (epoch seconds)."""

    start: float
    end: float
    state: str


def spans(changes: Iterable[Change], state: str, known_from: float, start: float, end: float) -> tuple[Span, ...]:
    """The spans between ``start`` and ``end`` of an alarm that now is in ``state``, oldest first.

    Before its oldest change an alarm stood in that change's ``before``, but not earlier than ``known_from``, when it
    was last configured: what was before that is unknown and left blank.
    """
    found: list[Span] = []
    until, now = end, state
    for change in sorted(changes, key=lambda each: each.at, reverse=True):
        if change.at >= until:
            now = change.before
            continue
        if change.at < start:
            break
        found.append(Span(change.at, until, now))
        until, now = change.at, change.before
    begin = max(start, min(known_from, until))
    if begin < until:
        found.append(Span(begin, until, now))
    return tuple(reversed(found))
