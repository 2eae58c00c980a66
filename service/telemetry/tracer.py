"""Our light tracer."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from random import getrandbits
from time import time, time_ns
from types import TracebackType
from typing import Any

from msgspec import Struct
from opentelemetry.context import Context
from opentelemetry.sdk.extension.aws.trace import AwsXRayIdGenerator
from opentelemetry.sdk.trace.id_generator import IdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler
from opentelemetry.trace import (
    INVALID_SPAN,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    TraceFlags,
    Tracer,
    set_span_in_context,
)
from opentelemetry.trace.status import Status, StatusCode
from opentelemetry.util.types import Attributes

from .current import attach, detach, get_current
from .http_attributes import server_attributes
from .origin import Origin, Prepared, plain
from .propagation import CALLER, Caller
from .readable import FLAGS
from .sampling import FollowParent, always
from .semconv import SERVER_ADDRESS
from .server_span import ServerSpan
from .serving import Serving
from .span_data import NO_STATE, More, RequestData, SpanData
from .spans import SAMPLED, LightSpan

# The key under which OpenTelemetry's context holds its span has no public name; a context with nothing else tells.
(SPAN_KEY,) = set_span_in_context(INVALID_SPAN, Context())
REQUEST_ATTRIBUTES = 16
LAST_64_BITS = (1 << 64) - 1
NOT_SAMPLED = FLAGS[0]
RANDOM = TraceFlags.RANDOM_TRACE_ID
SERVER, INTERNAL = SpanKind.SERVER, SpanKind.INTERNAL
OURS: frozenset[Any] = frozenset({LightSpan, ServerSpan})
Asked = tuple[str, Context | None, SpanKind, Attributes, Sequence[Link] | None, int | None, bool, bool]
"""What start_span is asked for."""


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


class Unsampled(NonRecordingSpan, Serving):
    """A request, or another root, that is not sampled: it keeps ids for log lines and callees, and no span.

    It stands for all spans below it, and for what makes one of them current, as it is current there already:
    ``asked`` is what start_as_current_span was last asked for, lest what it decorates be never sampled.
    """

    asked: tuple[LightTracer, Asked, bool] | None = None

    def __init__(self, trace: str, span_id: int) -> None:
        # Not theirs: the context, which only callees want, is made when it is first asked for.
        self.trace = trace
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
        return SpanContext(int(self.trace, 16), self.span_id, False, NOT_SAMPLED, NO_STATE)

    def __repr__(self) -> str:
        return f"Unsampled({self.get_span_context()!r})"


class LightTracer(Tracer):
    """OpenTelemetry's Tracer that starts light spans."""

    def __init__(self, origin: Origin, sampler: Sampler, ids: IdGenerator) -> None:
        self.origin = origin
        self.route = origin.route
        self._sampler = sampler
        self.follows = isinstance(sampler, FollowParent)
        random = ids.is_trace_id_random()
        self._decide = sampler.decide if isinstance(sampler, FollowParent) and not random else None
        self._serve = sampler.serve if isinstance(sampler, FollowParent) and not random else None
        self._ids = ids
        # Straight to C where the ids are ours: a span id of 0 comes up once in 2^64.
        self._new_span_id = partial(getrandbits, 64) if type(ids) is XRayIds else ids.generate_span_id
        self._careful = origin.length is not None
        # What leaf.py may do by itself.
        self.leaves = self.follows and not self._careful and type(ids) is XRayIds
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
        parent: Any = around.get(SPAN_KEY)
        if parent.__class__ in OURS and self.follows and (above := parent.data).flags & SAMPLED:
            # The common case: within a sampled span of ours, by a sampler that follows it.
            data = SpanData(
                name, kind, above.trace_id, self._new_span_id(), above.flags, above.trace_state, above.span_id,
                self.origin, time_ns() if start_time is None else start_time,
            )  # fmt: skip
            span = LightSpan(data, parent.within)
            if not attributes:
                if kind is INTERNAL:
                    data.short = name
            elif attributes.__class__ is Prepared and not self._careful:
                data.attributes = attributes
                alike = name == attributes.name and kind is attributes.kind
                data.short = attributes.number if alike else None
            else:
                self._describe(span, attributes)
        elif parent.__class__ is Unsampled and self.follows:
            return parent  # nothing below it will be seen, so one stands for all
        else:
            started = self._begin(around, name, kind, attributes, links, start_time)
            if not isinstance(started, LightSpan):
                return started
            span = started
        if links or self.route.processors or not (record_exception and set_status_on_exception):
            self._complete(span, context, links, record_exception, set_status_on_exception)
        return span

    def _complete(
        self, span: LightSpan, context: Context | None, links: Sequence[Link] | None, record: bool, status: bool
    ) -> None:
        if links:
            span.link(links)
        if not (record and status):
            span.record_on_exit, span.status_on_exit = record, status
        for processor in self.route.processors:
            processor.on_start(span, parent_context=context)  # type: ignore[arg-type]  # it quacks like the SDK's

    def _described(self, data: SpanData, attributes: Attributes) -> LightSpan:
        span = LightSpan(data, None)
        if attributes:
            self._describe(span, attributes)
        return span

    def _describe(self, span: LightSpan, attributes: Mapping[str, Any]) -> None:
        held = dict(attributes)
        if len(held) <= self.origin.most and not self._careful and plain(held):
            span.data.attributes = held
        else:
            span.set_attributes(attributes)

    def serve(self, context: Context, facts: tuple[str, ...]) -> Span:
        """Start the span of a request, whose caller's context and ServerSpan.facts these are."""
        decide = self._serve
        if context or decide is None or self._special:
            return self.start_span(facts[0], context, SpanKind.SERVER, server_attributes(facts))
        now = time_ns()
        # The trace's id, which begins with the time in seconds, and the span's: made text once for all who want it.
        both = now // 1_000_000_000 << 160 | getrandbits(160)
        text, span_id = both.to_bytes(24, "big").hex(), both & LAST_64_BITS
        span: ServerSpan | Unsampled
        if self._decide is always or decide(facts[0], _host(facts), facts[2]):
            span = ServerSpan(
                RequestData(
                    facts[0], SERVER, both >> 64, span_id, SAMPLED, NO_STATE, 0, self.origin, now, facts[0],
                    facts=facts, trace=text[:32],
                )
            )  # fmt: skip
        else:
            span = Unsampled(text[:32], span_id)
        span.request_id = text[32:]
        return span

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
        asked = name, context, kind, attributes, links, start_time, record_exception, set_status_on_exception
        if context is None and self.follows:
            above = get_current().get(SPAN_KEY)
            if above.__class__ is Unsampled:
                above.asked = self, asked, end_on_exit
                return above
        return Current(self, asked, end_on_exit)

    def _begin(
        self,
        around: Context,
        name: str,
        kind: SpanKind,
        attributes: Attributes,
        links: Sequence[Link] | None,
        start_time: int | None,
    ) -> NonRecordingSpan | LightSpan:
        """Decide on a span that is a root, a remote parent's child, or an unsampled one's."""
        if not around and self._decide is not None:  # a request that nobody has traced before us
            flags = SAMPLED if self._decide(attributes) else 0
            trace_id, span_id = self._ids.generate_trace_id(), self._new_span_id()
            if not flags:
                return Unsampled(f"{trace_id:032x}", span_id)
            now = time_ns() if start_time is None else start_time
            root = SpanData(name, kind, trace_id, span_id, flags, NO_STATE, 0, self.origin, now)
            return self._described(root, attributes)
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
        now = time_ns() if start_time is None else start_time
        above_it = parent.span_id if parent is not None else 0
        span = SpanData(name, kind, trace_id, self._new_span_id(), flags, state, above_it, self.origin, now)
        if parent is not None:
            span.more = More(parent=parent)
        return self._described(span, result.attributes)


