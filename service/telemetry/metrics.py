"""Metrics: compact records from the request threads -> OpenTelemetry instruments -> one flush each 5 s.

    request thread: one append ──▶ deque ──▶ ticker thread: instruments, collect at whole 5 s of the clock ──▶ EMF

A record carries the time at which it happened, so it is counted in its own interval even when the ticker is late.
"""

from __future__ import annotations

import logging
import resource
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk.metrics import (
    AlwaysOffExemplarFilter,
    Counter,
    Histogram,
    MeterProvider,
    ObservableCounter,
)
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricReader, MetricsData
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation
from opentelemetry.sdk.resources import Resource

from .emf import Flush
from .histogram import MAX_SIZE, SCALE, Distribution, clamp
from .names import BY_INSTRUMENT

log = logging.getLogger(__name__)

TICK = 5
DRAIN_EVERY = 0.5
CHUNK = 100
RECORDS = 50_000
UNITS = {"Milliseconds": "ms", "Bytes": "By", "Count": "1"}

Record = tuple[float, str, str, int, float, int]  # when it ended, kind, name, number, milliseconds, trace id


class Gauges:
    """What is read rather than counted. The peaks are since the last reading."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._in_flight = self._in_flight_peak = 0
        self._pools: list[Callable[[], int]] = []
        self._pool_peak = 0

    def enter(self) -> None:
        """A request has begun."""
        with self._lock:
            self._in_flight += 1
            self._in_flight_peak = max(self._in_flight_peak, self._in_flight)

    def leave(self) -> None:
        """A request has ended."""
        with self._lock:
            self._in_flight -= 1

    def reset(self) -> None:
        """In a child after a fork: nothing is in flight here, and the lock may have been held there."""
        self._lock = threading.Lock()
        self._in_flight = self._in_flight_peak = self._pool_peak = 0

    def add_pool(self, in_use: Callable[[], int]) -> None:
        """Watch a connection pool: in_use() says how many connections are out."""
        self._pools.append(in_use)

    def pool_changed(self) -> None:
        """A connection was taken."""
        with self._lock:
            self._pool_peak = max(self._pool_peak, sum(in_use() for in_use in self._pools))

    def read_in_flight(self, _: CallbackOptions) -> Iterable[Observation]:
        """OpenTelemetry callback of InFlight."""
        with self._lock:
            peak, self._in_flight_peak = self._in_flight_peak, self._in_flight
        return [Observation(peak)]

    def read_pool(self, _: CallbackOptions) -> Iterable[Observation]:
        """OpenTelemetry callback of PoolInUse; nothing without a pool."""
        if not self._pools:
            return []
        with self._lock:
            now = sum(in_use() for in_use in self._pools)
            peak, self._pool_peak = max(self._pool_peak, now), now
        return [Observation(peak)]

    @staticmethod
    def read_memory(_: CallbackOptions) -> Iterable[Observation]:
        """OpenTelemetry callback of ProcessMemory: resident now on Linux, the highest so far elsewhere."""
        try:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            return [Observation(pages * resource.getpagesize())]
        except OSError:
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            return [Observation(peak if sys.platform == "darwin" else peak * 1024)]


class MetricPump:
    """Takes records from any thread; gives a Flush to ``flushed`` at each whole 5 s of the wall clock.

    ``dropped_elsewhere`` says how many records other parts have dropped, for TelemetryDropped.
    """

    def __init__(
        self,
        about: Resource,
        gauges: Gauges,
        flushed: Callable[[Flush], None],
        dropped_elsewhere: Callable[[], int],
        latency_objective_ms: float,
    ) -> None:
        self.dropped = 0
        self._records: deque[Record] = deque()
        self._objective = latency_objective_ms
        self._flushed = flushed
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._slowest: dict[str, tuple[float, int]] = {}
        self._whole_minute = -1
        self._reader = _Reader()
        self._provider = MeterProvider([self._reader], about, AlwaysOffExemplarFilter(), shutdown_on_exit=False)
        self._make_instruments(gauges, dropped_elsewhere)

    def request(self, ended: float, operation: str, status: int, milliseconds: float, trace_id: int) -> None:
        """A request was answered; trace_id is 0 if it is not sampled."""
        self._append((ended, "request", operation, status, milliseconds, trace_id))

    def dependency(self, ended: float, remote: str, milliseconds: float, *, fault: bool) -> None:
        """A call to another service ended."""
        self._append((ended, "dependency", remote, int(fault), milliseconds, 0))

    def event(self, ended: float, name: str, n: int) -> None:
        """An event metric went up by n."""
        self._append((ended, "event", name, n, 0.0, 0))

    def start(self) -> None:
        """Start the ticker."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="telemetry metrics", daemon=True)
            self._thread.start()

    def close(self, deadline: float) -> None:
        """Stop the ticker after one last flush of all there is; wait for it until the deadline (monotonic seconds)."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))

    def _append(self, record: Record) -> None:
        if len(self._records) < RECORDS:
            self._records.append(record)
        else:
            with self._lock:
                self.dropped += 1

    def _make_instruments(self, gauges: Gauges, dropped_elsewhere: Callable[[], int]) -> None:
        meter = self._provider.get_meter(__name__)
        self._count: dict[str, Any] = {}
        self._time: dict[str, Any] = {}
        for metric in BY_INSTRUMENT.values():
            if metric.kind == "histogram":
                self._time[metric.name] = meter.create_histogram(metric.name, UNITS[metric.unit], metric.meaning)
            elif metric.kind == "counter" and metric.name != "TelemetryDropped":
                self._count[metric.name] = meter.create_counter(metric.name, UNITS[metric.unit], metric.meaning)
        meter.create_observable_gauge("InFlight", [gauges.read_in_flight], "1")
        meter.create_observable_gauge("PoolInUse", [gauges.read_pool], "1")
        meter.create_observable_gauge("ProcessMemory", [gauges.read_memory], "By")
        meter.create_observable_counter(
            "TelemetryDropped", [lambda _: [Observation(self.dropped + dropped_elsewhere())]], "1"
        )

    def _run(self) -> None:
        due = _next_tick(time.time())
        while not self._closing.wait(max(0.0, min(DRAIN_EVERY, due - time.time()))):
            now = time.time()
            self._drain(due)
            if now >= due:
                self._flush(due - TICK)
            if now >= due or due - now > TICK:  # the second: the clock was set back
                due = _next_tick(now)
        self._drain(float("inf"))
        self._flush(due - TICK)

    def _drain(self, until: float) -> None:
        """Record what ended before ``until``; in chunks, so that request threads get their turn.

        What ended long after it has the time of a clock that was set back since: it would hold up all behind it.
        """
        records, number = self._records, 0
        while records and not until <= records[0][0] <= until + TICK:
            self._apply(records.popleft())
            number += 1
            if number % CHUNK == 0:
                time.sleep(0.001)

    def _apply(self, record: Record) -> None:
        _, kind, name, number, milliseconds, trace_id = record
        if kind == "event":
            self._count[name].add(number)
        elif kind == "dependency":
            labels = {"RemoteService": name}
            self._count["DependencyCalls"].add(1, labels)
            if number:
                self._count["DependencyFault"].add(1, labels)
            self._time["DependencyLatency"].record(clamp(milliseconds), labels)
        else:
            labels = {"Operation": name}
            self._count["Requests"].add(1, labels)
            if number >= 500:
                self._count["Fault"].add(1, labels)
            elif number >= 400:
                self._count["Error"].add(1, labels)
            if milliseconds > self._objective:
                self._count["Slow"].add(1, labels)
            self._time["Latency"].record(clamp(milliseconds), labels)
            if trace_id and milliseconds >= self._slowest.get(name, (0.0, 0))[0]:
                self._slowest[name] = (milliseconds, trace_id)

    def _flush(self, start: int) -> None:
        whole = start // 60 != self._whole_minute
        if whole:
            self._whole_minute = start // 60
            self._count["Heartbeat"].add(1)
        flush = Flush(start, whole, slowest=self._slowest)
        self._slowest = {}
        try:
            self._reader.collect()
            self._reader.fill(flush)
            self._flushed(flush)
        except Exception:
            # The next interval must find the ticker alive.
            log.exception("the metrics of one interval were lost")


class _Reader(MetricReader):
    """Delta temporality, and the last collection as a Flush."""

    def __init__(self) -> None:
        delta = AggregationTemporality.DELTA
        super().__init__(
            preferred_temporality={Counter: delta, Histogram: delta, ObservableCounter: delta},
            # Starting at SCALE spares the SDK the search for a scale, and all points come alike.
            preferred_aggregation={Histogram: ExponentialBucketHistogramAggregation(MAX_SIZE, SCALE)},
        )
        self._data: MetricsData | None = None
        self._ignored: set[str] = set()

    def _receive_metrics(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: Any) -> None:
        del timeout_millis, kwargs  # OpenTelemetry's signature
        self._data = metrics_data

    def shutdown(self, timeout_millis: float = 30_000, **kwargs: Any) -> None:
        """Nothing to shut down."""

    def fill(self, flush: Flush) -> None:
        """Move the collected points into ``flush``, under CloudWatch's names."""
        data, self._data = self._data, None
        for found in data.resource_metrics if data is not None else ():
            for scope in found.scope_metrics:
                for metric in scope.metrics:
                    self._fill_one(flush, metric)

    def _fill_one(self, flush: Flush, metric: Any) -> None:
        known = BY_INSTRUMENT.get(metric.name)
        if known is None:
            if metric.name not in self._ignored:
                self._ignored.add(metric.name)
                log.warning("metric %s is not in names.py and is not sent", metric.name)
            return
        for point in metric.data.data_points:
            name = str(point.attributes.get("Operation") or point.attributes.get("RemoteService") or "")
            if known.kind == "histogram":
                flush.distributions.setdefault((known.name, name), Distribution()).add(point)
            elif known.kind == "gauge":
                flush.gauges[known.name] = point.value
            elif point.value:
                flush.counters[known.name, name] = flush.counters.get((known.name, name), 0) + point.value


def _next_tick(now: float) -> int:
    return (int(now) // TICK + 1) * TICK
