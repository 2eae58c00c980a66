"""One call to another service: a CLIENT span, the headers to send, and the Dependency metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from opentelemetry.trace import Span, SpanKind, Tracer, use_span
from opentelemetry.trace.status import Status, StatusCode

from .propagation import outgoing

Done = Callable[[float, bool], None]  # milliseconds, fault


class Call:
    """What the block gets: the headers to send, and where to tell the answer's status."""

    __slots__ = ("_span", "fault", "headers")

    def __init__(self, span: Span) -> None:
        self._span = span
        self.headers = outgoing(span)
        self.fault = False

    def status(self, code: int) -> None:
        """The HTTP status of the answer; 5xx is a fault, 4xx an error of ours."""
        self.fault = code >= 500
        self._span.set_attribute("http.response.status_code", code)
        if code >= 400:
            self._span.set_status(StatusCode.ERROR)
            self._span.set_attribute("error.type", str(code))


@contextmanager
def dependency(tracer: Tracer, remote: str, method: str, route: str, url: str | None, done: Done) -> Iterator[Call]:
    """Time the block as one call; ``done`` gets its milliseconds and whether it was a fault."""
    # The name, without which X-Ray's map would show an address; the route, never the path: it would be many names.
    attributes = {"peer.service": remote, "http.request.method": method, "url.template": route}
    # Without a URL the service's name stands for its address.
    attributes["url.full"] = _bare(url) if url else f"http://{remote}{route}"
    began = time.perf_counter()
    span = tracer.start_span(f"{method} {route}", kind=SpanKind.CLIENT, attributes=attributes)
    call = Call(span)
    try:
        with use_span(span, record_exception=False, set_status_on_exception=False):
            yield call
    except Exception as error:
        call.fault = True
        span.record_exception(error)
        span.set_status(Status(StatusCode.ERROR, type(error).__name__))
        span.set_attribute("error.type", type(error).__qualname__)
        raise
    finally:
        span.end()
        done((time.perf_counter() - began) * 1000, call.fault)


def _bare(url: str) -> str:
    """The URL without what may be secret: user, password, query."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
