"""What waits for the encoder, as it was (waiting.py)."""

from __future__ import annotations

from typing import Any

from msgspec import Struct, msgpack
from opentelemetry.trace import SpanKind

from .origin import ORIGINS, PREPARED
from .waiting import NO_STATE, SERVER_ERROR, UNSET, Answered, Logged, RequestData, SpanData

A_SPAN = 6


class _Line(Struct, array_like=True, gc=False):
    """As logs.py packs a record."""

    created: float
    level: str
    logger: str
    message: str
    arguments: tuple[Any, ...] | None
    keys: tuple[str, ...] | None
    extras: tuple[Any, ...] | None
    trace_high: int
    trace_low: int
    span_id: int
    request_id: str
    operation: str


class _Answer(Struct, array_like=True, gc=False, tag=0):
    """As Answered packs itself."""

    end_time: int
    operation: str
    method: str
    code: int
    milliseconds: float
    request_id: str
    trace_high: int
    trace_low: int
    span_id: int
    sampled: bool
    error_type: str


class _Request(Struct, array_like=True, gc=False, tag=1):
    """As RequestData packs itself."""

    end_time: int
    operation: str
    route: str | None
    code: int
    milliseconds: float
    request_id: str
    trace_high: int
    trace_low: int
    span_id: int
    error_type: str
    start_time: int
    facts: tuple[Any, ...]
    below: tuple[Any, ...]
    n: int
    origin: int


_line = msgpack.Decoder(_Line).decode
_request = msgpack.Decoder(_Answer | _Request).decode


def line(item: bytes | Logged) -> Logged:
    """A log record."""
    if not isinstance(item, bytes):
        return item
    one = _line(item)
    return Logged(
        one.created, one.level, one.logger, one.message, one.arguments, one.keys, one.extras,
        one.trace_high << 64 | one.trace_low, one.span_id, one.request_id, one.operation,
    )  # fmt: skip


def request(item: bytes | Answered | RequestData) -> Answered | RequestData:
    """An answered request."""
    if not isinstance(item, bytes):
        return item
    one = _request(item)
    trace_id = one.trace_high << 64 | one.trace_low
    if type(one) is _Answer:
        return Answered(
            one.end_time, one.operation, one.method, one.code, one.milliseconds, one.request_id, trace_id,
            one.span_id, one.sampled, one.error_type, None,
        )  # fmt: skip
    return RequestData(
        one.operation if one.route is not None else one.facts[0],
        SpanKind.SERVER, trace_id, one.span_id, 1, NO_STATE, 0, ORIGINS[one.origin], one.start_time, one.facts[0],
        end_time=one.end_time, status=UNSET if one.code < 500 else SERVER_ERROR, facts=one.facts,
        request_id=one.request_id, operation=one.operation, route=one.route, code=one.code,
        milliseconds=one.milliseconds, error_type=one.error_type, below=one.below, n=one.n,
    )  # fmt: skip


def spans(of: RequestData) -> list[SpanData]:
    """The spans below a request that leave with it, in the order of their ends, but those with more to tell last."""
    told, trace_id, made = of.below, of.trace_id, []
    for at in range(0, len(told), A_SPAN):
        span_id, parent_id, start, end, origin, short = told[at : at + A_SPAN]
        prepared = PREPARED[short] if type(short) is int else None
        one = SpanData(
            short, SpanKind.INTERNAL, trace_id, span_id, 1, NO_STATE, parent_id, ORIGINS[origin], start, short
        )
        one.end_time = end
        if prepared is not None:
            one.name, one.kind, one.attributes = prepared.name, prepared.kind, prepared
        made.append(one)
    return [*made, *of.others]
