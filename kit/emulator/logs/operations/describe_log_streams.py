"""DescribeLogStreams."""

from __future__ import annotations

from operator import itemgetter
from typing import Any

from kit.emulator.logs.engine import Engine, Stream
from kit.emulator.logs.groups import named_group
from kit.emulator.logs.pages import Key, page_after
from kit.emulator.protocol import AwsError, Context

_PAGE = 50


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """A group's streams by name or by the time of their last event."""
    streams = engine.streams(named_group(engine, params))
    prefix = params.get("logStreamNamePrefix")
    by_time = params.get("orderBy") == "LastEventTime"
    if by_time and prefix is not None:
        text = "Cannot order by LastEventTime with a logStreamNamePrefix."
        raise AwsError("InvalidParameterException", text)
    descending = bool(params.get("descending"))
    chosen: list[tuple[Key, Stream]] = [
        ([_last_event(stream), stream.name] if by_time else stream.name, stream)
        for stream in streams
        if stream.name.startswith(prefix or "")
    ]
    chosen.sort(key=itemgetter(0), reverse=descending)
    size = params.get("limit", _PAGE)
    found, token = page_after(chosen, params.get("nextToken"), size, descending=descending)
    return {"logStreams": [_described(stream) for stream in found], "nextToken": token}


def _last_event(stream: Stream) -> int:
    bounds = stream.events.bounds
    return bounds[1] if bounds else 0


def _described(stream: Stream) -> dict[str, Any]:
    first, last = stream.events.bounds or (None, None)
    return {
        "logStreamName": stream.name,
        "creationTime": stream.created,
        "firstEventTimestamp": first,
        "lastEventTimestamp": last,
        "lastIngestionTime": stream.last_ingestion,
        "uploadSequenceToken": "0",
        "arn": stream.arn,
        "storedBytes": 0,  # always, since 2019
    }
