"""Spans of ours as the SDK's processors and exporters want them, and the SDK's as our ways out do."""

from __future__ import annotations

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, TraceFlags

from .http_attributes import attributes_of
from .origin import NO_LIMITS, Origin, Route
from .span_data import More, SpanData

# TraceFlags is an int with a constructor in Python; a span context wants one of these four.
FLAGS = tuple(TraceFlags(bits) for bits in range(4))


def context_of(span: SpanData) -> SpanContext:
    """The ids and flags that travel to children and to other services."""
    return SpanContext(span.trace_id, span.span_id, False, FLAGS[span.flags], span.trace_state)


def parent_of(span: SpanData) -> SpanContext | None:
    """The parent's context: one of ours has this one's trace, flags and state."""
    if span.further.parent is not None or not span.parent_id:
        return span.further.parent
    return SpanContext(span.trace_id, span.parent_id, False, FLAGS[span.flags], span.trace_state)


def readable(span: SpanData) -> ReadableSpan:
    """The span as the SDK's processors and exporters want it."""
    return ReadableSpan(
        name=span.name,
        context=context_of(span),
        parent=parent_of(span),
        resource=span.origin.resource,
        attributes=attributes_of(span),
        events=span.further.events,
        links=span.further.links,
        kind=span.kind,
        status=span.further.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.origin.scope,
    )


def from_readable(span: ReadableSpan, route: Route) -> SpanData:
    """An ended span of the SDK, as the pipeline wants it."""
    context, parent = span.get_span_context(), span.parent
    assert context is not None  # noqa: S101 - an ended span has one
    return SpanData(
        span.name,
        span.kind,
        context.trace_id,
        context.span_id,
        context.trace_flags & 3,
        context.trace_state,
        parent.span_id if parent is not None else 0,
        Origin(span.resource, span.instrumentation_scope, NO_LIMITS, route),
        span.start_time or 0,
        attributes=dict(span.attributes or {}),
        end_time=span.end_time or 0,
        more=More(
            span.status,
            span.events,
            span.links,
            parent,
            span.dropped_attributes,
            span.dropped_events,
            span.dropped_links,
        ),
    )
