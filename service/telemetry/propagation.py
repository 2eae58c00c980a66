"""Trace context across services: W3C ``traceparent`` and X-Ray's ``X-Amzn-Trace-Id``, both ways.

Coming in, traceparent wins when both are there, going out both are sent. A header that makes no sense counts as none.
An X-Ray header may say less than W3C's: a load balancer sends ``Root`` alone, which names the trace but no span above,
and ``Sampled`` may be missing or ``?``, which leaves the decision to us. (AWS X-Ray: "Tracing header".)
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from opentelemetry.context import Context, create_key
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import (
    NonRecordingSpan,
    Span,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from .names import TRACE_HEADER, xray_trace_id

EMPTY = Context()
LONGEST_HEADER = 512
TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
ROOT = re.compile(r"1-([0-9a-fA-F]{8})-([0-9a-fA-F]{24})")
SPAN_ID = re.compile(r"[0-9a-fA-F]{16}")

CALLER = create_key("xray-caller")
_w3c = TraceContextTextMapPropagator()


class Caller(NamedTuple):
    """What an X-Ray header says that a span context cannot hold.

    trace_id: that of a trace whose caller has no span, else 0. sampled: None leaves the decision to the sampler.
    """

    trace_id: int
    sampled: bool | None


class _Environ(Getter[dict[str, Any]]):
    def get(self, carrier: dict[str, Any], key: str) -> list[str] | None:
        value = carrier.get("HTTP_" + key.upper().replace("-", "_"))
        return None if value is None else [value]

    def keys(self, carrier: dict[str, Any]) -> list[str]:
        return list(carrier)


_getter = _Environ()


def extract(environ: dict[str, Any]) -> Context:
    """The caller's trace context, or an empty one. Never the context of the thread: requests do not inherit."""
    w3c = environ.get("HTTP_TRACEPARENT")
    if w3c is not None:
        found = _from_w3c(w3c, environ)
        if found is not None:
            return found
    xray = environ.get("HTTP_X_AMZN_TRACE_ID")
    return EMPTY if xray is None else _from_xray(xray)


def _from_w3c(header: str, environ: dict[str, Any]) -> Context | None:
    match = None if "HTTP_TRACESTATE" in environ else TRACEPARENT.fullmatch(header)
    if match is None:
        context = _w3c.extract(environ, Context(), _getter)
        return context if get_current_span(context).get_span_context().is_valid else None
    flags = TraceFlags(int(match[3], 16) & 0x03)
    return _below(SpanContext(int(match[1], 16), int(match[2], 16), is_remote=True, trace_flags=flags))


def _from_xray(header: str) -> Context:
    # Parts that we do not know (Self, Lineage) or that are broken say nothing against the others.
    pairs = header.split(";") if len(header) <= LONGEST_HEADER else []
    parts = {key.strip(): value.strip() for key, _, value in (pair.partition("=") for pair in pairs)}
    root = ROOT.fullmatch(parts.get("Root", ""))
    if root is None or not (trace_id := int(root[1] + root[2], 16)):
        return EMPTY
    sampled = {"1": True, "0": False}.get(parts.get("Sampled", ""))
    parent = parts.get("Parent", "")
    if SPAN_ID.fullmatch(parent) and int(parent, 16):
        flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
        context = _below(SpanContext(trace_id, int(parent, 16), is_remote=True, trace_flags=flags)) or EMPTY
        return context if sampled is not None else Context(context | {CALLER: Caller(0, None)})
    return Context({CALLER: Caller(trace_id, sampled)})


def _below(parent: SpanContext) -> Context | None:
    return set_span_in_context(NonRecordingSpan(parent), EMPTY) if parent.is_valid else None


def outgoing(span: Span) -> dict[str, str]:
    """The headers that make another service's spans children of this one; none without a valid trace."""
    context = span.get_span_context()
    if not context.is_valid:
        return {}
    trace, parent, flags = f"{context.trace_id:032x}", f"{context.span_id:016x}", context.trace_flags
    headers = {
        "traceparent": f"00-{trace}-{parent}-{flags:02x}",
        TRACE_HEADER: f"Root={xray_trace_id(trace)};Parent={parent};Sampled={flags & 1}",
    }
    if context.trace_state:
        headers["tracestate"] = context.trace_state.to_header()
    return headers
