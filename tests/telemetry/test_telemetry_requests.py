"""Requests through an instrumented app, inside this process, with a real endpoint and daemon."""

import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import flask
import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from service.telemetry import Settings, SettingsError, Telemetry, instrument
from service.telemetry.instrument import refuse_green_threads
from service.telemetry.request import operation_name
from service.telemetry.settings import DaemonAddress
from service.telemetry.wsgi import operations

from .conftest import FakeDaemon, FakeLogs
from .emf_rules import check


def below(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for sub in document.get("subsegments", ()):
        whole = {**sub, "trace_id": document["trace_id"], "parent_id": document["id"]}
        yield whole
        yield from below(whole)


@dataclass
class Shop:
    app: flask.Flask
    telemetry: Telemetry
    aws: FakeLogs
    daemon: FakeDaemon

    def close(self) -> None:
        """End the telemetry, so that all of it has been sent."""
        self.telemetry.close()

    def segments(self) -> list[dict[str, Any]]:
        return [document for document in self.daemon.so_far() if "type" not in document]

    def subsegments(self) -> list[dict[str, Any]]:
        """Those within segments, told as X-Ray tells one that is sent alone, and those that were."""
        return [
            sub for document in self.daemon.so_far() for sub in ([document] if "type" in document else below(document))
        ]

    def access(self) -> list[dict[str, Any]]:
        return [message for message in self.aws.messages("/logs") if message["logger"] == "access"]

    def metrics(self, **dimensions: str) -> dict[str, Any]:
        """The document with just these dimensions beyond Service and Environment."""
        found = self.aws.messages("/emf")
        for document in found:
            check(document)
        (one,) = [
            document
            for document in found
            if {key: document[key] for key in ("Operation", "RemoteService") if key in document} == dimensions
        ]
        return one


def make_app() -> flask.Flask:
    app = flask.Flask("shop")
    app.add_url_rule("/healthz", "health", lambda: "ok")
    app.add_url_rule("/orders/<int:order_id>", "order", lambda order_id: {"id": order_id})
    app.add_url_rule("/checkout", "checkout", lambda: ({"order_id": "o-1"}, 201), methods=["POST"])

    @app.get("/boom")
    def boom() -> str:
        raise LookupError("no such thing")

    return app


@pytest.fixture
def shop(aws: FakeLogs, daemon: FakeDaemon, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    host, _, port = daemon.address.partition(":")
    settings = Settings("shop", endpoint_url=aws.url, daemon=DaemonAddress(udp=(host, int(port))))
    app = make_app()
    telemetry = instrument(
        app, sli_operations=("POST /checkout",), events=("CheckoutMismatch",), remotes=("payments",), settings=settings
    )
    yield Shop(app, telemetry, aws, daemon)
    telemetry.close()
    root.handlers[:] = before
    root.setLevel(level)


def test_log_metric_and_segment_of_a_request_share_its_trace_id(shop: Shop) -> None:
    answer = shop.app.test_client().post("/checkout")
    shop.close()
    (segment,) = shop.segments()
    (line,) = shop.access()
    metrics = shop.metrics(Operation="POST /checkout")
    assert segment["trace_id"] == line["xray_trace_id"] == metrics["xray_trace_id"]
    assert line["trace_id"] == metrics["trace_id"] == segment["trace_id"][2:].replace("-", "")
    assert line["span_id"] == segment["id"]
    assert answer.headers["X-Amzn-Trace-Id"] == f"Root={segment['trace_id']};Sampled=1"
    assert answer.headers["X-Request-Id"] == line["request_id"]


def test_the_access_line_and_the_segment_say_what_happened(shop: Shop) -> None:
    shop.app.test_client().get("/orders/7?card=4111", headers={"User-Agent": "browser"})
    shop.close()
    (segment,) = shop.segments()
    (line,) = shop.access()
    assert (line["operation"], line["method"], line["status"]) == ("GET /orders/{order_id}", "GET", 200)
    assert line["message"] == "GET /orders/{order_id} 200"
    assert 0 < line["duration_ms"] < 5_000
    assert segment["http"]["request"]["url"] == "http://localhost/orders/7"
    assert segment["http"]["request"]["user_agent"] == "browser"
    assert segment["annotations"]["operation"] == "GET /orders/{order_id}"
    assert "4111" not in json.dumps([line, segment])


def test_an_unhandled_exception_is_a_fault_in_all_three(shop: Shop) -> None:
    assert shop.app.test_client().get("/boom").status_code == 500
    shop.close()
    (segment,) = shop.segments()
    (line,) = shop.access()
    assert segment["fault"] is True
    assert [exception["type"] for exception in segment["cause"]["exceptions"]] == ["LookupError"]
    assert (line["status"], line["error_type"]) == (500, "LookupError")
    (error,) = [message for message in shop.aws.messages("/logs") if message["level"] == "ERROR"]
    assert error["exception"]["message"] == "no such thing"
    assert error["trace_id"] == line["trace_id"]
    assert shop.metrics(Operation="GET /boom")["Fault"] == 1


def test_an_exception_that_leaves_the_app_is_counted_and_goes_on(shop: Shop) -> None:
    shop.app.testing = True
    with pytest.raises(LookupError):
        shop.app.test_client().get("/boom")
    shop.close()
    assert shop.access()[0]["status"] == 500
    assert len(shop.segments()[0]["cause"]["exceptions"]) == 1


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/nothing/42", 404), ("DELETE", "/checkout", 405)])
def test_what_no_route_takes_is_one_operation(shop: Shop, method: str, path: str, status: int) -> None:
    assert shop.app.test_client().open(path, method=method).status_code == status
    shop.close()
    assert shop.access()[0]["operation"] == "UNMATCHED"
    metrics = shop.metrics(Operation="UNMATCHED")
    assert (metrics["Requests"], metrics["Error"]) == (1, 1)
    assert shop.segments()[0]["error"] is True


def test_a_method_nobody_knows_is_no_new_name(shop: Shop) -> None:
    shop.app.test_client().open("/checkout", method="EVIL")
    shop.close()
    assert shop.segments()[0]["http"]["request"]["method"] == "_OTHER"


def test_health_checks_are_served_unseen_but_start_the_heartbeat(shop: Shop) -> None:
    answer = shop.app.test_client().get("/healthz")
    shop.close()
    assert "X-Request-Id" not in answer.headers
    assert shop.segments() == []
    assert shop.access() == []
    assert shop.metrics()["Requests"] == 0
    assert shop.metrics()["Heartbeat"] == 1


def test_every_route_has_its_zeros(shop: Shop) -> None:
    shop.app.test_client().get("/healthz")
    shop.close()
    for operation in ("POST /checkout", "GET /orders/{order_id}", "GET /boom", "UNMATCHED"):
        metrics = shop.metrics(Operation=operation)
        assert [metrics[name] for name in ("Requests", "Fault", "Error", "Slow")] == [0, 0, 0, 0]
    assert shop.metrics(RemoteService="payments")["DependencyCalls"] == 0
    assert shop.metrics()["CheckoutMismatch"] == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "00-6b03157df5a16a75e657406e66efacd7-00f067aa0ba902b7-01"},
        {"X-Amzn-Trace-Id": "Root=1-6b03157d-f5a16a75e657406e66efacd7;Parent=00f067aa0ba902b7;Sampled=1"},
        {
            "traceparent": "00-6b03157df5a16a75e657406e66efacd7-00f067aa0ba902b7-01",
            "X-Amzn-Trace-Id": "Root=1-00000000-f5a16a75e657406e66efacd8;Parent=00f067aa0ba902b8;Sampled=0",
        },
    ],
    ids=["w3c", "xray", "both"],
)
def test_the_callers_trace_is_continued(shop: Shop, headers: dict[str, str]) -> None:
    shop.app.test_client().post("/checkout", headers=headers)
    shop.close()
    (segment,) = shop.segments()
    assert segment["trace_id"] == "1-6b03157d-f5a16a75e657406e66efacd7"
    assert segment["parent_id"] == "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "headers",
    [
        {"traceparent": "nonsense"},
        {"X-Amzn-Trace-Id": "Root=1-zz;Parent=;;;"},
        {"X-Amzn-Trace-Id": "Root=1-6b03157d-f5a16a75e657406e66efacd7"},
        {"X-Amzn-Trace-Id": "=" * 10_000},
    ],
)
def test_a_header_that_makes_no_sense_is_no_header(shop: Shop, headers: dict[str, str]) -> None:
    assert shop.app.test_client().post("/checkout", headers=headers).status_code == 201
    shop.close()
    assert "parent_id" not in shop.segments()[0]


