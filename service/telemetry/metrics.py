"""Metrics: what the request threads have left is summed in the encoder's thread; one flush each 5 s.

    request thread: one append ──▶ encoder: Metrics.request ──▶ at whole 5 s of the clock: Flush ──▶ EMF

A record carries the time at which it happened, so it is counted in its own interval even when the encoder is late.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from .emf import Flush, Series, operation_series, remote_series
from .histogram import Distribution, clamp
from .names import OVERFLOW
from .unpacking import Ended

log = logging.getLogger(__name__)

TICK = 5

Event = tuple[float, str, int]
"""(epoch seconds, name of an event metric, how many)."""
Call = tuple[float, str, float, bool]
"""A call to another service: (epoch seconds at its end, its name, milliseconds, whether it was a fault)."""


@dataclass(slots=True)
class _Operation:
    requests: int = 0
    faults: int = 0
    errors: int = 0
    slow: int = 0
    latency: Distribution = field(default_factory=Distribution)
    slowest: tuple[float, str] = (0.0, "")


@dataclass(slots=True)
class _Remote:
    calls: int = 0
    faults: int = 0
    latency: Distribution = field(default_factory=Distribution)


@dataclass(slots=True)
class _Interval:
    operations: dict[str, _Operation] = field(default_factory=dict)
    remotes: dict[str, _Remote] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    event_records: int = 0


class Guard:
    """At most ``most`` series a metric; what comes beyond is one more, and one warning."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[tuple[str, tuple[str, ...]], set[Series]] = {}
        self._warned: set[str] = set()

    def __call__(self, metric: str, series: Series) -> Series:
        """The series, or the overflow series of its dimensions."""
        known = self._known.setdefault((metric, tuple(key for key, _ in series)), set())
        if series in known or not series:
            return series
        if len(known) < self._most:
            known.add(series)
            return series
        if metric not in self._warned:
            self._warned.add(metric)
            log.warning("metric %s has more than %d series; others are summed as %s", metric, self._most, OVERFLOW)
        return tuple((key, OVERFLOW) for key, _ in series)


class Metrics:
    """Sums records by interval; all methods are the encoder thread's.

    ``complete(flush)`` adds to the newest flush what is read or told elsewhere; then ``flushed`` gets it.
    """

    def __init__(
        self, objective_ms: float, guard: Guard, complete: Callable[[Flush], None], flushed: Callable[[Flush], None]
    ) -> None:
        self._objective = objective_ms
        self._guard = guard
        self._complete = complete
        self._flushed = flushed
        self._intervals: dict[int, _Interval] = {}
        self._due = 0
        self._whole_minute = -1

    def start(self, now: float) -> None:
        """Begin with the interval of ``now`` (epoch seconds)."""
        self._due = _interval(now) + TICK

    def due(self) -> float:
        """When the next flush is due, in epoch seconds."""
        return self._due

    def request(self, ended: Ended) -> None:
        """A request was answered."""
        operations = self._at(ended.end_time / 1e9).operations
        one = operations.get(ended.operation)
        if one is None:
            one = operations[ended.operation] = _Operation()
        status, milliseconds = ended.code, ended.milliseconds
        one.requests += 1
        if status >= 500:
            one.faults += 1
        elif status >= 400:
            one.errors += 1
        if milliseconds > self._objective:
            one.slow += 1
        one.latency.record(clamp(milliseconds))
        if ended.sampled and milliseconds >= one.slowest[0]:
            one.slowest = milliseconds, ended.trace

    def call(self, call: Call) -> None:
        """A call to another service ended."""
        at, remote, milliseconds, fault = call
        one = self._at(at).remotes.setdefault(remote, _Remote())
        one.calls += 1
        one.faults += fault
        one.latency.record(clamp(milliseconds))

    def event(self, event: Event) -> None:
        """An event metric went up."""
        at, name, n = event
        interval = self._at(at)
        interval.events[name] = interval.events.get(name, 0) + n
        interval.event_records += 1

    def flush(self, now: float, *, end: bool = False) -> None:
        """Flush what is over at ``now``; with ``end`` everything."""
        if not end and self._due - TICK <= now < self._due:
            return
        newest = _interval(now) - (0 if end else TICK)
        for start in sorted({*(start for start in self._intervals if start < newest), newest}):
            self._flush(start, self._intervals.pop(start, _Interval()), newest=start == newest)
        self._due = _interval(now) + TICK

    def _at(self, at: float) -> _Interval:
        start = _interval(at)
        if start > self._due:  # the clock was set back since: it counts now
            start = self._due - TICK
        interval = self._intervals.get(start)
        if interval is None:
            interval = self._intervals[start] = _Interval()
        return interval

    def _flush(self, start: int, interval: _Interval, *, newest: bool) -> None:
        whole = newest and start // 60 != self._whole_minute
        flush = Flush(start, whole)
        if whole:
            self._whole_minute = start // 60
            flush.add((), "Heartbeat", 1)
        try:
            self._fill(flush, interval)
            if newest:
                self._complete(flush)
        except Exception:
            log.exception("some metrics of one interval were lost")
        self._flushed(flush)

    def _fill(self, flush: Flush, interval: _Interval) -> None:
        for name, operation in interval.operations.items():
            series = self._guard("Requests", operation_series(name))
            flush.weights[series] = flush.weights.get(series, 0) + operation.requests
            for metric, n in (
                ("Requests", operation.requests),
                ("Fault", operation.faults),
                ("Error", operation.errors),
                ("Slow", operation.slow),
            ):
                if n:
                    flush.add(series, metric, n)
                    flush.add((), metric, n)
            flush.add(series, "Latency", operation.latency)
            flush.add((), "Latency", operation.latency)
            if operation.slowest[1]:
                flush.slowest[series[0][1]] = max(operation.slowest, flush.slowest.get(series[0][1], (0.0, "")))
        for name, remote in interval.remotes.items():
            series = self._guard("DependencyCalls", remote_series(name))
            flush.weights[series] = flush.weights.get(series, 0) + remote.calls
            flush.add(series, "DependencyCalls", remote.calls)
            if remote.faults:
                flush.add(series, "DependencyFault", remote.faults)
            flush.add(series, "DependencyLatency", remote.latency)
        for name, n in interval.events.items():
            flush.add((), name, n)
        if interval.event_records:
            flush.weights[()] = interval.event_records


def _interval(at: float) -> int:
    """The first second of the interval of a time in epoch seconds."""
    return int(at) // TICK * TICK
