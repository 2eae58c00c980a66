"""Ended spans -> segment documents -> X-Ray daemon, by one thread.

UDP is best effort: the daemon never answers, so ``sent`` says what left this process, not what arrived.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from importlib import import_module

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from .segments import document

log = logging.getLogger(__name__)

# A receiver with the default buffer kept 92 of 2,000 datagrams sent at once: so few at a time, then a pause.
BURST = 50
PAUSE = 0.005
INTERVAL = 0.25


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
        # Not at the top: the SDK reads AWS_XRAY_DAEMON_ADDRESS when it is imported, before Settings could say what is
        # wrong with it.
        self._emitter = import_module(".emitter", __package__).Emitter(address)
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
            self._emitter.send_document(text)
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
