"""The X-Ray daemon's UDP side: segments arrive as datagrams and go to the engine.

Source: AWS X-Ray Developer Guide, "Sending trace data to X-Ray": a header line
``{"format": "json", "version": 1}``, a newline, one document.
"""

from __future__ import annotations

import contextlib
import logging
import socket
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

_RECEIVE_BUFFER = 8 * 1024 * 1024
_SO_RCVBUFFORCE = 33  # Linux, socket(7): beyond rmem_max, for who may
_MOST_WAITING_BYTES = 16 * 1024 * 1024
_LARGEST_DATAGRAM = 65_535
_READ_AHEAD = 256  # datagrams read before one document is handed on, so that a flood can't starve the storing


class DatagramListener:
    """Reads datagrams off the socket as soon as they come, and hands documents on in between.

    UDP is unacknowledged: what the kernel's buffer can't hold is gone unseen, so reading goes before parsing.
    """

    def __init__(self, listening: socket.socket, take: Callable[[bytes], bool]) -> None:
        """``take(document)`` stores one document and says whether it was good. The socket becomes ours."""
        self._socket = listening
        self._take = take
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._stopping = threading.Event()
        self._received = self._malformed = self._dropped = 0
        self._thread = threading.Thread(target=self._run, name="xray-udp", daemon=True)
        widen(listening)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End; the socket is closed."""
        self._stopping.set()
        host, port = self._socket.getsockname()[:2]
        with contextlib.suppress(OSError):
            # the receiver sleeps in recv: an empty datagram to itself wakes it on every system
            self._socket.sendto(b"", ("127.0.0.1" if host == "0.0.0.0" else host, port))  # noqa: S104 - compared, not bound
        self._thread.join(timeout=1.0)
        self._socket.close()

    def counts(self) -> Mapping[str, int]:
        """Datagrams so far: received, malformed (of those), dropped because too many waited."""
        return {"received": self._received, "malformed": self._malformed, "dropped": self._dropped}

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._drain()
            except OSError as error:
                if not self._stopping.is_set():
                    log.warning("reading X-Ray datagrams: %s", error)
                continue
            self._hand_on_one()

    def _drain(self) -> None:
        """Read what is there; sleep only when nothing is left to hand on."""
        flags = socket.MSG_DONTWAIT if self._waiting else 0
        for _ in range(_READ_AHEAD):
            try:
                datagram = self._socket.recv(_LARGEST_DATAGRAM, flags)
            except BlockingIOError:
                return
            flags = socket.MSG_DONTWAIT
            if not datagram:
                if self._stopping.is_set():
                    return
                continue
            self._received += 1
            if self._waiting_bytes + len(datagram) > _MOST_WAITING_BYTES:
                self._dropped += 1
                continue
            self._waiting.append(datagram)
            self._waiting_bytes += len(datagram)

    def _hand_on_one(self) -> None:
        if not self._waiting:
            return
        datagram = self._waiting.popleft()
        self._waiting_bytes -= len(datagram)
        document = document_in(datagram)
        try:
            good = document is not None and self._take(document)
        except Exception:
            log.exception("a datagram's document could not be stored")
            good = False
        self._malformed += not good


def document_in(datagram: bytes) -> bytes | None:
    """The document in one datagram; None if the header line is not the protocol's."""
    header, newline, document = datagram.partition(b"\n")
    if not newline or b'"json"' not in header or not header.lstrip().startswith(b"{"):
        return None
    return document


def widen(listening: socket.socket) -> None:
    """Ask for a large receive buffer; the kernel grants what it may."""
    options = (socket.SO_RCVBUF, _SO_RCVBUFFORCE) if sys.platform == "linux" else (socket.SO_RCVBUF,)
    for option in options:
        with contextlib.suppress(OSError):
            listening.setsockopt(socket.SOL_SOCKET, option, _RECEIVE_BUFFER)
