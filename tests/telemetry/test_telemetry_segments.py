import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import SpanKind, set_span_in_context
from opentelemetry.trace.status import Status, StatusCode

from service.telemetry.segments import LIMIT, document, to_segment

RESOURCE = Resource({"service.name": "shop", "service.version": "1.2", "deployment.environment.name": "local"})
GROUP = "/shop/local/shop/logs"


class Kept(SpanExporter):
    def __init__(self) -> None:
        self.spans: list[ReadableSpan] = []

    def export(self, spans: Any) -> SpanExportResult:
        self.spans += spans
        return SpanExportResult.SUCCESS


def made(
    kind: SpanKind = SpanKind.SERVER,
    *,
    child: bool = False,
    act: Callable[[Span], Any] = lambda _: None,
    name: str = "POST /checkout",
    **attributes: Any,
) -> ReadableSpan:
    kept = Kept()
    provider = TracerProvider(resource=RESOURCE, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer("test")
    context = set_span_in_context(tracer.start_span("parent")) if child else None
    span = tracer.start_span(name, context, kind, {key.replace("__", "."): value for key, value in attributes.items()})
    assert isinstance(span, Span)
    act(span)
    span.end()
    return kept.spans[-1]


def segment(*args: Any, **kwargs: Any) -> dict[str, Any]:
    return to_segment(made(*args, **kwargs), GROUP)


def raising(span: Span) -> None:
    try:
        try:
            int("x")
        except ValueError as error:
            raise LookupError("no such order") from error
    except LookupError as error:
        span.record_exception(error)


def test_a_server_span_is_a_segment_with_the_log_group_and_annotations() -> None:
    told = segment(
        child=True,
        http__request__method="POST",
        url__scheme="http",
        url__path="/checkout",
        server__address="127.0.0.1",
        server__port=8080,
        client__address="10.0.0.1",
        user_agent__original="locust",
        http__response__status_code=201,
        operation="POST /checkout",
        order_id="o-1",
        http__route="/checkout",
    )
    assert "type" not in told
    assert told["name"] == "shop"
    assert re.fullmatch("[0-9a-f]{16}", told["id"])
    assert re.fullmatch("[0-9a-f]{16}", told["parent_id"])
    assert re.fullmatch("1-[0-9a-f]{8}-[0-9a-f]{24}", told["trace_id"])
    assert told["start_time"] <= told["end_time"]
    assert told["service"] == {"version": "1.2"}
    assert told["aws"]["cloudwatch_logs"] == [{"log_group": GROUP}]
    assert told["http"] == {
        "request": {
            "method": "POST",
            "url": "http://127.0.0.1:8080/checkout",
            "user_agent": "locust",
            "client_ip": "10.0.0.1",
        },
        "response": {"status": 201},
    }
    assert told["annotations"] == {
        "service": "shop",
        "environment": "local",
        "release": "1.2",
        "operation": "POST /checkout",
        "order_id": "o-1",
    }
    assert told["metadata"] == {"default": {"http.route": "/checkout"}}
    assert not {"error", "fault", "throttle", "cause", "namespace"} & told.keys()


@pytest.mark.parametrize(
    ("kind", "child", "is_segment"),
    [
        (SpanKind.SERVER, False, True),
        (SpanKind.SERVER, True, True),
        (SpanKind.INTERNAL, False, True),
        (SpanKind.CLIENT, False, True),
        (SpanKind.CLIENT, True, False),
        (SpanKind.INTERNAL, True, False),
        (SpanKind.PRODUCER, True, False),
    ],
)
def test_server_spans_and_roots_are_segments_and_the_rest_subsegments(
    kind: SpanKind, child: bool, is_segment: bool
) -> None:
    told = segment(kind, child=child)
    assert (told.get("type") != "subsegment") is is_segment
    assert ("parent_id" in told) is child
    assert (told.get("namespace") == "remote") is (kind is SpanKind.CLIENT and child)


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"peer__service": "payments"}, "payments"),
        ({"db__namespace": "shop", "server__address": "db.local"}, "shop@db.local"),
        ({"db__namespace": "shop.db"}, "shop.db"),
        ({"server__address": "example.org"}, "example.org"),
        ({}, "GET /x"),
    ],
)
def test_a_client_span_is_named_by_the_first_thing_known_of_the_other_side(
    attributes: dict[str, str], name: str
) -> None:
    assert segment(SpanKind.CLIENT, child=True, name="GET /x", **attributes)["name"] == name


