"""A span that costs a few microseconds: all of OpenTelemetry's API, none of the SDK's recording.

The SDK's own span takes 36 µs, most of it for a lock and a checked dictionary per span and for the copy that is handed
on when it ends. Here the span itself is handed on, and values that cannot change are kept as they are. What is rare
(values of other types, limits, events, links) goes through the SDK's own classes, so that it comes out the same.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from time import time_ns
from types import TracebackType
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, SpanLimits, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, TraceFlags, TraceState
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import Attributes

from .semconv import EXCEPTION, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE
from .waiting import MOST_BELOW, Below, Flat

log = logging.getLogger(__name__)

PLAIN = frozenset({str, int, float, bool, type(None)})
UNSET = Status(StatusCode.UNSET)
SAMPLED = TraceFlags.SAMPLED
INTERNAL = SpanKind.INTERNAL
# TraceFlags is an int with a constructor in Python; a span context wants one of these four.
FLAGS = tuple(TraceFlags(bits) for bits in range(4))


class Prepared(dict[str, Any]):
    """Attributes that many spans of one kind share, such as those of a statement.

    They never change, so what is made of them is kept in ``made``.
    """

    __slots__ = ("made",)

    def __init__(self, attributes: Mapping[str, Any]) -> None:
        super().__init__(attributes)
        self.made: Any = None


class Route:
    """Where a process's ended spans go: one object that all its tracers share, as a fork or a close changes it.

    ``append`` takes each ended and sampled span; ``processors`` are those that the app has added. ``flat``: whoever
    takes the spans wants usual ones as waiting.Flat.
    """

    __slots__ = ("append", "flat", "processors")

    def __init__(self, append: Callable[[Any], object]) -> None:
        self.append = append
        self.flat = False
        self.processors: tuple[SpanProcessor, ...] = ()


class Origin:
    """What all spans of one tracer have in common. ``most`` and ``length`` are the limits of attributes."""

    __slots__ = ("length", "limits", "most", "resource", "route", "scope")

    def __init__(
        self, resource: Resource, scope: InstrumentationScope | None, limits: SpanLimits, route: Route
    ) -> None:
        self.resource = resource
        self.scope = scope
        self.limits = limits
        self.route = route
        self.length = limits.max_span_attribute_length
        most = limits.max_span_attributes
        self.most = 1 << 62 if most is None else most


class LightSpan(Span):
    """OpenTelemetry's Span. Its attributes can be read as the SDK's ReadableSpan's can.

    ``trace_id``, ``span_id``, ``parent_id`` (0: none) and ``flags`` are plain integers; times are epoch nanoseconds.
    """

    # Defaults that most spans keep: an instance holds only what differs.
    end_time: int | None = None
    status: Status = UNSET
    events: Sequence[Event] = ()
    links: Sequence[Link] = ()
    dropped_attributes = 0
    dropped_events = 0
    dropped_links = 0
    record_on_exit = True
    status_on_exit = True
    _context: SpanContext | None = None

    def __init__(  # noqa: PLR0913, PLR0917 - one call a span: a dictionary of options would cost more than it clears
        self,
        name: str,
        kind: SpanKind,
        trace_id: int,
        span_id: int,
        flags: int,
        trace_state: TraceState,
        parent: LightSpan | SpanContext | None,
        parent_id: int,
        attributes: dict[str, Any],
        origin: Origin,
        start_time: int,
        below: Below | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.trace_id = trace_id
        self.span_id = span_id
        self.flags = flags
        self.trace_state = trace_state
        self._parent = parent
        self.parent_id = parent_id
        self.attributes = attributes
        self.origin = origin
        self.start_time = start_time
        self.below = below

    @property
    def context(self) -> SpanContext:
        """The span's context, made when it is first asked for."""
        return self.get_span_context()

    @property
    def parent(self) -> SpanContext | None:
        """The parent's context."""
        parent = self._parent
        return parent.get_span_context() if isinstance(parent, LightSpan) else parent

    @property
    def resource(self) -> Resource:
        """The resource of the provider."""
        return self.origin.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope | None:
        """The scope of the tracer."""
        return self.origin.scope

    def get_span_context(self) -> SpanContext:
        """The ids and flags that travel to children and to other services."""
        context = self._context
        if context is None:
            context = SpanContext(self.trace_id, self.span_id, False, FLAGS[self.flags], self.trace_state)
            self._context = context
        return context

    def is_recording(self) -> bool:
        """True until the end."""
        return self.end_time is None

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute; a value that is no attribute value becomes its text."""
        if self.end_time is not None:
            log.warning("Setting attribute on ended span.")
            return
        origin = self.origin
        attributes = self.attributes
        if type(value) in PLAIN and type(key) is str and key and origin.length is None:
            if type(attributes) is not dict:
                attributes = self.attributes = dict(attributes)
            attributes.pop(key, None)
            if len(attributes) < origin.most:
                attributes[key] = value
                return
        self._set_with_care({key: value})

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        if self.end_time is not None:
            log.warning("Setting attribute on ended span.")
            return
        origin = self.origin
        if origin.length is None and len(self.attributes) + len(attributes) <= origin.most and plain(attributes):
            held = self.attributes
            if type(held) is not dict:
                held = self.attributes = dict(held)
            for key, value in attributes.items():
                held.pop(key, None)
                held[key] = value
        else:
            self._set_with_care(attributes)

    def _set_with_care(self, attributes: Mapping[str, Any]) -> None:
        origin = self.origin
        kept = BoundedAttributes(origin.limits.max_span_attributes, self.attributes, immutable=False)
        kept.max_value_len = origin.length
        if len(attributes) == 1:
            (one,) = attributes
            kept[one] = attributes[one]
        else:
            kept._set_items(attributes)  # noqa: SLF001 - what the SDK's own span calls, for the same result
        self.attributes = dict(kept)
        self.dropped_attributes += kept.dropped

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event, now or at ``timestamp`` (epoch nanoseconds)."""
        limits = self.origin.limits
        held = BoundedAttributes(limits.max_event_attributes, attributes, max_value_len=limits.max_attribute_length)
        if self.end_time is not None:
            log.warning("Tried calling _add_event on an ended span.")
            return
        events = [*self.events, Event(name, held, time_ns() if timestamp is None else timestamp)]
        self.events, dropped = _newest(events, limits.max_events)
        self.dropped_events += dropped

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Link to another span; an invalid context without attributes or state is left out."""
        if self.end_time is not None:
            log.warning("Tried calling _add_link on an ended span.")
            return
        self.link([Link(context, attributes)])

    def link(self, links: Sequence[Link]) -> None:
        """Add links as they are given at the start."""
        limits = self.origin.limits
        valid = [
            Link(
                one.context,
                BoundedAttributes(
                    limits.max_link_attributes, one.attributes, max_value_len=limits.max_attribute_length
                ),
            )
            for one in links
            if one and one.context and (one.context.is_valid or one.attributes or one.context.trace_state)
        ]
        self.links, dropped = _newest([*self.links, *valid], limits.max_links)
        self.dropped_links += dropped

    def update_name(self, name: str) -> None:
        """Give the span another name."""
        if self.end_time is not None:
            log.warning("Tried calling update_name on an ended span.")
            return
        self.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status. OK is final, and nothing can be unset (OpenTelemetry: "Tracing API", Set Status)."""
        if self.end_time is not None:
            log.warning("Tried calling set_status on an ended span.")
            return
        code = status.status_code if isinstance(status, Status) else status
        if self.status.status_code is StatusCode.OK or code is StatusCode.UNSET:
            return
        if not isinstance(status, Status):
            self.status = Status(code, description)
            return
        if description is not None:
            log.warning("Description %s ignored. Use either `Status` or `(StatusCode, Description)`", description)
        self.status = status

    def record_exception(
        self,
        exception: BaseException,
        attributes: Attributes = None,
        timestamp: int | None = None,
        escaped: bool = False,
    ) -> None:
        """Add the event that tells of an exception, with its traceback."""
        kind = type(exception)
        builtin = not kind.__module__ or kind.__module__ == "builtins"
        told: dict[str, Any] = {
            EXCEPTION_TYPE: kind.__qualname__ if builtin else f"{kind.__module__}.{kind.__qualname__}",
            EXCEPTION_MESSAGE: str(exception),
            EXCEPTION_STACKTRACE: "".join(traceback.format_exception(exception)),
            "exception.escaped": str(escaped),
        }
        self.add_event(EXCEPTION, told | dict(attributes or {}), timestamp)

    def end(self, end_time: int | None = None) -> None:
        """End the span and hand it on; what comes after the first call is ignored."""
        # No call between the look and the store: two threads that end one span cannot both get past.
        now = time_ns() if end_time is None else end_time
        if self.end_time is not None:
            log.warning("Calling end() on an ended span.")
            return
        self.end_time = now
        route = self.origin.route
        if self.flags & SAMPLED:
            attributes, below = self.attributes, self.below
            flat: Flat | None = None
            if not route.flat or self.status is not UNSET or self.events or not self.parent_id:
                pass
            elif type(attributes) is Prepared and attributes.made is not None:
                name, rest = attributes.made
                flat = Flat(self.trace_id, self.span_id, self.parent_id, self.start_time, now, name, rest)
            elif not attributes and self.kind is INTERNAL:
                flat = Flat(self.trace_id, self.span_id, self.parent_id, self.start_time, now, self.name, None)
            if below is not None and self.parent_id and below.n < MOST_BELOW and below.open:
                below.n += 1
                if flat is None:
                    below.others.append(self)
                else:
                    flat.before = below.last
                    below.last = flat
            else:
                route.append(flat or self)
        if route.processors:
            self._tell(route.processors)

    def _tell(self, processors: Sequence[SpanProcessor]) -> None:
        view = readable(self)
        for processor in processors:
            processor.on_end(view)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """End the span; an exception that leaves the block is recorded first."""
        if exc_val is not None and self.end_time is None:
            if self.record_on_exit:
                self.record_exception(exc_val, escaped=True)
            if self.status_on_exit:
                self.set_status(Status(StatusCode.ERROR, f"{type(exc_val).__name__}: {exc_val}"))
        self.end()

    def __repr__(self) -> str:
        return f'LightSpan(name="{self.name}", context={self.context})'


