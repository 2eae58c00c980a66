"""Just enough of protocol buffers to find the spans of an OTLP request.

The path is ExportTraceServiceRequest.resource_spans (1), ResourceSpans.scope_spans (2), ScopeSpans.spans (2), and of a
Span trace_id (1) and span_id (2) (OpenTelemetry: opentelemetry-proto, trace.proto; Protocol Buffers: "Encoding").
"""

from __future__ import annotations

from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def spans(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """(trace id, span id) of every span; raises ValueError for what is no protocol buffer."""
    for resource in _members(body, 1):
        for scope in _members(resource, 2):
            for span in _members(scope, 2):
                trace_id, span_id = next(_members(span, 1), b""), next(_members(span, 2), b"")
                if len(trace_id) != 16 or len(span_id) != 8:
                    raise ValueError("a span without its ids")
                yield trace_id, span_id


def _members(message: bytes, wanted: int) -> Iterator[bytes]:
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == _BYTES:
            size, at = _varint(message, at)
            if key >> 3 == wanted:
                yield message[at : at + size]
            at += size
        elif kind == _VARINT:
            _, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"wire type {kind}")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(message):
            raise ValueError("it ends within a number")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
