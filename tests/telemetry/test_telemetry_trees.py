"""Segments with their subsegments in them, and what is sent alone."""

from __future__ import annotations

import json
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind

from service.telemetry.origin import NO_LIMITS, Origin, Route
from service.telemetry.traces.segments import Segments
from service.telemetry.traces.text import LIMIT
from service.telemetry.traces.trees import Trees
from service.telemetry.waiting import NO_STATE, RequestData, SpanData

TRACE = 0x6A000000 << 96 | 7
RESOURCE = Resource({"service.name": "shop"})
ORIGIN = Origin(RESOURCE, None, NO_LIMITS, Route(list[SpanData]().append))


def trees() -> Trees:
    return Trees(Segments(RESOURCE, "/shop/logs"))


def child(span_id: int, above: int, name: str = "step") -> SpanData:
    made = SpanData(name, SpanKind.INTERNAL, TRACE, span_id, 1, NO_STATE, above, ORIGIN, 1_000_000_000)
    made.end_time = 2_000_000_000
    return made


def request(span_id: int, status: int = 200) -> RequestData:
    made = RequestData(
        "GET /a", SpanKind.SERVER, TRACE, span_id, 1, NO_STATE, 0, ORIGIN, 1_000_000_000,
        facts=("GET", "http", "/a", "127.0.0.1", "127.0.0.2", "agent", "HTTP/1.1"), code=status, route="/a",
        operation="GET /a",
    )  # fmt: skip
    made.end_time = 3_000_000_000
    return made


def told(made: tuple[str, int] | None) -> tuple[dict[str, Any], int]:
    assert made is not None
    return json.loads(made[0]), made[1]


def test_what_ends_before_its_request_is_within_its_segment() -> None:
    some = trees()
    assert some.take(child(3, 2, "inner")) is None
    assert some.take(child(2, 1, "outer")) is None
    document, n = told(some.take(request(1)))
    assert (document["id"], document["trace_id"], n) == (f"{1:016x}", "1-6a000000-000000000000000000000007", 3)
    (outer,) = document["subsegments"]
    inner = {"name": "inner", "id": f"{3:016x}", "start_time": 1.0, "end_time": 2.0}
    assert outer == {"name": "outer", "id": f"{2:016x}", "start_time": 1.0, "end_time": 2.0, "subsegments": [inner]}
    assert some.left() == []


def test_what_ends_after_its_request_is_sent_alone_with_all_that_tells_where_it_belongs() -> None:
    some = trees()
    some.take(request(1))
    late = child(2, 1)
    assert some.take(late) is None
    assert some.left() == [late]
    assert some.left() == []
    document = json.loads(Segments(RESOURCE, "/shop/logs").document(late))
    assert (document["type"], document["parent_id"]) == ("subsegment", f"{1:016x}")


def test_a_request_with_more_below_it_than_a_document_holds_is_sent_without() -> None:
    some = trees()
    below = [child(number, 1, "x" * 200) for number in range(2, 400)]
    for one in below:
        some.take(one)
    made = some.take(request(1))
    document, n = told(made)
    assert made is not None
    assert len(made[0]) < LIMIT
    assert ("subsegments" in document, n) == (False, 1)
    assert some.left() == below


def test_spans_that_are_each_others_parents_hang_nothing() -> None:
    some = trees()
    for one in (child(2, 3), child(3, 2), child(4, 1), child(1, 1)):
        some.take(one)
    document, n = told(some.take(request(1)))
    assert n == 3
    assert {sub["id"] for sub in document["subsegments"]} == {f"{4:016x}", f"{1:016x}"}
    assert len(some.left()) == 2