def test_a_trace_that_the_caller_does_not_sample_has_ids_but_no_segment(shop: Shop) -> None:
    headers = {"traceparent": "00-6b03157df5a16a75e657406e66efacd7-00f067aa0ba902b7-00"}
    shop.app.test_client().post("/checkout", headers=headers)
    shop.close()
    assert shop.segments() == []
    assert shop.access()[0]["trace_id"] == "6b03157df5a16a75e657406e66efacd7"
    metrics = shop.metrics(Operation="POST /checkout")
    assert metrics["Requests"] == 1
    assert "trace_id" not in metrics


@pytest.mark.parametrize(("sent", "kept"), [("req-7", True), ("a b", False), ("x" * 65, False), ('"}', False)])
def test_a_request_id_is_kept_if_it_is_safe(shop: Shop, sent: str, kept: bool) -> None:
    answer = shop.app.test_client().post("/checkout", headers={"X-Request-Id": sent})
    assert (answer.headers["X-Request-Id"] == sent) is kept
    assert answer.headers["X-Request-Id"]


def test_a_streamed_answer_ends_with_its_last_chunk(shop: Shop) -> None:
    @shop.app.get("/stream")
    def stream() -> flask.Response:
        def chunks() -> Iterator[str]:
            for number in range(3):
                logging.getLogger("stream").info("chunk")
                yield str(number)

        return flask.Response(chunks())

    answer = shop.app.test_client().get("/stream", buffered=False)
    assert shop.telemetry.gauges.busy()
    assert answer.data == b"012"
    answer.close()
    assert not shop.telemetry.gauges.busy()
    shop.close()
    (line,) = shop.access()
    chunks = [message for message in shop.aws.messages("/logs") if message["message"] == "chunk"]
    assert {chunk["trace_id"] for chunk in chunks} == {line["trace_id"]}
    assert len(chunks) == 3
    assert len(shop.segments()) == 1


