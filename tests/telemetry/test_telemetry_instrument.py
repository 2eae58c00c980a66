"""What an instrumented app may add to its requests, and what instrumenting makes of the app."""

import json
import sys
from typing import Any

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from service.telemetry import Settings, SettingsError, instrument
from service.telemetry.instrument import refuse_green_threads
from service.telemetry.wsgi import operations

from .telemetry_shop import Shop, make_app


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
