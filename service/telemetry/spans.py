"""A span that costs a few microseconds: all of OpenTelemetry's API, none of the SDK's recording.

The SDK's own span takes 36 µs, most of it for a lock and a checked dictionary per span and for the copy that is handed
on when it ends. Here what the span says is in an object of its own, which is handed on as it is, and values that cannot
change are kept as they are. What is rare (values of other types, limits, events, links) goes through the SDK's own
classes, so that it comes out the same.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import Mapping, Sequence
from operator import attrgetter
from time import time_ns
from types import TracebackType
from typing import Any

from opentelemetry.attributes import BoundedAttributes
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, SpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, Span, SpanContext, TraceFlags
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import Attributes

from .http_attributes import attributes_of
from .origin import PLAIN, plain
from .readable import context_of, parent_of, readable
from .semconv import EXCEPTION, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE
from .span_data import MOST_BELOW, RequestData, SpanData

log = logging.getLogger(__name__)

SAMPLED = TraceFlags.SAMPLED


class LightSpan(Span):
    """OpenTelemetry's Span: what the running code holds of its ``data``. It can be read as the SDK's ReadableSpan can.

    It leaves with the request that it is ``within``, if that is still open when it ends; else by itself.
    """

    # Defaults that most spans keep: an instance holds only what differs.
    record_on_exit = True
    status_on_exit = True
    _context: SpanContext | None = None

    def __init__(self, data: SpanData, within: RequestData | None) -> None:
        self.data = data
        self.within = within

    name = property(attrgetter("data.name"))
    kind = property(attrgetter("data.kind"))
    trace_id = property(attrgetter("data.trace_id"))
    span_id = property(attrgetter("data.span_id"))
    events = property(attrgetter("data.further.events"))
    links = property(attrgetter("data.further.links"))
    status = property(attrgetter("data.further.status"))
    start_time = property(attrgetter("data.start_time"))
    end_time = property(attrgetter("data.end_time"))
    dropped_attributes = property(attrgetter("data.further.dropped_attributes"))
    dropped_events = property(attrgetter("data.further.dropped_events"))
    dropped_links = property(attrgetter("data.further.dropped_links"))

    @property
    def attributes(self) -> Mapping[str, Any]:
        """The attributes."""
        return attributes_of(self.data)

    @property
    def context(self) -> SpanContext:
        """The span's context, made when it is first asked for."""
        return self.get_span_context()

    @property
    def parent(self) -> SpanContext | None:
        """The parent's context."""
        return parent_of(self.data)

    @property
    def resource(self) -> Resource:
        """The resource of the provider."""
        return self.data.origin.resource

    @property
    def instrumentation_scope(self) -> InstrumentationScope | None:
        """The scope of the tracer."""
        return self.data.origin.scope

    def get_span_context(self) -> SpanContext:
        """The ids and flags that travel to children and to other services."""
        context = self._context
        if context is None:
            context = self._context = context_of(self.data)
        return context

    def is_recording(self) -> bool:
        """True until the end."""
        return self.data.end_time is None

    def set_attribute(self, key: str, value: Any) -> None:
        """Set one attribute; a value that is no attribute value becomes its text."""
        if self.data.end_time is not None:
            log.warning("Setting attribute on ended span.")
            return
        origin = self.data.origin
        if type(value) in PLAIN and type(key) is str and key and origin.length is None:
            attributes = self._held()
            attributes.pop(key, None)
            if len(attributes) < origin.most:
                attributes[key] = value
                return
        self._set_with_care({key: value})

    def set_attributes(self, attributes: Mapping[str, Any]) -> None:
        """Set several attributes."""
        if self.data.end_time is not None:
            log.warning("Setting attribute on ended span.")
            return
        origin, held = self.data.origin, self._held()
        if origin.length is None and len(held) + len(attributes) <= origin.most and plain(attributes):
            for key, value in attributes.items():
                held.pop(key, None)
                held[key] = value
        else:
            self._set_with_care(attributes)

    def _held(self) -> dict[str, Any]:
        """The attributes as a dictionary of this span's own, which is going to change."""
        self.data.short = None
        held = self.data.attributes
        if type(held) is not dict:
            held = self.data.attributes = dict(self.attributes)
        return held

    def _set_with_care(self, attributes: Mapping[str, Any]) -> None:
        data = self.data
        origin = data.origin
        kept = BoundedAttributes(origin.limits.max_span_attributes, self._held(), immutable=False)
        kept.max_value_len = origin.length
        if len(attributes) == 1:
            (one,) = attributes
            kept[one] = attributes[one]
        else:
            kept._set_items(attributes)  # noqa: SLF001 - what the SDK's own span calls, for the same result
        data.attributes = dict(kept)
        if kept.dropped:
            data.tell_more().dropped_attributes += kept.dropped

    def add_event(self, name: str, attributes: Attributes = None, timestamp: int | None = None) -> None:
        """Add an event, now or at ``timestamp`` (epoch nanoseconds)."""
        data = self.data
        limits = data.origin.limits
        held = BoundedAttributes(limits.max_event_attributes, attributes, max_value_len=limits.max_attribute_length)
        if self.data.end_time is not None:
            log.warning("Tried calling _add_event on an ended span.")
            return
        more = data.tell_more()
        events = [*more.events, Event(name, held, time_ns() if timestamp is None else timestamp)]
        more.events, dropped = _newest(events, limits.max_events)
        more.dropped_events += dropped

    def add_link(self, context: SpanContext, attributes: Attributes = None) -> None:
        """Link to another span; an invalid context without attributes or state is left out."""
        if self.data.end_time is not None:
            log.warning("Tried calling _add_link on an ended span.")
            return
        self.link([Link(context, attributes)])

    def link(self, links: Sequence[Link]) -> None:
        """Add links as they are given at the start."""
        data = self.data
        limits = data.origin.limits
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
        more = data.tell_more()
        more.links, dropped = _newest([*more.links, *valid], limits.max_links)
        more.dropped_links += dropped

    def update_name(self, name: str) -> None:
        """Give the span another name."""
        if self.data.end_time is not None:
            log.warning("Tried calling update_name on an ended span.")
            return
        self.data.short = None
        self.data.name = name

    def set_status(self, status: Status | StatusCode, description: str | None = None) -> None:
        """Set the status. OK is final, and nothing can be unset (OpenTelemetry: "Tracing API", Set Status)."""
        data = self.data
        if data.end_time is not None:
            log.warning("Tried calling set_status on an ended span.")
            return
        code = status.status_code if isinstance(status, Status) else status
        if data.further.status.status_code is StatusCode.OK or code is StatusCode.UNSET:
            return
        more = data.tell_more()
        if not isinstance(status, Status):
            more.status = Status(code, description)
            return
        if description is not None:
            log.warning("Description %s ignored. Use either `Status` or `(StatusCode, Description)`", description)
        more.status = status

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
        now = time_ns() if end_time is None else end_time
        data, within = self.data, self.within
        # No call from the first look to the last store: neither another thread that ends this span, nor one that ends
        # another below the same request, nor the request's own, comes between.
        if data.end_time is not None:
            log.warning("Calling end() on an ended span.")
            return
        data.end_time = now
        if within is not None and within.open and within.n < MOST_BELOW:
            within.n += 1
            if data.short is None:
                within.others += (data,)
            else:
                within.below += (data.span_id, data.parent_id, data.start_time, now, data.origin.number, data.short)
        elif data.flags & SAMPLED:
            data.origin.route.append(data)
        if data.origin.route.processors:
            self._tell(data.origin.route.processors)

    def _tell(self, processors: Sequence[SpanProcessor]) -> None:
        view = readable(self.data)
        for processor in processors:
            processor.on_end(view)

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        """End the span; an exception that leaves the block is recorded first."""
        if exc_val is not None and self.data.end_time is None:
            if self.record_on_exit:
                self.record_exception(exc_val, escaped=True)
            if self.status_on_exit:
                self.set_status(Status(StatusCode.ERROR, f"{type(exc_val).__name__}: {exc_val}"))
        self.end()

    def __repr__(self) -> str:
        return f'LightSpan(name="{self.name}", context={self.context})'


def _newest(items: list[Any], most: int | None) -> tuple[list[Any], int]:
    over = 0 if most is None else max(0, len(items) - most)
    return items[over:], over
