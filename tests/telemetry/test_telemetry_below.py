"""Spans that wait with their request, and leave with it."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import set_span_in_context

from service.telemetry.delivery.intake import Bundles
from service.telemetry.sampling import FollowParent
from service.telemetry.server_span import ServerSpan
from service.telemetry.spans import Route
from service.telemetry.tracer import LightTracer, LightTracerProvider
from service.telemetry.waiting import MOST_BELOW, Below, Flat, in_order

FACTS = ("GET", "http", "/a", "shop", "127.0.0.2", "agent", "HTTP/1.1")


class Traced:
    """A tracer whose spans go to a list, and a request."""

    def __init__(self) -> None:
        self.routed: list[Any] = []
        route = Route(self.routed.append)
        route.flat = True
        self.tracer: LightTracer = LightTracerProvider(FollowParent(ALWAYS_ON), Resource({}), route).get_tracer("one")
        request = self.tracer.serve(Context(), FACTS)
        assert isinstance(request, ServerSpan)
        assert request.below is not None
        self.request: ServerSpan = request
        self.below: Below = request.below
        self.inside = set_span_in_context(request, Context())


def test_children_and_theirs_wait_with_the_request() -> None:
    some = Traced()
    outer = some.tracer.start_span("outer", some.inside)
    inner = some.tracer.start_span("inner", set_span_in_context(outer, some.inside))
    inner.end()
    outer.end()
    assert [span.name for span in in_order(some.below.last)] == ["inner", "outer"]
    assert (some.below.n, some.below.others) == (2, [])
    assert some.routed == []


def test_a_request_holds_only_some_of_many_children() -> None:
    some = Traced()
    for _ in range(1_000):
        some.tracer.start_span("one", some.inside).end()
    assert (some.below.n, len(in_order(some.below.last))) == (MOST_BELOW, MOST_BELOW)
    assert len(some.routed) == 1_000 - MOST_BELOW


def test_a_child_that_tells_more_than_a_usual_one_waits_as_it_is() -> None:
    some = Traced()
    child = some.tracer.start_span("one", some.inside, attributes={"rows": 7})
    child.end()
    assert (some.below.n, some.below.last, some.below.others) == (1, None, [child])


def test_a_child_that_ends_after_its_request_goes_by_itself() -> None:
    some = Traced()
    late = some.tracer.start_span("late", some.inside)
    assert some.request.leave((200, "/a", "GET /a", ""), 1) is True
    some.below.open = False
    late.end()
    assert [span.name for span in some.routed] == ["late"]
    assert (some.below.n, some.below.last) == (0, None)


def test_a_request_that_ended_early_does_not_leave_in_one_piece() -> None:
    some = Traced()
    some.request.end()
    assert some.request.leave((200, "/a", "GET /a", ""), 1) is False
    assert some.routed == [some.request]


def test_no_child_of_many_threads_is_lost_or_there_twice_when_the_request_ends_meanwhile() -> None:
    for _ in range(20):
        some = Traced()
        children = [some.tracer.start_span(str(number), some.inside) for number in range(40)]
        parts = [children[number::4] for number in range(4)]
        threads = [threading.Thread(target=lambda part=part: [one.end() for one in part]) for part in parts]
        for thread in threads:
            thread.start()
        some.below.open = False
        n, taken = some.below.n, in_order(some.below.last)
        for thread in threads:
            thread.join()
        assert n == len(taken)
        assert sorted(int(span.name) for span in (*taken, *some.routed)) == list(range(40))


class Bundle:
    """An item with others in it."""

    def alone(self) -> str:
        return "alone"


def test_what_is_below_is_bounded_and_an_item_beyond_goes_without() -> None:
    cells = [memoryview(bytearray(8)).cast("Q") for _ in range(4)]
    offered, dropped, below, without = cells
    some, item = Bundles(3, offered, dropped, 10, below, without), Bundle()
    for n in (6, 6, 4, 1):
        some.bundle(item, n)
    assert list(some.items) == [item, "alone", item]
    assert ([cell[0] for cell in cells], some.held) == ([4, 1, 17, 7], [10])


def test_the_garbage_collector_knows_nothing_of_what_waits_and_finds_no_circle_in_it() -> None:
    gc.collect()
    gc.disable()
    try:
        some = Traced()
        for name in ("one", "two"):
            some.tracer.start_span(name, some.inside).end()
        last = some.below.last
        assert isinstance(last, Flat)
        assert not gc.is_tracked(last)
        watched = weakref.ref(some.request)
        del some
        assert watched() is None, "what refers to itself waits for the collector"
    finally:
        gc.enable()
