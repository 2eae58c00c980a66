"""The X-Ray SDK at the edge: its UDP emitter, for documents that are made already."""

from __future__ import annotations

import socket
import time

from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter

RESOLVE_AGAIN = 60.0
RESOLVE_AFTER_FAILURE = 5.0
BUFFER_FULL_PAUSE = 0.005


class _Entity:
    """The one method that the X-Ray SDK's emitter wants of what it sends."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def serialize(self) -> str:
        return self._text


class Emitter(UDPEmitter):  # type: ignore[misc]  # aws-xray-sdk ships no types
    """The X-Ray SDK's emitter, to an address resolved once a minute instead of at each datagram.

    The SDK's own would read AWS_XRAY_DAEMON_ADDRESS again, resolve the name for every datagram, and log each failure.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._known = False
        self._ask_at = float("-inf")
        self.failed = False
        super().__init__()

    def close(self) -> None:
        """Give the socket back; what is sent after that counts as failed."""
        self._socket.close()

    def send_document(self, text: str) -> None:
        """Send one segment document; ``failed`` says whether it left this process."""
        self.send_entity(_Entity(text))

    def set_daemon_address(self, address: object) -> None:
        del address  # the SDK's default, or what it reads from the environment
        self._ip, self._port = self._address

    def _send_data(self, data: str) -> None:
        self.failed = not (self._resolve() and self._sent(data.encode("utf-8")))

    def _sent(self, datagram: bytes) -> bool:
        for _ in range(2):
            try:
                self._socket.sendto(datagram, (self._ip, self._port))
            except BlockingIOError:
                time.sleep(BUFFER_FULL_PAUSE)
            except OSError:
                return False
            else:
                return True
        return False

    def _resolve(self) -> bool:
        now = time.monotonic()
        if now >= self._ask_at:
            try:
                found = socket.getaddrinfo(*self._address, socket.AF_INET, socket.SOCK_DGRAM)
            except OSError:
                # A name server that is away for a moment does not unmake the address we know.
                self._ask_at = now + RESOLVE_AFTER_FAILURE
            else:
                self._ip = str(found[0][4][0])
                self._known = True
                self._ask_at = now + RESOLVE_AGAIN
        return self._known
