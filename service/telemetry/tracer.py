"""Tracers: our light one, or the SDK's (``TELEMETRY_SPANS=sdk``); both hand ended spans to the same route."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial, wraps
from random import getrandbits
from time import time, time_ns
from types import TracebackType
from typing import Any

from opentelemetry.context import Context
from opentelemetry.sdk.extension.aws.trace import AwsXRayIdGenerator
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace import Span as SdkSpan
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace import TracerProvider as ApiTracerProvider
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import Attributes

from .current import attach, detach, get_current
from .propagation import CALLER, Caller
from .sampling import FollowParent, always
from .semconv import SERVER_ADDRESS
from .server_span import ServerSpan, server_attributes
from .serving import Serving
from .spans import FLAGS, SAMPLED, LightSpan, Origin, Prepared, Route, from_readable, plain

# The key under which OpenTelemetry's context holds its span has no public name; a context with nothing else tells.
(SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())
NO_STATE = TraceState()
REQUEST_ATTRIBUTES = 16
NOT_SAMPLED = FLAGS[0]
RANDOM = TraceFlags.RANDOM_TRACE_ID
More = tuple[Context | None, Attributes, Sequence[Link] | None, int | None, bool, bool]
"""Of start_as_current_span: context, attributes, links, time of the start, and what to do with an exception."""
NOTHING_ELSE: More = (None, None, None, None, True, True)


class XRayIds(AwsXRayIdGenerator):
    """X-Ray's ids (AWS X-Ray: "Sending trace data", trace ids); a caller that names only a trace has it continued."""

    def generate_span_id(self) -> int:
        """64 random bits, not all zero."""
        return getrandbits(64) or 1

    def generate_trace_id(self) -> int:
        """A new trace's id, or the caller's where the caller has no span of its own."""
        caller = get_current().get(CALLER)
        if isinstance(caller, Caller) and caller.trace_id:
            return caller.trace_id
        return new_trace_id()


def new_trace_id() -> int:
    """The time in seconds, and 96 random bits."""
    return (int(time()) << 96) | getrandbits(96)


def make_provider(
    kind: str, sampler: Sampler, resource: Resource, route: Route
) -> LightTracerProvider | TracerProvider:
    """The provider for TELEMETRY_SPANS: ``light`` or ``sdk``. Ended and sampled spans go to ``route``."""
    if kind == "light":
        return LightTracerProvider(sampler, resource, route)
    provider = TracerProvider(sampler, resource, shutdown_on_exit=False, id_generator=XRayIds())
    provider.add_span_processor(EndedSpans(route))
    return provider


class EndedSpans(SpanProcessor):
    """Hands the SDK's ended, sampled spans to the route."""

    def __init__(self, route: Route) -> None:
        self._route = route

    def on_start(self, span: SdkSpan, parent_context: Context | None = None) -> None:
        """Nothing to do."""

    def on_end(self, span: ReadableSpan) -> None:
        """Hand the span on if it is sampled."""
        context = span.get_span_context()
        if context is not None and context.trace_flags.sampled:
            self._route.append(from_readable(span, self._route))


