"""A span as a segment document, rule by rule; both kinds of span."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import Span, SpanKind, set_span_in_context
from opentelemetry.trace.status import Status, StatusCode

from service.telemetry.http_attributes import server_attributes
from service.telemetry.server_span import ServerSpan, finish
from service.telemetry.span_data import SpanData
from service.telemetry.traces.segments import Segments
from service.telemetry.traces.text import LIMIT

from .telemetry_spans import GROUP, KINDS, RESOURCE, Traced


def made(
    kind: SpanKind = SpanKind.SERVER,
    *,
    child: bool = False,
    act: Callable[[Span], Any] = lambda _: None,
    name: str = "POST /checkout",
    spans: str = "light",
    **attributes: Any,
) -> SpanData:
    traced = Traced(spans)
    context = set_span_in_context(traced.tracer.start_span("parent")) if child else Context()
    given = {key.replace("__", "."): value for key, value in attributes.items()}
    span = traced.tracer.start_span(name, context, kind, given)
    act(span)
    span.end()
    return traced.ended[-1]


def document(span: SpanData, resource: Resource = RESOURCE) -> str:
    return Segments(resource, GROUP).document(span)


def segment(*args: Any, **kwargs: Any) -> dict[str, Any]:
    """The document, the same for both kinds of span."""
    light, sdk = (json.loads(document(made(*args, spans=spans, **kwargs))) for spans in KINDS)
    assert light.keys() == sdk.keys()
    assert {key: light[key] for key in light.keys() - CHANGING} == {key: sdk[key] for key in sdk.keys() - CHANGING}
    told: dict[str, Any] = light
    return told


CHANGING = {"id", "trace_id", "parent_id", "start_time", "end_time", "cause"}
OF_RESOURCE = {
    "otel.resource.service.name": "shop",
    "otel.resource.service.version": "1.2",
    "otel.resource.deployment.environment.name": "local",
}


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
    assert told["metadata"] == {"default": {**OF_RESOURCE, "http.route": "/checkout"}}
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
    # What a resource says stands on segments alone.
    assert ("service" in told) is ("aws" in told) is ("otel.resource.service.name" in str(told)) is is_segment


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ({"peer__service": "payments"}, "payments"),
        ({"db__namespace": "shop", "server__address": "db.local"}, "shop@db.local"),
        ({"db__namespace": "shop.db"}, "shop.db"),
        ({"server__address": "example.org"}, "example.org"),
        ({"aws__remote__service": "AWS::DynamoDB", "peer__service": "x"}, "DynamoDB"),
        ({"aws__remote__service": "AWS.SDK.S3"}, "S3"),
        ({"aws__service": "SQS", "db__namespace": "shop"}, "SQS"),
        ({"rpc__service": "Carts"}, "Carts"),
        ({"http__host": "a.example"}, "a.example"),
        ({"net__peer__name": "b.example"}, "b.example"),
        ({"db__name": "old", "net__peer__name": "x"}, "old"),
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


def test_only_a_request_is_named_by_its_service() -> None:
    assert segment()["name"] == "shop"
    assert segment(aws__local__service="carts")["name"] == "carts"
    assert segment(SpanKind.INTERNAL, name="nightly")["name"] == "nightly"


@pytest.mark.parametrize(
    ("kind", "attributes", "namespace"),
    [
        (SpanKind.CLIENT, {}, "remote"),
        (SpanKind.CLIENT, {"rpc__system": "aws-api"}, "aws"),
        (SpanKind.INTERNAL, {"aws__service": "S3"}, "aws"),
        (SpanKind.PRODUCER, {}, None),
        (SpanKind.PRODUCER, {"aws__remote__service": "queue"}, "remote"),
        (SpanKind.INTERNAL, {}, None),
    ],
)
def test_a_subsegment_says_whose_the_other_side_is(
    kind: SpanKind, attributes: dict[str, str], namespace: str | None
) -> None:
    assert segment(kind, child=True, **attributes).get("namespace") == namespace


def test_names_of_earlier_conventions_fill_the_same_places() -> None:
    old = segment(SpanKind.CLIENT, child=True, http__method="GET", http__url="http://a/b", http__status_code=404)
    assert old["http"] == {"request": {"method": "GET", "url": "http://a/b"}, "response": {"status": 404}}
    assert old["error"] is True
    assert "metadata" not in old
    sql = segment(SpanKind.CLIENT, child=True, db__system="mysql", db__statement="SELECT ?", db__user="u")
    assert sql["sql"] == {"database_type": "mysql", "sanitized_query": "SELECT ?", "user": "u"}


def test_a_span_may_list_its_annotations_and_give_metadata_a_namespace() -> None:
    attributes = {
        "aws__xray__annotations": ["customer-tier", "size", "many", "missing"],
        "customer-tier": "gold",
        "size": 3,
        "many": ["a"],
        "aws__xray__metadata__cart": '{"lines": [1, 2]}',
        "aws__xray__metadata__broken": "{",
        "enduser__id": "u-1",
    }
    told = segment(SpanKind.INTERNAL, child=True, **attributes)
    assert told["annotations"] == {"customer_tier": "gold", "size": 3}
    assert told["metadata"] == {"default": {"aws.xray.metadata.broken": "{"}, "cart": {"lines": [1, 2]}}
    assert told["user"] == "u-1"


@pytest.mark.parametrize(
    ("about", "origin"),
    [
        ({"cloud.platform": "aws_ecs", "aws.ecs.launchtype": "FARGATE"}, "AWS::ECS::Fargate"),
        ({"cloud.platform": "aws_ecs", "aws.ecs.launchtype": "ec2"}, "AWS::ECS::EC2"),
        ({"cloud.platform": "aws_ecs"}, "AWS::ECS::Container"),
        ({"cloud.platform": "aws_eks", "cloud.provider": "aws"}, "AWS::EKS::Container"),
        ({"cloud.platform": "aws_ec2"}, "AWS::EC2::Instance"),
        ({"cloud.platform": "aws_ec2", "cloud.provider": "gcp"}, None),
        ({}, None),
    ],
)
def test_the_origin_is_where_it_ran(about: dict[str, str], origin: str | None) -> None:
    told = json.loads(document(made(), Resource({**RESOURCE.attributes, **about, "cloud.account.id": "123456789012"})))
    assert told.get("origin") == origin
    assert told["aws"]["account_id"] == "123456789012"


def test_a_clock_set_back_makes_no_document_that_ends_before_it_begins() -> None:
    traced = Traced()
    traced.tracer.start_span("s", start_time=2_000_000_000).end(end_time=1_000_000_000)
    (told,) = traced.documents()
    assert told["start_time"] == told["end_time"] == 2.0


def test_members_stand_in_the_order_in_which_people_read_them() -> None:
    told = segment(child=True)
    assert list(told)[:6] == ["name", "id", "trace_id", "parent_id", "start_time", "end_time"]


TEXTS = st.one_of(
    st.sampled_from(["", "127.0.0.1:8080", "shop.example", "a:b:c", 'é\n"\\', "[::1]:80"]), st.text(max_size=12)
)


@settings(max_examples=150, deadline=None)
@given(
    facts=st.tuples(
        st.sampled_from(["GET", "_OTHER"]), st.just("http"), *[TEXTS] * 4, st.sampled_from(["HTTP/1.1", ""])
    ),
    status=st.sampled_from([200, 204, 404, 429, 500, 503]),
    route=st.one_of(st.none(), st.just("/items/<int:item_id>")),
    error=st.sampled_from(["", "LookupError"]),
)
def test_a_request_is_told_alike_the_quick_way_and_the_common_way(
    facts: tuple[str, ...], status: int, route: str | None, error: str
) -> None:
    traced = Traced()
    outcome = (status, route, "GET /items/{item_id}", error)
    quick = traced.tracer.serve(Context(), facts)
    assert type(quick) is ServerSpan
    assert isinstance(quick.left(outcome, 1.5, None), bytes)
    traced.ended.append(quick.data)
    common = traced.tracer.start_span(facts[0], Context(), SpanKind.SERVER, server_attributes(facts))
    finish(common, outcome)
    told, expected = traced.documents()
    for changing in ("id", "trace_id", "start_time", "end_time"):
        del told[changing], expected[changing]
    assert told == expected


def test_what_an_app_adds_to_a_request_is_told_with_what_was_known() -> None:
    traced = Traced()
    span = traced.tracer.serve(Context(), ("POST", "http", "/checkout", "shop:8080", "10.0.0.1", "x/1", "HTTP/1.1"))
    span.set_attribute("order_id", "o-1")
    span.record_exception(ValueError("x"))
    finish(span, (503, "/checkout", "POST /checkout", "ValueError"))
    plain = traced.tracer.serve(Context(), ("POST", "http", "/checkout", "shop:8080", "10.0.0.1", "x/1", "HTTP/1.1"))
    plain.record_exception(ValueError("x"))
    finish(plain, (503, "/checkout", "POST /checkout", "ValueError"))
    for told, annotation in zip(traced.documents(), ("o-1", None), strict=True):
        assert told["annotations"].get("order_id") == annotation
        assert told["annotations"]["operation"] == "POST /checkout"
        assert told["http"]["request"]["url"] == "http://shop:8080/checkout"
        assert (told["http"]["response"], told["fault"]) == ({"status": 503}, True)
        assert told["cause"]["exceptions"][0]["type"] == "ValueError"
        assert told["metadata"]["default"]["error.type"] == "ValueError"


@pytest.mark.parametrize(
    ("kind", "act", "attributes"),
    [
        (SpanKind.SERVER, lambda _: None, {f"note{i}": "x" * 2_000 for i in range(60)}),
        (SpanKind.SERVER, deep, {f"note{i}": "x" * 2_000 for i in range(30)}),
        (SpanKind.CLIENT, lambda _: None, {"db__system__name": "sqlite", "db__query__text": "SELECT " + "é" * 90_000}),
        (SpanKind.INTERNAL, lambda _: None, {"aws__xray__metadata__big": json.dumps(["€" * 30_000])}),
    ],
    ids=["metadata", "exceptions", "statement", "own metadata"],
)
def test_a_document_always_fits_and_keeps_who_when_and_what(
    kind: SpanKind, act: Callable[[Span], Any], attributes: dict[str, Any]
) -> None:
    span = made(kind, child=kind is not SpanKind.SERVER, act=act, **attributes)
    text = document(span)
    assert len(text.encode()) <= LIMIT
    told = json.loads(text)
    trace = f"{span.trace_id:032x}"
    assert (told["id"], told["trace_id"]) == (f"{span.span_id:016x}", f"1-{trace[:8]}-{trace[8:]}")
    assert (told["start_time"], told["end_time"]) == (span.start_time / 1e9, (span.end_time or 0) / 1e9)
    assert told.get("parent_id") == (f"{span.parent_id:016x}" if span.parent_id else None)


@pytest.mark.parametrize(
    "value", ["half \ud800 a pair", 1 << 80, float("inf"), b"\x00\xff", object(), {1: {2: "\udfff"}}]
)
def test_whatever_an_attribute_holds_the_document_is_json(value: Any) -> None:
    traced = Traced()
    traced.tracer.start_span("\ud800 name", attributes={"odd": value, "server.address": "\udc00"}).end()
    segments = Segments(RESOURCE, GROUP)
    text = segments.document(traced.ended[0])
    text.encode()
    assert "odd" in json.loads(text)["metadata"]["default"]
