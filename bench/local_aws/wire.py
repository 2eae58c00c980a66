"""A client that costs next to nothing: requests are bytes made beforehand, one kept connection, no SDK."""

from __future__ import annotations

import re
import socket

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_TIMEOUT_S = 60.0


class Wire:
    """One connection to a server on loopback, made anew when the server has closed it (moto's does every time)."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body of the answer. OSError without one."""
        connection = self._socket or self._connect()
        self._socket = None  # until the answer is whole
        connection.sendall(request)
        head, _, body = self._until(connection, b"", b"\r\n\r\n")
        length = _LENGTH.search(head)
        if length is None:
            raise ConnectionError(f"an answer without a Content-Length: {head[:200]!r}")
        parts, missing = [body], int(length[1]) - len(body)
        while missing > 0:
            part = connection.recv(262_144)
            if not part:
                raise ConnectionError("the answer ends too soon")
            parts.append(part)
            missing -= len(part)
        if _CLOSES.search(head):
            connection.close()
        else:
            self._socket = connection
        return int(head[9:12]), b"".join(parts)

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._port), timeout=_TIMEOUT_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    @staticmethod
    def _until(connection: socket.socket, held: bytes, mark: bytes) -> tuple[bytes, bytes, bytes]:
        while mark not in held:
            part = connection.recv(65_536)
            if not part:
                raise ConnectionError("no answer")
            held += part
        return held.partition(mark)
