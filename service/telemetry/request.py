"""The request that the running code serves, and what its log lines say of it."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from contextvars import ContextVar, Token
from typing import Any

from opentelemetry.trace import Span

from .server_span import ServerSpan
from .serving import Serving, binding, operation_name
from .tracer import Unsampled

__all__ = ["METHODS", "Request", "arrived", "bind", "binding", "bound_fields", "current", "operation_name", "span_of"]

# OpenTelemetry: "Semantic conventions for HTTP spans": an unknown method is _OTHER, so that names stay few.
METHODS = {
    name: name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH", "QUERY")
}
# What a caller may choose as a request id: it is written to logs and sent back in a header.
SAFE_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Request(Serving):
    """A request whose span is not the request itself: the SDK's, or one that continues a caller's trace."""

    def __init__(self, span: Span) -> None:
        self.span = span
        context = span.get_span_context()
        if context.is_valid:
            self.trace, self.span_id = f"{context.trace_id:032x}", context.span_id
            self.sampled = context.trace_flags.sampled


def arrived(environ: Mapping[str, Any], span: Span, method: str) -> Serving:
    """The request of that span, which begins now."""
    # Mostly it is the span; isinstance would ask an abstract class.
    request = span if type(span) is ServerSpan or type(span) is Unsampled else Request(span)
    wanted = environ.get("HTTP_X_REQUEST_ID")
    if wanted is not None and SAFE_ID.fullmatch(wanted):
        request.request_id = wanted
    elif not request.request_id:
        # Our own is the span's: one look-up less for whoever has either.
        request.request_id = f"{request.span_id or random.getrandbits(64):016x}"
    request.method = method
    request.began = time.perf_counter()
    return request


def span_of(request: Serving) -> Span:
    """The span of a request."""
    return request if type(request) is ServerSpan or type(request) is Unsampled else request.span  # type: ignore[attr-defined]  # there is no fourth kind


current: ContextVar[Serving | None] = ContextVar("telemetry_request", default=None)


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
