"""PutTraceSegments."""

from __future__ import annotations

from typing import Any

from kit.emulator.protocol import Context
from kit.emulator.xray.documents import DocumentError
from kit.emulator.xray.engine import Engine


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Store documents; those that are refused are named in the answer, the others are kept."""
    refused = []
    for document in params["TraceSegmentDocuments"]:
        try:
            engine.put(document.encode())
        except DocumentError as error:
            refused.append({"Id": error.id, "ErrorCode": error.code, "Message": str(error)})
    return {"UnprocessedTraceSegments": refused}
