"""What the loop that reads and writes looks at: nothing is left waiting, and nothing keeps it busy for nothing."""

from __future__ import annotations

import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from waitress.trigger import trigger

from kit.serving import OrderlyServer, Watched

LARGE = 8 * 2**20
MOST = 8


class Served:
    """A server: /held answers once it is let, /large with more than a socket takes at once."""

    def __init__(self) -> None:
        self.let = threading.Event()
        self.asked = threading.Semaphore(0)
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = listener.getsockname()
        self.server = OrderlyServer(
            self._answer, 1.0, sockets=[listener], threads=4, connection_limit=MOST, channel_timeout=1, ident=None
        )
        self.server.listeners[0].adj.cleanup_interval = 1
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        self.clients: list[socket.socket] = []

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        self.asked.release()
        if environ["PATH_INFO"] == "/held":
            assert self.let.wait(10)
        body = b"x" * LARGE if environ["PATH_INFO"] == "/large" else b"small"
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def connect(self) -> socket.socket:
        client = socket.create_connection(self.address, timeout=5)
        self.clients.append(client)
        return client

    def ask(self, path: str) -> socket.socket:
        client = self.connect()
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        return client

    def cpu_s(self, seconds: float) -> float:
        """What the loop uses within that time, and all else in this process, which only waits."""
        before = time.process_time()
        time.sleep(seconds)
        return time.process_time() - before

    def stop(self) -> None:
        self.let.set()
        for client in self.clients:
            client.close()
        self.server.stop()
        self.thread.join(10)
        self.server.close()


@pytest.fixture
def served() -> Iterator[Served]:
    one = Served()
    yield one
    one.stop()


def body(client: socket.socket) -> bytes:
    """What follows the head of an answer whose length it tells."""
    held = b""
    while b"\r\n\r\n" not in held:
        held += client.recv(65_536)
    head, _, held = held.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    parts = [held]
    while sum(map(len, parts)) < length:
        parts.append(client.recv(65_536))
    return b"".join(parts)


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def test_an_answer_larger_than_a_socket_takes_arrives_whole_however_slowly_it_is_read(served: Served) -> None:
    client = served.ask("/large")
    assert served.asked.acquire(timeout=5)
    assert served.cpu_s(0.3) < 0.2  # nobody reads yet
    assert body(client) == b"x" * LARGE
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
    assert body(client) == b"small"


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["closed", "reset"])
def test_a_client_that_leaves_while_its_answer_is_made_keeps_nobody_busy(
    served: Served, leave: Callable[[socket.socket], None]
) -> None:
    client = served.ask("/held")
    assert served.asked.acquire(timeout=5)
    leave(client)
    assert served.cpu_s(0.5) < 0.2
    assert body(served.ask("/")) == b"small"
    served.let.set()
    assert body(served.ask("/held")) == b"small"


@pytest.mark.parametrize("leave", [socket.socket.close, reset], ids=["closed", "reset"])
def test_a_client_that_leaves_in_the_middle_of_an_answer_keeps_nobody_busy(
    served: Served, leave: Callable[[socket.socket], None]
) -> None:
    client = served.ask("/large")
    client.recv(10)
    leave(client)
    assert served.cpu_s(0.5) < 0.2
    assert body(served.ask("/")) == b"small"


def test_requests_sent_in_one_piece_are_answered_one_after_the_other(served: Served) -> None:
    client = served.connect()
    client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
    held = b""
    while held.count(b"\r\n\r\nsmall") < 5:
        held += client.recv(65_536)
    assert held.startswith(b"HTTP/1.1 200 OK")
    assert held.endswith(b"small")


def test_a_silent_connection_is_closed(served: Served) -> None:
    client = served.ask("/")
    assert body(client) == b"small"
    client.settimeout(10)
    assert client.recv(1) == b""


def test_beyond_the_most_connections_one_waits_until_another_goes(served: Served) -> None:
    taken = [served.ask("/held") for _ in range(MOST)]
    assert served.asked.acquire(timeout=5)
    late = served.ask("/")
    late.settimeout(0.3)
    with pytest.raises(TimeoutError):
        late.recv(1)
    served.let.set()
    for client in taken[:4]:
        assert body(client) == b"small"
        client.close()
    late.settimeout(10)
    assert body(late) == b"small"


class Item:
    """Something on one end of a pair of sockets, which counts what it is called for."""

    accepting = False

    def __init__(self, watched: Watched) -> None:
        self.own, self.other = socket.socketpair()
        self.own.setblocking(False)
        self.other.setblocking(False)
        self.reads = self.writes = True
        self.told: list[str] = []
        self.watched = watched
        watched[self.own.fileno()] = self

    def readable(self) -> bool:
        return self.reads

    def writable(self) -> bool:
        return self.writes

    def handle_read_event(self) -> None:
        self.told.append("read")
        self.own.recv(100)

    def handle_write_event(self) -> None:
        self.told.append("write")

    def close(self) -> None:
        del self.watched[self.own.fileno()]
        self.own.close()
        self.other.close()


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "close", "send", "reads", "writes", "poll"]), st.integers(0, 3)), max_size=30
    )
)
def test_after_each_look_everything_has_done_what_it_could(steps: list[tuple[str, int]]) -> None:
    watched = Watched()
    waker = trigger(watched)
    items: list[Item] = []
    try:
        for step, number in steps:
            if step == "add":
                items.append(Item(watched))
            elif step == "poll":
                look(watched, items)
            elif items:
                one = items[number % len(items)]
                if step == "close":
                    items.remove(one)
                    one.close()
                elif step == "send":
                    one.other.send(b"x")
                else:  # as another thread does it: it wakes the loop, which then asks all
                    setattr(one, step, not getattr(one, step))
                    waker.pull_trigger()
                    watched.poll(0)
        look(watched, items)
    finally:
        for one in (*items, waker):
            one.close()
    assert not watched


def look(watched: Watched, items: list[Item]) -> None:
    could = []
    for one in items:
        one.told.clear()
        arrived, free, _ = select.select([one.own] if one.reads else [], [one.own] if one.writes else [], [], 0)
        could.append([*(["read"] if arrived else []), *(["write"] if free else [])])
    watched.poll(0)
    assert [one.told for one in items] == could
