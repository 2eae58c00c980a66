"""What is measured: one class a kind, all asked for one round of one server at a time."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import cycle, islice
from math import ceil
from statistics import median
from typing import Any, Protocol

from bench.local_aws import requests
from bench.local_aws.rows import OURS, Row, Target
from bench.local_aws.servers import Running

JUST_S, FIRST_S = 0.4, 3.0
_QUESTIONS_A_ROUND = 10


class Measure(Protocol):
    """One row and how its numbers come about."""

    row: Row
    servers: Sequence[str] | None

    def round(self, server: Running, seconds: float) -> None:
        """Adds a sample. Raises UnusableError if the server can't do it."""
        ...


class UnusableError(Exception):
    """The server answers with an error, or wrongly; the text says how."""


@dataclass
class Throughput:
    """Calls one after the other on one connection: how many items a second. ``servers`` None means all."""

    row: Row
    make: Callable[[], Sequence[bytes]]
    items: int = 1
    servers: Sequence[str] | None = None
    again: bool = True

    def round(self, server: Running, seconds: float) -> None:
        """Sends for so many seconds; without ``again`` until the requests are used up."""
        made = self.make()
        calls, cpu = 0, server.cpu_s()
        began = time.perf_counter()
        for request in cycle(made) if self.again else made:
            _checked(server, request)
            calls += 1
            if time.perf_counter() - began >= seconds:
                break
        took = time.perf_counter() - began
        self.row.samples[server.name].append(calls * self.items / took)
        self.row.cpu_ms[server.name].append((server.cpu_s() - cpu) / calls * 1000)


