"""Trace headers, in and out, against OpenTelemetry's own propagators."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    TraceFlags,
    TraceState,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from service.telemetry.propagation import extract, outgoing
from service.telemetry.sampling import FollowParent
from service.telemetry.wsgi import _begin, _facts

from .telemetry_spans import KINDS, Traced

TRACE = 0x6B03157DF5A16A75E657406E66EFACD7
ROOT = "1-6b03157d-f5a16a75e657406e66efacd7"
IDS = st.tuples(st.integers(1, (1 << 128) - 1), st.integers(1, (1 << 64) - 1), st.booleans())


def of(context: Context) -> SpanContext:
    return get_current_span(context).get_span_context()


@given(ids=IDS)
def test_what_goes_out_is_what_opentelemetrys_propagators_send_and_comes_in_as_it_was(
    ids: tuple[int, int, bool],
) -> None:
    trace_id, span_id, sampled = ids
    state = TraceState([("vendor", "value")]) if span_id & 1 else TraceState()
    span = NonRecordingSpan(SpanContext(trace_id, span_id, False, TraceFlags(int(sampled)), state))
    expected: dict[str, str] = {}
    for propagator in (TraceContextTextMapPropagator(), AwsXRayPropagator()):
        propagator.inject(expected, set_span_in_context(span, Context()))
    sent = outgoing(span)
    assert {key.lower(): value for key, value in sent.items()} == {key.lower(): v for key, v in expected.items()}
    for headers in ({"traceparent", "tracestate"}, {"X-Amzn-Trace-Id"}):
        environ = {f"HTTP_{key.upper().replace('-', '_')}": sent[key] for key in headers & sent.keys()}
        found = of(extract(environ))
        assert (found.trace_id, found.span_id, found.is_remote) == (trace_id, span_id, True)
        assert found.trace_flags.sampled is sampled
        assert found.trace_state == (state if "traceparent" in headers else TraceState())


def test_no_span_no_headers() -> None:
    assert outgoing(get_current_span(Context())) == {}


@pytest.mark.parametrize(
    "header",
    [
        f"Root={ROOT};Parent=00f067aa0ba902b7;Sampled=1",
        f"Root={ROOT};Parent=00f067aa0ba902b7;Sampled=1;Self=1-a;Lineage=25:1",
        f" Sampled=1 ; Parent=00F067AA0BA902B7 ; Root={ROOT} ",
        f"Root={ROOT};nonsense;Parent=00f067aa0ba902b7;Sampled=1",
    ],
)
def test_an_xray_header_may_come_in_any_order_with_parts_we_do_not_know(header: str) -> None:
    found = of(extract({"HTTP_X_AMZN_TRACE_ID": header}))
    assert (found.trace_id, found.span_id, found.trace_flags.sampled) == (TRACE, 0x00F067AA0BA902B7, True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("rest", "parent", "by_rules", "against_rules"),
    [
        ("", 0, True, False),
        (";Sampled=?", 0, True, False),
        (";Sampled=1", 0, True, True),
        (";Sampled=0", 0, False, False),
        (";Parent=00f067aa0ba902b7", 0xF067AA0BA902B7, True, False),
        (";Parent=00f067aa0ba902b7;Sampled=?", 0xF067AA0BA902B7, True, False),
        (";Parent=00f067aa0ba902b7;Sampled=1", 0xF067AA0BA902B7, True, True),
        (";Parent=00f067aa0ba902b7;Sampled=0", 0xF067AA0BA902B7, False, False),
        (";Parent=broken;Sampled=1", 0, True, True),
    ],
)
def test_a_root_alone_continues_the_trace_and_an_open_decision_is_ours(
    kind: str, rest: str, parent: int, by_rules: bool, against_rules: bool
) -> None:
    environ: dict[str, Any] = {"HTTP_X_AMZN_TRACE_ID": f"Root={ROOT}{rest}", "REQUEST_METHOD": "GET"}
    for root, sampled in ((ALWAYS_ON, by_rules), (ALWAYS_OFF, against_rules)):
        traced = Traced(kind, FollowParent(root))
        span = _begin(traced.tracer, extract(environ), _facts(environ))
        assert span.get_span_context().trace_id == TRACE
        assert span.is_recording() is sampled
        span.end()
        assert [ended.parent_id for ended in traced.ended] == [parent] * sampled
        assert all(ended.kind is SpanKind.SERVER for ended in traced.ended)
        # What is no part of this request begins a trace of its own.
        assert traced.tracer.start_span("other", Context()).get_span_context().trace_id != TRACE


@given(
    header=st.one_of(st.text(max_size=80), st.from_regex(r"(Root|Parent|Sampled|x)=[-0-9a-f;=]{0,60}", fullmatch=True))
)
def test_no_header_hurts(header: str) -> None:
    extract({"HTTP_X_AMZN_TRACE_ID": header, "HTTP_TRACEPARENT": header, "HTTP_TRACESTATE": header})


@pytest.mark.parametrize(
    "header",
    ["", "nonsense", "Root=1-zz;Parent=;;;", f"Root={ROOT}0", "Root=1-00000000-000000000000000000000000", "=" * 10_000],
)
def test_an_xray_header_that_makes_no_sense_is_none(header: str) -> None:
    assert not extract({"HTTP_X_AMZN_TRACE_ID": header})


@pytest.mark.parametrize(
    ("header", "valid"),
    [
        (f"00-{TRACE:032x}-00f067aa0ba902b7-01", True),
        (f"01-{TRACE:032x}-00f067aa0ba902b7-01", True),
        (f"ff-{TRACE:032x}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE:032X}-00f067aa0ba902b7-01", False),
        (f"00-{0:032x}-00f067aa0ba902b7-01", False),
        (f"00-{TRACE:032x}-0000000000000000-01", False),
        (f"00-{TRACE:032x}-00f067aa0ba902b7-01-more", False),
    ],
)
def test_traceparent_is_read_as_w3c_has_it(header: str, valid: bool) -> None:
    assert of(extract({"HTTP_TRACEPARENT": header})).is_valid is valid


def test_traceparent_wins_and_a_broken_one_leaves_the_xray_header() -> None:
    xray = {"HTTP_X_AMZN_TRACE_ID": f"Root={ROOT};Parent=00f067aa0ba902b7;Sampled=1"}
    w3c = {"HTTP_TRACEPARENT": f"00-{1:032x}-{2:016x}-00"}
    assert of(extract(xray | w3c)).trace_id == 1
    assert of(extract(xray | {"HTTP_TRACEPARENT": "nonsense"})).trace_id == TRACE
