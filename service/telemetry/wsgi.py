"""Around the Flask app: the server span, the metrics and the access line of each request.

A WSGI middleware sees when a request begins and ends. Flask's own context of the request, which it keeps until then,
knows the route; a signal tells of an unhandled exception. A streamed answer ends with its last chunk.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from operator import itemgetter
from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any

import flask
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Tracer
from werkzeug.wsgi import ClosingIterator

from .current import attach, detach
from .http_attributes import server_attributes
from .names import REQUEST_ID_HEADER, TRACE_HEADER, UNMATCHED, xray_trace_id
from .propagation import EMPTY, extract
from .request import METHODS, arrived, binding, current, operation_name, span_of
from .server_span import ServerSpan, finish
from .serving import Serving
from .tracer import SPAN_KEY, LightTracer, Unsampled
from .unpacking import spans
from .waiting import Answered

if TYPE_CHECKING:
    from .instrument import Telemetry

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
        telemetry = self._telemetry
        if not telemetry.started:
            telemetry.start()
        if environ.get("PATH_INFO") in self._excluded:
            return self._inner(environ, start_response)
        tracer = telemetry.tracer
        # Calls cost more than lines in a request that has pushed this code out of the processor's caches.
        traced = "HTTP_TRACEPARENT" in environ or "HTTP_X_AMZN_TRACE_ID" in environ
        try:
            facts = _usual(environ)
            if facts[0] not in METHODS:
                facts = _facts(environ)
        except KeyError:
            facts = _facts(environ)
        if type(tracer) is LightTracer and not traced:
            span = tracer.serve(EMPTY, facts)
        else:
            span = _begin(tracer, extract(environ), facts)
        request = arrived(environ, span, facts[0])
        telemetry.gauges.enter(request)
        start = partial(_start, request, start_response)
        # Nothing of the caller's context but the span: what an X-Ray header leaves open is decided now.
        inside = Context({SPAN_KEY: span})
        outer, before = attach(inside), current.set(request)
        try:
            body = self._inner(environ, start)
            # Werkzeug gives the length of what it has whole, and its own iterator around it; a file's length is known
            # too, yet it is sent in chunks by an iterator of its own. A body without chunks (HEAD, 304) is done.
            if (request.measured and body.__class__ is ClosingIterator) or body.__class__ is tuple:
                self._end(request)
                return body
        except BaseException as error:
            request.code = 500
            _note(request, error)
            self._end(request)
            raise
        finally:
            detach(outer)
            current.reset(before)
        return _Streamed(body, inside, request, self._end)

    def _end(self, request: Serving) -> None:
        """Once per request, in its context."""
        if request.ended:
            return
        request.ended = True
        milliseconds = (perf_counter() - request.began) * 1000
        error = request.error
        operation = request.known or request.operation
        outcome = request.code, request.route, operation, "" if error is None else type(error).__qualname__
        bound = None if request.told is None and binding.get() is None else request.fields()
        telemetry = self._telemetry
        telemetry.gauges.leave(request)
        if request.__class__ is ServerSpan:
            item = request.left(outcome, milliseconds, bound)
            if item is not None:
                telemetry.served(item, 1 + request.data.n)
                request.flask = request.error = None
                return
            for one in spans(request.data):
                telemetry.route.append(one)
        telemetry.answered(
            Answered(
                request.trace, request.span_id, time_ns(), operation, request.method, request.code, milliseconds,
                request.request_id, request.sampled, outcome[3], bound,
            ).packed()
        )  # fmt: skip
        if request.__class__ is not Unsampled:
            finish(span_of(request), outcome)
        request.release()


def _begin(tracer: Tracer, context: Context, facts: tuple[str, ...]) -> Span:
    if type(tracer) is LightTracer:
        return tracer.serve(context, facts)
    # The SDK's generator of trace ids looks for the caller in the thread's context.
    token = attach(context)
    try:
        return tracer.start_span(facts[0], context, SpanKind.SERVER, server_attributes(facts))
    finally:
        detach(token)


def _start(
    request: Serving,
    start_response: StartResponse,
    status: str,
    headers: list[tuple[str, str]],
    exc_info: Any = None,
) -> Any:
    request.code = int(status[:3])
    # Mostly Werkzeug's, which come in this order.
    if len(headers) > 1 and headers[1][0] == "Content-Length":
        request.measured = True
    else:
        request.measured = any(name.lower() == "content-length" for name, _ in headers)
    headers.append((REQUEST_ID_HEADER, request.request_id))
    trace = request.trace
    if trace:
        headers.append((TRACE_HEADER, f"Root={xray_trace_id(trace)};Sampled={'1' if request.sampled else '0'}"))
    return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)


def connect(app: flask.Flask) -> None:
    """Have Flask tell the current request its route and its exception."""
    inner = app.request_context

    def request_context(environ: Environ) -> Any:
        made = inner(environ)
        request = current.get()
        if request is not None and request.flask is None and not request.ended:
            request.flask = made
        return made

    app.request_context = request_context  # type: ignore[method-assign]  # a signal would cost ten times as much
    # Not weak: nothing else holds this function.
    flask.got_request_exception.connect(_raised, app, weak=False)


def operations(app: flask.Flask, excluded: frozenset[str]) -> frozenset[str]:
    """Every operation of the app's routes, and UNMATCHED; not static files, nor HEAD and OPTIONS, which Flask adds."""
    found = {UNMATCHED}
    for rule in app.url_map.iter_rules():
        if rule.endpoint.rpartition(".")[2] != "static" and rule.rule not in excluded:
            methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
            found.update(operation_name(method, rule.rule) for method in methods)
    return frozenset(found)


