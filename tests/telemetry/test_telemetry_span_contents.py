"""What spans of both kinds hold: attributes, events, links and status, within their limits."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN_CONTEXT, Link, SpanKind
from opentelemetry.trace.status import Status, StatusCode

from service.telemetry.origin import Prepared

from .telemetry_spans import KINDS, REMOTE, UNSAMPLED, Traced, below


def test_attributes_come_from_the_start_and_from_later(traced: Traced) -> None:
    given = {"a": 1, "b": [1, 2]}
    span = traced.tracer.start_span("s", attributes=given)
    given["a"] = 2
    given["b"].append(3)
    span.set_attribute("c", "text")
    span.set_attributes({"d": 1.5, "a": True})
    span.end()
    assert dict(traced.ended[0].attributes) == {"a": True, "b": (1, 2), "c": "text", "d": 1.5}
    assert given == {"a": 2, "b": [1, 2, 3]}


@pytest.mark.parametrize("key", ["", None, 7])
def test_a_key_that_is_no_text_is_left_out(traced: Traced, key: Any) -> None:
    span = traced.tracer.start_span("s", attributes={"fine": 1})
    span.set_attribute(key, 1)
    span.end()
    assert dict(traced.ended[0].attributes) == {"fine": 1}


def test_a_prepared_set_of_attributes_is_never_changed() -> None:
    traced, shared = Traced(), Prepared("s", SpanKind.INTERNAL, {"a": 1})
    span = traced.tracer.start_span("s", attributes=shared)
    span.set_attribute("b", 2)
    span.end()
    other = traced.tracer.start_span("t", attributes=shared)
    other.set_attributes({"c": 3})
    other.end()
    traced.tracer.start_span("s", attributes=shared).end()
    assert [dict(span.attributes) for span in traced.ended] == [{"a": 1, "b": 2}, {"a": 1, "c": 3}, {"a": 1}]
    assert dict(shared) == {"a": 1}


@pytest.mark.parametrize("kind", KINDS)
def test_limits_come_from_opentelemetrys_variables(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT": "3",
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT": "4",
        "OTEL_SPAN_EVENT_COUNT_LIMIT": "2",
        "OTEL_SPAN_LINK_COUNT_LIMIT": "1",
        "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT": "1",
    }.items():
        monkeypatch.setenv(name, value)
    traced = Traced(kind)
    links = [Link(REMOTE), Link(UNSAMPLED)]
    span = traced.tracer.start_span("s", attributes={"a": "12345", "b": 2}, links=links)
    span.set_attribute("c", "long text")
    span.set_attributes({"a": 5, "d": 4})
    for number in range(3):
        span.add_event(f"e{number}", {"x": 1, "y": 2})
    span.end()
    (ended,) = traced.ended
    assert dict(ended.attributes) == {"a": 5, "c": "long", "d": 4}
    assert ended.further.dropped_attributes == 1
    assert [(event.name, dict(event.attributes or {})) for event in ended.further.events] == [
        ("e1", {"y": 2}),
        ("e2", {"y": 2}),
    ]
    assert [link.context for link in ended.further.links] == [UNSAMPLED]
    assert (ended.further.dropped_events, ended.further.dropped_links) == (1, 1)


def test_without_a_variable_there_are_128_attributes_and_the_newest_stay(traced: Traced) -> None:
    span = traced.tracer.start_span("s", attributes={f"k{number}": number for number in range(100)})
    for number in range(100, 200):
        span.set_attribute(f"k{number}", number)
    span.end()
    (ended,) = traced.ended
    assert list(ended.attributes) == [f"k{number}" for number in range(72, 200)]
    assert ended.further.dropped_attributes == 72


def test_events_and_links_are_kept(traced: Traced) -> None:
    span = traced.tracer.start_span("s", links=[Link(REMOTE, {"why": "batch"}), Link(INVALID_SPAN_CONTEXT)])
    span.add_link(UNSAMPLED)
    span.add_link(INVALID_SPAN_CONTEXT)
    span.add_event("retry", {"attempt": 2}, timestamp=17)
    span.add_event("done")
    span.end()
    (ended,) = traced.ended
    assert [(link.context, dict(link.attributes or {})) for link in ended.further.links] == [
        (REMOTE, {"why": "batch"}),
        (UNSAMPLED, {}),
    ]
    first, second = ended.further.events
    assert (first.name, first.timestamp, dict(first.attributes or {})) == ("retry", 17, {"attempt": 2})
    assert ended.start_time <= second.timestamp <= (ended.end_time or 0)


STATUSES: list[tuple[list[tuple[Any, ...]], tuple[StatusCode, str | None]]] = [
    ([], (StatusCode.UNSET, None)),
    ([(StatusCode.ERROR, "bad")], (StatusCode.ERROR, "bad")),
    ([(Status(StatusCode.ERROR, "bad"),)], (StatusCode.ERROR, "bad")),
    ([(StatusCode.ERROR, "bad"), (StatusCode.OK,)], (StatusCode.OK, None)),
    ([(StatusCode.OK,), (StatusCode.ERROR, "bad")], (StatusCode.OK, None)),
    ([(StatusCode.ERROR, "a"), (Status(StatusCode.ERROR, "b"),)], (StatusCode.ERROR, "b")),
    ([(StatusCode.ERROR, "a"), (StatusCode.UNSET,)], (StatusCode.ERROR, "a")),
    ([(Status(StatusCode.OK),), (Status(StatusCode.UNSET),)], (StatusCode.OK, None)),
]


@pytest.mark.parametrize(("calls", "status"), STATUSES)
def test_ok_is_final_and_nothing_is_unset(
    traced: Traced, calls: list[tuple[Any, ...]], status: tuple[StatusCode, str | None]
) -> None:
    span = traced.tracer.start_span("s")
    for call in calls:
        span.set_status(*call)
    span.end()
    (ended,) = traced.ended
    assert (ended.further.status.status_code, ended.further.status.description) == status


class Thing:
    def __str__(self) -> str:
        return "a thing"


SCALARS = st.one_of(
    st.text(max_size=20),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.none(),
    st.binary(max_size=5),
    st.builds(Thing),
)


KEYS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        [
            "http.request.method", "http.response.status_code", "http.method", "http.status_code", "http.url",
            "url.full", "url.path", "server.address", "server.port", "db.system.name", "db.query.text", "db.statement",
            "db.namespace", "peer.service", "operation", "order_id", "enduser.id", "aws.xray.annotations",
            "aws.xray.metadata.extra", "aws.remote.service", "rpc.system", "client.address",
        ]
    ),
)  # fmt: skip


VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(st.text(max_size=5), SCALARS, max_size=3))


@settings(max_examples=120, deadline=None)
@given(
    start=st.dictionaries(KEYS, VALUES, max_size=6),
    later=st.lists(st.tuples(KEYS, VALUES), max_size=6),
    kind=st.sampled_from(list(SpanKind)),
    status=st.sampled_from(list(StatusCode)),
    name=st.text(max_size=12),
    child=st.booleans(),
)
def test_both_kinds_of_span_make_the_same_document(
    start: dict[str, Any], later: list[tuple[str, Any]], kind: SpanKind, status: StatusCode, name: str, child: bool
) -> None:
    logging.disable(logging.WARNING)
    documents = []
    try:
        for which in KINDS:
            traced = Traced(which)
            context = below(REMOTE) if child else Context()
            span = traced.tracer.start_span(name, context, kind, start, start_time=1_000)
            for key, value in later:
                span.set_attribute(key, value)
            span.set_attributes(dict(later))
            span.set_status(status, "why" if status is StatusCode.ERROR else None)
            span.end(end_time=2_000)
            (document,) = traced.documents()
            for random in ("id",) if child else ("id", "trace_id"):
                assert len(document.pop(random)) in (16, 35)
            for exception in document.get("cause", {}).get("exceptions", []):
                del exception["id"]
            documents.append(document)
    finally:
        logging.disable(logging.NOTSET)
    assert documents[0] == documents[1]
    assert not any(isinstance(value, float) and math.isnan(value) for value in documents[0].values())
