"""What request threads leave for the encoder: mostly one piece of bytes each, and nothing that Python has to look at.

While it waits, a record of many small objects makes all that runs slower: Python's garbage collector, which stops a
request some three times in three hundred, takes twice as long where the garbage lies between them, and thrice where it
knows them. So what is usual is packed (msgpack, a third of a microsecond) at its end and unpacked by the encoder; what
is rare waits as it is, in objects that the collector does not know. Nothing here can be part of a cycle: it holds
texts, numbers, and what is older than itself and does not know it. (msgspec: "Structs", Disabling Garbage Collection.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from traceback import TracebackException
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct, msgpack
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceState
from opentelemetry.trace.status import Status, StatusCode

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event

    from .origin import Origin
    from .serving import Serving

MOST_BELOW = 50
LAST_64_BITS = (1 << 64) - 1
UNSET = Status(StatusCode.UNSET)
SERVER_ERROR = Status(StatusCode.ERROR)
NO_STATE = TraceState()
NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})

pack = msgpack.Encoder().encode
NOT_PACKED = (OverflowError, TypeError, UnicodeEncodeError)
"""What ``pack`` says to numbers beyond 64 bits, to halves of surrogate pairs, and to other types than JSON's."""

Thrown = tuple[str, str, TracebackException]
"""(name of an exception's type, its text, its traceback)."""


class Logged(Struct, gc=False, eq=False):
    """A log record as it was. Trace and span id are 0 without a trace, request id and operation "" without a request.

    Extras are values with their names ``keys``; without names a dictionary, or None. The request itself is there only
    while its operation is not known.
    """

    created: float
    level: str
    logger: str
    message: str
    arguments: tuple[Any, ...] | None
    keys: tuple[str, ...] | None
    extras: Any
    trace_id: int
    span_id: int
    request_id: str
    operation: str
    thrown: Thrown | None = None
    request: Serving | None = None
    bound: Mapping[str, Any] | None = None


class SpanData(Struct, gc=False, eq=False):
    """What a span of ours is; ids and ``flags`` are plain integers, times are epoch nanoseconds.

    ``parent_id`` is 0 without a parent; ``parent`` its context where that does not follow from this one's. ``short``
    says all that its ids and times don't: the name of an INTERNAL span without attributes, or the number of Prepared
    ones; None as soon as there is more to tell.
    """

    name: str
    kind: SpanKind
    trace_id: int
    span_id: int
    flags: int
    trace_state: TraceState
    parent_id: int
    origin: Origin
    start_time: int
    short: str | int | None = None
    attributes: Mapping[str, Any] = NO_ATTRIBUTES
    end_time: int | None = None
    status: Status = UNSET
    events: Sequence[Event] = ()
    parent: SpanContext | None = None
    links: Sequence[Link] = ()
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0


class Answered(Struct, gc=False, eq=False):
    """An answered request: what its access line and its metrics tell. ``end_time``: epoch nanoseconds.

    ``error_type`` is the name of an exception's type, or ""; ``bound`` is Serving.fields(). Trace and span id are 0
    without a trace.
    """

    end_time: int
    operation: str
    method: str
    code: int
    milliseconds: float
    request_id: str
    trace_id: int
    span_id: int
    sampled: bool
    error_type: str
    bound: Mapping[str, Any] | None

    def packed(self) -> bytes | Answered:
        """As it waits."""
        if self.bound is not None:
            return self
        try:
            return pack(
                (
                    0, self.end_time, self.operation, self.method, self.code, self.milliseconds, self.request_id,
                    self.trace_id >> 64, self.trace_id & LAST_64_BITS, self.span_id, self.sampled, self.error_type,
                )
            )  # fmt: skip
        except NOT_PACKED:
            return self


class RequestData(SpanData, gc=False, eq=False, kw_only=True):
    """The span of a request as a server sees it, and, once it is answered, what Answered tells of it.

    facts: (method, scheme, path, host with its port, client's address, user agent, protocol), as WSGI gives them; the
    attributes are made of them and of the outcome when somebody asks for them.

    Spans that ended below it leave with it, at most some MOST_BELOW: ``n`` are in ``below``, six numbers and texts
    each (span id, parent id, start, end, number of the origin, ``short``), or, with more to tell, in ``others``.
    ``open`` until the request ends.
    """

    facts: tuple[str, ...]
    request_id: str = ""
    operation: str = ""
    route: str | None = None
    code: int = 0
    milliseconds: float = 0.0
    error_type: str = ""
    bound: Mapping[str, Any] | None = None
    below: tuple[Any, ...] = ()
    others: tuple[SpanData, ...] = ()
    n: int = 0
    open: bool = True
    sampled: ClassVar[bool] = True

    @property
    def method(self) -> str:
        """The HTTP method."""
        return self.facts[0]

    @property
    def outcome(self) -> tuple[int, str | None, str, str]:
        """(status, route or None, operation, error type or ""), once it is answered."""
        return self.code, self.route, self.operation, self.error_type

    def packed(self) -> bytes | RequestData:
        """As it waits with its spans."""
        if self.short is None or self.others or self.bound is not None:
            return self
        trace_id = self.trace_id
        try:
            return pack(
                (
                    1, self.end_time, self.operation, self.route, self.code, self.milliseconds, self.request_id,
                    trace_id >> 64, trace_id & LAST_64_BITS, self.span_id, self.error_type, self.start_time,
                    self.facts, self.below, self.n, self.origin.number,
                )
            )  # fmt: skip
        except NOT_PACKED:
            return self

    def alone(self) -> bytes | Answered:
        """As it waits without its spans."""
        return Answered(
            self.end_time or 0, self.operation, self.method, self.code, self.milliseconds, self.request_id,
            self.trace_id, self.span_id, self.sampled, self.error_type, self.bound,
        ).packed()  # fmt: skip
