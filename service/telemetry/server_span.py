"""The span of a request as a server sees it: the one that every request pays for, so it is made with the least."""

from __future__ import annotations

from time import time_ns
from typing import Any

from opentelemetry.trace import Span, SpanKind, TraceState
from opentelemetry.trace.status import Status, StatusCode

from .semconv import (
    CLIENT_ADDRESS,
    ERROR_TYPE,
    HTTP_METHOD,
    HTTP_ROUTE,
    HTTP_STATUS,
    OPERATION,
    PROTOCOL_VERSION,
    SERVER_ADDRESS,
    SERVER_PORT,
    URL_PATH,
    URL_SCHEME,
    USER_AGENT,
)
from .serving import Serving
from .spans import SAMPLED, UNSET, LightSpan, Origin
from .waiting import Below

SERVER_ERROR = Status(StatusCode.ERROR)
Outcome = tuple[int, str | None, str, str]
"""(status, route or None, operation, error type or "")"""


class ServerSpan(LightSpan, Below, Serving):
    """The span of a request as a server sees it, and that request; its attributes are made of ``facts`` when somebody
    asks for them.

    facts: (method, scheme, path, host with its port, client's address, user agent, protocol), as WSGI gives them.
    outcome: once the answer is known. usual: whether both say it all, once it has left.
    """

    outcome: Outcome | None = None
    held: dict[str, Any] | None = None
    usual = True
    sampled = True
    # A root, sampled: what has a parent or is not sampled is made the common way.
    kind = SpanKind.SERVER
    flags = SAMPLED
    trace_state = TraceState()
    parent_id = 0
    _parent = None

    def __init__(self, trace_id: int, span_id: int, origin: Origin, facts: tuple[str, ...], start_time: int) -> None:
        self.name = facts[0]
        self.trace_id = trace_id
        self.span_id = span_id
        self.origin = origin
        self.facts = facts
        self.start_time = start_time
        self.others = []

    @property
    def below(self) -> Below | None:
        """Itself: one object less a request."""
        return self if self.origin.route.flat else None

    @below.setter
    def below(self, _: Below | None) -> None:
        raise AttributeError("below")

    def leave(self, outcome: Outcome, now: int) -> bool:
        """End the span of a request that leaves in one piece; False where that can't be: it has not ended, or had."""
        route = self.origin.route
        if not route.flat or route.processors or self.end_time is not None:
            return False
        if self.held is not None or self.status is not UNSET or self.events:
            self.usual = False
            if self.held is not None:
                self.set_attributes(server_outcome(outcome))
        self.outcome = outcome
        if outcome[1] is not None:
            self.name = outcome[2]
        if outcome[0] >= 500 and self.status is UNSET:
            self.status = SERVER_ERROR
        self.end_time = now
        return True

    def finish(self, outcome: Outcome) -> None:
        """End the span with its outcome. (One call instead of five: this is in every request.)"""
        if self.held is not None or self.origin.route.processors or self.end_time is not None:
            _finish(self, outcome)
            return
        self.outcome = outcome
        if outcome[1] is not None:
            self.name = outcome[2]
        if outcome[0] >= 500 and self.status is UNSET:
            self.status = SERVER_ERROR
        self.end_time = time_ns()
        self.origin.route.append(self)

    @property
    def attributes(self) -> dict[str, Any]:
        """The attributes; from here on they are a dictionary like another span's."""
        if self.held is None:
            self.held = server_attributes(self.facts)
            if self.outcome is not None:
                self.held |= server_outcome(self.outcome)
        return self.held

    @attributes.setter
    def attributes(self, attributes: dict[str, Any]) -> None:
        self.held = attributes


def server_attributes(facts: tuple[str, ...]) -> dict[str, Any]:
    """What WSGI tells of a request, by the stable HTTP conventions. No query: it may hold what nobody should see."""
    method, scheme, path, name, client, agent, protocol = facts
    attributes: dict[str, Any] = {
        HTTP_METHOD: method,
        URL_SCHEME: scheme,
        URL_PATH: path,
        SERVER_ADDRESS: name,
        CLIENT_ADDRESS: client,
        USER_AGENT: agent,
        PROTOCOL_VERSION: protocol.removeprefix("HTTP/"),
    }
    host, _, port = name.rpartition(":")
    if host and port.isdecimal() and port.isascii() and len(port) <= 5:
        attributes[SERVER_ADDRESS] = host
        attributes[SERVER_PORT] = int(port)
    return attributes


def server_outcome(outcome: Outcome) -> dict[str, Any]:
    """What is known of a request at its end."""
    status, route, operation, error_type = outcome
    attributes: dict[str, Any] = {HTTP_STATUS: status, OPERATION: operation}
    if route is not None:
        attributes[HTTP_ROUTE] = route
    if status >= 500:
        attributes[ERROR_TYPE] = error_type or str(status)
    return attributes


def finish(span: Span, outcome: Outcome) -> None:
    """End a request's span with what is known at its end (ServerSpan.outcome)."""
    if type(span) is ServerSpan:
        span.finish(outcome)
    elif span.is_recording():
        _finish(span, outcome)


def _finish(span: Span, outcome: Outcome) -> None:
    status, route, operation, _ = outcome
    span.set_attributes(server_outcome(outcome))
    if route is not None:
        span.update_name(operation)
    if status >= 500:
        span.set_status(SERVER_ERROR)
    span.end()
