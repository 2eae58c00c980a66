"""GetTraceSummaries."""

from __future__ import annotations

from typing import Any

from kit.emulator.protocol import AwsError, Context
from kit.emulator.xray.engine import Engine, Held
from kit.emulator.xray.filters import parse_filter
from kit.emulator.xray.summary import as_api

_LONGEST_RANGE_S = 6 * 3600
_PAGE = 100


def handle(engine: Engine, params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Summaries of the traces in a time range, oldest first, a hundred at a time."""
    start, end = params["StartTime"], params["EndTime"]
    if end < start:
        raise AwsError("InvalidRequestException", "EndTime must not be before StartTime.")
    if end - start > _LONGEST_RANGE_S:
        raise AwsError("InvalidRequestException", "The time range must not be longer than 6 hours.")
    passes = parse_filter(params.get("FilterExpression", ""))
    # a token names the last trace given, so that traces which come or go meanwhile don't shift the pages
    after = _position(params.get("NextToken"))
    found: list[dict[str, Any]] = []
    last: Held | None = None
    processed = 0
    answer: dict[str, Any] = {"TraceSummaries": found, "ApproximateTime": context.clock.now()}
    for trace in engine.between(start, end, params.get("TimeRangeType", "TraceId"), after):
        processed += 1
        summary = engine.summary(trace)
        if not passes(summary):
            continue
        if len(found) == _PAGE and last is not None:
            answer["NextToken"] = f"{last.start!r}/{last.id}"
            break
        found.append(as_api(trace.id, trace.revision, summary))
        last = trace
    answer["TracesProcessedCount"] = processed
    return answer


def _position(token: str | None) -> tuple[float, str] | None:
    if token is None:
        return None
    start, _, trace_id = token.partition("/")
    try:
        return (float(start), trace_id)
    except ValueError as error:
        raise AwsError("InvalidRequestException", "Invalid NextToken.") from error
