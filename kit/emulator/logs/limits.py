"""How much one answer may hold: 10,000 events or 1 MB, whichever is less (API Reference, GetLogEvents)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kit.emulator.logs.events import Event

MOST_EVENTS = 10_000
_MOST_BYTES = 1_048_576


def fitting(events: Sequence[Event], limit: int, *, from_end: bool) -> Sequence[Event]:
    """The events from the start (or the end) that fit into one answer; always at least one."""
    ordered: Iterable[Event] = reversed(events) if from_end else events
    size = count = 0
    for event in ordered:
        size += len(event.message)
        if count >= limit or (size > _MOST_BYTES and count > 0):
            break
        count += 1
    return events[len(events) - count :] if from_end else events[:count]
