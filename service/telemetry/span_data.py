"""What a span is, apart from what the running code holds of it, in objects that Python's garbage collector does not
know (waiting.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from msgspec import Struct
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceState
from opentelemetry.trace.status import Status, StatusCode

from .waiting import LAST_64_BITS, NOT_PACKED, Answered, Bundled, pack

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event

    from .origin import Origin

MOST_BELOW = 50
UNSET = Status(StatusCode.UNSET)
SERVER_ERROR = Status(StatusCode.ERROR)
NO_STATE = TraceState()
NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


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


class RequestData(SpanData, gc=False, eq=False, kw_only=True):
    """The span of a request as a server sees it, and, once it is answered, what Answered tells of it.

    facts: (method, scheme, path, host with its port, client's address, user agent, protocol), as WSGI gives them; the
    attributes are made of them and of the outcome when somebody asks for them.

    Spans that ended below it leave with it, at most some MOST_BELOW: ``n`` are in ``below``, six numbers and texts
    each (Bundled.below), or, with more to tell, in ``others``.
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
                Bundled(
                    self.end_time or 0, self.operation, self.route, self.code, self.milliseconds, self.request_id,
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
            self.trace_id >> 64, self.trace_id & LAST_64_BITS, self.span_id, self.sampled, self.error_type, self.bound,
        ).packed()  # fmt: skip
