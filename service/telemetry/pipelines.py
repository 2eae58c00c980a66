"""The ways out of one process, from the request threads' records to the endpoints.

lines ────┐                 ┌─▶ Packer ─▶ Outbox, Sender ─▶ CloudWatch Logs …/logs
requests ─┤  Encoder        ├─▶ stdout
calls ────┤  (one thread) ──┼─▶ Metrics ─▶ Packer ─▶ Outbox, Sender ─▶ CloudWatch Logs …/emf
events ───┤                 │
spans ────┘                 └─▶ Packer ─▶ Outbox, Sender ─▶ X-Ray, or OTLP
"""

from __future__ import annotations

import logging
import os
import platform
import re
import time
from collections.abc import Callable
from pathlib import Path

from opentelemetry.sdk.resources import Resource

from . import unpacking
from .cloudwatch import CloudWatchLogs, LogEvents
from .delivery import Intake, Record, Transport
from .delivery.counts import CAUSES, OMITTED, TOLD_DROPPED, TOLD_LOST, UNANSWERED
from .delivery.desk import Desk
from .delivery.encoder import Encoder
from .delivery.intake import Bundles
from .delivery.outbox import Outbox
from .delivery.packer import Packer
from .delivery.sender import Sender
from .delivery.stdout import Stdout
from .emf import Declared, Documents, Flush
from .gauges import Gauges
from .lines import Lines
from .meter import Meters
from .metrics import Guard, Metrics
from .names import ACCESS_LOGGER
from .settings import Settings
from .span_data import SpanData, Whole
from .traces import way_out
from .waiting import Answered, Bundled, Logged

log = logging.getLogger(__name__)
access = logging.getLogger(ACCESS_LOGGER)

# What is accepted for each signal.
SIGNALS = {"logs": ("lines", "requests"), "emf": ("requests", "calls", "events"), "spans": ("spans", "bundled")}
RECORDS = 16_384
# Spans are most of what is spilled, metrics the least, and a full disk of one must not silence another.
SHARES = {"logs": 0.4, "emf": 0.1, "spans": 0.5}
LOG_LINGER, EMF_LINGER, SPAN_LINGER = 1.0, 0.0, 0.5
SPANS_A_BATCH = 500
# Of the time to close: the encoder's, and what the senders have; the rest is for what goes to disk, and for the end of
# the process itself.
ENCODER_SHARE, SENDER_SHARE = 0.4, 0.8


