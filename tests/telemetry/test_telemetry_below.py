"""Spans that wait with their request, and leave with it."""

from __future__ import annotations

import threading
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.trace import set_span_in_context

from service.telemetry.delivery.intake import Bundles
from service.telemetry.sampling import FollowParent
from service.telemetry.server_span import ServerSpan
from service.telemetry.spans import MOST_BELOW, Below, Route
from service.telemetry.tracer import LightTracer, LightTracerProvider

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
    assert [span[5] for span in some.below] == ["inner", "outer"]
    assert some.routed == []


def test_a_request_holds_only_some_of_many_children() -> None:
    some = Traced()
    for _ in range(1_000):
        some.tracer.start_span("one", some.inside).end()
    assert (len(some.below), len(some.routed)) == (MOST_BELOW, 1_000 - MOST_BELOW)


def test_a_child_that_ends_after_its_request_goes_by_itself() -> None:
    some = Traced()
    late = some.tracer.start_span("late", some.inside)
    assert some.request.leave((200, "/a", "GET /a", ""), 1) is FACTS
    some.below.open = False
    late.end()
    assert [span[5] for span in some.routed] == ["late"]
    assert some.below == []


def test_a_request_that_ended_early_does_not_leave_in_one_piece() -> None:
    some = Traced()
    some.request.end()
    assert some.request.leave((200, "/a", "GET /a", ""), 1) is None
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
        taken = tuple(some.below)
        for thread in threads:
            thread.join()
        assert sorted(int(span[5]) for span in (*taken, *some.routed)) == list(range(40))


def test_what_is_below_is_bounded_and_an_item_beyond_goes_without() -> None:
    cells = [memoryview(bytearray(8)).cast("Q") for _ in range(4)]
    offered, dropped, below, without = cells
    some = Bundles(3, offered, dropped, 2, 10, below, without)
    for n in (6, 6, 4, 1):
        some.bundle(("at", "what", "spans"), n)
    assert list(some.items) == [("at", "what", "spans"), ("at", "what"), ("at", "what", "spans")]
    assert ([cell[0] for cell in cells], some.held) == ([4, 1, 17, 7], [10])
