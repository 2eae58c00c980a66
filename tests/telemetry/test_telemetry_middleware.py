"""The middleware with apps of every shape: which span, when it ends, and what it says."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import flask
import pytest
from opentelemetry.trace import SpanKind, get_current_span
from opentelemetry.trace.status import StatusCode
from werkzeug.middleware.proxy_fix import ProxyFix

from service.telemetry import unpacking
from service.telemetry.request import current, span_of
from service.telemetry.span_data import Whole
from service.telemetry.wsgi import Middleware, connect

from .telemetry_spans import KINDS, Traced


class Shop(Traced):
    """An app below the middleware; ``requests`` are the compact records of what was answered."""

    def __init__(self, kind: str, app: flask.Flask) -> None:
        super().__init__(kind)
        self.requests: list[Any] = []
        self.in_flight = 0
        self.app = app
        gauges = SimpleNamespace(enter=lambda _: self._count(1), leave=lambda _: self._count(-1))
        telemetry: Any = SimpleNamespace(
            started=True, gauges=gauges, tracer=self.tracer, answered=self._answered, served=self._served,
            route=self.route,
        )  # fmt: skip
        app.wsgi_app = Middleware(app.wsgi_app, telemetry, frozenset({"/healthz"}))  # type: ignore[method-assign]
        connect(app)
        self.client = app.test_client()

    def _count(self, by: int) -> None:
        self.in_flight += by

    def _answered(self, item: bytes) -> None:
        self.requests.append(unpacking.request(item))

    def _served(self, item: bytes | Whole, n: int) -> None:
        ended = unpacking.request(item)
        data = ended.data if isinstance(ended, Whole) else unpacking.whole(ended)
        self.requests.append(ended.answer if isinstance(ended, Whole) else ended)
        self.ended += (*unpacking.spans(data), data)
        assert n == 1 + data.n

    def one(self) -> tuple[Any, Any]:
        """The one record and the one document there is."""
        assert self.in_flight == 0
        (record,), (document,) = self.requests, self.documents()
        return record, document


def create_app() -> flask.Flask:
    """An app factory, with a blueprint below a prefix and a handler of errors."""
    app = flask.Flask("shop")
    blueprint = flask.Blueprint("carts", "carts", url_prefix="/carts")

    @blueprint.route("/<int:cart_id>", methods=["GET", "PUT"])
    def cart(cart_id: int) -> dict[str, int]:
        return {"id": cart_id}

    @blueprint.get("/boom")
    def boom() -> str:
        raise LookupError("no cart")

    @blueprint.errorhandler(LookupError)
    def missing(error: LookupError) -> tuple[str, int]:
        return str(error), 404

    app.register_blueprint(blueprint)
    return app


@pytest.fixture(params=KINDS)
def shop(request: pytest.FixtureRequest) -> Shop:
    return Shop(request.param, create_app())


@pytest.mark.parametrize(
    ("method", "path", "status", "operation"),
    [
        ("GET", "/carts/7", 200, "GET /carts/{cart_id}"),
        ("PUT", "/carts/7", 200, "PUT /carts/{cart_id}"),
        ("HEAD", "/carts/7", 200, "HEAD /carts/{cart_id}"),
        ("OPTIONS", "/carts/7", 200, "OPTIONS /carts/{cart_id}"),
        ("DELETE", "/carts/7", 405, "UNMATCHED"),
        ("GET", "/carts/seven", 404, "UNMATCHED"),
        ("GET", "/carts/boom", 404, "GET /carts/boom"),
        ("EVIL", "/carts/7", 405, "UNMATCHED"),
    ],
)
def test_every_kind_of_answer_is_told(shop: Shop, method: str, path: str, status: int, operation: str) -> None:
    assert shop.client.open(path, method=method).status_code == status
    record, document = shop.one()
    known = method if method != "EVIL" else "_OTHER"
    assert (record.operation, record.method, record.code) == (operation, known, status)
    assert document["annotations"]["operation"] == operation
    assert document["http"]["request"]["method"] == known
    assert document["http"]["response"] == {"status": status}
    assert document.get("error", False) is (status >= 400)
    assert "fault" not in document
    (span,) = shop.ended
    assert (span.kind, span.name) == (SpanKind.SERVER, operation if operation != "UNMATCHED" else known)
    assert (int(record.trace, 16), record.span_id, record.sampled) == (span.trace_id, span.span_id, True)


def test_health_checks_pass_unseen(shop: Shop) -> None:
    assert shop.client.get("/healthz").status_code == 404
    assert (shop.requests, shop.ended) == ([], [])


def test_a_stream_ends_with_its_last_chunk_and_is_inside_its_request(shop: Shop) -> None:
    inside: list[Any] = []

    @shop.app.get("/stream")
    def stream() -> flask.Response:
        def chunks() -> Iterator[str]:
            for number in range(3):
                inside.append((get_current_span().get_span_context().span_id, current.get()))
                yield str(number)

        return flask.Response(chunks())

    answer = shop.client.get("/stream", buffered=False)
    assert (shop.requests, shop.in_flight) == ([], 1)
    assert answer.data == b"012"
    answer.close()
    record, _ = shop.one()
    assert {(span_id, request.operation) for span_id, request in inside} == {(record.span_id, "GET /stream")}
    assert current.get() is None
    assert not get_current_span().get_span_context().is_valid


def test_a_stream_that_its_client_leaves_ends_there(shop: Shop) -> None:
    closed: list[bool] = []

    @shop.app.get("/stream")
    def stream() -> flask.Response:
        def chunks() -> Iterator[str]:
            try:
                while True:
                    yield "x"
            finally:
                closed.append(current.get() is not None)

        return flask.Response(chunks())

    answer = shop.client.get("/stream", buffered=False)
    assert next(iter(answer.response)) == b"x"
    assert shop.requests == []
    answer.close()
    assert shop.one()[0].code == 200
    assert closed == [True]


def test_a_stream_that_breaks_tells_its_error_though_its_status_is_gone(shop: Shop) -> None:
    @shop.app.get("/stream")
    def stream() -> flask.Response:
        def chunks() -> Iterator[str]:
            yield "x"
            raise OSError("disk")

        return flask.Response(chunks())

    with pytest.raises(OSError, match="disk"):
        _ = shop.client.get("/stream").data
    record, document = shop.one()
    assert (record.code, record.error_type) == (200, "OSError")
    assert document["cause"]["exceptions"][0]["type"] == "OSError"


def test_a_file_is_sent_in_chunks_though_its_length_is_known(shop: Shop, tmp_path: Any) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * 200_000)
    shop.app.add_url_rule("/file", "file", lambda: flask.send_file(path))
    answer = shop.client.get("/file", buffered=False)
    assert shop.requests == []
    assert len(answer.data) == 200_000
    answer.close()
    shop.one()


def test_an_exception_that_nobody_handles_is_told_once_and_goes_on(shop: Shop) -> None:
    @shop.app.get("/broken")
    def broken() -> str:
        raise ValueError("broken")

    shop.app.testing = True
    with pytest.raises(ValueError, match="broken"):
        shop.client.get("/broken")
    record, document = shop.one()
    assert (record.operation, record.code, record.error_type) == ("GET /broken", 500, "ValueError")
    assert (document["fault"], len(document["cause"]["exceptions"])) == (True, 1)
    assert document["metadata"]["default"]["error.type"] == "ValueError"


def test_a_route_is_known_while_the_view_runs_and_what_it_adds_is_kept(shop: Shop) -> None:
    @shop.app.get("/now/<thing>")
    def now(thing: str) -> str:
        request = current.get()
        assert request is not None
        span_of(request).set_attribute("order_id", thing)
        with shop.app.test_request_context("/elsewhere"):
            pass  # somebody else's context is not this request's
        return request.operation

    assert shop.client.get("/now/x").text == "GET /now/{thing}"
    _, document = shop.one()
    assert document["annotations"]["order_id"] == "x"
    assert document["annotations"]["operation"] == "GET /now/{thing}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("status", "code"), [(200, StatusCode.UNSET), (503, StatusCode.ERROR)])
def test_a_span_that_is_still_held_says_after_its_request_what_came_of_it(
    kind: str, status: int, code: StatusCode
) -> None:
    app, held = flask.Flask("shop"), []

    @app.get("/items/<int:item_id>")
    def item(item_id: int) -> tuple[str, int]:
        held.append(get_current_span())
        return str(item_id), status

    Shop(kind, app).client.get("/items/7")
    (span,) = held
    assert not span.is_recording()
    assert span.name == "GET /items/{item_id}"
    assert span.status.status_code is code
    assert span.attributes["http.response.status_code"] == status


def test_other_middleware_may_stand_on_either_side() -> None:
    app = create_app()

    def lazy(environ: Any, start_response: Any) -> Iterator[bytes]:
        yield from inner(environ, start_response)  # starts its answer with its first chunk

    inner, app.wsgi_app = app.wsgi_app, lazy  # type: ignore[method-assign]
    shop = Shop("light", app)
    app.wsgi_app = ProxyFix(app.wsgi_app)  # type: ignore[method-assign]
    assert shop.client.get("/carts/7", headers={"X-Forwarded-For": "10.0.0.9"}).get_json() == {"id": 7}
    record, document = shop.one()
    assert (record.operation, record.code) == ("GET /carts/{cart_id}", 200)
    assert document["http"]["request"]["client_ip"] == "10.0.0.9"


def test_requests_at_once_do_not_mix(shop: Shop) -> None:
    both = threading.Barrier(2, timeout=5)

    @shop.app.get("/wait/<name>")
    def wait(name: str) -> str:
        both.wait()
        request = current.get()
        assert request is not None
        return f"{name} {request.span_id:x}"

    answers: dict[str, str] = {}

    def ask(name: str) -> None:
        answers[name] = shop.app.test_client().get(f"/wait/{name}").text

    threads = [threading.Thread(target=ask, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    urls = {
        f"{span.span_id:x}": document["http"]["request"]["url"]
        for span, document in zip(shop.ended, shop.documents(), strict=True)
    }
    assert {name: urls[answer.split()[1]][-1] for name, answer in answers.items()} == {"a": "a", "b": "b"}


def test_ids_are_in_the_answers_headers(shop: Shop) -> None:
    answer = shop.client.get("/carts/7")
    again = shop.client.get("/carts/7", headers={"X-Request-Id": "req-7"})
    first, second = shop.documents()
    assert answer.headers["X-Amzn-Trace-Id"] == f"Root={first['trace_id']};Sampled=1"
    assert (answer.headers["X-Request-Id"], again.headers["X-Request-Id"]) == (first["id"], "req-7")
    assert shop.requests[1].request_id == "req-7"
    assert second["trace_id"] != first["trace_id"]


def test_a_load_balancers_root_alone_is_continued(shop: Shop) -> None:
    root = "1-6b03157d-f5a16a75e657406e66efacd7"
    answer = shop.client.get("/carts/7", headers={"X-Amzn-Trace-Id": f"Self=1-a-b;Root={root}"})
    _, document = shop.one()
    assert (document["trace_id"], "parent_id" in document) == (root, False)
    assert answer.headers["X-Amzn-Trace-Id"] == f"Root={root};Sampled=1"
