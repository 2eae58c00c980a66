"""Small writes are answered by the thread that reads them, without the detour over WSGI.

To hand a request over to another thread and back costs as much as storing 20 data, and so does making a WSGI
environment of it. Only PutMetricData is answered so: it is what clients send most, its size is bounded (1 MB, 1,000
data), and it waits for nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from waitress.channel import HTTPChannel
from waitress.utilities import build_http_date

from kit.emulator.protocol.http import Request, Response
from kit.emulator.protocol.whole import whole_request

_TARGETS = frozenset({"GraniteServiceVersion20100801.PutMetricData"})


@dataclass(frozen=True, slots=True)
class AtOnce:
    """Has small writes answered by ``answer`` while ``may()``; ``otherwise`` is a server's own ``add_task``."""

    answer: Callable[[Request], Response]
    may: Callable[[], bool]
    otherwise: Callable[[AtOnceChannel], None]

    def add_task(self, channel: AtOnceChannel) -> None:
        """For a server to call when a request was read."""
        if channel.is_small_write() and self.may():
            channel.answers_itself = True
        else:
            self.otherwise(channel)


class AtOnceChannel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that can answer its next request itself, in the thread that has read it.

    Its server may have an ``at_once``.
    """

    answers_itself = False

    def received(self, data: bytes) -> bool:
        """See HTTPChannel. The answer is made here, when the locks that HTTPChannel holds while it reads are free."""
        at_once: AtOnce | None = getattr(self.server, "at_once", None)
        if at_once is not None and self._is_idle():
            request = whole_request(data)
            if request is not None and request.headers.get("x-amz-target") in _TARGETS and at_once.may():
                self._send(at_once.answer(request))
                return True
        taken = bool(super().received(data))
        while self.answers_itself and at_once is not None:
            self.answers_itself = False
            self._answer_parsed(at_once)
        return taken

    def is_small_write(self) -> bool:
        """Whether the next request is one of those."""
        request = self.requests[0]
        return (
            request.error is None
            and request.headers.get("X_AMZ_TARGET") in _TARGETS
            and request.command == "POST"
            and request.version == "1.1"
            and not request.connection_close
        )

    def _is_idle(self) -> bool:
        with self.requests_lock:
            return not (self.request or self.requests or self.will_close or self.close_when_flushed)

    def _answer_parsed(self, at_once: AtOnce) -> None:
        """What HTTPChannel.service does. The loop need not be woken up: it is the loop that is here."""
        request = self.requests[0]
        headers = {name.replace("_", "-").lower(): value for name, value in request.headers.items()}
        headers["content-type"] = headers.get("content-type", "").lower()
        body = request.get_body_stream().read()
        self._send(at_once.answer(Request(request.command, request.path, request.query, headers, body)))
        request.close()
        with self.requests_lock:
            self.requests.pop(0)
            if self.connected and self.requests:
                self.server.add_task(self)

    def _send(self, response: Response) -> None:
        data = _head(response, _date(int(self.last_activity))) + response.body
        sent = 0 if self.total_outbufs_len else self.send(data)
        if self.connected and sent < len(data):
            self.write_soon(data[sent:])


def _head(response: Response, date: str) -> bytes:
    named = "".join([f"{name}: {value}\r\n" for name, value in response.headers.items()])
    return (
        f"HTTP/1.1 {response.status_line}\r\nContent-Length: {len(response.body)}\r\n"
        f"Content-Type: {response.content_type}\r\nDate: {date}\r\n{named}\r\n"
    ).encode("latin-1")


@lru_cache(maxsize=1)
def _date(second: int) -> str:
    date: str = build_http_date(second)
    return date
