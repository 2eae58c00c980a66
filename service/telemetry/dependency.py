"""One call to another service: a CLIENT span, the headers to send, and the Dependency metrics."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from types import TracebackType
from urllib.parse import urlsplit

from opentelemetry.trace import SpanKind, Tracer
from opentelemetry.trace.status import Status, StatusCode

from .current import attach, detach, get_current
from .propagation import outgoing
from .semconv import ERROR_TYPE, HTTP_METHOD, HTTP_STATUS, PEER_SERVICE, URL_FULL, URL_TEMPLATE
from .tracer import with_span

Done = Callable[[float, bool], None]  # milliseconds, fault


class Call:
    """``with`` this, code calls another service: ``headers`` are to be sent, ``status`` wants the answer's status.

    ``done`` gets the milliseconds of the block and whether it was a fault.
    """

    __slots__ = ("_began", "_done", "_named", "_span", "_token", "_tracer", "fault", "headers")

    def __init__(self, tracer: Tracer, remote: str, method: str, route: str, url: str | None, done: Done) -> None:
        self._tracer = tracer
        self._named = (remote, method, route, url)
        self._done = done
        self.fault = False
        self.headers: dict[str, str] = {}

    def status(self, code: int) -> None:
        """The HTTP status of the answer; 5xx is a fault, 4xx an error of ours."""
        self.fault = code >= 500
        self._span.set_attribute(HTTP_STATUS, code)
        if code >= 400:
            self._span.set_status(StatusCode.ERROR)
            self._span.set_attribute(ERROR_TYPE, str(code))

    def __enter__(self) -> Call:
        remote, method, route, url = self._named
        # The name, without which X-Ray's map would show an address; the route, never the path: it would be many names.
        attributes = {
            PEER_SERVICE: remote,
            HTTP_METHOD: method,
            URL_TEMPLATE: route,
            # Without a URL the service's name stands for its address.
            URL_FULL: _bare(url) if url else f"http://{remote}{route}",
        }
        self._began = time.perf_counter()
        self._span = self._tracer.start_span(f"{method} {route}", kind=SpanKind.CLIENT, attributes=attributes)
        self.headers = outgoing(self._span)
        self._token = attach(with_span(get_current(), self._span))
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        detach(self._token)
        span = self._span
        if isinstance(exc_val, Exception):
            self.fault = True
            span.record_exception(exc_val)
            span.set_status(Status(StatusCode.ERROR, type(exc_val).__name__))
            span.set_attribute(ERROR_TYPE, type(exc_val).__qualname__)
        span.end()
        self._done((time.perf_counter() - self._began) * 1000, self.fault)


@lru_cache(maxsize=256)
def _bare(url: str) -> str:
    """The URL without what may be secret: user, password, query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
