"""Requests through an instrumented app, inside this process, with a real endpoint and daemon."""

import json
import logging
from collections.abc import Iterator

import flask
import pytest

from service.telemetry.request import operation_name

from .telemetry_shop import Shop


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
