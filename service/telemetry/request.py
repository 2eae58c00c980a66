"""The request that the running code serves, and what its log lines say of it."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from contextvars import ContextVar, Token
from functools import lru_cache
from typing import Any

from opentelemetry.trace import Span

from .names import UNMATCHED
from .server_span import ServerSpan
from .tracer import Unsampled

# A variable part of a Werkzeug rule: <name> or <converter(arguments):name>.
VARIABLE = re.compile(r"<(?:[^<>]*:)?([^<>:]+)>")
# OpenTelemetry: "Semantic conventions for HTTP spans": an unknown method is _OTHER, so that names stay few.
METHODS = {
    name: name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY")
}
# What a caller may choose as a request id: it is written to logs and sent back in a header.
SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")

Ended = tuple[float, str, str, int, float, str, int, int, bool, str, Mapping[str, Any] | None]
"""An answered request, as the middleware appends it: one tuple for its access line and its metrics.

(epoch seconds at its end, operation, method, status, milliseconds, request id, trace id, span id, whether it is
sampled, the name of the exception's type or "", ``bound_fields()``). Trace and span id are 0 without a trace.
"""
PLAIN = 11
Served = tuple[Any, ...]
"""The same of one that leaves in one piece with its spans: the members of Ended, then (start, end, ServerSpan.facts or
the span itself, route or None, the ended spans below it); times in epoch nanoseconds."""


class Request:
    """One request between its arrival and the end of its answer. Durations in milliseconds.

    ``flask`` is Flask's context of it, which finds the route; ``measured`` says that the answer's length is known;
    ``told`` is what the app has said for its access line.
    Trace and span id are 0 without a trace.
    """

    # Defaults that most requests keep: an instance holds only what differs.
    flask: Any = None
    route: str | None = None
    status = 500  # until the app says otherwise
    measured = False
    error: BaseException | None = None
    ended = False
    trace_id = 0
    span_id = 0
    sampled = False
    told: Mapping[str, Any] | None = None
    _operation = ""

    def __init__(self, environ: Mapping[str, Any], span: Span, method: str) -> None:
        self.span = span
        if type(span) is ServerSpan:  # mostly; isinstance would ask an abstract class
            self.trace_id, self.span_id, self.sampled = span.trace_id, span.span_id, True
        elif type(span) is Unsampled:
            self.trace_id, self.span_id = span.trace_id, span.span_id
        else:
            context = span.get_span_context()
            if context.is_valid:
                self.trace_id, self.span_id = context.trace_id, context.span_id
                self.sampled = context.trace_flags.sampled
        wanted = environ.get("HTTP_X_REQUEST_ID")
        # Our own is the span's: one look-up less for whoever has either.
        known = wanted is not None and SAFE_ID.fullmatch(wanted)
        self.request_id: str = wanted if wanted and known else f"{self.span_id or random.getrandbits(64):016x}"
        self.method = method
        self.began = time.perf_counter()

    @property
    def operation(self) -> str:
        """``GET /items/{item_id}`` once Flask has found the route; UNMATCHED before, and where there is none."""
        if not self._operation and self.flask is not None:
            rule = self.flask.request.url_rule
            if rule is None:
                return UNMATCHED
            self.route = rule.rule
            self._operation = operation_name(self.method, rule.rule)
        return self._operation or UNMATCHED

    def fields(self) -> Mapping[str, Any] | None:
        """What the access line tells besides: the fields that are bound, and those of names.ACCESS_ATTRIBUTES."""
        held = binding.get()
        bound = held[1] if held is not None and held[0] is self else None
        return bound if self.told is None else {**(bound or {}), **self.told}

    def release(self) -> None:
        """At the end: log lines that wait to be written hold the request, and must not hold Flask's and its objects.

        (A hundred of them a request, which would all live long enough for Python's garbage collector to look at them
        twice, and then to look at the whole process.)
        """
        self.flask = self.error = None


current: ContextVar[Request | None] = ContextVar("telemetry_request", default=None)

binding: ContextVar[tuple[Request | None, Mapping[str, Any]] | None] = ContextVar("telemetry_bound", default=None)


def bound_fields() -> Mapping[str, Any] | None:
    """What is bound to the running code, for its log lines; never what an earlier request of this thread has bound."""
    held = binding.get()
    return held[1] if held is not None and held[0] is current.get() else None


class bind:  # noqa: N801 - it is used as a function
    """Put fields on every log line of the running code: until the end of the ``with`` block, or, called alone, of the
    request.
    """

    __slots__ = ("_token",)

    def __init__(self, **fields: Any) -> None:
        fields = {**(bound_fields() or {}), **fields}
        self._token: Token[Any] = binding.set((current.get(), fields))

    def __enter__(self) -> None:
        """The fields are bound already."""

    def __exit__(self, *_: object) -> None:
        binding.reset(self._token)


@lru_cache(maxsize=4_096)
def operation_name(method: str, rule: str) -> str:
    """``GET /items/<int:item_id>`` as ``GET /items/{item_id}``."""
    return method + " " + VARIABLE.sub(r"{\1}", rule)
