"""What waits for the encoder, as it was (waiting.py)."""

from __future__ import annotations

from msgspec import msgpack
from opentelemetry.trace import SpanKind

from .origin import ORIGINS, PREPARED
from .span_data import NO_STATE, RequestData, SpanData, Whole
from .waiting import A_SPAN, Answered, Bundled, Logged

Ended = Answered | Bundled

_line = msgpack.Decoder(Logged).decode
_request = msgpack.Decoder(Answered | Bundled).decode


def line(item: bytes | Logged) -> Logged:
    """A log record."""
    return _line(item) if isinstance(item, bytes) else item


def request(item: bytes | Answered | Whole) -> Answered | Bundled | Whole:
    """An answered request, with its spans or without."""
    return _request(item) if isinstance(item, bytes) else item


def alone(item: bytes | Whole) -> bytes | Answered:
    """A request without its spans, as it waits."""
    one = request(item)
    if isinstance(one, Whole):
        return one.answer.packed()
    return Answered(
        one.trace, one.span_id, one.end_time, one.operation, one.method, one.code,
        one.milliseconds, one.request_id, one.sampled, one.error_type,
    ).packed()  # fmt: skip


def whole(of: Bundled) -> RequestData:
    """All that a usual request stands for."""
    made = RequestData(
        of.method, SpanKind.SERVER, int(of.trace, 16), of.span_id, 1, NO_STATE, 0, ORIGINS[of.origin], of.start_time,
        of.method, end_time=of.end_time, facts=of.facts, below=of.below, n=of.n,
        trace=of.trace,
        outcome=(of.code, of.route, of.operation, of.error_type),
    )  # fmt: skip
    made.settle()
    return made


def spans(of: RequestData) -> list[SpanData]:
    """The spans below a request that leave with it, in the order of their ends, but those with more to tell last."""
    told, made = of.below, []
    for at in range(0, len(told), A_SPAN):
        span_id, parent_id, start, end, origin, short = told[at : at + A_SPAN]
        one = SpanData(
            short, SpanKind.INTERNAL, of.trace_id, span_id, 1, NO_STATE, parent_id, ORIGINS[origin], start, short
        )
        one.end_time = end
        if isinstance(short, int):
            prepared = PREPARED[short]
            one.name, one.kind, one.attributes = prepared.name, prepared.kind, prepared
        made.append(one)
    return [*made, *of.others]
