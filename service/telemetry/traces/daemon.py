"""Segment documents to the X-Ray daemon, by the X-Ray SDK's own UDP emitter.

UDP is best effort: the daemon never answers, so what left this process counts as delivered.
"""

from __future__ import annotations

import errno
import socket
import time

from aws_xray_sdk.core.emitters.udp_emitter import PROTOCOL_DELIMITER, PROTOCOL_HEADER, UDPEmitter

from ..delivery import Batch, Outcome

# A receiver with the default buffer kept 92 of 2,000 datagrams sent at once: so few at a time, then a pause.
BURST = 50
PAUSE = 0.005
HEADER = (PROTOCOL_HEADER + PROTOCOL_DELIMITER).encode()
RESOLVE_AGAIN = 60.0
RESOLVE_AFTER_FAILURE = 5.0
BUFFER_FULL_PAUSE = 0.005
# A datagram that no network takes; it would not take it later either.
NEVER = frozenset({errno.EMSGSIZE, errno.EINVAL})


class Daemon:
    """The transport to one daemon, for one thread."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._emitter = Emitter(address)

    def send(self, batch: Batch) -> Outcome:
        """Send each record as a datagram; what could not leave is to be sent again."""
        refused: list[int] = []
        for number, record in enumerate(batch.records):
            if number and number % BURST == 0:
                time.sleep(PAUSE)
            trouble = self._emitter.send_document(record.text)
            if trouble in NEVER:
                refused.append(number)
            elif trouble:
                again = range(number, len(batch.records))
                return Outcome(refused, again, f"UDP: {errno.errorcode.get(trouble, 'name unknown')}")
        return Outcome(refused, (), "UDP: document too large" if refused else "")

    def close(self) -> None:
        """Give the socket back."""
        self._emitter.close()


class Emitter(UDPEmitter):  # type: ignore[misc]  # aws-xray-sdk ships no types
    """The X-Ray SDK's emitter, to an address resolved once a minute instead of at each datagram.

    The SDK's own would read AWS_XRAY_DAEMON_ADDRESS again, resolve the name for every datagram, and log each failure.
    It takes entities and writes them; ours are written already. What is left is the kernel's share, 6 µs a datagram
    (sendmmsg would save a tenth of it).
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._address = address
        self._known = False
        self._ask_at = float("-inf")
        super().__init__()

    def close(self) -> None:
        """Give the socket back; what is sent after that has failed."""
        self._socket.close()

    def send_document(self, text: str) -> int:
        """Send one segment document. Returns 0, or the error number of what kept it here (-1: the name is unknown)."""
        if time.monotonic() >= self._ask_at:
            self._resolve()
        return self._sent(HEADER + text.encode("utf-8", "replace")) if self._known else -1

    def set_daemon_address(self, address: object) -> None:
        del address  # the SDK's default, or what it reads from the environment
        self._ip, self._port = self._address

    def _sent(self, datagram: bytes) -> int:
        for _ in range(2):
            try:
                self._socket.sendto(datagram, (self._ip, self._port))
            except BlockingIOError:
                time.sleep(BUFFER_FULL_PAUSE)
            except OSError as error:
                return error.errno or errno.EIO
            else:
                return 0
        return errno.EAGAIN

    def _resolve(self) -> None:
        now = time.monotonic()
        try:
            found = socket.getaddrinfo(*self._address, socket.AF_INET, socket.SOCK_DGRAM)
        except OSError:
            # A name server that is away for a moment does not unmake the address we know.
            self._ask_at = now + RESOLVE_AFTER_FAILURE
        else:
            self._ip = str(found[0][4][0])
            self._known = True
            self._ask_at = now + RESOLVE_AGAIN
