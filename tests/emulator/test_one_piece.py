"""How answers leave, seen on the socket itself."""

from __future__ import annotations

import socket

from kit.emulator.server import Emulator

CALL = (
    b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n"
    b"X-Amz-Target: GraniteServiceVersion20100801.ListDashboards\r\nContent-Type: application/x-amz-json-1.0\r\n\r\n{}"
)


def test_head_and_body_arrive_together(emulator: Emulator) -> None:
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as connection:
        connection.sendall(CALL)
        head, _, body = connection.recv(65_536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert f"Content-Length: {len(body)}\r\n".encode() in head + b"\r\n"
    assert body.startswith(b"{")


def test_a_connection_is_used_again_and_again(emulator: Emulator) -> None:
    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as connection:
        for _ in range(3):
            connection.sendall(CALL)
            assert connection.recv(65_536).endswith(b"}")