def test_characters_that_a_name_may_not_have_are_left_out() -> None:
    assert segment(SpanKind.INTERNAL, child=True, name="load <b>'x'</b>\n{1}")["name"] == "load bx/b\n1"
    assert segment(SpanKind.INTERNAL, child=True, name="{}")["name"] == "span"
    assert len(segment(SpanKind.INTERNAL, child=True, name="x" * 300)["name"]) == 200


@pytest.mark.parametrize(
    ("status", "ended", "flags"),
    [
        (200, StatusCode.UNSET, set()),
        (200, StatusCode.ERROR, {"fault"}),
        (404, StatusCode.UNSET, {"error"}),
        (404, StatusCode.ERROR, {"error"}),
        (429, StatusCode.UNSET, {"error", "throttle"}),
        (503, StatusCode.UNSET, {"fault"}),
        (None, StatusCode.ERROR, {"fault"}),
        (None, StatusCode.UNSET, set()),
    ],
)
def test_the_http_status_decides_before_the_span_status(status: int | None, ended: StatusCode, flags: set[str]) -> None:
    attributes = {} if status is None else {"http__response__status_code": status}
    told = segment(act=lambda span: span.set_status(Status(ended)), **attributes)
    assert {flag for flag in ("error", "throttle", "fault") if told.get(flag)} == flags


def test_an_exception_is_a_cause_with_frames_and_its_own_cause_but_no_fault() -> None:
    told = segment(act=raising)
    assert "fault" not in told
    outer, inner = told["cause"]["exceptions"]
    assert (outer["type"], outer["message"], outer["remote"]) == ("LookupError", "no such order", False)
    assert outer["cause"] == inner["id"] != outer["id"]
    assert inner["type"] == "ValueError"
    assert inner["message"].startswith("invalid literal")
    assert outer["stack"][0]["label"] == "raising"
    assert outer["stack"][0]["path"].endswith("test_telemetry_segments.py")
    assert outer["stack"][0]["line"] > 0


def test_an_exception_of_a_call_to_elsewhere_is_remote() -> None:
    assert segment(SpanKind.CLIENT, child=True, act=raising)["cause"]["exceptions"][0]["remote"] is True


def test_an_error_status_with_a_message_and_no_exception_is_its_own_cause() -> None:
    told = segment(act=lambda span: span.set_status(Status(StatusCode.ERROR, "queue full")))
    assert told["cause"]["exceptions"][0]["message"] == "queue full"


def test_a_database_span_has_its_statement() -> None:
    told = segment(
        SpanKind.CLIENT, child=True, db__system__name="postgresql", db__query__text="SELECT ?", db__namespace="shop"
    )
    assert told["sql"] == {"database_type": "postgresql", "sanitized_query": "SELECT ?"}


def deep(span: Span) -> None:
    def down(n: int) -> None:
        if n:
            down(n - 1)
        raise RuntimeError("x" * 5_000)

    for _ in range(30):
        try:
            down(60)
        except RuntimeError as error:
            span.record_exception(error)


@pytest.mark.parametrize(
    "span",
    [
        made(**{f"note{i}": "x" * 2_000 for i in range(60)}),
        made(act=deep, **{f"note{i}": "x" * 2_000 for i in range(30)}),
        made(SpanKind.CLIENT, child=True, db__system__name="sqlite", db__query__text="SELECT " + "é" * 90_000),
    ],
    ids=["metadata", "exceptions", "statement"],
)
def test_a_document_always_fits_and_keeps_who_when_and_what(span: ReadableSpan) -> None:
    text = document(span, GROUP)
    assert len(text.encode()) <= LIMIT
    told = json.loads(text)
    whole = to_segment(span, GROUP)
    assert {key: told.get(key) for key in ("id", "trace_id", "start_time", "end_time", "parent_id")} == {
        key: whole.get(key) for key in ("id", "trace_id", "start_time", "end_time", "parent_id")
    }
