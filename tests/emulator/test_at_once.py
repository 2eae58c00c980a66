"""Small writes are answered by the thread that reads them; nothing else about them is different."""

from __future__ import annotations

import socket
import threading

from kit.emulator.gate import Gate
from kit.emulator.protocol.at_once import at_once
from kit.emulator.server import Emulator


def call(operation: str, body: bytes) -> bytes:
    head = f"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    target = (
        f"X-Amz-Target: GraniteServiceVersion20100801.{operation}\r\nContent-Type: application/x-amz-json-1.0\r\n\r\n"
    )
    return head.encode() + target.encode() + body


PUT = call("PutMetricData", b'{"Namespace": "at-once", "MetricData": [{"MetricName": "m", "Value": 1}]}')
BAD = call("PutMetricData", b'{"Namespace": "at-once"')
LIST = call("ListMetrics", b'{"Namespace": "at-once"}')


def answers(port: int, sent: bytes, many: int) -> list[bytes]:
    """The first lines of the answers to requests that are sent as one."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(sent)
        while found.count(b"HTTP/1.1 ") < many:
            part = connection.recv(65_536)
            assert part, found
            found += part
    return [each.split(b"\r\n")[0] for each in found.split(b"HTTP/1.1 ")[1:]]


def test_writes_and_others_on_one_connection_are_answered_in_their_order(emulator: Emulator) -> None:
    assert answers(emulator.port, PUT + LIST + PUT + PUT + BAD + LIST, 6) == [
        *[b"200 OK"] * 4,
        b"400 Bad Request",
        b"200 OK",
    ]


def test_many_connections_are_answered_although_one_thread_does_it(emulator: Emulator) -> None:
    done: list[list[bytes]] = []
    threads = [
        threading.Thread(target=lambda: done.append(answers(emulator.port, PUT * 50 + LIST, 51))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert done == [[b"200 OK"] * 51] * 8


class Asked:
    """A connection whose next request is a small write, or isn't."""

    answers_itself = False

    def __init__(self, small: bool) -> None:
        self._small = small

    def is_small_write(self) -> bool:
        return self._small


def test_what_may_have_to_wait_is_handed_over() -> None:
    gate, handed = Gate(), []
    add_task = at_once(handed.append, lambda: gate.open)
    small, other, late = Asked(small=True), Asked(small=False), Asked(small=True)
    add_task(small)
    add_task(other)
    with gate.closed():
        add_task(late)
    assert small.answers_itself
    assert handed == [other, late]