def _raised(_: flask.Flask, exception: BaseException, **__: Any) -> None:
    request = current.get()
    if request is not None:
        _note(request, exception)


def _note(request: Serving, error: BaseException) -> None:
    if request.error is not error:  # a propagating exception comes by twice
        request.error = error
        span = span_of(request)
        if span.is_recording():
            span.record_exception(error)


_usual: Callable[[Environ], tuple[str, ...]] = itemgetter(
    "REQUEST_METHOD", "wsgi.url_scheme", "PATH_INFO", "HTTP_HOST", "REMOTE_ADDR", "HTTP_USER_AGENT", "SERVER_PROTOCOL"
)


def _facts(environ: Environ) -> tuple[str, ...]:
    """ServerSpan.facts of a request."""
    get = environ.get
    return (
        METHODS.get(get("REQUEST_METHOD", ""), "_OTHER"),
        get("wsgi.url_scheme", "http"),
        get("PATH_INFO", ""),
        get("HTTP_HOST") or get("SERVER_NAME", ""),
        get("REMOTE_ADDR", ""),
        get("HTTP_USER_AGENT", ""),
        get("SERVER_PROTOCOL", "HTTP/1.1"),
    )


class _Streamed:
    """A body whose end is the end of the request; each chunk is made inside of it."""

    __slots__ = ("_body", "_chunks", "_end", "_inside", "_request")

    def __init__(
        self, body: Iterable[bytes], inside: Context, request: Serving, end: Callable[[Serving], None]
    ) -> None:
        self._body = body
        self._chunks = iter(body)
        self._inside = inside
        self._request = request
        self._end = end

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        outer, before = attach(self._inside), current.set(self._request)
        try:
            return next(self._chunks)
        except BaseException as error:
            if not isinstance(error, StopIteration):
                _note(self._request, error)  # its status is sent already, and stays what it was
            self._end(self._request)
            raise
        finally:
            detach(outer)
            current.reset(before)

    def close(self) -> None:
        """The server is done: with the last chunk, or because its client has gone."""
        outer, before = attach(self._inside), current.set(self._request)
        try:
            close = getattr(self._body, "close", None)
            if close is not None:
                close()
        finally:
            self._end(self._request)
            detach(outer)
            current.reset(before)
