"""Spans that wait with their request, and leave with it."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import SpanKind, set_span_in_context

from service.telemetry.delivery.intake import Bundles
from service.telemetry.origin import Prepared, Route
from service.telemetry.providers import LightTracerProvider
from service.telemetry.readable import readable
from service.telemetry.sampling import FollowParent
from service.telemetry.server_span import ServerSpan
from service.telemetry.span_data import MOST_BELOW, RequestData
from service.telemetry.tracer import LightTracer
from service.telemetry.traces.segments import Segments
from service.telemetry.unpacking import request, spans, whole
from service.telemetry.waiting import Bundled

FACTS = ("GET", "http", "/a", "shop", "127.0.0.2", "agent", "HTTP/1.1")
STATEMENT = Prepared({"db.system.name": "sqlite", "db.operation.name": "SELECT"})
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


class Bundle:
    """An item with others in it."""

    def packed(self) -> str:
        return "whole"

    def alone(self) -> str:
        return "alone"


def test_what_is_below_is_bounded_and_an_item_beyond_goes_without() -> None:
    cells = [memoryview(bytearray(8)).cast("Q") for _ in range(4)]
    offered, dropped, below, without = cells
    some, item = Bundles(3, offered, dropped, 10, below, without), Bundle()
    for n in (6, 6, 4, 1):
        some.bundle(item, n)
    assert list(some.items) == ["whole", "alone", "whole"]
    assert ([cell[0] for cell in cells], some.held) == ([4, 1, 17, 7], [10])


HALF = "\ud800"  # of a surrogate pair
ANYTHING = st.one_of(st.text(max_size=8), st.integers(0, 2**64 - 1).map(str), st.just(HALF))


@settings(max_examples=60, deadline=None)
@given(
    facts=st.tuples(*[ANYTHING] * 7),
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
    assert some.request.left(outcome, 1.5, bound)
    item = some.data.packed()
    texts = "".join(text or "" for text in (*facts, *outcome[1:], *names))
    usual = not (attributes and names) and bound is None and HALF not in texts
    assert isinstance(item, bytes) is usual
    back = request(item)
    for field in ("end_time", "operation", "method", "code", "milliseconds", "request_id", "trace_id", "span_id"):
        assert getattr(back, field) == getattr(some.data, field)
    assert (back.error_type, back.bound, back.n) == (some.data.error_type, some.data.bound, some.data.n)
    back = whole(back) if isinstance(back, Bundled) else back
    assert isinstance(back, RequestData)
    segments = Segments(Resource({"service.name": "shop"}), "/shop/logs")
    told, expected = ([segments.document(one) for one in (*spans(data), data)] for data in (back, some.data))
    assert told == expected
    for one, other in zip((*spans(back), back), (*spans(some.data), some.data), strict=True):
        assert readable(one).to_json() == readable(other).to_json()


def test_what_waits_is_one_piece_that_the_garbage_collector_does_not_know() -> None:
    gc.collect()
    gc.disable()
    try:
        some = Traced()
        for name in ("one", "two"):
            some.tracer.start_span(name, some.inside).end()
        some.request.left(OUTCOME, 1.0, None)
        assert isinstance(some.data.packed(), bytes)
        assert not gc.is_tracked(some.data)
        watched = weakref.ref(some.request)
        del some
        assert watched() is None, "what refers to itself waits for the collector"
    finally:
        gc.enable()
