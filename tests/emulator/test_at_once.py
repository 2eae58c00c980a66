"""Small writes are answered by the thread that reads them; nothing else about them is different."""

from __future__ import annotations

import gzip
import json
import socket
import threading
import time
import urllib.request
from typing import Any

import pytest

from kit.emulator.gate import Gate
from kit.emulator.protocol import Request, Response
from kit.emulator.protocol.at_once import AtOnce
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


def raw(port: int, *pieces: bytes) -> tuple[bytes, dict[str, str], bytes]:
    """Status line, headers (lower case) and body of the answer to one request, sent in these pieces."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(0.02 if len(pieces) > 1 else 0)
        found = b""
        while b"\r\n\r\n" not in found:
            found += connection.recv(65_536)
        head, _, body = found.partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        while len(body) < int(headers["content-length"]):
            body += connection.recv(65_536)
        return status.encode(), headers, body


def changed(request: bytes, old: bytes, new: bytes) -> bytes:
    assert old in request
    return request.replace(old, new, 1)


SLOWLY = (PUT[:40], PUT[40:150], PUT[150:])
CHUNKED = changed(PUT, b"Content-Length: 73", b"Transfer-Encoding: chunked")
CHUNKED = CHUNKED[:-73] + b"49\r\n" + CHUNKED[-73:] + b"\r\n0\r\n\r\n"
WAYS = {
    "in one piece": (PUT,),
    "in pieces": SLOWLY,
    "head and body apart": (PUT[:-73], PUT[-73:]),
    "kept alive": (changed(PUT, b"Host", b"Connection: keep-alive\r\nHost"),),
    "closed after": (changed(PUT, b"Host", b"Connection: close\r\nHost"),),
    "chunked": (CHUNKED,),
    "of HTTP 1.0": (changed(PUT, b"HTTP/1.1", b"HTTP/1.0"),),
    "with odd spaces": (changed(PUT, b"X-Amz-Target: ", b"X-AMZ-TARGET:  "),),
}


@pytest.mark.parametrize("way", WAYS)
def test_however_a_write_arrives_the_answer_is_the_same(emulator: Emulator, way: str) -> None:
    status, headers, body = raw(emulator.port, *WAYS[way])
    assert status.endswith(b"200 OK")
    assert body == b"{}"
    assert headers["content-type"] == "application/x-amz-json-1.0"
    assert headers["x-amzn-requestid"]
    assert headers["date"].endswith("GMT")


def test_a_packed_body_is_unpacked(emulator: Emulator) -> None:
    packed = gzip.compress(PUT[-73:])
    request = call("PutMetricData", packed)
    status, _, body = raw(emulator.port, changed(request, b"Host", b"Content-Encoding: gzip\r\nHost"))
    assert (status, body) == (b"HTTP/1.1 200 OK", b"{}")
    status, _, body = raw(
        emulator.port, changed(call("PutMetricData", b"no gzip"), b"Host", b"Content-Encoding: gzip\r\nHost")
    )
    assert status == b"HTTP/1.1 400 Bad Request"
    assert json.loads(body)["message"] == "The request body is not valid gzip."


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"Host: localhost", b"Host: evil.example", "InvalidHostHeader"),
        (b"Host: localhost", b"Host: localhost\r\nOrigin: https://evil.example", "InvalidOrigin"),
        (b"Host: localhost", b"Host: " + b"a" * 5000, "InvalidHostHeader"),
        (b"Host: localhost", b"Host: " + b"a" * 250 + b".localhost.evil.example", "InvalidHostHeader"),
        (
            b"Host: localhost",
            b"Host: localhost\r\nAuthorization: AWS4-HMAC-SHA256 Credential=k/20260101/nowhere/monitoring/aws4_request",
            "UnrecognizedClientException",
        ),
    ],
)
def test_who_may_not_ask_is_refused_as_anywhere(emulator: Emulator, old: bytes, new: bytes, code: str) -> None:
    status, _, body = raw(emulator.port, changed(PUT, old, new))
    assert status.startswith(b"HTTP/1.1 4")
    assert json.loads(body)["__type"] == code


def test_what_follows_a_body_is_the_next_request_not_part_of_it(emulator: Emulator) -> None:
    short = changed(PUT, b"Content-Length: 73", b"Content-Length: 10") + b"\r\n\r\n"
    found = b""
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=10) as connection:
        connection.sendall(short)
        while part := connection.recv(65_536):
            found += part
    assert b"The request body is not valid JSON" in found
    assert found.endswith(b'Start line is invalid"}')


def test_on_the_port_of_x_ray_nothing_is_stored(emulator: Emulator) -> None:
    status, _, _ = raw(emulator.xray_port, PUT)
    assert status.startswith(b"HTTP/1.1 4")


def test_writes_are_counted_on_the_health_page(emulator: Emulator) -> None:
    def counted() -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{emulator.port}/_kit/health") as page:
            return int(json.load(page)["requests"].get("cloudwatch", 0))

    before = counted()
    answers(emulator.port, PUT + LIST, 2)
    assert counted() == before + 2


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


def never(_request: Request) -> Response:
    raise AssertionError


def test_what_may_have_to_wait_is_handed_over() -> None:
    gate, handed = Gate(), list[Any]()
    at_once = AtOnce(never, lambda: gate.open, handed.append)
    small, other, late = Asked(small=True), Asked(small=False), Asked(small=True)
    at_once.add_task(small)  # type: ignore[arg-type]  # a stand-in
    at_once.add_task(other)  # type: ignore[arg-type]  # a stand-in
    with gate.closed():
        at_once.add_task(late)  # type: ignore[arg-type]  # a stand-in
    assert small.answers_itself
    assert handed == [other, late]
