"""Instrumentation libraries of OpenTelemetry, which know nothing of us, with our provider."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import requests
from opentelemetry.instrumentation.requests import RequestsInstrumentor
from opentelemetry.trace import SpanKind
from opentelemetry.trace.status import StatusCode

from .telemetry_spans import KINDS, Traced


@pytest.fixture
def served() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that answers 204, or 503 under /down; and the headers that came."""
    headers: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers.append({key.lower(): value for key, value in self.headers.items()})
            self.send_response(503 if self.path == "/down" else 204)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", headers
    server.shutdown()
    server.server_close()


@pytest.fixture(params=KINDS)
def traced(request: pytest.FixtureRequest) -> Iterator[Traced]:
    traced = Traced(request.param)
    instrumentor = RequestsInstrumentor()
    instrumentor.instrument(tracer_provider=traced.provider)
    yield traced
    instrumentor.uninstrument()


def test_the_requests_library_makes_subsegments_and_sends_our_trace(
    traced: Traced, served: tuple[str, list[dict[str, str]]]
) -> None:
    url, headers = served
    with traced.tracer.start_as_current_span("POST /checkout", kind=SpanKind.SERVER):
        requests.get(f"{url}/up", timeout=5)
        requests.get(f"{url}/down", timeout=5)
        with pytest.raises(requests.ConnectionError):
            requests.get("http://127.0.0.1:1/away", timeout=5)
    up, down, away, root = traced.documents()
    assert {sub["parent_id"] for sub in (up, down, away)} == {root["id"]}
    assert {sub["namespace"] for sub in (up, down, away)} == {"remote"}
    assert up["http"]["request"].pop("user_agent").startswith("python-requests/")
    assert up["http"] == {"request": {"method": "GET", "url": f"{url}/up"}, "response": {"status": 204}}
    assert (down["fault"], away["fault"]) == (True, True)
    assert "fault" not in up
    assert "ConnectionError" in away["cause"]["exceptions"][0]["type"]
    assert [sent["traceparent"].split("-")[1:3] for sent in headers] == [
        [root["trace_id"][2:].replace("-", ""), sub["id"]] for sub in (up, down)
    ]


def test_a_library_finds_its_span_current_and_its_hooks_may_change_it(served: tuple[str, list[dict[str, str]]]) -> None:
    traced, (url, _) = Traced(), served
    instrumentor = RequestsInstrumentor()

    def hook(span: Any, *_: Any) -> None:
        span.update_name("renamed")
        span.set_status(StatusCode.OK)

    instrumentor.instrument(tracer_provider=traced.provider, response_hook=hook)
    try:
        requests.get(url, timeout=5)
    finally:
        instrumentor.uninstrument()
    (span,) = traced.ended
    assert (span.name, span.further.status.status_code) == ("renamed", StatusCode.OK)
