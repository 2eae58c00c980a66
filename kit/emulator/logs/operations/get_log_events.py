"""GetLogEvents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from kit.emulator.logs.engine import Engine
from kit.emulator.logs.events import Event, event_id
from kit.emulator.logs.groups import named_group
from kit.emulator.logs.limits import MOST_EVENTS, fitting
from kit.emulator.protocol import AwsError, Context

_TOKEN = re.compile(r"([fb])/(\d{56})/s")
_FOREVER = 2**62


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """A page of one stream, oldest first. Both tokens are always given; at an end it is the one that was sent."""
    group = named_group(engine, params)
    stream = group.stream(params["logStreamName"])
    start, end = params.get("startTime", 0), params.get("endTime", _FOREVER)
    found = sorted(event for _, event in engine.read(group, {stream.name}, start, end))
    chosen = _page(found, params)
    sent = params.get("nextToken", "")[2:-2] or event_id(max(start, 0), 0)
    first, last = (chosen[0].id, chosen[-1].id) if chosen else (sent, sent)
    return {
        "events": [
            {"timestamp": e.timestamp, "message": e.message.decode(), "ingestionTime": e.ingested} for e in chosen
        ],
        "nextForwardToken": f"f/{last}/s",
        "nextBackwardToken": f"b/{first}/s",
    }


def _page(events: Sequence[Event], params: dict[str, Any]) -> Sequence[Event]:
    limit = params.get("limit", MOST_EVENTS)
    token = params.get("nextToken")
    if token is None:
        return fitting(events, limit, from_end=not params.get("startFromHead", False))
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
    direction, position = found.groups()
    if direction == "f":
        return fitting([e for e in events if e.id > position], limit, from_end=False)
    return fitting([e for e in events if e.id < position], limit, from_end=True)