def test_an_exception_in_a_streamed_answer_is_told_though_its_status_is_gone(shop: Shop) -> None:
    @shop.app.get("/broken")
    def broken() -> flask.Response:
        def chunks() -> Iterator[str]:
            yield "a"
            raise OSError("disk")

        return flask.Response(chunks())

    with pytest.raises(OSError, match="disk"):
        _ = shop.app.test_client().get("/broken").data
    shop.close()
    assert (shop.access()[0]["status"], shop.access()[0]["error_type"]) == (200, "OSError")
    assert shop.segments()[0]["cause"]["exceptions"][0]["type"] == "OSError"


def test_blueprints_error_handlers_and_own_exceptions_are_covered(shop: Shop) -> None:
    blueprint = flask.Blueprint("cart", "cart", url_prefix="/carts")

    @blueprint.get("/<cart_id>")
    def cart(cart_id: str) -> str:
        raise TimeoutError(cart_id)

    @shop.app.errorhandler(TimeoutError)
    def unavailable(error: TimeoutError) -> tuple[dict[str, str], int]:
        shop.telemetry.record_exception(error)
        return {"title": "unavailable"}, 503

    shop.app.register_blueprint(blueprint)
    assert shop.app.test_client().get("/carts/7").status_code == 503
    shop.close()
    (segment,) = shop.segments()
    assert segment["annotations"]["operation"] == "GET /carts/{cart_id}"
    assert (segment["fault"], segment["cause"]["exceptions"][0]["type"]) == (True, "TimeoutError")


def test_a_dependency_has_headers_a_subsegment_and_metrics(shop: Shop) -> None:
    sent: list[dict[str, str]] = []

    @shop.app.get("/pay/<int:status>")
    def pay(status: int) -> str:
        url = "http://user:secret@127.0.0.1:8081/charges?card=4111"
        with shop.telemetry.dependency("payments", "POST", "/charges", url=url) as call:
            sent.append(call.headers)
            if status == 0:
                raise ConnectionError("refused")
            call.status(status)
        return "ok"

    client = shop.app.test_client()
    for status in (201, 503, 402, 0):
        client.get(f"/pay/{status}")
    shop.close()
    metrics = shop.metrics(RemoteService="payments")
    assert (metrics["DependencyCalls"], metrics["DependencyFault"], metrics["DependencyLatency"]["Count"]) == (4, 2, 4)
    calls = {sub["id"]: sub for sub in shop.subsegments()}
    segments = {segment["id"]: segment for segment in shop.segments()}
    for headers, flags in zip(sent, ({}, {"fault"}, {"error"}, {"fault"}), strict=True):
        trace_id, span_id = headers["traceparent"].split("-")[1:3]
        sub = calls[span_id]
        assert headers["X-Amzn-Trace-Id"] == f"Root={sub['trace_id']};Parent={span_id};Sampled=1"
        assert sub["trace_id"].replace("-", "")[1:] == trace_id
        assert segments[sub["parent_id"]]["trace_id"] == sub["trace_id"]
        assert (sub["name"], sub["namespace"]) == ("payments", "remote")
        assert sub["http"]["request"] == {"method": "POST", "url": "http://127.0.0.1:8081/charges"}
        assert {flag for flag in ("error", "fault") if sub.get(flag)} == set(flags)
    assert [sub["cause"]["exceptions"][0]["remote"] for sub in calls.values() if "cause" in sub] == [True]


