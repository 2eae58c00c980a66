"""The way out by OTLP, against a small server; and the settings that choose a way."""

from __future__ import annotations

import base64
import gzip

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import StatusCode

from service.telemetry import Settings, SettingsError
from service.telemetry.otlp_settings import Otlp as OtlpSettings
from service.telemetry.readable import readable
from service.telemetry.traces import way_out
from service.telemetry.traces.otlp import Otlp

from .telemetry_server import Server, of, went
from .telemetry_spans import KINDS, RESOURCE, Traced

pytestmark = pytest.mark.usefixtures("credentials")


def ended(kind: str) -> Traced:
    traced = Traced(kind)
    with traced.tracer.start_as_current_span("parent", kind=SpanKind.SERVER, attributes={"a": 1, "b": ["x"]}) as span:
        span.add_event("e", {"k": True})
        span.set_status(StatusCode.ERROR, "why")
        with traced.tracer.start_as_current_span("child"):
            pass
    return traced


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compression", ["none", "gzip"])
def test_a_collector_gets_the_spans_in_one_request(server: Server, kind: str, compression: str) -> None:
    address = OtlpSettings(server.url + "/v1/traces", headers=(("x-key", "secret"),), compression=compression)
    way = way_out(Settings("shop", traces_exporter="otlp", otlp=address), RESOURCE) or pytest.fail("no way out")
    encode, out = way.alone, way.transport
    traced = ended(kind)
    assert went(out.send(of([encode(span) for span in traced.ended])))
    out.close()
    ((path, headers, body),) = server.requests
    assert (path, headers["content-type"], headers["x-key"]) == ("/v1/traces", "application/x-protobuf", "secret")
    assert (headers.get("content-encoding") == "gzip") is (compression == "gzip")
    told = ExportTraceServiceRequest()
    told.ParseFromString(gzip.decompress(body) if compression == "gzip" else body)
    spans = {span.name: span for part in told.resource_spans for scope in part.scope_spans for span in scope.spans}
    parent, child = spans["parent"], spans["child"]
    assert child.parent_span_id == parent.span_id
    assert child.trace_id == parent.trace_id == traced.ended[0].trace_id.to_bytes(16, "big")
    assert {item.key: item.value.int_value for item in parent.attributes if item.key == "a"} == {"a": 1}
    assert ([event.name for event in parent.events], parent.status.message) == (["e"], "why")
    assert {item.key: item.value.string_value for item in told.resource_spans[0].resource.attributes}[
        "service.name"
    ] == "shop"
    assert told.resource_spans[0].scope_spans[0].scope.name == "test"


def test_the_request_is_the_one_that_opentelemetrys_exporter_would_send(server: Server) -> None:
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - heavy

    (span,) = [span for span in ended("light").ended if span.name == "parent"]
    exporter = OTLPSpanExporter(server.url + "/v1/traces")
    assert exporter.export([readable(span)]) is SpanExportResult.SUCCESS
    exporter.shutdown()
    way = way_out(
        Settings("shop", traces_exporter="otlp", otlp=OtlpSettings(server.url + "/v1/traces")), RESOURCE
    ) or pytest.fail("no way out")
    encode, out = way.alone, way.transport
    out.send(of([encode(span)]))
    out.close()
    theirs, ours = (body for _, _, body in server.requests)
    assert ours == theirs


@pytest.mark.parametrize(
    ("status", "again", "poison"), [(429, True, False), (503, True, False), (401, True, False), (400, False, True)]
)
def test_a_collector_that_refuses_is_tried_again_where_that_can_help(
    server: Server, status: int, again: bool, poison: bool
) -> None:
    server.reply = lambda *_: (status, {}, b"")
    out = Otlp(OtlpSettings(server.url))
    outcome = out.send(of([base64.b64encode(b"").decode()] * 2))
    assert (set(outcome.again) == {0, 1}, outcome.poison) == (again, poison)
    assert outcome.trouble == f"HTTP {status}"
    out.close()


def test_a_collector_that_is_away_was_not_reached_and_one_that_hangs_up_may_have_it(server: Server) -> None:
    away, up = Otlp(OtlpSettings("http://127.0.0.1:1/v1/traces")), Otlp(OtlpSettings(server.url))
    server.reply = lambda *_: None
    for out, unanswered in ((away, False), (up, True)):
        outcome = out.send(of(["", ""]))
        assert (set(outcome.again), outcome.unanswered) == ({0, 1}, unanswered)
        out.close()


def test_xrays_own_endpoint_gets_signed_requests(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    out = Otlp(OtlpSettings("https://xray.eu-west-1.amazonaws.com/v1/traces", compression="gzip"))
    assert out._caller is not None
    monkeypatch.setattr(out._caller, "_url", server.url)
    assert went(out.send(of([base64.b64encode(b"").decode()])))
    ((path, headers, _),) = server.requests
    assert path == "/v1/traces"
    assert "/eu-west-1/xray/aws4_request" in headers["authorization"]
    assert headers["content-type"] == "application/x-protobuf"
    server.reply = lambda *_: (400, {"x-amzn-errortype": "ValidationException"}, b"{}")
    assert out.send(of([""])).poison
    out.close()


# Settings


def test_opentelemetrys_own_variables_say_where_to() -> None:
    read = Settings.from_environment(
        {
            "OTEL_TRACES_EXPORTER": "otlp",
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318/",
            "OTEL_EXPORTER_OTLP_HEADERS": "a=1, b=%C3%A4x".replace("%C3%A4", "%61"),
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT": "3",
            "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip",
            "OTEL_EXPORTER_OTLP_CERTIFICATE": "/ca.pem",
        },
        "shop",
    )
    assert read.traces_exporter == "otlp"
    assert read.otlp == OtlpSettings(
        "http://collector:4318/v1/traces", (("a", "1"), ("b", "ax")), 3.0, "gzip", "/ca.pem"
    )
    only = Settings.from_environment({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "https://a/b"}, "shop")
    assert only.otlp.url == "https://a/b"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TELEMETRY_SPANS", "heavy"),
        ("XRAY_DELIVERY", "pigeon"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "novalue"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=%0d%0ax"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
    ],
)
def test_a_setting_that_cannot_be_is_refused_in_one_line(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name) as refused:
        Settings.from_environment({name: value}, "shop")
    assert "\n" not in str(refused.value)


def test_otlp_without_its_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.telemetry.otlp_settings._installed", lambda: False)
    with pytest.raises(SettingsError, match="install the extra `otlp`"):
        Settings.from_environment({"OTEL_TRACES_EXPORTER": "otlp"}, "shop")


def test_nobody_wants_spans() -> None:
    assert way_out(Settings("shop", traces_exporter="none"), RESOURCE) is None
