"""The charts of a write-up: what customers felt, with numbered marks for what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from kit.charts.dashboard import Widget
from kit.charts.drawing import draw_metric
from kit.charts.lines import Line
from kit.charts.theme import PRINT
from kit.charts.timerange import TimeRange
from kit.gameday.postmortem.model import Window

_WIDTH, _HEIGHT = 860, 220


@dataclass(frozen=True, slots=True)
class Marked:
    """Something that happened, as a mark on every chart: its number there, its words beside."""

    number: int
    at: float
    words: str


@dataclass(frozen=True, slots=True)
class Curve:
    """One line: values by epoch second, at the start of each period."""

    label: str
    period: int
    points: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Chart:
    """``unit`` is CloudWatch's name; ``limit`` a line across it."""

    name: str
    title: str
    unit: str
    curves: tuple[Curve, ...]
    limit: tuple[float, str] | None = None


def numbered(moments: Sequence[tuple[float, str]], window: Window) -> list[Marked]:
    """Marks in the order of their time, those within a second of each other and of one kind as one."""
    found: list[Marked] = []
    for at, words in sorted(moments):
        if not window.start <= at < window.end:
            continue
        if found and at - found[-1].at < 1 and found[-1].words == words:
            continue
        found.append(Marked(len(found) + 1, at, words))
    return found


def drawing(chart: Chart, window: Window, marks: Sequence[Marked]) -> Any:
    """The whole Vega-Lite drawing, data and all, for ``svg.drawn``."""
    widget = Widget(0, "metric", 0, 0, 8, 6, _properties(chart, marks))
    lines = [_line(number, curve, chart.unit, window) for number, curve in enumerate(chart.curves)]
    drawn = draw_metric(widget, lines, TimeRange(window.start, window.end, live=False), PRINT)
    rows = [
        {"t": t, "y": value, "base": 0, "key": line.key, "color": line.color, "axis": line.axis}
        for line in drawn.lines
        for t, value in zip(line.times, line.values, strict=True)
    ]
    spec = dict(drawn.spec or {})
    params = [{**each, "value": drawn.params.get(each["name"], each["value"])} for each in spec.get("params", ())]
    if len(lines) > 1 and "layer" in spec:
        spec["layer"] = [*spec["layer"], *(_named(number, line) for number, line in enumerate(lines))]
    data = {"lines": rows, "tails": [], "dots": [], "spans": [], "cursor": [], "parts": []}
    return spec | {"width": _WIDTH, "height": _HEIGHT, "datasets": data, "params": params}


def _named(number: int, line: Line) -> Any:
    """A line's name in its colour, as a legend; below the numbers of the marks."""
    words = {"type": "text", "text": line.label, "color": line.color, "align": "left", "baseline": "top", "dx": 8}
    place = {"x": {"value": 0}, "y": {"value": 18 + 15 * number}}
    return {"data": {"values": [{}]}, "mark": words, "encoding": place}


def _properties(chart: Chart, marks: Sequence[Marked]) -> dict[str, Any]:
    across = [] if chart.limit is None else [{"value": chart.limit[0], "label": chart.limit[1]}]
    along = [
        {"value": datetime.fromtimestamp(mark.at, UTC).isoformat(timespec="milliseconds"), "label": str(mark.number)}
        for mark in marks
    ]
    return {"view": "timeSeries", "metrics": [], "annotations": {"horizontal": across, "vertical": along}}


def _line(number: int, curve: Curve, unit: str, window: Window) -> Line:
    times: list[int] = []
    values: list[float | None] = []
    for at in sorted(curve.points):
        if not window.start - curve.period < at < window.end:
            continue
        if times and at * 1000 - times[-1] > 1500 * curve.period:
            times.append(round((times[-1] + at * 1000) / 2))
            values.append(None)
        times.append(at * 1000)
        values.append(curve.points[at])
    color = PRINT.series[number % len(PRINT.series)]
    return Line(str(number), curve.label, color, "left", curve.period, tuple(times), tuple(values), unit)
