"""What request threads leave for the encoder, in objects that Python's garbage collector does not know.

Each of its runs looks at every young container and at all that is in it, while a request waits. Requests leave some of
those: were they tuples or spans, a run would take two or three times as long as it does without telemetry, and there
would be more of them, and with enough waiting they would be looked at together with the whole process. Nothing here can
be part of a cycle: Flat and Extras hold nothing but texts, numbers and each other, and to the rest only the encoder's
queue refers. (msgspec: "Structs", Disabling Garbage Collection.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from traceback import TracebackException
from typing import TYPE_CHECKING, Any

from msgspec import Struct, defstruct
from msgspec.structs import astuple

if TYPE_CHECKING:
    from .server_span import ServerSpan
    from .serving import Serving
    from .spans import LightSpan

MOST_BELOW = 50
MOST_EXTRAS = 12

Thrown = tuple[str, str, TracebackException]
"""(name of an exception's type, its text, its traceback)."""


class Logged(Struct, gc=False, eq=False):
    """A log record as it was. Trace and span id are 0 without a trace, request id and operation "" without a request.

    Extras are ``compact`` values with their names ``keys``; without names a dictionary, or None. The request itself is
    there only while its operation is not known.
    """

    created: float
    level: str
    logger: str
    message: str
    arguments: Any
    keys: tuple[str, ...] | None
    extras: Any
    thrown: Thrown | None
    trace_id: int
    span_id: int
    request_id: str
    operation: str
    request: Serving | None
    bound: Mapping[str, Any] | None


_EXTRAS = tuple(
    defstruct(f"Extras{n}", [f"value{number}" for number in range(n)], gc=False, eq=False)
    for n in range(MOST_EXTRAS + 1)
)


def compact(values: tuple[Any, ...]) -> Any:
    """A tuple of texts and numbers in an object that the garbage collector does not know, if they are not many."""
    return _EXTRAS[len(values)](*values) if len(values) <= MOST_EXTRAS else values


def expanded(values: Any) -> tuple[Any, ...]:
    """The tuple that was made ``compact``."""
    return values if type(values) is tuple else astuple(values)


class Flat(Struct, gc=False, eq=False):
    """A usual child span that has ended; times in epoch nanoseconds.

    ``rest`` is what was ``made`` of Prepared attributes, then the name is too; None of a span without any.
    ``before``: see Below.
    """

    trace_id: int
    span_id: int
    parent_id: int
    start: int
    end: int
    name: str
    rest: str | None
    before: Flat | None = None


class Answered(Struct, gc=False, eq=False):
    """An answered request: what its access line and its metrics tell. ``at``: epoch nanoseconds of its end.

    ``error_type`` is the name of an exception's type, or ""; ``bound`` is Serving.fields(). Trace and span id are 0
    without a trace.
    """

    at: int
    operation: str
    method: str
    status: int
    milliseconds: float
    request_id: str
    trace_id: int
    span_id: int
    sampled: bool
    error_type: str
    bound: Mapping[str, Any] | None


class Served(Answered, gc=False, eq=False):
    """The same of a sampled request that leaves in one piece with its spans. ``start``: epoch nanoseconds.

    ``span`` is its own where that holds more than ServerSpan.facts, which are here one by one, and the outcome;
    ``below``: the last Flat of the ``n`` spans below it, ``others``: those that are more than a Flat tells.
    """

    start: int
    route: str | None
    scheme: str
    path: str
    host: str
    client: str
    agent: str
    protocol: str
    span: ServerSpan | None
    below: Flat | None
    others: Sequence[LightSpan]
    n: int

    def alone(self) -> Answered:
        """The request without its spans."""
        return Answered(
            self.at, self.operation, self.method, self.status, self.milliseconds, self.request_id, self.trace_id,
            self.span_id, self.sampled, self.error_type, self.bound,
        )  # fmt: skip


class Below:
    """Ended spans below a request, as they are for the encoder, which leave with it: at most some MOST_BELOW.

    ``last`` of the usual ones, each of which names the one ``before`` it, and the ``others``; ``n`` are both. ``open``
    until the request ends. No call between the look at it and the last store: no other thread comes between.
    """

    last: Flat | None = None
    others: list[LightSpan]
    n = 0
    open = True


def in_order(last: Flat | None) -> list[Any]:
    """The usual spans below a request in the order of their ends."""
    found = []
    while last is not None:
        found.append(last)
        last = last.before
    found.reverse()
    return found
