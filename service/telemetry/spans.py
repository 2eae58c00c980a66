"""Ended spans -> segment documents -> X-Ray daemon, by one thread.

UDP is best effort: the daemon never answers, so ``sent`` says what left this process, not what arrived.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import deque
from collections.abc import Callable

from aws_xray_sdk.core.emitters.udp_emitter import UDPEmitter
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from .segments import document

log = logging.getLogger(__name__)

# A receiver with the default buffer kept 92 of 2,000 datagrams sent at once: so few at a time, then a pause.
BURST = 50
PAUSE = 0.005
INTERVAL = 0.25
RESOLVE_AGAIN = 60.0
RESOLVE_AFTER_FAILURE = 5.0


class SpanPump:
    """A bounded queue of ended spans and the thread that sends them. Nothing starts before the first span.

    ``accepted``, ``sent`` and ``dropped`` count spans; ``accepted`` = sent + dropped + those waiting.
    """

    def __init__(self, address: tuple[str, int], log_group: str, capacity: int) -> None:
        self.accepted = self.sent = self.dropped = 0
        self._log_group = log_group
        self._capacity = capacity
        self._spans: deque[ReadableSpan] = deque()
        self._lock = threading.Lock()
        self._emitter = _Emitter(address)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    def put(self, span: ReadableSpan) -> None:
        """Append an ended span; never blocks. A full queue drops it and counts it."""
        with self._lock:
            self.accepted += 1
            if len(self._spans) >= self._capacity or self._closing.is_set() or not self._alive():
                self.dropped += 1
            else:
                self._spans.append(span)

    def close(self, deadline: float) -> None:
        """Send what waits, until the deadline (monotonic seconds); drop and count the rest."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
        with self._lock:
            self.dropped += len(self._spans)
            self._spans.clear()
        self._emitter.close()

    def _alive(self) -> bool:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="telemetry spans", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is shutting down
                self._thread = None
                return False
        return True

    def _run(self) -> None:
        while not self._closing.wait(INTERVAL):
            self._send()
        self._send()

    def _send(self) -> None:
        for number in range(len(self._spans)):
            try:
                span = self._spans.popleft()
            except IndexError:  # close() has emptied it
                return
            if number and number % BURST == 0:
                time.sleep(PAUSE)
            try:
                text = document(span, self._log_group)
            except Exception:
                # A span that cannot be told is lost alone.
                log.exception("a span could not be made a segment")
                self.dropped += 1
                continue
            self._emitter.send_entity(_Entity(text))
            if self._emitter.failed:
                self.dropped += 1
            else:
                self.sent += 1


class EndedSpans(SpanProcessor):
    """Hands ended, sampled spans to this process's pump, which a fork replaces."""

    def __init__(self, pump: Callable[[], SpanPump | None]) -> None:
        self._pump = pump

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Nothing to do."""

    def on_end(self, span: ReadableSpan) -> None:
        """Queue the span if it is sampled."""
        context = span.get_span_context()
        pump = self._pump()
        if pump is not None and context is not None and context.trace_flags.sampled:
            pump.put(span)


class _Entity:
    """The one method that the X-Ray SDK's emitter wants of what it sends."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def serialize(self) -> str:
        return self._text


class _Emitter(UDPEmitter):  # type: ignore[misc]  # aws-xray-sdk ships no types
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
                time.sleep(PAUSE)
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