class Pipelines:
    """Made after the fork, once per process; ``declared`` is asked at each flush, as routes may come late."""

    def __init__(
        self,
        settings: Settings,
        resource: Resource,
        lines: Lines,
        gauges: Gauges,
        meters: Meters,
        declared: Callable[[], Declared],
        latency_objective_ms: float,
    ) -> None:
        self.desk = Desk(
            _directory(settings), SIGNALS, {name: int(settings.spill_bytes * share) for name, share in SHARES.items()}
        )
        self.counts = self.desk.counts
        self._cloudwatch, stream = CloudWatchLogs(settings), stream_name()
        self._way_out = way_out(settings, resource)
        self.senders = {
            "logs": self._sender("logs", settings.log_queue_bytes, self._group(settings.log_group, stream)),
            "emf": self._sender("emf", settings.emf_queue_bytes, self._group(settings.emf_group, stream)),
        }
        if self._way_out is not None:
            self.senders["spans"] = self._sender("spans", settings.span_queue_bytes, self._way_out.transport)
            self._span_packer = Packer(self.senders["spans"].put, SPAN_LINGER, SPANS_A_BATCH)
        self._log_packer = Packer(self.senders["logs"].put, LOG_LINGER)
        self._emf_packer = Packer(self.senders["emf"].put, EMF_LINGER)
        self._packers = [self._log_packer, self._emf_packer, *([self._span_packer] if self._way_out else [])]
        self.lines, self.calls, self.events = map(self._intake, ("lines", "calls", "events"), (RECORDS,) * 3)
        counts = self.counts
        self.requests = Bundles(
            RECORDS, counts.offered("requests"), counts.refused("requests"),
            settings.span_queue, counts.offered("bundled"), counts.refused("bundled"),
            unpacking.alone,
        )  # fmt: skip
        self.spans = self._intake("spans", settings.span_queue)
        self._guard = Guard(settings.metric_series)
        self.metrics = Metrics(latency_objective_ms, self._guard, self._complete, self._flushed)
        self._stdout = Stdout()
        self._texts: list[str] = []
        self._lines = lines
        self._gauges = gauges
        self._meters = meters
        self._declared = declared
        self._told_unanswered = 0
        self._told_dropped: dict[str, dict[str, int]] = {signal: {} for signal in SIGNALS}
        self._documents = Documents(
            settings.namespace, settings.service, settings.environment, strict=settings.strict_emf
        )
        self._encoder = Encoder(
            [
                ("lines", self.lines.items, self._line),
                # Before the requests: what of them did not wait for them.
                ("spans", self.spans.items, self._span),
                ("requests", self.requests.items, self._request),
                ("calls", self.calls.items, self.metrics.call),
                ("events", self.events.items, self.metrics.event),
            ],
            self._after,
            self.metrics.due,
            self._failed,
            gauges.busy,
        )

    def _sender(self, signal: str, max_bytes: int, transport: Transport) -> Sender:
        return Sender(Outbox(signal, self.counts, self.desk.spills.get(signal), max_bytes), transport)

    def _group(self, group: str, stream: str) -> Transport:
        return LogEvents(self._cloudwatch, group, stream)

    def _intake(self, name: str, capacity: int) -> Intake:
        return Intake(capacity, self.counts.offered(name), self.counts.refused(name))

    def start(self) -> None:
        """Start the encoder, and the search for what earlier processes left; senders start with what they send."""
        if self.desk.trouble:
            log.warning("nothing is kept on disk; what memory does not hold will be dropped: %s", self.desk.trouble)
        self.metrics.start(time.time())
        self._encoder.start()
        self.desk.inherit(self._inherited)

    def close(self, seconds: float) -> None:
        """Send what waits and stop all threads, within that time; what cannot be sent goes to disk."""
        began = time.monotonic()
        deadline = began + seconds * SENDER_SHARE
        self._encoder.close(began + seconds * ENCODER_SHARE)
        self._last_round()
        for sender in self.senders.values():
            sender.outbox.begin_close(deadline)
        for sender in self.senders.values():
            sender.close()
        self._stdout.close(deadline)
        self._cloudwatch.close()
        self.desk.close()

    def forget(self) -> None:
        """In a forked child: all of this is the parent's."""
        self.counts.forget()
        for spill in self.desk.spills.values():
            spill.seal()

    def waiting(self) -> int:
        """Records in memory and on disk that no endpoint has taken yet."""
        queued = sum(len(intake.items) for intake in (self.lines, self.requests, self.calls, self.events, self.spans))
        return queued + self.requests.held[0] + sum(sender.outbox.waiting() for sender in self.senders.values())

    def _line(self, item: bytes | Logged) -> None:
        record = self._lines.record(unpacking.line(item))
        if record is not None:
            self._log_packer.add(record)
            self._texts.append(record.text)

    def _request(self, item: bytes | Answered | Whole) -> None:
        ended = unpacking.request(item)
        if not isinstance(ended, Answered):
            self._served(ended)
        if isinstance(ended, Whole):
            ended = ended.answer
        self.metrics.request(ended)
        if not access.isEnabledFor(logging.INFO):
            self.counts.add("logs", OMITTED, 1)
            return
        text = self._lines.access(ended)
        self._log_packer.add(Record(ended.end_time // 1_000_000, text))
        self._texts.append(text)

    def _span(self, span: SpanData) -> None:
        if self._way_out is None:
            self.counts.add("spans", OMITTED, 1)
        elif (made := self._way_out.take(span)) is not None:
            self._span_packer.add(Record(int(time.time() * 1000), *made))

    def _served(self, served: Bundled | Whole) -> None:
        """The spans of a request that came with it."""
        n = 1 + (served.data.n if isinstance(served, Whole) else served.n)
        self.requests.held[0] -= n
        if self._way_out is None:
            self.counts.add("spans", OMITTED, n)
            return
        if isinstance(served, Bundled):
            made = self._way_out.bundle(served)
            if made is not None:
                self._span_packer.add(Record(int(time.time() * 1000), *made))
                return
            data = unpacking.whole(served)
        else:
            data = served.data
        for span in (*unpacking.spans(data), data):
            try:
                self._span(span)
            except Exception:
                self._failed("spans", 1)
                log.exception("a span could not be encoded")

    def _spans_left(self, now: float) -> None:
        if self._way_out is None:
            return
        for span in self._way_out.left():
            try:
                self._span_packer.add(Record(int(now * 1000), self._way_out.alone(span)))
            except Exception:
                self._failed("spans", 1)
                log.exception("a span could not be encoded")

    def _failed(self, source: str, n: int) -> None:
        for signal, inputs in SIGNALS.items():
            if source in inputs:
                self.counts.drop(signal, "encoding", n)

    def _after(self, now: float, *, end: bool = False) -> None:
        """At the end of each round of the encoder."""
        for record in self._lines.repeated(now, end=end):
            self._log_packer.add(record)
            self._texts.append(record.text)
        self._spans_left(now)
        self.metrics.flush(now, end=end)
        for packer in self._packers:
            packer.flush(None if end else now)
        if self._texts:
            texts, self._texts = self._texts, []
            self._stdout.write("\n".join(texts) + "\n", len(texts))

    def _last_round(self) -> None:
        try:
            self._after(time.time(), end=True)
        except Exception:
            log.exception("the last round of the encoder failed")
        for name, intake in (("lines", self.lines), ("requests", self.requests), ("spans", self.spans)):
            for signal, inputs in SIGNALS.items():
                if name in inputs and (left := len(intake.items)):
                    self.counts.drop(signal, "closed", left)
        self.counts.drop("spans", "closed", self.requests.held[0])

    def _inherited(self) -> None:
        for sender in self.senders.values():
            sender.start()
            sender.outbox.wake()

    def _flushed(self, flush: Flush) -> None:
        for document, weight in self._documents.write(flush, self._declared()):
            self._emf_packer.add(Record(flush.start * 1000, document, weight))

    def _complete(self, flush: Flush) -> None:
        """What is not in the records: gauges, anybody's instruments, and what became of the records themselves."""
        flush.gauges.update(self._gauges.read())
        flush.gauges["TelemetryWaiting"] = self.waiting()
        self._meters.fill(flush, self._guard)
        unanswered = sum(self.counts.get(signal, UNANSWERED) for signal in SIGNALS)
        _tell(flush, "TelemetryDuplicates", unanswered - self._told_unanswered)
        self._told_unanswered = unanswered
        for signal in SIGNALS:
            now, told = self.counts.dropped(signal), self._told_dropped[signal]
            for cause in CAUSES:
                _tell(flush, "TelemetryDropped", now[cause] - told.get(cause, 0), signal, cause)
            self._told_dropped[signal] = now
            self.counts.put(signal, TOLD_DROPPED, sum(now.values()))
            _, lost = self.counts.untold(signal)
            _tell(flush, "TelemetryLost", lost, signal, "killed")
            self.counts.add(signal, TOLD_LOST, max(0, lost))


def _tell(flush: Flush, metric: str, n: int, *of: str) -> None:
    if n > 0:
        flush.add((), metric, n)
        if of:
            flush.add(tuple(zip(("Signal", "Cause"), of, strict=True)), metric, n)


def stream_name() -> str:
    """A log stream of this process alone (CloudWatch Logs API: CreateLogStream: no ':' and no '*')."""
    host = re.sub(r"[^A-Za-z0-9._-]", "-", platform.node()) or "host"
    return f"{host}/{os.getpid()}-{int(time.time())}"


def _directory(settings: Settings) -> Path | None:
    """One for each user, service and environment: what is spilled there goes to the same log groups."""
    if settings.spill_dir is None or not settings.spill_bytes:
        return None
    name = settings.log_group.strip("/").replace("/", "-")
    return Path(settings.spill_dir) / f"telemetry-{os.geteuid()}-{name}"