@dataclass
class StoredPoints:
    """A day of points of one metric, the same for every server, and what is asked about them."""

    start: int
    values: Sequence[float]

    @classmethod
    def before(cls, now: float, count: int = requests.STORED_POINTS) -> StoredPoints:
        """The day that ended with the last whole hour."""
        dice = random.Random(3)
        start = int(now // 3600) * 3600 - requests.STORED_S
        return cls(start, [round(dice.lognormvariate(4, 1), 3) for _ in range(count)])

    @property
    def end(self) -> int:
        return self.start + requests.STORED_S

    def by_period(self, period: int) -> list[list[float]]:
        """The values of each period, in rising order."""
        step = requests.STORED_S / len(self.values)
        periods: list[list[float]] = [[] for _ in range(requests.STORED_S // period)]
        for number, value in enumerate(self.values):
            periods[int(number * step // period)].append(value)
        return [sorted(values) for values in periods]


@dataclass
class Percentile:
    """GetMetricData of a percentile near p99 that was never asked before, so that no memo can answer it."""

    row: Row
    points: StoredPoints
    period: int
    servers: Sequence[str] | None = None
    asked: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._sorted = self.points.by_period(self.period)
        self._percents = [98 + n / 100 for n in range(200)]
        random.Random(4).shuffle(self._percents)

    def round(self, server: Running, seconds: float) -> None:
        """Asks up to ten questions; the answers are checked after the clock has stopped.

        Adds nothing once every question was asked.
        """
        first = self.asked[server.name]
        if first >= len(self._percents):
            return
        questions = list(islice(self._percents, first, first + _QUESTIONS_A_ROUND))
        made = [
            requests.question(self.points.start, self.points.end, self.period, f"p{percent:g}") for percent in questions
        ]
        answers = _timed(self.row, server, made, seconds)
        self.asked[server.name] += len(answers)
        for percent, answer in zip(questions, answers, strict=False):
            self._check(answer, percent)

    def _check(self, answer: bytes, percent: float) -> None:
        """Nearest rank or interpolated, a percentile lies between its neighbours; empty periods have none."""
        found = _points(answer)
        expected = {self.points.start + n * self.period: v for n, v in enumerate(self._sorted) if v}
        if found.keys() != expected.keys():
            raise UnusableError(f"wrong: {len(found)} datapoints instead of {len(expected)}")
        for at, values in expected.items():
            rank = ceil(percent * len(values) / 100) - 1
            low, high = values[max(0, rank - 1)], values[min(len(values) - 1, rank + 1)]
            if not low - 1e-3 <= found[at] <= high + 1e-3:
                raise UnusableError(f"wrong: p{percent:g} is {found[at]}, not {values[rank]}")


@dataclass
class Sum:
    """GetMetricData of Sum over the same points, period of five minutes."""

    row: Row
    points: StoredPoints
    servers: Sequence[str] | None = None

    def round(self, server: Running, seconds: float) -> None:
        """Asks up to ten times; nobody remembers sums."""
        request = requests.question(self.points.start, self.points.end, 300, "Sum")
        for answer in _timed(self.row, server, [request] * _QUESTIONS_A_ROUND, seconds):
            total = sum(_points(answer).values())
            if abs(total - sum(self.points.values)) > 1e-6 * total:
                raise UnusableError(f"wrong: {total} in all instead of {sum(self.points.values)}")


def first_writes() -> list[tuple[Measure, float]]:
    """What is measured right after every launch, each for so many seconds: some servers slow down with what they hold.

    ministack answers three times as many calls in its first 0.4 s as in its first 3 s.
    """
    made = []
    for what, seconds in (("just launched", JUST_S), (f"the next {FIRST_S:g} s", FIRST_S)):
        row = Row(
            f"PutMetricData, {requests.DATA_A_CALL} a call, JSON, {what}", "calls/s", True, Target("ministack", 4)
        )
        made.append((Throughput(row, partial(requests.metric_data, "json")), seconds))
    return made


def writes() -> list[Measure]:
    """What is measured before the points are stored."""
    data, events, segments = requests.DATA_A_CALL, requests.EVENTS_A_CALL, requests.SEGMENTS_A_CALL
    json_data, query_data, cbor_data = (partial(requests.metric_data, name) for name in ("json", "query", "cbor"))
    return [
        Throughput(Row(f"PutMetricData, {data} a call, JSON", "calls/s", True, Target("ministack", 4)), json_data),
        Throughput(Row(f"PutMetricData, {data} a call, query", "calls/s", True), query_data, servers=OURS),
        Throughput(Row(f"PutMetricData, {data} a call, CBOR", "calls/s", True), cbor_data, servers=OURS),
        Throughput(
            Row(f"PutLogEvents, {events} a call", "events/s", True, Target("moto", 3)), requests.log_events, events
        ),
        Throughput(
            Row(f"PutTraceSegments, {segments} a call", "segments/s", True),
            partial(requests.trace_segments, 400),
            segments,
            again=False,
        ),
    ]


def reads(points: StoredPoints) -> list[Measure]:
    """What is asked about the stored points."""
    target = Target("ministack", 10)
    percentiles = [
        Percentile(Row(_question("p99", period, points), "ms", False, target), points, period)
        for period in (60, 300, 3600)
    ]
    return [*percentiles, Sum(Row(_question("Sum", 300, points), "ms", False), points)]


def store(server: Running, points: StoredPoints) -> None:
    """Sends all of the points, 500 a call."""
    step = requests.STORED_S / len(points.values)
    for call in requests.stored([(points.start + n * step, value) for n, value in enumerate(points.values)]):
        _checked(server, call)


def prepare(server: Running) -> None:
    """Makes the log stream."""
    for request in requests.log_stream():
        _checked(server, request)


def _question(statistic: str, period: int, points: StoredPoints) -> str:
    return f"GetMetricData {statistic} of {len(points.values):,} points, period {period} s"


def _timed(row: Row, server: Running, made: Sequence[bytes], seconds: float) -> list[bytes]:
    """Asks until the time or the questions are used up; the middle of the milliseconds is the round's sample."""
    answers, took = [], []
    cpu, began = server.cpu_s(), time.perf_counter()
    for request in made:
        asked = time.perf_counter()
        answers.append(_checked(server, request))
        took.append((time.perf_counter() - asked) * 1000)
        if time.perf_counter() - began >= seconds:
            break
    row.samples[server.name].append(median(took))
    row.cpu_ms[server.name].append((server.cpu_s() - cpu) / len(took) * 1000)
    return answers


def _checked(server: Running, request: bytes) -> bytes:
    status, body = server.wire.ask(request)
    if status != 200:
        raise UnusableError(f"HTTP {status}")
    return body


def _points(answer: bytes) -> dict[int, float]:
    try:
        (result,) = json.loads(answer)["MetricDataResults"]
        return {_epoch(at): value for at, value in zip(result["Timestamps"], result["Values"], strict=True)}
    except (ValueError, KeyError, TypeError) as error:
        raise UnusableError(f"unreadable: {error!r:.60}") from error


def _epoch(timestamp: Any) -> int:
    return int(datetime.fromisoformat(timestamp).timestamp() if isinstance(timestamp, str) else timestamp)