class LightTracerProvider(ApiTracerProvider):
    """OpenTelemetry's TracerProvider for light spans. Limits come from OTEL_SPAN_* and OTEL_ATTRIBUTE_* variables."""

    def __init__(
        self, sampler: Sampler, resource: Resource, route: Route, id_generator: IdGenerator | None = None
    ) -> None:
        self.sampler = sampler
        self.resource = resource
        self.id_generator = id_generator or XRayIds()
        self._route = route
        self._limits = SpanLimits()
        self._tracers: dict[InstrumentationScope, LightTracer] = {}

    def get_tracer(
        self,
        instrumenting_module_name: str,
        instrumenting_library_version: str | None = None,
        schema_url: str | None = None,
        attributes: Attributes = None,
    ) -> LightTracer:
        """The tracer of one instrumentation scope; the same one each time."""
        scope = InstrumentationScope(
            instrumenting_module_name or "", instrumenting_library_version or "", schema_url, attributes
        )
        found = self._tracers.get(scope)
        if found is None:
            origin = Origin(self.resource, scope, self._limits, self._route)
            found = self._tracers.setdefault(scope, LightTracer(origin, self.sampler, self.id_generator))
        return found

    def add_span_processor(self, span_processor: SpanProcessor) -> None:
        """Have this processor told of every recorded span too: on_start with the span, on_end with a ReadableSpan."""
        self._route.processors += (span_processor,)

    def shutdown(self) -> None:
        """Shut down the processors that were added; the telemetry's own way out is closed by its ``close``."""
        processors, self._route.processors = self._route.processors, ()
        for processor in processors:
            processor.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Flush the processors that were added."""
        return all(processor.force_flush(timeout_millis) for processor in self._route.processors)


class Unsampled(NonRecordingSpan, Serving):
    """A request, or another root, that is not sampled: it keeps ids for log lines and callees, and no span.

    It stands for all spans below it, and for what makes one of them current, as it is current there already:
    ``asked`` is what start_as_current_span was last asked for, lest what it decorates be never sampled.
    """

    asked: tuple[LightTracer, str, SpanKind, More | None, bool] | None = None

    def __init__(self, trace_id: int, span_id: int) -> None:
        # Not theirs: the context, which only callees want, is made when it is first asked for.
        self.trace_id = trace_id
        self.span_id = span_id

    def __enter__(self) -> Unsampled:
        return self

    def __exit__(self, *_: object) -> None:
        """There is nothing to end."""

    def end(self, end_time: int | None = None) -> None:
        """There is nothing to end."""

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """As a decorator in an unsampled request: each call of the function finds out for itself."""
        assert self.asked is not None  # noqa: S101 - start_as_current_span has returned this
        return Current(*self.asked)(function)

    def get_span_context(self) -> SpanContext:
        """The ids that travel to other services, and that they are not sampled."""
        return SpanContext(self.trace_id, self.span_id, False, NOT_SAMPLED, NO_STATE)

    def __repr__(self) -> str:
        return f"Unsampled({self.get_span_context()!r})"


class LightTracer(Tracer):
    """OpenTelemetry's Tracer that starts light spans."""

    def __init__(self, origin: Origin, sampler: Sampler, ids: IdGenerator) -> None:
        self._origin = origin
        self._route = origin.route
        self._sampler = sampler
        self.follows = isinstance(sampler, FollowParent)
        random = ids.is_trace_id_random()
        self._decide = sampler.decide if isinstance(sampler, FollowParent) and not random else None
        self._serve = sampler.serve if isinstance(sampler, FollowParent) and not random else None
        self._ids = ids
        # Straight to C where the ids are ours: a span id of 0 comes up once in 2^64.
        self._new_span_id = partial(getrandbits, 64) if type(ids) is XRayIds else ids.generate_span_id
        self._careful = origin.length is not None
        # Limits that a request's own attributes may break, or ids that are not X-Ray's.
        self._special = self._careful or origin.most < REQUEST_ATTRIBUTES or type(ids) is not XRayIds

    def start_span(
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
    ) -> Span:
        """Start a span as a child of the context's, without making it the current one."""
        around = get_current() if context is None else context
        parent = around.get(SPAN_KEY)
        if type(parent) is Unsampled and self.follows:
            return parent  # nothing below it will be seen, so one stands for all
        if (type(parent) is LightSpan or type(parent) is ServerSpan) and self.follows and parent.flags & SAMPLED:
            # The common case: within a sampled span of ours, by a sampler that follows it.
            span = LightSpan(
                name, kind, parent.trace_id, self._new_span_id(), parent.flags, parent.trace_state, parent,
                parent.span_id, {}, self._origin, time_ns() if start_time is None else start_time, parent.below,
            )  # fmt: skip
        else:
            started = self._begin(around, name, kind, attributes, links, start_time)
            if isinstance(started, NonRecordingSpan):
                return started
            span, attributes = started
        if type(attributes) is Prepared and not self._careful:
            span.attributes = attributes
        elif attributes:
            held = dict(attributes)
            if len(held) <= self._origin.most and not self._careful and plain(held):
                span.attributes = held
            else:
                span.set_attributes(attributes)
        if links:
            span.link(links)
        if not (record_exception and set_status_on_exception):
            span.record_on_exit, span.status_on_exit = record_exception, set_status_on_exception
        if self._route.processors:
            for processor in self._route.processors:
                processor.on_start(span, parent_context=context)  # type: ignore[arg-type]  # it quacks like the SDK's
        return span

    def usual(self, above: object, name: str, kind: SpanKind) -> Span | None:
        """What start_span(name, kind=kind) starts below a span of ours; None elsewhere."""
        if self._route.processors or not self.follows:
            return None
        if (type(above) is LightSpan or type(above) is ServerSpan) and above.flags & SAMPLED:
            return LightSpan(
                name, kind, above.trace_id, self._new_span_id(), above.flags, above.trace_state, above,
                above.span_id, {}, self._origin, time_ns(), above.below,
            )  # fmt: skip
        return above if type(above) is Unsampled else None

    def serve(self, context: Context, facts: tuple[str, ...]) -> Span:
        """Start the span of a request, whose caller's context and ServerSpan.facts these are."""
        decide = self._serve
        if context or decide is None or self._special:
            return self.start_span(facts[0], context, SpanKind.SERVER, server_attributes(facts))
        now = time_ns()
        trace_id, span_id = (now // 1_000_000_000 << 96) | getrandbits(96), getrandbits(64)
        if self._decide is not always:
            host = facts[3] if ":" not in facts[3] else server_attributes(facts)[SERVER_ADDRESS]
            if not decide(facts[0], host, facts[2]):
                return Unsampled(trace_id, span_id)
        return ServerSpan(trace_id, span_id, self._origin, facts, now)

    def start_as_current_span(  # type: ignore[override]  # noqa: PLR0913, PLR0917 - theirs is a generator, which costs 2 µs more
        self,
        name: str,
        context: Context | None = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        start_time: int | None = None,
        record_exception: bool = True,
        set_status_on_exception: bool = True,
        end_on_exit: bool = True,
    ) -> Current | Unsampled:
        """``with`` this, a span is started and current; as a decorator, in each call of a function or coroutine."""
        more: More | None = None
        if not (
            context is None and attributes is None and links is None and start_time is None
            and record_exception and set_status_on_exception
        ):  # fmt: skip
            more = context, attributes, links, start_time, record_exception, set_status_on_exception
        if context is None and self.follows:
            above = get_current().get(SPAN_KEY)
            if type(above) is Unsampled:
                above.asked = self, name, kind, more, end_on_exit
                return above
        return Current(self, name, kind, more, end_on_exit)

    def _begin(
        self,
        around: Context,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        links: Sequence[Link] | None,
        start_time: int | None,
    ) -> NonRecordingSpan | tuple[LightSpan, Attributes]:
        """Decide on a span that is a root, a remote parent's child, or an unsampled one's."""
        if not around and self._decide is not None:  # a request that nobody has traced before us
            flags = SAMPLED if self._decide(attributes) else 0
            trace_id, span_id = self._ids.generate_trace_id(), self._new_span_id()
            if not flags:
                return Unsampled(trace_id, span_id)
            now = time_ns() if start_time is None else start_time
            root = LightSpan(name, kind, trace_id, span_id, flags, NO_STATE, None, 0, {}, self._origin, now)
            return root, attributes
        above = around.get(SPAN_KEY)
        parent = above.get_span_context() if isinstance(above, Span) else None
        if parent is not None and not parent.is_valid:
            parent = None
        if self.follows and parent is not None and not parent.is_remote and type(above) is NonRecordingSpan:
            return above  # an unsampled span of ours: nothing below it will be seen, so one stands for all
        caller = around.get(CALLER)
        if parent is not None:
            trace_id = parent.trace_id
        elif isinstance(caller, Caller) and caller.trace_id:
            trace_id = caller.trace_id
        else:
            trace_id = self._ids.generate_trace_id()
        result = self._sampler.should_sample(around, trace_id, name, kind, attributes, links)
        random = parent.trace_flags & RANDOM if parent is not None else self._ids.is_trace_id_random() and RANDOM
        flags = (SAMPLED if result.decision is Decision.RECORD_AND_SAMPLE else 0) | random
        state = result.trace_state or NO_STATE
        if result.decision is Decision.DROP:
            return NonRecordingSpan(SpanContext(trace_id, self._new_span_id(), False, FLAGS[flags], state))
        span = LightSpan(
            name, kind, trace_id, self._new_span_id(), flags, state, parent, parent.span_id if parent else 0, {},
            self._origin, time_ns() if start_time is None else start_time,
        )  # fmt: skip
        return span, result.attributes


class Current:
    """What ``start_as_current_span`` returns: a context manager and a decorator."""

    __slots__ = ("_end", "_kind", "_more", "_name", "_span", "_token", "_tracer")

    _span: Span

    def __init__(self, tracer: LightTracer, name: str, kind: SpanKind, more: More | None, end: bool) -> None:
        self._tracer = tracer
        self._name = name
        self._kind = kind
        self._more = more
        self._end = end

    def __enter__(self) -> Span:
        around = get_current()
        above = around.get(SPAN_KEY)
        more = self._more
        span = self._tracer.usual(above, self._name, self._kind) if more is None else None
        if span is None:
            context, attributes, links, start_time, record, status = more or NOTHING_ELSE
            span = self._tracer.start_span(
                self._name, around if context is None else context, self._kind, attributes, links, start_time, record,
                status,
            )  # fmt: skip
        # An unsampled span that stands for its children is current already.
        self._span = span
        self._token = None if above is span else attach(with_span(around, span))
        return span

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        span = self._span
        if self._token is not None:
            detach(self._token)
        elif type(span) is Unsampled:
            return
        # Only an Exception is an error: a GeneratorExit, say, is none.
        if exc_val is not None and isinstance(exc_val, Exception) and span.is_recording():
            *_, record, status = self._more or NOTHING_ELSE
            if record:
                span.record_exception(exc_val)
            if status:
                span.set_status(Status(StatusCode.ERROR, f"{type(exc_val).__name__}: {exc_val}"))
        if self._end:
            span.end()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        asked = self._tracer, self._name, self._kind, self._more, self._end
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with Current(*asked):
                    return await function(*args, **kwargs)

            return awaited

        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with Current(*asked):
                return function(*args, **kwargs)

        return called


def with_span(around: Context, span: Span) -> Context:
    """The context with this span as its current one."""
    # Mostly there is nothing in it but the span above; then nothing need be copied.
    if not around or (len(around) == 1 and SPAN_KEY in around):
        return Context({SPAN_KEY: span})
    return Context(around | {SPAN_KEY: span})
