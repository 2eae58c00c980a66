"""Trace context across services: W3C ``traceparent`` and X-Ray's ``X-Amzn-Trace-Id``, both ways.

Coming in, traceparent wins when both are there: it says whether the trace is sampled, which an X-Ray header may leave
open. Going out, both are sent. A header that makes no sense counts as none.
"""

from __future__ import annotations

from typing import Any

from opentelemetry.context import Context
from opentelemetry.propagators.aws import AwsXRayPropagator
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import Span, SpanContext, get_current_span, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .names import TRACE_HEADER, xray_trace_id

_w3c = TraceContextTextMapPropagator()
_xray = AwsXRayPropagator()


class _Environ(Getter[dict[str, Any]]):
    def get(self, carrier: dict[str, Any], key: str) -> list[str] | None:
        value = carrier.get("HTTP_" + key.upper().replace("-", "_"))
        return None if value is None else [value]

    def keys(self, carrier: dict[str, Any]) -> list[str]:
        return list(carrier)


_getter = _Environ()


def extract(environ: dict[str, Any]) -> Context:
    """The caller's trace context, or an empty one. Never the context of the thread: requests do not inherit."""
    context = Context()
    if "HTTP_TRACEPARENT" in environ:
        context = _w3c.extract(environ, context, _getter)
        if get_current_span(context).get_span_context().is_valid:
            return context
    if "HTTP_X_AMZN_TRACE_ID" in environ:
        context = _xray.extract(environ, context, _getter)
    return context


def outgoing(span: Span) -> dict[str, str]:
    """The headers that make another service's spans children of this one; none without a valid trace."""
    headers: dict[str, str] = {}
    context = set_span_in_context(span)
    _w3c.inject(headers, context)
    _xray.inject(headers, context)
    return headers


def answer(context: SpanContext) -> tuple[str, str]:
    """The response header that tells the caller its trace: ``X-Amzn-Trace-Id: Root=1-…;Sampled=1``."""
    return TRACE_HEADER, f"Root={xray_trace_id(context.trace_id)};Sampled={int(context.trace_flags.sampled)}"
