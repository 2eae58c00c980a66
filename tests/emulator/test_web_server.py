"""How the server ends: it answers what was asked, closes in the right order, and has nothing to say about it."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from waitress.trigger import trigger

from kit.emulator.gate import Gate
from kit.emulator.protocol.http import Request, Response
from kit.emulator.web_server import WebServer

SMALL = "X-Amz-Target: GraniteServiceVersion20100801.PutMetricData\r\n"


class Door:
    """Says what it was asked for; for /held only once it is let."""

    def __init__(self) -> None:
        self.asked = threading.Semaphore(0)
        self.let = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.asked.release()
        if environ["PATH_INFO"] == "/held":
            assert self.let.wait(10)
        body = environ["PATH_INFO"].encode()
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def small_write(self, _request: Request) -> Response:
        return Response(200, b"small", "text/plain")


class Served:
    """A server, its door, and connections to it."""

    def __init__(self) -> None:
        self.door = Door()
        sockets = (socket.create_server(("127.0.0.1", 0)), socket.create_server(("127.0.0.1", 0)))
        self.address = sockets[0].getsockname()
        self.web = WebServer(self.door, self.door.small_write, sockets, Gate())
        self._clients: list[socket.socket] = []

    def connect(self, path: str = "", headers: str = "") -> socket.socket:
        """A connection that has asked for the path."""
        client = socket.create_connection(self.address, timeout=5)
        self._clients.append(client)
        if path:
            method = "POST" if headers else "GET"
            client.sendall(f"{method} {path} HTTP/1.1\r\nHost: a\r\n{headers}Content-Length: 0\r\n\r\n".encode())
        return client

    def stopping(self) -> threading.Thread:
        """Has it stop; returns once that is under way."""
        thread = threading.Thread(target=self.web.stop)
        thread.start()
        deadline = time.monotonic() + 5
        while refused(self.address) is None:
            assert time.monotonic() < deadline
        return thread

    def end(self) -> None:
        self.door.let.set()
        self.web.stop()
        for client in self._clients:
            client.close()


def refused(address: tuple[str, int]) -> OSError | None:
    try:
        socket.create_connection(address, timeout=5).close()
    except OSError as error:
        return error
    return None


def rest(client: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    return b"".join(iter(lambda: client.recv(65_536), b""))


@pytest.fixture
def served(caplog: pytest.LogCaptureFixture) -> Iterator[Served]:
    caplog.set_level(logging.WARNING)
    made = Served()
    made.web.start()
    yield made
    made.end()
    deadline = time.monotonic() + 5
    while made.web.alive:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert [record.getMessage() for when in ("call", "teardown") for record in caplog.get_records(when)] == []


def test_a_worker_that_wakes_the_loop_after_its_answer_finds_it_there(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    waking, closed = threading.Event(), threading.Event()
    pull = trigger._physical_pull

    def late(self: Any) -> None:
        if threading.current_thread().name.startswith("waitress-"):
            waking.set()
            assert closed.wait(5)
        pull(self)

    monkeypatch.setattr(trigger, "_physical_pull", late)
    client = served.connect("/told")
    assert client.recv(65_536).endswith(b"/told")
    assert waking.wait(5)
    stopping = served.stopping()
    assert rest(client) == b""
    closed.set()
    stopping.join(5)
    assert not served.web.alive


def test_what_is_in_flight_is_answered_and_nobody_else_is_let_in(served: Served) -> None:
    client = served.connect("/held")
    assert served.door.asked.acquire(timeout=5)
    idle = served.connect()
    stopping = served.stopping()
    assert rest(idle) == b""
    assert stopping.is_alive()
    served.door.let.set()
    assert rest(client).endswith(b"\r\n\r\n/held")
    stopping.join(5)


def test_more_requests_than_there_are_workers_are_answered(served: Served) -> None:
    served.web._server._answering_s = 10  # a slow machine's time is not what this is about
    clients = [served.connect("/held") for _ in range(30)]
    for _ in range(12):
        assert served.door.asked.acquire(timeout=5)
    stopping = served.stopping()
    served.door.let.set()
    assert all(rest(client).endswith(b"/held") for client in clients)
    stopping.join(5)


def test_what_has_arrived_but_is_not_read_yet_is_answered(caplog: pytest.LogCaptureFixture) -> None:
    served = Served()
    clients = [served.connect("/plain"), served.connect("/", SMALL), served.connect("/plain")]
    served.web._server.stop()  # its first look is its last
    served.web.start()
    assert [rest(client).rpartition(b"\r\n\r\n")[2] for client in clients] == [b"/plain", b"small", b"/plain"]
    served.end()
    assert not served.web.alive
    assert caplog.messages == []


@pytest.mark.parametrize("asked", ["/held", "half a request"])
def test_who_does_not_come_to_an_end_is_cut_off(served: Served, asked: str) -> None:
    client = served.connect("/held" if asked == "/held" else "")
    if asked == "/held":
        assert served.door.asked.acquire(timeout=5)
    else:
        client.sendall(b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nhalf")
    began = time.monotonic()
    served.web.stop()
    assert 0.9 < time.monotonic() - began < 1.6
    assert rest(client) == b""


def test_idle_connections_hold_nothing_up_and_to_stop_twice_is_to_stop_once(served: Served) -> None:
    client = served.connect("/told")
    assert client.recv(65_536)
    began = time.monotonic()
    served.web.stop()
    served.web.stop()
    assert time.monotonic() - began < 0.5
    assert rest(client) == b""
    assert not served.web.alive
