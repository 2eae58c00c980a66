"""Small writes are answered by the thread that reads them.

To hand a request over to another thread and back costs as much as storing 20 data. Only PutMetricData is answered so:
it is what clients send most, its size is bounded (1 MB, 1,000 data), and it waits for nobody.
"""

from __future__ import annotations

from collections.abc import Callable

from waitress.channel import HTTPChannel

_TARGETS = frozenset({"GraniteServiceVersion20100801.PutMetricData"})

AddTask = Callable[["AtOnceChannel"], None]


class AtOnceChannel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that can answer its next request itself, in the thread that has read it."""

    answers_itself = False

    def received(self, data: bytes) -> bool:
        """See HTTPChannel. The answer is made here, when the locks that HTTPChannel holds while it reads are free."""
        taken = bool(super().received(data))
        while self.answers_itself:
            self.answers_itself = False
            self.service()
        return taken

    def is_small_write(self) -> bool:
        """Whether the next request is one of those."""
        request = self.requests[0]
        return request.error is None and request.headers.get("X_AMZ_TARGET") in _TARGETS


def at_once(otherwise: AddTask, may: Callable[[], bool]) -> AddTask:
    """A server's ``add_task`` that leaves small writes to the connection while ``may()``, and hands over the rest."""

    def add_task(channel: AtOnceChannel) -> None:
        if channel.is_small_write() and may():
            channel.answers_itself = True
        else:
            otherwise(channel)

    return add_task