class Current(Struct, eq=False):
    """What ``start_as_current_span`` returns: a context manager and a decorator. (A Struct is made without a call.)"""

    tracer: LightTracer
    asked: Asked
    ends: bool
    span: Any = None
    token: Any = None

    def __enter__(self) -> Span:
        around = get_current()
        above = around.get(SPAN_KEY)
        self.span = span = self.tracer.start_span(*self.asked)
        # An unsampled span that stands for its children is current already.
        if above is not span:
            # Mostly there is nothing but the span above: then nothing need be copied.
            alone = above is not None and len(around) == 1
            self.token = attach(Context({SPAN_KEY: span}) if alone else with_span(around, span))
        return span

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        span = self.span
        if self.token is not None:
            detach(self.token)
        elif span.__class__ is Unsampled:
            return
        # Only an Exception is an error: a GeneratorExit, say, is none.
        if exc_val is not None and isinstance(exc_val, Exception) and span.is_recording():
            *_, record, status = self.asked
            if record:
                span.record_exception(exc_val)
            if status:
                span.set_status(Status(StatusCode.ERROR, f"{type(exc_val).__name__}: {exc_val}"))
        if self.ends:
            span.end()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        tracer, asked, ends = self.tracer, self.asked, self.ends
        if inspect.iscoroutinefunction(function):

            @wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with Current(tracer, asked, ends):
                    return await function(*args, **kwargs)

            return awaited

        @wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with Current(tracer, asked, ends):
                return function(*args, **kwargs)

        return called


def _host(facts: tuple[str, ...]) -> str:
    """The host of a request as X-Ray's sampling rules see it, without its port."""
    named = facts[3]
    return named if ":" not in named else str(server_attributes(facts)[SERVER_ADDRESS])


def with_span(around: Context, span: Span) -> Context:
    """The context with this span as its current one."""
    return Context(around | {SPAN_KEY: span})
