"""FilterLogEvents."""

from __future__ import annotations

import heapq
import re
from collections.abc import Collection, Iterator
from typing import Any

from kit.emulator.logs.engine import Engine, Group
from kit.emulator.logs.events import Event
from kit.emulator.logs.groups import named_group
from kit.emulator.logs.limits import MOST_EVENTS, fitting
from kit.emulator.logs.patterns import parse_pattern
from kit.emulator.protocol import AwsError, Context

_FOREVER = 2**62
_TOKEN = re.compile(r"([0-9]{1,20})_([0-9]{1,20})")  # a timestamp and a sequence number
_BACKWARD = "b"  # how the token of a search from the newest event back begins
# API Reference, FilterLogEvents: startFromHead.
_NEWEST_FIRST_SINCE = 1_704_067_200_000


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Events of a group that match a pattern, streams interleaved; oldest first unless startFromHead is false."""
    group = named_group(engine, params)
    matches = parse_pattern(params.get("filterPattern", "")).matches
    limit = params.get("limit", MOST_EVENTS)
    # endTime itself is included here, unlike in GetLogEvents
    start, end = params.get("startTime", 0), params.get("endTime", _FOREVER) + 1
    token = params.get("nextToken")
    newest_first = _newest_first(params) if token is None else token.startswith(_BACKWARD)
    last = None if token is None else _position(token.removeprefix(_BACKWARD))
    if last is not None:
        start, end = (start, min(end, last[0] + 1)) if newest_first else (max(start, last[0]), end)

    def matching() -> Iterator[tuple[Event, str]]:
        for stream, event in engine.read(group, _chosen(group, params), start, end):
            place = (event.timestamp, event.sequence)
            follows = last is None or (place < last if newest_first else place > last)
            if follows and matches(event.message):
                yield event, stream.name

    found = (heapq.nlargest if newest_first else heapq.nsmallest)(limit + 1, matching())
    page = fitting([event for event, _ in found], limit, from_end=False)
    more = len(page) < len(found)
    return {
        "events": [_answer(event, stream) for event, stream in found[: len(page)]],
        "searchedLogStreams": [],
        "nextToken": f"{_BACKWARD * newest_first}{page[-1].timestamp}_{page[-1].sequence}" if more else None,
    }


def _newest_first(params: dict[str, Any]) -> bool:
    if params.get("startFromHead", True):
        return False
    if params.get("startTime", 0) < _NEWEST_FIRST_SINCE:
        text = "startFromHead can be false only with a startTime on or after Jan 1, 2024 00:00:00 UTC."
        raise AwsError("InvalidParameterException", text)
    return True


def _chosen(group: Group, params: dict[str, Any]) -> Collection[str] | None:
    prefix, names = params.get("logStreamNamePrefix"), params.get("logStreamNames")
    if prefix is not None and names is not None:
        text = "logStreamNamePrefix and logStreamNames must not be given together."
        raise AwsError("InvalidParameterException", text)
    if names is not None:
        return {group.stream(name).name for name in names}
    if prefix is not None:
        return {name for name in list(group.streams) if name.startswith(prefix)}
    return None


def _position(token: str) -> tuple[int, int]:
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
    return int(found[1]), int(found[2])


def _answer(event: Event, stream: str) -> dict[str, Any]:
    return {
        "logStreamName": stream,
        "timestamp": event.timestamp,
        "message": event.message.decode(),
        "ingestionTime": event.ingested,
        "eventId": event.id,
    }
