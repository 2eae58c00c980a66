"""Spans that wait with their request, and leave with it."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import NoOpTracer, SpanKind, StatusCode, set_span_in_context

from service.telemetry import server_span
from service.telemetry.current import attach, detach
from service.telemetry.delivery.intake import Bundles
from service.telemetry.leaf import Leaf, leaf
from service.telemetry.origin import Prepared, Route
from service.telemetry.providers import LightTracerProvider
from service.telemetry.readable import readable
from service.telemetry.sampling import FollowParent
from service.telemetry.server_span import ServerSpan
from service.telemetry.span_data import MOST_BELOW, RequestData, Whole
from service.telemetry.spans import LightSpan
from service.telemetry.tracer import LightTracer
from service.telemetry.traces.segments import Segments
from service.telemetry.unpacking import alone, request, spans, whole
from service.telemetry.waiting import Answered, Bundled

FACTS = ("GET", "http", "/a", "shop", "127.0.0.2", "agent", "HTTP/1.1")
STATEMENT = Prepared("SELECT", SpanKind.CLIENT, {"db.system.name": "sqlite", "db.operation.name": "SELECT"})
OUTCOME = (200, "/a", "GET /a", "")


class Traced:
    """A tracer whose spans go to a list, and a request."""

    def __init__(self, facts: tuple[str, ...] = FACTS) -> None:
        self.routed: list[Any] = []
        route = Route(self.routed.append)
        self.tracer: LightTracer = LightTracerProvider(FollowParent(ALWAYS_ON), Resource({}), route).get_tracer("one")
        request = self.tracer.serve(Context(), facts)
        assert isinstance(request, ServerSpan)
        self.request: ServerSpan = request
        self.data: RequestData = request.data
        self.inside = set_span_in_context(request, Context())


def test_children_and_theirs_wait_with_the_request() -> None:
    some = Traced()
    outer = some.tracer.start_span("outer", some.inside)
    inner = some.tracer.start_span("inner", set_span_in_context(outer, some.inside))
    inner.end()
    outer.end()
    assert [span.name for span in spans(some.data)] == ["inner", "outer"]
    assert some.data.n == 2
    assert some.routed == []


def test_a_leaf_is_told_as_the_span_that_it_stands_for() -> None:
    some = Traced()
    token = attach(some.inside)
    try:
        quick, other = leaf(some.tracer, STATEMENT), leaf(some.tracer, STATEMENT)
        assert isinstance(quick, Leaf)
        assert isinstance(other, Leaf)
        quick.end()
        span = other.span()
        span.set_status(StatusCode.ERROR)
        span.end()
        for _ in range(MOST_BELOW):
            leaf(some.tracer, STATEMENT).end()
        some.request.left(OUTCOME, 1.0, None)
        leaf(some.tracer, STATEMENT).end()
    finally:
        detach(token)
    told, failed, *_ = spans(some.data)[0], some.data.others[0]
    for one in (told, failed, *some.routed):
        assert (one.name, one.kind, one.parent_id) == ("SELECT", SpanKind.CLIENT, some.data.span_id)
        assert (one.attributes, one.trace_id) == (STATEMENT, some.data.trace_id)
        assert one.start_time <= one.end_time
    assert failed.further.status.status_code is StatusCode.ERROR
    assert (some.data.n, len(some.routed)) == (MOST_BELOW, 3)


def test_where_nothing_is_sampled_or_seen_a_leaf_is_a_span_like_another() -> None:
    some = Traced()
    assert isinstance(leaf(some.tracer, STATEMENT), LightSpan), "a root"
    some.tracer.route.processors = (SpanProcessor(),)
    token = attach(some.inside)
    try:
        assert isinstance(leaf(some.tracer, STATEMENT), LightSpan)
        assert not isinstance(leaf(NoOpTracer(), STATEMENT), Leaf)
    finally:
        detach(token)


def test_a_request_holds_only_some_of_many_children() -> None:
    some = Traced()
    for _ in range(1_000):
        some.tracer.start_span("one", some.inside).end()
    assert (some.data.n, len(spans(some.data))) == (MOST_BELOW, MOST_BELOW)
    assert len(some.routed) == 1_000 - MOST_BELOW


def test_a_child_that_tells_more_than_a_usual_one_waits_as_it_is() -> None:
    some = Traced()
    child = some.tracer.start_span("one", some.inside, attributes={"rows": 7})
    child.end()
    assert (some.data.n, some.data.below, some.data.others) == (1, (), (child.data,))
    assert spans(some.data) == [child.data]


def test_a_child_that_ends_after_its_request_goes_by_itself() -> None:
    some = Traced()
    late = some.tracer.start_span("late", some.inside)
    assert some.request.left(OUTCOME, 1.0, None)
    late.end()
    assert [span.name for span in some.routed] == ["late"]
    assert (some.data.n, some.data.below) == (0, ())


def test_a_request_that_ended_early_does_not_leave_in_one_piece() -> None:
    some = Traced()
    some.request.end()
    assert not some.request.left(OUTCOME, 1.0, None)
    assert some.routed == [some.data]


def test_no_child_of_many_threads_is_lost_or_there_twice_when_the_request_ends_meanwhile() -> None:
    for _ in range(20):
        some = Traced()
        children = [some.tracer.start_span(str(number), some.inside) for number in range(40)]
        parts = [children[number::4] for number in range(4)]
        threads = [threading.Thread(target=lambda part=part: [one.end() for one in part]) for part in parts]
        for thread in threads:
            thread.start()
        some.request.left(OUTCOME, 1.0, None)
        n, taken = some.data.n, spans(some.data)
        for thread in threads:
            thread.join()
        assert n == len(taken)
        assert sorted(int(span.name) for span in (*taken, *some.routed)) == list(range(40))


def test_what_is_below_is_bounded_and_an_item_beyond_goes_without() -> None:
    cells = [memoryview(bytearray(8)).cast("Q") for _ in range(4)]
    offered, dropped, below, without = cells
    some = Bundles(3, offered, dropped, 10, below, without, lambda item: f"{item} alone")
    for n in (6, 6, 4, 1):
        some.bundle("one", n)
    assert list(some.items) == ["one", "one alone", "one"]
    assert ([cell[0] for cell in cells], some.held) == ([4, 1, 17, 7], [10])


def test_a_request_without_its_spans_tells_the_same_of_itself() -> None:
    for bound in (None, {"user": "u-1"}):
        some = Traced()
        some.tracer.start_span("one", some.inside).end()
        item = some.request.left((503, None, "UNMATCHED", "OSError"), 2.5, bound)
        assert item is not None
        answer = request(alone(item))
        assert isinstance(answer, Answered)
        assert (answer.code, answer.milliseconds, answer.error_type, answer.bound) == (503, 2.5, "OSError", bound)
        assert (answer.trace, answer.span_id, answer.sampled) == (some.data.trace, some.data.span_id, True)
        assert int(answer.trace, 16) == some.data.trace_id


HALF = "\ud800"  # of a surrogate pair
ANYTHING = st.one_of(st.text(max_size=8), st.integers(0, 2**64 - 1).map(str), st.just(HALF))


@settings(max_examples=60, deadline=None)
@given(
    facts=st.tuples(
        st.sampled_from(["GET", "_OTHER"]), st.just("http"), *[ANYTHING] * 4, st.sampled_from(["HTTP/1.1", ""])
    ),
    outcome=st.tuples(st.sampled_from([200, 404, 500, 599]), st.none() | ANYTHING, ANYTHING, ANYTHING),
    names=st.lists(ANYTHING, max_size=6),
    attributes=st.none() | st.dictionaries(st.sampled_from("abc"), st.integers() | st.text(max_size=3), max_size=2),
    bound=st.none() | st.just({"user": "u-1"}),
)
def test_what_waits_packed_comes_out_as_what_waits_as_it_is(
    facts: tuple[str, ...],
    outcome: tuple[int, str | None, str, str],
    names: list[str],
    attributes: dict[str, Any] | None,
    bound: dict[str, str] | None,
) -> None:
    some = Traced(facts)
    for name in names:
        some.tracer.start_span(name, some.inside).end()
        some.tracer.start_span("SELECT", some.inside, SpanKind.CLIENT, STATEMENT).end()
        some.tracer.start_span("more", some.inside, attributes=attributes).end()
    some.request.request_id = "r"
    twin = ServerSpan(replace(some.data))
    twin.request_id = "r"
    item = some.request.left(outcome, 1.5, bound)
    assert item is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(server_span, "pack", _never)
        assert isinstance(twin.left(outcome, 1.5, bound), Whole)
    twin.data.end_time = some.data.end_time
    texts = "".join(text or "" for text in (*facts, *outcome[1:], *names))
    usual = not (attributes and names) and bound is None and HALF not in texts
    assert isinstance(item, bytes) is usual
    back = request(item)
    answer = back.answer if isinstance(back, Whole) else back
    assert (answer.code, answer.operation, answer.error_type) == (outcome[0], *outcome[2:])
    assert (answer.method, answer.milliseconds, answer.request_id, answer.bound) == (facts[0], 1.5, "r", bound)
    for field in ("end_time", "trace", "span_id"):
        assert getattr(answer, field) == getattr(some.data, field)
    data = whole(back) if isinstance(back, Bundled) else back.data
    assert data.n == twin.data.n
    segments = Segments(Resource({"service.name": "shop"}), "/shop/logs")
    for one, other in zip((*spans(data), data), (*spans(twin.data), twin.data), strict=True):
        assert segments.document(one) == segments.document(other)
        assert readable(one).to_json() == readable(other).to_json()


def _never(_: object) -> bytes:
    raise OverflowError


def test_what_waits_is_one_piece_that_the_garbage_collector_does_not_know() -> None:
    gc.collect()
    gc.disable()
    try:
        some = Traced()
        for name in ("one", "two"):
            some.tracer.start_span(name, some.inside).end()
        some.request.left(OUTCOME, 1.0, None)

        assert not gc.is_tracked(some.data)
        watched = weakref.ref(some.request)
        del some
        assert watched() is None, "what refers to itself waits for the collector"
    finally:
        gc.enable()
