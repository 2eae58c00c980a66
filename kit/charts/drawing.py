"""What a page shows of one widget: a Vega-Lite drawing with its data, numbers, a table, text, alarms, or a note."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Literal

from kit.charts.annotations import Mark, horizontal, vertical
from kit.charts.bars import bars, ring
from kit.charts.dashboard import Widget
from kit.charts.gauge import gauge
from kit.charts.lines import Line, stacked
from kit.charts.markdown import to_html
from kit.charts.queries import own_range
from kit.charts.rows import Axis
from kit.charts.scale import domain, finite, tick_step
from kit.charts.table import summary_table
from kit.charts.theme import Theme
from kit.charts.timerange import TimeRange
from kit.charts.timeseries import Graph, Spec, time_series
from kit.charts.units import UNITS, Unit, text, unit_named, unit_of_axis_label

Kind = Literal["graph", "parts", "gauge", "numbers", "table", "text", "alarms", "logs", "note"]

_OTHERS = {
    "log": "A Logs Insights query, which this drawing does not ask.",
    "explorer": "A metrics explorer: it finds resources by their tags, which only the CloudWatch console does.",
    "custom": "A custom widget: it is drawn by a Lambda function in the CloudWatch console.",
    "chart": "A PromQL chart, which only the CloudWatch console draws.",
}


@dataclass(frozen=True, slots=True)
class Drawing:
    """``spec`` and ``params`` and ``lines`` belong together; ``content`` is what the other kinds show."""

    kind: Kind
    spec: Spec | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()
    content: Any = None

    @property
    def points(self) -> int:
        """How many real points stand in it."""
        return sum(line.points for line in self.lines)

    @property
    def spec_key(self) -> str | None:
        """Changes when the drawing itself changes, not when its data does."""
        if self.spec is None:
            return None
        return sha256(json.dumps(self.spec, sort_keys=True).encode()).hexdigest()[:12]


def draw_still(widget: Widget) -> Drawing | None:
    """The drawing of a widget that needs no metric (text, alarms, what cannot be drawn here); None for the others."""
    if widget.problem:
        return Drawing("note", content=widget.problem)
    if widget.type == "text":
        markdown = widget.properties.get("markdown")
        html = to_html(markdown if isinstance(markdown, str) else "")
        return Drawing("text", content={"html": html, "bare": widget.properties.get("background") == "transparent"})
    if widget.type == "alarm":
        arns = widget.properties.get("alarms")
        names = [arn.split(":alarm:", 1)[-1] for arn in arns if isinstance(arn, str)] if isinstance(arns, list) else []
        return Drawing("alarms", content=names)
    if widget.type != "metric":
        return Drawing("note", content=_OTHERS.get(widget.type, f"A widget of type {widget.type}, unknown here."))
    return None


def draw_metric(
    widget: Widget, lines: Sequence[Line], shown: TimeRange, theme: Theme, extra: Sequence[Mark] = ()
) -> Drawing:
    """The drawing of a metric widget in its view; ``extra`` are thresholds beside its own annotations."""
    shown = own_range(widget, shown)
    units: dict[Axis, Unit] = {"left": _unit(widget, "left", lines), "right": _unit(widget, "right", lines)}
    marks = (*horizontal(widget.properties), *extra)
    kept = tuple(lines)
    drawing = Drawing("note", content=f"The view {widget.view} is not drawn here.")
    match widget.view:
        case "timeSeries":
            drawing = _graph(widget, kept, shown, marks, units, theme)
        case "singleValue":
            drawing = Drawing("numbers", lines=kept, content=_numbers(widget, kept, units))
        case "gauge":
            drawing = _gauge(widget, kept, marks, units["left"], theme)
        case "bar":
            drawing = Drawing("parts", bars(units["left"], theme), lines=kept, content=_parts(kept, units))
        case "pie":
            drawing = Drawing("parts", ring(theme), lines=kept, content=_parts(kept, units))
        case "table":
            drawing = Drawing("table", lines=kept, content=summary_table(widget.properties, kept, units))
    return drawing


def _graph(
    widget: Widget,
    lines: Sequence[Line],
    shown: TimeRange,
    marks: Sequence[Mark],
    units: Mapping[Axis, Unit],
    theme: Theme,
) -> Drawing:
    piled = widget.properties.get("stacked") is True
    drawn = stacked(lines) if piled else tuple(lines)
    axes: tuple[Axis, ...] = ("left", "right") if _uses_right(lines, marks) else ("left",)
    lone = len(axes) == 1 and not piled and len(lines) < 2
    graph = Graph(piled, lone, axes, units, tuple(marks), vertical(widget.properties))
    params: dict[str, float] = {"t_min": shown.start * 1000, "t_max": shown.end * 1000}
    for axis in axes:
        heights = [end for m in marks if m.axis == axis for end in (m.at, m.to) if end is not None]
        low, high = _limits(widget, axis)
        ceiling = 100 if units[axis].name == "Percent" else None
        values = _values(drawn, axis)
        begin, end = domain([*values, *heights], low, high, ceiling)
        params |= {f"{axis}_min": begin, f"{axis}_max": end, f"{axis}_step": tick_step(begin, end)}
    content = {
        "legend": _numbers(widget, lines, units),
        "captions": [_caption(widget, axis) for axis in axes],
        "units": {axis: {"fine": units[axis].fine, "steps": units[axis].steps} for axis in axes},
    }
    return Drawing("graph", time_series(graph, theme), params, drawn, content)


def _uses_right(lines: Iterable[Line], marks: Iterable[Mark]) -> bool:
    return any(line.axis == "right" for line in lines) or any(mark.axis == "right" for mark in marks)


def _gauge(widget: Widget, lines: Sequence[Line], marks: Sequence[Mark], unit: Unit, theme: Theme) -> Drawing:
    low, high = _limits(widget, "left")
    if low is None or high is None or high <= low:
        return Drawing("note", content="A gauge needs yAxis.left.min and a greater yAxis.left.max.")
    value = lines[0].latest if lines else None
    params = {"value": value, "label": text(value, unit)}
    content = {"label": lines[0].label if lines else ""}
    return Drawing("gauge", gauge(low, high, unit, marks, theme), params, tuple(lines[:1]), content)


def _numbers(widget: Widget, lines: Iterable[Line], units: Mapping[Axis, Unit]) -> list[dict[str, Any]]:
    spark = widget.properties.get("setPeriodToTimeRange") is not True
    return [
        {
            "key": line.key,
            "label": line.label,
            "color": line.color,
            "text": text(line.latest, _line_unit(line, units)),
            "spark": spark,
        }
        for line in lines
    ]


def _parts(lines: Sequence[Line], units: Mapping[Axis, Unit]) -> list[dict[str, Any]]:
    return [
        {
            "key": line.key,
            "rank": rank,
            "label": line.label,
            "color": line.color,
            "v": line.latest or 0,
            "text": text(line.latest, _line_unit(line, units)),
        }
        for rank, line in enumerate(lines)
    ]


def _line_unit(line: Line, units: Mapping[Axis, Unit]) -> Unit:
    return UNITS[line.unit] if line.unit in UNITS else units[line.axis]


def _unit(widget: Widget, axis: Axis, lines: Sequence[Line]) -> Unit:
    """The axis label's unit if it names one, else the one unit that all lines on the axis have."""
    options = _axis_options(widget, axis)
    if options.get("showUnits") is False:
        return unit_named(unit_of_axis_label(_axis_label(widget, axis)))
    named = unit_of_axis_label(_axis_label(widget, axis))
    found = {line.unit for line in lines if line.axis == axis}
    return unit_named(named or (found.pop() if len(found) == 1 else None))


def _axis_options(widget: Widget, axis: Axis) -> Mapping[str, Any]:
    both = widget.properties.get("yAxis")
    options = both.get(axis) if isinstance(both, dict) else None
    return options if isinstance(options, dict) else {}


def _axis_label(widget: Widget, axis: Axis) -> str | None:
    label = _axis_options(widget, axis).get("label")
    return label if isinstance(label, str) else None


def _caption(widget: Widget, axis: Axis) -> str:
    """The axis label, unless every number on the axis says it already."""
    label = _axis_label(widget, axis)
    return label if label and not unit_of_axis_label(label) else ""


def _limits(widget: Widget, axis: Axis) -> tuple[float | None, float | None]:
    options = _axis_options(widget, axis)
    return finite(options.get("min")), finite(options.get("max"))


def _values(lines: Iterable[Line], axis: Axis) -> list[float]:
    """The heights on an axis: each value, and for a stacked line what it stands on too."""
    mine = [line for line in lines if line.axis == axis]
    plain = [value for line in mine if not line.base for value in line.values if value is not None]
    piled = [b + (v or 0.0) for line in mine if line.base for b, v in zip(line.base, line.values, strict=True)]
    return [*plain, *piled, *(below for line in mine for below in line.base)]
