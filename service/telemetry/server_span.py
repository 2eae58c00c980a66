"""The span of a request as a server sees it: the one that every request pays for, so it is made with the least."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from time import time_ns
from typing import Any

from opentelemetry.trace import Span

from .http_attributes import Outcome, attributes_of, server_outcome
from .serving import Serving
from .span_data import NO_ATTRIBUTES, SERVER_ERROR, UNSET, RequestData
from .spans import LightSpan, log


class ServerSpan(LightSpan, Serving):
    """The span of a request as a server sees it, and that request; a root, sampled.

    Spans below it leave with it, when it has ``left``.
    """

    sampled = True
    data: RequestData
    within: RequestData

    def __init__(self, data: RequestData) -> None:
        self.data = self.within = data

    # Both classes above have these.
    trace_id = property(attrgetter("data.trace_id"))
    span_id = property(attrgetter("data.span_id"))

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The attributes, made of what is known so far."""
        return attributes_of(self.data)

    def left(self, outcome: Outcome, milliseconds: float, bound: Mapping[str, Any] | None) -> bool:
        """End the span with its request, which leaves with all that is in ``data``; False if somebody has ended it."""
        data = self.data
        now = time_ns()
        data.open = False  # first: what ends from here on goes by itself
        if data.end_time is not None:
            return False
        if data.attributes is not NO_ATTRIBUTES:
            self.set_attributes(server_outcome(outcome))
        data.end_time = now
        data.code, data.route, data.operation, data.error_type = outcome
        data.milliseconds = milliseconds
        data.request_id = self.request_id
        data.bound = bound
        if data.route is not None:
            data.name = data.operation
        if data.code >= 500 and data.status is UNSET:
            data.status = SERVER_ERROR
        if data.origin.route.processors:
            self._tell(data.origin.route.processors)
        return True

    def end(self, end_time: int | None = None) -> None:
        """End the span before its request does: then it goes by itself, and so do those below it."""
        data = self.data
        now = time_ns() if end_time is None else end_time
        if data.end_time is not None:
            log.warning("Calling end() on an ended span.")
            return
        data.end_time = now
        data.origin.route.append(data)
        if data.origin.route.processors:
            self._tell(data.origin.route.processors)


def finish(span: Span, outcome: Outcome) -> None:
    """End a request's span, which leaves by itself, with what is known at its end."""
    if not span.is_recording():
        return
    status, route, operation, _ = outcome
    span.set_attributes(server_outcome(outcome))
    if route is not None:
        span.update_name(operation)
    if status >= 500:
        span.set_status(SERVER_ERROR)
    span.end()
