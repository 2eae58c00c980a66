"""PutLogEvents."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from kit.emulator.logs.engine import DAY_MS, Engine, Group
from kit.emulator.protocol import AwsError, Context

# API Reference, PutLogEvents.
_BATCH_BYTES = 1_048_576
_EVENT_BYTES = 1_048_576
_EVENT_OVERHEAD = 26
_OLDEST_MS = 14 * DAY_MS
_NEWEST_MS = 2 * 3_600_000

Pair = tuple[int, bytes]


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Store a batch; events too old or too new are left out and named, the rest is kept."""
    group = engine.group(params["logGroupName"])
    stream = group.stream(params["logStreamName"])
    events = [(event["timestamp"], event["message"].encode()) for event in params["logEvents"]]
    _check_batch(events)
    accepted, rejected = _sift(events, group, engine.now_ms())
    if accepted:
        engine.append(group, stream, accepted)
    answer: dict[str, Any] = {"nextSequenceToken": "0"}  # kept in the answer for old clients; ignored on input
    if rejected:
        answer["rejectedLogEventsInfo"] = rejected
    return answer


def _check_batch(events: Sequence[Pair]) -> None:
    size = 0
    for _, message in events:
        size += len(message) + _EVENT_OVERHEAD
        if len(message) > _EVENT_BYTES:
            raise _invalid(f"Log event too large: {len(message)} bytes exceeds limit of {_EVENT_BYTES}")
    if size > _BATCH_BYTES:
        raise _invalid(f"Upload too large: {size} bytes exceeds limit of {_BATCH_BYTES}")
    if any(earlier[0] > later[0] for earlier, later in pairwise(events)):
        raise _invalid("Log events in a single PutLogEvents request must be in chronological order.")
    if events[-1][0] - events[0][0] > DAY_MS:
        raise _invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")


def _sift(events: Sequence[Pair], group: Group, now: int) -> tuple[Sequence[Pair], dict[str, int]]:
    """Events are in order, so what is refused is a head (expired, too old) and a tail (too new)."""
    expired = sum(timestamp < group.kept_since(now) for timestamp, _ in events)
    too_old = sum(timestamp < now - _OLDEST_MS for timestamp, _ in events)
    too_new = sum(timestamp > now + _NEWEST_MS for timestamp, _ in events)
    rejected = {}
    if expired:
        rejected["expiredLogEventEndIndex"] = expired
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if too_new:
        rejected["tooNewLogEventStartIndex"] = len(events) - too_new
    return events[max(expired, too_old) : len(events) - too_new], rejected


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
