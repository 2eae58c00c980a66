"""What a span is, apart from what the running code holds of it: in few fields, as each costs with every span."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from opentelemetry.trace import Link, SpanContext, SpanKind, TraceState
from opentelemetry.trace.status import Status, StatusCode

from .waiting import Answered

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import Event

    from .origin import Origin

MOST_BELOW = 50
UNSET = Status(StatusCode.UNSET)
SERVER_ERROR = Status(StatusCode.ERROR)
NO_STATE = TraceState()
NO_ATTRIBUTES: Mapping[str, Any] = MappingProxyType({})


class More(Struct, gc=False, eq=False):
    """What few spans have."""

    status: Status = UNSET
    events: Sequence[Event] = ()
    links: Sequence[Link] = ()
    parent: SpanContext | None = None
    dropped_attributes: int = 0
    dropped_events: int = 0
    dropped_links: int = 0


NOTHING_MORE = More()


class SpanData(Struct, gc=False, eq=False):
    """What a span of ours is; ids and ``flags`` are plain integers, times are epoch nanoseconds.

    ``parent_id`` is 0 without a parent; More.parent is its context where that does not follow from this one's.
    ``short`` says all that its ids and times don't: the name of an INTERNAL span without attributes, or the number of
    Prepared ones; None as soon as there is more to tell.
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
    attributes: Mapping[str, Any] | None = None
    end_time: int | None = None
    more: More | None = None

    @property
    def further(self) -> More:
        """What few spans have, to be read."""
        return self.more or NOTHING_MORE

    def tell_more(self) -> More:
        """The same, to be written."""
        self.short = None
        if self.more is None:
            self.more = More()
        return self.more


class RequestData(SpanData, gc=False, eq=False, kw_only=True):
    """The span of a request as a server sees it.

    facts: (method, scheme, path, host with its port, client's address, user agent, protocol), as WSGI gives them;
    ``trace``: the trace's id as 32 hexadecimal digits;
    outcome: (status, route or None, operation, error type or ""), once it is answered. The attributes are made of both
    when somebody asks for them.

    Spans that ended below it leave with it, at most some MOST_BELOW: ``n`` are in ``below``, six numbers and texts
    each (Bundled.below), or, with more to tell, in ``others``. ``open`` until the request ends.
    """

    facts: tuple[str, ...]
    trace: str
    outcome: tuple[int, str | None, str, str] | None = None
    below: tuple[Any, ...] = ()
    others: tuple[SpanData, ...] = ()
    n: int = 0
    open: bool = True

    def settle(self) -> None:
        """Name and status by the outcome, if there is one yet."""
        if self.outcome is None:
            return
        code, route, operation, _ = self.outcome
        if route is not None:
            self.name = operation
        if code >= 500 and self.further.status is UNSET:
            self.tell_more().status = SERVER_ERROR


class Whole(Struct, gc=False, eq=False):
    """A request in one piece with its spans that is not a usual one (Bundled)."""

    answer: Answered
    data: RequestData
