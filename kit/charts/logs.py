"""A log widget: its query as StartQuery takes it, and the rows that come back as a table or as lines.

Source: "Dashboard Body Structure and Syntax", log widget: the query begins with ``SOURCE 'group' |``, once for each
group; the rest is a Logs Insights query.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from kit.charts.dashboard import Widget
from kit.charts.drawing import Drawing, draw_metric
from kit.charts.lines import Line
from kit.charts.theme import Theme
from kit.charts.timerange import TimeRange

MOST_ROWS = 200
"""What one tile shows; a longer list is for the console of CloudWatch."""

MOST_BINS = 1000
MOST_LINES = 60
LONGEST_CELL = 1000
DEFAULT_PERIOD_S = 60

_SOURCE = re.compile(r"""\s*SOURCE\s+(?:'[^']*'|"[^"]*"|`[^`]*`)\s*(?:\||$)""", re.IGNORECASE)
_QUOTED = re.compile(r"'([^']*)'|\"([^\"]*)\"|`([^`]*)`")
_STATS = re.compile(r"\|\s*stats\b", re.IGNORECASE)
_TIME = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}(?:\.\d{1,6})?")


@dataclass(frozen=True, slots=True)
class LogQuery:
    """What a log widget asks; ``groups`` are log group names, ``limit`` is what the tile can show."""

    groups: tuple[str, ...]
    text: str
    region: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class LogRows:
    """The answer: columns in the order in which they were met, each row's cells by column, and what was read."""

    columns: tuple[str, ...] = ()
    rows: tuple[Mapping[str, str], ...] = ()
    matched: int = 0
    scanned: int = 0


def log_query(widget: Widget) -> LogQuery | str:
    """The query of a log widget, or why there is none."""
    text = widget.properties.get("query")
    region = widget.properties.get("region")
    if not isinstance(text, str) or not text.strip():
        return "The log widget has no query."
    groups: list[str] = []
    while match := _SOURCE.match(text):
        groups += [next(filter(None, found), "") for found in _QUOTED.findall(match.group())]
        text = text[match.end() :]
    groups = [group for group in groups if group]
    if not groups:
        return "The query names no log group: it must begin with SOURCE 'group' |."
    region = region if isinstance(region, str) and region else None
    limit = MOST_ROWS if widget.properties.get("view", "table") == "table" else MOST_BINS
    return LogQuery(tuple(dict.fromkeys(groups)), text.strip(), region, limit)


def read_rows(answer: Mapping[str, Any]) -> LogRows:
    """What GetQueryResults says."""
    columns: dict[str, None] = {}
    rows: list[Mapping[str, str]] = []
    for result in answer.get("results", ()):
        cells = {cell["field"]: str(cell.get("value", ""))[:LONGEST_CELL] for cell in result if cell.get("field")}
        cells.pop("@ptr", None)
        columns.update(dict.fromkeys(cells))
        rows.append(cells)
    read = answer.get("statistics") or {}
    return LogRows(tuple(columns), tuple(rows), int(read.get("recordsMatched", 0)), int(read.get("recordsScanned", 0)))


def draw_log(widget: Widget, found: LogRows, shown: TimeRange, theme: Theme) -> Drawing:
    """The drawing of a log widget in its view: a table, or the rows of ``stats`` as lines, bars or shares."""
    view = widget.properties.get("view", "table")
    if view == "table":
        return _table(found, listed=not _STATS.search(str(widget.properties.get("query"))))
    lines = _lines(found, shown, theme) if view == "timeSeries" else _parts(found, shown, theme)
    return draw_metric(replace(widget, type="metric"), lines, shown, theme) if lines else _nothing(found)


def _table(found: LogRows, *, listed: bool) -> Drawing:
    """``listed`` rows are log lines, of which there may be more than came."""
    cells = [[row.get(column, "") for column in found.columns] for row in found.rows[:MOST_ROWS]]
    of = found.matched if listed else len(cells)
    return Drawing("logs", content={"columns": found.columns, "rows": cells, "of": of})


def _nothing(found: LogRows) -> Drawing:
    text = "No log line matches." if not found.rows else "The query gives no numbers to draw; its view should be table."
    return Drawing("note", content=text)


def _parts(found: LogRows, shown: TimeRange, theme: Theme) -> tuple[Line, ...]:
    """One bar or share a row: the first number of it, named by its other cells."""
    lines: list[Line] = []
    at = round(shown.end * 1000)
    for row in found.rows[:MOST_LINES]:
        numbers = {column: value for column, text in row.items() if (value := _number(text)) is not None}
        if not numbers:
            continue
        first = next(reversed(numbers)) if len(numbers) == len(row) and len(row) > 1 else next(iter(numbers))
        name = ", ".join(text for column, text in row.items() if column != first) or first
        color = theme.series[len(lines) % len(theme.series)]
        lines.append(Line(name, name, color, "left", DEFAULT_PERIOD_S, (at,), (numbers[first],)))
    return tuple(lines)


def _lines(found: LogRows, shown: TimeRange, theme: Theme) -> tuple[Line, ...]:
    """A line for each number of the rows, over the bins of time; parted by the rows' texts, if there are any."""
    points: dict[str, dict[int, float]] = {}
    for row in found.rows:
        time = next((moment for text in row.values() if (moment := _moment(text)) is not None), None)
        if time is None:
            continue
        words = ", ".join(text for text in row.values() if _number(text) is None and _moment(text) is None)
        for column, text in row.items():
            value = _number(text)
            if value is not None:
                name = f"{words} {column}" if words else column
                if name in points or len(points) < MOST_LINES:
                    points.setdefault(name, {})[time] = value
    times = sorted({time for each in points.values() for time in each})
    period = min((after - before for before, after in pairwise(times)), default=DEFAULT_PERIOD_S * 1000)
    lines = []
    for number, (name, each) in enumerate(sorted(points.items())):
        color = theme.series[number % len(theme.series)]
        # No row for a bin means that nothing was counted in it; a line must not leap over that.
        own = [time for time in times if min(each) <= time <= max(each)]
        values = tuple(each.get(time) for time in own)
        running = shown.live and own[-1] + period > shown.end * 1000
        lines.append(Line(name, name, color, "left", period // 1000, tuple(own), values, running=running))
    return tuple(lines)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _moment(text: str) -> int | None:
    if not _TIME.fullmatch(text):
        return None
    try:
        return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)
    except ValueError:
        return None
