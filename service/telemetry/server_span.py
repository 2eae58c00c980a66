"""The span of a request as a server sees it: the one that every request pays for, so it is made with the least."""

from __future__ import annotations

from collections.abc import Mapping
from operator import attrgetter
from time import time_ns
from typing import Any

from opentelemetry.trace import Span
from opentelemetry.trace.status import Status

from .http_attributes import Outcome, server_outcome
from .serving import Serving
from .span_data import SERVER_ERROR, RequestData, Whole
from .spans import LightSpan, log
from .waiting import A_BUNDLE, NOT_PACKED, Answered, pack


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
    trace = property(attrgetter("data.trace"))
    span_id = property(attrgetter("data.span_id"))

    @property
    def name(self) -> str:
        """The operation, once it is known."""
        self.data.settle()
        return self.data.name

    @property
    def status(self) -> Status:
        """An error after a status of 500 or more."""
        self.data.settle()
        return self.data.further.status

    def left(self, outcome: Outcome, milliseconds: float, bound: Mapping[str, Any] | None) -> bytes | Whole | None:
        """End the span with its request: what leaves of both, as it waits; None if somebody has ended it before."""
        data = self.data
        now = time_ns()
        data.open = False  # first: what ends from here on goes by itself
        if data.end_time is not None:
            return None
        if data.short is None or data.others or bound is not None or data.origin.route.processors:
            return self._whole(outcome, milliseconds, bound, now)
        code, route, operation, error_type = data.outcome = outcome
        data.end_time = now
        try:
            return pack(
                (
                    A_BUNDLE, data.trace, data.span_id, now, operation, route, code, milliseconds, self.request_id,
                    error_type, data.start_time, data.facts, data.below, data.n, data.origin.number,
                )
            )  # fmt: skip
        except NOT_PACKED:
            return self._whole(outcome, milliseconds, bound, now)

    def _whole(self, outcome: Outcome, milliseconds: float, bound: Mapping[str, Any] | None, now: int) -> Whole:
        data = self.data
        code, _, operation, error_type = outcome
        if data.attributes is not None:
            self.set_attributes(server_outcome(outcome))
        data.outcome = outcome
        data.end_time = now
        data.settle()
        if data.origin.route.processors:
            self._tell(data.origin.route.processors)
        answer = Answered(
            data.trace, data.span_id, now, operation, data.facts[0], code, milliseconds, self.request_id, True,
            error_type, bound,
        )  # fmt: skip
        return Whole(answer, data)

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
