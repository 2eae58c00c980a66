"""Segments with their subsegments in them, and what is sent alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind

from service.telemetry import unpacking
from service.telemetry.origin import NO_LIMITS, Origin, Prepared, Route
from service.telemetry.span_data import NO_STATE, RequestData, SpanData
from service.telemetry.traces.segments import Segments
from service.telemetry.traces.text import LIMIT
from service.telemetry.traces.trees import DEEPEST, Trees
from service.telemetry.waiting import Bundled

TRACE = 0x6A000000 << 96 | 7
RESOURCE = Resource({"service.name": "shop"})
PREPARED = [
    Prepared("SELECT", SpanKind.CLIENT, {"db.system.name": "sqlite"}),
    Prepared("GET", SpanKind.CLIENT, {"http.request.method": "GET"}),
]
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
        facts=("GET", "http", "/a", "127.0.0.1", "127.0.0.2", "agent", "HTTP/1.1"),
        outcome=(status, "/a", "GET /a", ""), short="GET", trace=f"{TRACE:032x}",
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


SHORT = st.sampled_from(["step", "a<b>", "", 0, 1])


@given(
    below=st.lists(st.tuples(st.integers(2, 9), st.integers(1, 9), st.integers(0, 3), st.integers(0, 3), SHORT)),
    code=st.sampled_from([200, 404, 503]),
    made=st.booleans(),
)
def test_a_request_in_one_piece_is_told_as_its_spans_one_by_one(
    below: list[tuple[int, int, int, int, str | int]], code: int, made: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.telemetry.origin.PREPARED", PREPARED)
        for module in ("unpacking", "traces.trees", "traces.segments"):
            patch.setattr(f"service.telemetry.{module}.PREPARED", PREPARED)
            patch.setattr(f"service.telemetry.{module}.ORIGINS", [ORIGIN], raising=False)
        for one in PREPARED:
            one.made = None
        told = tuple(
            item
            for span_id, above, start, end, short in below
            for item in (span_id, above, start * 10**9, end * 10**9, 0, short)
        )
        facts = ("GET", "http", "/a", "127.0.0.1", "127.0.0.2", "agent", "HTTP/1.1")
        request = Bundled(
            f"{TRACE:032x}", 1, 3 * 10**9, "GET /a", "/a", code, 1.5, "r", "", 10**9, facts, told, len(below), 0
        )
        one_by_one, at_once = trees(), trees()
        whole = unpacking.whole(request)
        documents = [one_by_one.take(span) for span in (*unpacking.spans(whole), whole)]
        left = one_by_one.left()
        if not made:
            for one in PREPARED:
                one.made = None
        found = at_once.bundle(request)
        ids = [span_id for span_id, *_ in below]
        if found is not None:
            assert found == documents[-1]
            assert not left
        elif made and not left and len(set(ids)) == len(ids):
            # Then what is usual is done at once: every span ends before the one above it.
            late = [ids.index(above) < place for place, (_, above, *_) in enumerate(below) if above in ids]
            assert any(late) or len(below) > DEEPEST