def test_a_statement_is_a_subsegment_without_its_values(shop: Shop, tmp_path: Any) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/shop.db", poolclass=QueuePool)
    shop.telemetry.instrument_engine(engine)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE cards (number TEXT)"))

    @shop.app.get("/db")
    def db() -> str:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO cards VALUES (:n)"), {"n": "4111"})
            connection.execute(text("SELECT * FROM cards WHERE number = '5500' LIMIT 3"))
            with pytest.raises(OperationalError):
                connection.execute(text("SELECT * FROM nothing"))
        return "ok"

    shop.app.test_client().get("/db")
    engine.dispose()
    shop.close()
    insert, select, failed = sorted(shop.subsegments(), key=lambda sub: sub["start_time"])
    assert insert["name"] == "shop.db"
    assert insert["sql"] == {"database_type": "sqlite", "sanitized_query": "INSERT INTO cards VALUES (?)"}
    assert select["sql"]["sanitized_query"] == "SELECT * FROM cards WHERE number = ? LIMIT ?"
    assert select["metadata"]["default"]["db.query.summary"] == "SELECT cards"
    assert failed["fault"] is True
    assert failed["cause"]["exceptions"][0]["type"] == "sqlite3.OperationalError"
    assert {sub["parent_id"] for sub in (insert, select, failed)} == {shop.segments()[0]["id"]}
    assert "4111" not in json.dumps(shop.daemon.documents)
    assert shop.metrics()["PoolInUse"] == 1


def test_annotations_are_by_allow_list(shop: Shop) -> None:
    @shop.app.get("/note")
    def note() -> str:
        shop.telemetry.annotate(order_id="o-1", colour="blue")
        return "ok"

    shop.app.test_client().get("/note")
    shop.close()
    (segment,) = shop.segments()
    assert segment["annotations"]["order_id"] == "o-1"
    assert "colour" not in segment["annotations"]
    assert segment["metadata"]["default"]["colour"] == "blue"


def test_only_declared_events_are_counted(shop: Shop) -> None:
    shop.telemetry.count("CheckoutMismatch", 2)
    with pytest.raises(ValueError, match="CheckoutMismatch"):
        shop.telemetry.count("Typo")
    shop.close()
    assert shop.metrics()["CheckoutMismatch"] == 2


def test_after_close_the_app_goes_on_answering(shop: Shop) -> None:
    shop.close()
    answer = shop.app.test_client().post("/checkout")
    assert answer.status_code == 201
    assert "X-Amzn-Trace-Id" not in answer.headers
    assert shop.aws.calls == []


def test_instrumenting_twice_is_instrumenting_once(shop: Shop) -> None:
    wsgi = shop.app.wsgi_app
    assert instrument(shop.app) is shop.telemetry is shop.app.extensions["telemetry"]
    assert shop.app.wsgi_app is wsgi


def test_disabled_by_opentelemetrys_own_switch_it_only_writes_lines(
    capsys: pytest.CaptureFixture[str], shop: Shop
) -> None:
    app = make_app()
    telemetry = instrument(app, settings=Settings("shop", disabled=True))
    assert app.test_client().post("/checkout").status_code == 201
    assert telemetry._pipelines is None
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["operation"] == "POST /checkout"


def test_another_librarys_spans_come_along(shop: Shop) -> None:
    @shop.app.get("/work")
    def work() -> str:
        assert shop.telemetry._provider is not None
        with shop.telemetry._provider.get_tracer("some.library").start_as_current_span("resize"):
            return "ok"

    shop.app.test_client().get("/work")
    shop.close()
    (sub,) = shop.subsegments()
    assert (sub["name"], sub["parent_id"]) == ("resize", shop.segments()[0]["id"])


@pytest.mark.parametrize(
    ("rule", "operation"),
    [
        ("/items", "GET /items"),
        ("/items/<item_id>", "GET /items/{item_id}"),
        ("/items/<int:item_id>/parts/<any(a,b):part>", "GET /items/{item_id}/parts/{part}"),
        ("/f/<string(minlength=2):name>", "GET /f/{name}"),
    ],
)
def test_an_operation_is_a_route_template(rule: str, operation: str) -> None:
    assert operation_name("GET", rule) == operation


def test_static_files_automatic_methods_and_health_checks_are_not_declared() -> None:
    assert operations(make_app(), frozenset({"/healthz"})) == {
        "UNMATCHED",
        "GET /orders/{order_id}",
        "POST /checkout",
        "GET /boom",
    }


@pytest.mark.parametrize(
    ("module", "question"), [("gevent.monkey", "is_module_patched"), ("eventlet.patcher", "is_monkey_patched")]
)
def test_green_threads_are_refused_by_name(module: str, question: str, monkeypatch: pytest.MonkeyPatch) -> None:
    patcher = type("Patcher", (), {question: staticmethod(lambda _: True)})
    monkeypatch.setitem(sys.modules, module, patcher)
    with pytest.raises(SettingsError, match=module.partition(".")[0]):
        refuse_green_threads()
