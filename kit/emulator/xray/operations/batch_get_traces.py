"""BatchGetTraces."""

from __future__ import annotations

from typing import Any

import msgspec

from kit.emulator.protocol import AwsError, Context
from kit.emulator.xray.documents import is_trace_id
from kit.emulator.xray.engine import Engine
from kit.emulator.xray.trace import assemble, duration_of

_MOST_IDS = 5


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Whole traces; an id that isn't known is among the unprocessed ones."""
    ids = params["TraceIds"]
    if len(ids) > _MOST_IDS:
        raise AwsError("InvalidRequestException", f"At most {_MOST_IDS} trace IDs may be given.")
    for trace_id in ids:
        if not is_trace_id(trace_id):
            raise AwsError("InvalidRequestException", f"Invalid trace ID: {trace_id[:64]}")
    traces, unknown = [], []
    for trace_id in dict.fromkeys(ids):
        found = engine.trace(trace_id)
        if found is None:
            unknown.append(trace_id)
            continue
        trace, documents = found
        segments = [{"Id": s["id"], "Document": msgspec.json.encode(s).decode()} for s in assemble(documents)]
        traces.append(
            {
                "Id": trace.id,
                "Duration": duration_of(documents),
                "LimitExceeded": trace.limit_exceeded,
                "Segments": segments,
            }
        )
    return {"Traces": traces, "UnprocessedTraceIds": unknown}
