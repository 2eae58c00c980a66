"""What request threads leave for the encoder: mostly one piece of bytes each, and nothing that Python has to look at.

While it waits, a record of many small objects makes all that runs slower: Python's garbage collector, which stops a
request some three times in three hundred, takes twice as long where the garbage lies between them, and thrice where it
knows them. So what is usual is packed (msgpack, a third of a microsecond) at its end, from a tuple in the order of the
fields below, and unpacked by the encoder; what is rare waits as it is, in objects that the collector does not know.
Nothing here can be part of a cycle: it holds texts, numbers, and what is older than itself and does not know it.
(msgspec: "Structs", Disabling Garbage Collection.)
"""

from __future__ import annotations

from typing import Any, ClassVar

from msgspec import Struct, msgpack

A_BUNDLE = 1
"""The tag of Bundled."""

pack = msgpack.Encoder().encode
NOT_PACKED = (OverflowError, TypeError, UnicodeEncodeError)
"""What ``pack`` says to numbers beyond 64 bits, to halves of surrogate pairs, and to other types than JSON's."""


class Traced(Struct, array_like=True, gc=False, eq=False):
    """What belongs to a trace: its id as 32 hexadecimal digits; "" and 0 where there is none."""

    trace: str
    span_id: int


class Logged(Traced, array_like=True, gc=False, eq=False):
    """A log record as it was. Request id and operation are "" without a request.

    Extras that cannot change are ``values`` with their names ``keys``; else they are the copies in ``extras``. thrown:
    (name of an exception's type, its text, its TracebackException); request: the request itself, while its operation
    is not known; bound: the fields that were bound; or None.
    """

    created: float
    level: str
    logger: str
    message: str
    arguments: tuple[Any, ...] | None
    keys: tuple[str, ...]
    values: tuple[Any, ...]
    request_id: str
    operation: str
    extras: Any = None
    thrown: Any = None
    request: Any = None
    bound: Any = None


class Answered(Traced, array_like=True, gc=False, eq=False, tag=0):
    """An answered request: what its access line and its metrics tell. ``end_time``: epoch nanoseconds.

    ``error_type`` is the name of an exception's type, or ""; ``bound`` is Serving.fields().
    """

    end_time: int
    operation: str
    method: str
    code: int
    milliseconds: float
    request_id: str
    sampled: bool
    error_type: str
    bound: Any = None

    def packed(self) -> bytes | Answered:
        """As it waits."""
        if self.bound is not None:
            return self
        try:
            return pack(self)
        except NOT_PACKED:
            return self


class Bundled(Traced, array_like=True, gc=False, eq=False, tag=A_BUNDLE):
    """A usual request, sampled, in one piece with its spans: RequestData without what is the same in all of them.

    ``below``: A_SPAN numbers and texts for each span: span id, parent id, start, end, number of its origin, ``short``.
    """

    end_time: int
    operation: str
    route: str | None
    code: int
    milliseconds: float
    request_id: str
    error_type: str
    start_time: int
    facts: tuple[Any, ...]
    below: tuple[Any, ...]
    n: int
    origin: int
    sampled: ClassVar[bool] = True
    bound: ClassVar[None] = None

    @property
    def method(self) -> str:
        """The HTTP method."""
        found: str = self.facts[0]
        return found


A_SPAN = 6
