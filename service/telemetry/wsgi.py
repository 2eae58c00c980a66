"""Around the Flask app: the server span, the metrics and the access line of each request.

A WSGI middleware sees when a request begins and ends; Flask's signals tell it what only Flask knows: the route, an
unhandled exception, and whether the answer is streamed (then the request ends with its last chunk).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import flask
from opentelemetry import context as otel
from opentelemetry.trace import SpanKind, set_span_in_context
from opentelemetry.trace.status import StatusCode

from .names import ACCESS_LOGGER, REQUEST_ID_HEADER, UNMATCHED
from .propagation import answer, extract
from .request import Request, current, operation_name

if TYPE_CHECKING:
    from .instrument import Telemetry

access = logging.getLogger(ACCESS_LOGGER)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
App = Callable[[Environ, StartResponse], Iterable[bytes]]


class Middleware:
    """The WSGI app around ``inner``; requests for ``excluded`` paths pass unseen."""

    def __init__(self, inner: App, telemetry: Telemetry, excluded: frozenset[str]) -> None:
        self._inner = inner
        self._telemetry = telemetry
        self._excluded = excluded

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if environ.get("PATH_INFO") in self._excluded:
            self._telemetry.start()
            return self._inner(environ, start_response)
        return self._observed(environ, start_response)

    def _observed(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        self._telemetry.start()
        self._telemetry.gauges.enter()
        method = _method(environ)
        parent = extract(environ)
        span = self._telemetry.tracer.start_span(method, parent, SpanKind.SERVER, _attributes(environ, method))
        request = Request(method, environ.get("HTTP_X_REQUEST_ID", ""), span)
        trace = answer(span.get_span_context())

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            request.status = int(status[:3])
            headers.append((REQUEST_ID_HEADER, request.request_id))
            if span.get_span_context().is_valid:
                headers.append(trace)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        inside = _Inside(request, set_span_in_context(span, parent))
        with inside:
            try:
                body = self._inner(environ, start)
            except BaseException as error:
                request.status = 500
                _note(request, error)
                self._end(request)
                raise
            if not request.streamed:
                self._end(request)
                return body
        return _Streamed(body, inside, request, lambda: self._end(request))

    def _end(self, request: Request) -> None:
        """Once per request, in its context."""
        if request.ended:
            return
        request.ended = True
        milliseconds = request.milliseconds()
        span = request.span
        context = span.get_span_context()
        trace_id = context.trace_id if context.trace_flags.sampled else 0
        self._telemetry.gauges.leave()
        self._telemetry.finished(time.time(), request.operation, request.status, milliseconds, trace_id)
        extra: dict[str, Any] = {
            "method": request.method,
            "status": request.status,
            "duration_ms": round(milliseconds, 3),
        }
        if request.error is not None:
            extra["error_type"] = type(request.error).__qualname__
        access.info("%s %d", request.operation, request.status, extra=extra)
        if span.is_recording():
            span.set_attribute("http.response.status_code", request.status)
            if request.status >= 500:
                span.set_status(StatusCode.ERROR)
                span.set_attribute("error.type", extra.get("error_type", str(request.status)))
        span.end()


def connect(app: flask.Flask) -> None:
    """Have Flask tell the current request its route, its exception and whether it is streamed."""
    # Not weak: nothing else holds these functions.
    flask.request_started.connect(_routed, app, weak=False)
    flask.got_request_exception.connect(_raised, app, weak=False)
    flask.request_finished.connect(_answered, app, weak=False)


def operations(app: flask.Flask, excluded: frozenset[str]) -> frozenset[str]:
    """Every operation of the app's routes, and UNMATCHED; not static files, nor HEAD and OPTIONS, which Flask adds."""
    found = {UNMATCHED}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.rpartition(".")[2] != "static" and rule.rule not in excluded:
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            found.update(operation_name(method, rule.rule) for method in methods)
    return frozenset(found)


def _routed(_: flask.Flask, **__: Any) -> None:
    request = current.get()
    rule = flask.request.url_rule
    if request is None or rule is None:
        return
    request.operation = operation_name(request.method, rule.rule)
    if request.span.is_recording():
        request.span.update_name(request.operation)
        request.span.set_attributes({"http.route": rule.rule, "operation": request.operation})


def _raised(_: flask.Flask, exception: BaseException, **__: Any) -> None:
    request = current.get()
    if request is not None:
        _note(request, exception)


def _answered(_: flask.Flask, response: flask.Response, **__: Any) -> None:
    request = current.get()
    if request is not None:
        # Flask's own error pages look streamed, but their length is known; a file's too, yet it is sent in chunks.
        known = response.content_length is not None and not response.direct_passthrough
        request.streamed = response.is_streamed and not known


def _note(request: Request, error: BaseException) -> None:
    if request.error is not error:  # a propagating exception comes by twice
        request.error = error
        if request.span.is_recording():
            request.span.record_exception(error)


def _method(environ: Environ) -> str:
    # OpenTelemetry: "Semantic conventions for HTTP spans": an unknown method is _OTHER, so that names stay few.
    method = environ.get("REQUEST_METHOD", "")
    return method if method in METHODS else "_OTHER"


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"})


def _attributes(environ: Environ, method: str) -> dict[str, str | int]:
    """Stable HTTP semantic conventions. No query: it may hold what nobody should see."""
    name = environ.get("HTTP_HOST") or environ.get("SERVER_NAME", "")
    host, _, port = name.rpartition(":")
    has_port = bool(host) and port.isdecimal()
    attributes: dict[str, str | int] = {
        "http.request.method": method,
        "url.scheme": environ.get("wsgi.url_scheme", "http"),
        "url.path": environ.get("PATH_INFO", "/"),
        "server.address": host if has_port else name,
        "client.address": environ.get("REMOTE_ADDR", ""),
        "user_agent.original": environ.get("HTTP_USER_AGENT", ""),
        "network.protocol.version": environ.get("SERVER_PROTOCOL", "").removeprefix("HTTP/"),
    }
    if has_port:
        attributes["server.port"] = int(port)
    return attributes


class _Inside:
    """``with`` this, code runs as part of the request; again for each chunk of a streamed answer."""

    __slots__ = ("_context", "_request", "_tokens")

    def __init__(self, request: Request, context: otel.Context) -> None:
        self._request = request
        self._context = context
        self._tokens: tuple[Any, Any] | None = None

    def __enter__(self) -> None:
        self._tokens = otel.attach(self._context), current.set(self._request)

    def __exit__(self, *_: object) -> None:
        if self._tokens is not None:
            otel.detach(self._tokens[0])
            current.reset(self._tokens[1])


class _Streamed:
    """A body whose end is the end of the request."""

    def __init__(self, body: Iterable[bytes], inside: _Inside, request: Request, end: Callable[[], None]) -> None:
        self._body = body
        self._request = request
        self._chunks = iter(body)
        self._inside = inside
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        with self._inside:
            try:
                return next(self._chunks)
            except BaseException as error:
                if not isinstance(error, StopIteration):
                    _note(self._request, error)  # its status is sent already, and stays what it was
                self._end()
                raise

    def close(self) -> None:
        with self._inside:
            try:
                close = getattr(self._body, "close", None)
                if close is not None:
                    close()
            finally:
                self._end()
