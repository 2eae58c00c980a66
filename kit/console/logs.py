"""Log widgets with their answers: each query is started, waited for a moment, and asked for again only seldom.

On AWS a query costs by the bytes that it reads, so an answer serves every page for half a minute at least.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from kit.charts.dashboard import Widget
from kit.charts.logs import LogQuery, LogRows, log_query, read_rows
from kit.charts.queries import own_range
from kit.charts.timerange import TimeRange
from kit.console.cloud import Cloud
from kit.errors import KitError

AGAIN_S = 30.0
SHARE = 0.02
"""Of the range shown: a query over a day is asked again after half an hour."""

PATIENCE_S = 1.5
"""How long one refresh waits for all of a page's queries; what is not ready then comes with the next."""

POLL_S = 0.1
MOST_KEPT = 24
MOST_QUERIES = 20
"""Of one dashboard: a query is work, and money."""


@dataclass(frozen=True, slots=True)
class Read:
    """The rows of a log widget, or why there are none (yet)."""

    rows: LogRows | None = None
    problem: str | None = None


@dataclass(slots=True)
class _Asked:
    at: float
    id: str
    rows: LogRows | None = None
    problem: str | None = None
    before: LogRows | None = None


class LogReader:
    """Asks for the rows of log widgets."""

    def __init__(self, cloud: Cloud, clock: Callable[[], float]) -> None:
        self._cloud = cloud
        self._clock = clock
        self._asked: dict[tuple[LogQuery, float, float | None], _Asked] = {}

    def read(self, widgets: Iterable[Widget], shown: TimeRange) -> Mapping[int, Read]:
        """Rows by widget index. A query that is refused only says so in its own widget."""
        found: dict[int, Read] = {}
        waiting: dict[int, tuple[LogQuery, _Asked]] = {}
        for number, widget in enumerate(widgets):
            query = log_query(widget)
            if isinstance(query, str) or number >= MOST_QUERIES:
                problem = query if isinstance(query, str) else f"Only {MOST_QUERIES} log queries of a page are asked."
                found[widget.index] = Read(problem=problem)
            else:
                waiting[widget.index] = (query, self._started(query, own_range(widget, shown)))
        self._wait(waiting.values())
        for index, (_, asked) in waiting.items():
            rows = asked.rows or asked.before
            running = Read(problem="The query still runs.")
            found[index] = Read(problem=asked.problem) if asked.problem else Read(rows) if rows else running
        return found

    def _started(self, query: LogQuery, shown: TimeRange) -> _Asked:
        key = (query, shown.span_s, None if shown.live else shown.start)
        now = self._clock()
        asked = self._asked.get(key)
        if asked is not None and (not shown.live or now - asked.at < max(AGAIN_S, SHARE * shown.span_s)):
            return asked
        before = (asked.rows or asked.before) if asked is not None else None
        try:
            fresh = _Asked(now, self._cloud.start_query(query, shown.start, shown.end), before=before)
        except KitError as error:
            fresh = _Asked(now, "", problem=error.problem)
        self._asked.pop(key, None)
        self._asked[key] = fresh
        while len(self._asked) > MOST_KEPT:
            del self._asked[next(iter(self._asked))]
        return fresh

    def _wait(self, waiting: Iterable[tuple[LogQuery, _Asked]]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        left = [(query, asked) for query, asked in waiting if asked.rows is None and asked.problem is None]
        while left:
            left = [(query, asked) for query, asked in left if not self._came(query, asked)]
            if not left or time.monotonic() >= deadline:
                return
            time.sleep(POLL_S)

    def _came(self, query: LogQuery, asked: _Asked) -> bool:
        try:
            answer = self._cloud.query_results(query, asked.id)
        except KitError as error:
            asked.problem = error.problem
            return True
        status = answer.get("status")
        if status == "Complete":
            asked.rows = read_rows(answer)
        elif status not in ("Running", "Scheduled"):
            asked.problem = f"The query ended as {status}."
        return asked.rows is not None or asked.problem is not None