def plain(attributes: Mapping[str, Any]) -> bool:
    """Whether all keys are texts and all values of types that cannot change and need no cleaning."""
    for key, value in attributes.items():  # noqa: SIM110 - a generator would cost thrice as much
        if type(value) not in PLAIN or type(key) is not str or not key:
            return False
    return True


def readable(span: LightSpan) -> ReadableSpan:
    """The span as the SDK's processors and exporters want it."""
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes,
        events=span.events,
        links=span.links,
        kind=span.kind,
        status=span.status,
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def from_readable(span: ReadableSpan, route: Route) -> LightSpan:
    """An ended span of the SDK, as the pipeline wants it."""
    context, parent = span.get_span_context(), span.parent
    assert context is not None  # noqa: S101 - an ended span has one
    made = LightSpan(
        span.name,
        span.kind,
        context.trace_id,
        context.span_id,
        context.trace_flags & 3,
        context.trace_state,
        parent,
        parent.span_id if parent is not None else 0,
        dict(span.attributes or {}),
        Origin(span.resource, span.instrumentation_scope, NO_LIMITS, route),
        span.start_time or 0,
    )
    made.end_time = span.end_time or 0
    made.status = span.status
    made.events = span.events
    made.links = span.links
    made.dropped_attributes = span.dropped_attributes
    made.dropped_events = span.dropped_events
    made.dropped_links = span.dropped_links
    return made


NO_LIMITS = SpanLimits(*[SpanLimits.UNSET] * 8)


def _newest(items: list[Any], most: int | None) -> tuple[list[Any], int]:
    over = 0 if most is None else max(0, len(items) - most)
    return items[over:], over
