"""The three ways out for spans: the daemon's datagrams, X-Ray's API, OTLP; each against a small server."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import StatusCode

from service.telemetry import Settings, SettingsError
from service.telemetry.delivery import Batch, Outcome
from service.telemetry.delivery.batch import Record, batch
from service.telemetry.otlp_settings import Otlp as OtlpSettings
from service.telemetry.readable import readable
from service.telemetry.traces import way_out
from service.telemetry.traces.api import DOCUMENTS, Api
from service.telemetry.traces.daemon import Daemon
from service.telemetry.traces.otlp import Otlp

from .conftest import FakeDaemon, wait_for
from .telemetry_spans import GROUP, KINDS, RESOURCE, Traced

Reply = tuple[int, dict[str, str], bytes]


class Server:
    """Answers every POST as ``reply(path, headers, body)`` says; keeps what came."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.reply: Callable[[str, dict[str, str], bytes], Reply | None] = lambda *_: (200, {}, b"{}")
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {key.lower(): value for key, value in self.headers.items()}
                fake.requests.append((self.path, headers, body))
                reply = fake.reply(self.path, headers, body)
                if reply is None:
                    self.close_connection = True
                    return
                status, more, answer = reply
                self.send_response(status)
                for key, value in {**more, "Content-Length": str(len(answer))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


def texts(number: int, kind: str = "light") -> list[str]:
    traced = Traced(kind)
    for i in range(number):
        traced.tracer.start_span(f"span {i}").end()
    way = way_out(Settings("shop", log_group_prefix="/shop"), RESOURCE) or pytest.fail("no way out")
    way.transport.close()
    return [way.alone(span) for span in traced.ended]


def of(documents: list[str]) -> Batch:
    return batch([Record(1_000, text) for text in documents])


def unprocessed(**codes: str) -> Callable[..., Reply]:
    left = [{"Id": key, "ErrorCode": code, "Message": "no"} for key, code in codes.items()]
    return lambda *_: (200, {}, json.dumps({"UnprocessedTraceSegments": left}).encode())


def went(outcome: Outcome) -> bool:
    return not outcome.refused and not outcome.again and not outcome.trouble


def positions(outcome: Outcome) -> tuple[set[int], set[int]]:
    return set(outcome.refused), set(outcome.again)


# X-Ray daemon


def test_each_document_is_a_datagram_of_its_own(daemon: FakeDaemon) -> None:
    host, _, port = daemon.address.partition(":")
    out = Daemon((host, int(port)))
    assert went(out.send(of(texts(120))))
    wait_for(lambda: len(daemon.documents) == 120)
    assert len({document["id"] for document in daemon.documents}) == 120
    out.close()


def test_bursts_are_at_most_fifty_datagrams(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    host, _, port = daemon.address.partition(":")
    out = Daemon((host, int(port)))
    sent: list[str] = []
    real = out._emitter.send_document
    monkeypatch.setattr(out._emitter, "send_document", lambda text: (sent.append(text), real(text))[1])
    before_pause: list[int] = []
    monkeypatch.setattr("service.telemetry.traces.daemon.time.sleep", lambda _: before_pause.append(len(sent)))
    out.send(of(texts(130)))
    assert before_pause == [50, 100]
    out.close()


def test_a_daemon_that_is_away_hurts_nobody() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    out = Daemon(("127.0.0.1", port))
    assert went(out.send(of(texts(3))))  # UDP: nobody says that nobody listens
    out.close()


def test_a_name_is_resolved_once_and_an_unknown_one_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    known = False

    def resolve(host: str, *_: Any) -> list[Any]:
        asked.append(host)
        if not known:
            raise OSError("no such name")
        return [(socket.AF_INET, socket.SOCK_DGRAM, 0, "", ("127.0.0.1", 9))]

    clock = [100.0]
    monkeypatch.setattr("service.telemetry.traces.daemon.socket.getaddrinfo", resolve)
    monkeypatch.setattr("service.telemetry.traces.daemon.time.monotonic", lambda: clock[0])
    out = Daemon(("daemon.internal", 2000))
    three = of(texts(3))
    failed = out.send(three)
    assert (positions(failed), failed.trouble) == ((set(), {0, 1, 2}), "UDP: name unknown")
    known = True
    assert set(out.send(three).again) == {0, 1, 2}
    assert len(asked) == 1
    clock[0] += 6
    assert went(out.send(three))
    assert went(out.send(three))
    assert asked == ["daemon.internal"] * 2
    out.close()


def test_a_document_that_no_datagram_holds_is_refused_alone(daemon: FakeDaemon) -> None:
    host, _, port = daemon.address.partition(":")
    out = Daemon((host, int(port)))
    small = texts(2)
    outcome = out.send(of([small[0], "x" * 70_000, small[1]]))
    assert positions(outcome) == ({1}, set())
    wait_for(lambda: len(daemon.documents) == 2)
    out.close()


def test_the_environment_does_not_override_the_address(daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_XRAY_DAEMON_ADDRESS", "tcp:nowhere.invalid:1 udp:nowhere.invalid:2")
    host, _, port = daemon.address.partition(":")
    out = Daemon((host, int(port)))
    out.send(of(texts(1)))
    wait_for(lambda: len(daemon.documents) == 1)
    out.close()


# PutTraceSegments


def api(url: str) -> Api:
    return Api(Settings("shop", xray_endpoint_url=url))


@pytest.mark.parametrize("kind", KINDS)
def test_documents_are_put_signed_and_fifty_at_a_time(server: Server, kind: str) -> None:
    out, all_of_it = api(server.url), texts(120, kind)
    waiting = list(range(120))
    while waiting:
        outcome = out.send(of([all_of_it[position] for position in waiting]))
        assert (set(outcome.refused), outcome.trouble) == (set(), "")
        waiting = [waiting[position] for position in outcome.again]
    puts = [json.loads(body)["TraceSegmentDocuments"] for _, _, body in server.requests]
    assert [len(documents) for documents in puts] == [DOCUMENTS, DOCUMENTS, 20]
    assert [text for documents in puts for text in documents] == all_of_it
    assert {path for path, _, _ in server.requests} == {"/TraceSegments"}
    assert all("/us-east-1/xray/aws4_request" in headers["authorization"] for _, headers, _ in server.requests)
    out.close()


def test_nothing_is_made_or_asked_before_the_first_batch() -> None:
    api("http://127.0.0.1:1").close()


def test_what_xray_leaves_is_sorted_by_its_code(server: Server) -> None:
    documents = texts(4)
    ids = [json.loads(text)["id"] for text in documents]
    server.reply = unprocessed(**{ids[1]: "ThrottledException", ids[2]: "InvalidSegment", ids[3]: "InternalFailure"})
    out = api(server.url)
    outcome = out.send(of(documents))
    assert (positions(outcome), outcome.trouble) == (({2}, {1, 3}), "ThrottledException")
    assert not outcome.unanswered
    out.close()


def test_a_document_that_xray_cannot_name_still_counts_as_refused(server: Server) -> None:
    server.reply = unprocessed(**{"0000000000000000": "ParseError"})
    out = api(server.url)
    assert len(out.send(of(texts(3))).refused) == 1
    out.close()


@pytest.mark.parametrize(
    ("status", "code", "again", "poison"),
    [
        (429, "ThrottledException", True, False),
        (500, "InternalFailure", True, False),
        (503, "", True, False),
        (403, "ExpiredTokenException", True, False),
        (400, "InvalidRequestException", False, True),
        (413, "", False, True),
    ],
)
def test_a_refused_call_is_tried_again_unless_it_never_will_be_taken(
    server: Server, status: int, code: str, again: bool, poison: bool
) -> None:
    headers = {"x-amzn-errortype": code} if code else {}
    server.reply = lambda *_: (status, headers, b"{}")
    out = api(server.url)
    outcome = out.send(of(texts(2)))
    assert (set(outcome.again), set(outcome.refused)) == (({0, 1}, set()) if again else (set(), {0, 1}))
    assert (outcome.poison, outcome.unanswered, outcome.trouble) == (poison, False, code or f"HTTP {status}")
    out.close()


def test_a_call_without_an_answer_may_have_been_obeyed_and_one_refused_was_not(server: Server) -> None:
    server.reply = lambda *_: None
    out = api(server.url)
    outcome = out.send(of(texts(2)))
    assert (set(outcome.again), outcome.unanswered) == ({0, 1}, True)
    out.close()
    away = api("http://127.0.0.1:1")
    outcome = away.send(of(texts(2)))
    assert (set(outcome.again), outcome.unanswered, outcome.trouble) == ({0, 1}, False, "NewConnectionError")
    away.close()


# OTLP


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


def test_a_document_names_the_log_group() -> None:
    assert json.loads(texts(1)[0])["aws"]["cloudwatch_logs"] == [{"log_group": GROUP}]
