"""The Vega-Lite drawing of a graph over time: lines or a stack, thresholds, spans, and a cursor.

The drawing is fixed by the widget; data and axis ends come in by name, so that a page can refresh them in place:
data sets ``lines`` (t, y, base, key, color, axis), ``tails`` (as ``lines``: the step into a period that still runs),
``dots`` (lone points), ``spans`` (t0, t1, color) and ``cursor`` (as ``lines``, one of them ``first``);
params ``t_min``, ``t_max``, and for each axis ``left_min``, ``left_max``, ``left_step`` (between its grid lines).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.charts.annotations import Mark
from kit.charts.rows import Axis
from kit.charts.theme import FONT, Theme
from kit.charts.units import PLAIN, Unit, axis_expression

Spec = dict[str, Any]

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
TIME_LABEL = (
    "timeFormat(datum.value, t_max - t_min > 2 * 86400000 ? '%d %b'"
    " : seconds(datum.value) != 0 ? '%H:%M:%S'"
    " : hours(datum.value) == 0 && minutes(datum.value) == 0 ? '%d %b' : '%H:%M')"
)


@dataclass(frozen=True, slots=True)
class Graph:
    """What the widget says about its graph, and what is known of its units."""

    stacked: bool = False
    filled: bool = False
    axes: tuple[Axis, ...] = ("left",)
    units: Mapping[Axis, Unit] = field(default_factory=dict)
    thresholds: tuple[Mark, ...] = ()
    moments: tuple[Mark, ...] = ()


def time_series(graph: Graph, theme: Theme) -> Spec:
    """The drawing of ``graph``; it holds no data."""
    groups = [_group(graph, axis, theme, first=number == 0) for number, axis in enumerate(graph.axes)]
    names = ["t_min", "t_max", *(f"{axis}_{end}" for axis in graph.axes for end in ("min", "max", "step"))]
    spec: Spec = {
        **frame(theme),
        "params": [{"name": name, "value": 0 if name.endswith("min") else 1} for name in names],
        "layer": groups if len(groups) > 1 else groups[0]["layer"],
    }
    if len(groups) > 1:
        spec["resolve"] = {"scale": {"y": "independent"}}
    return spec


def frame(theme: Theme) -> Spec:
    """What all drawings share: they fit the box they are given, without border or background."""
    return {
        "$schema": SCHEMA,
        "width": 400,
        "height": 200,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": {"left": 2, "right": 10, "top": 8, "bottom": 2},
        "background": None,
        "config": {
            "font": FONT,
            "aria": False,  # the page names each drawing and its values in words
            "view": {"stroke": None},
            "axis": {
                "domain": False,
                "ticks": False,
                "grid": False,
                "labelColor": theme.muted,
                "labelFontSize": 11,
                "labelPadding": 6,
                "title": None,
            },
            "text": {"fontSize": 11, "color": theme.muted},
        },
    }


def _group(graph: Graph, axis: Axis, theme: Theme, *, first: bool) -> Spec:
    """One value axis and all that is measured on it; what is measured on time alone stands under the first."""
    y = _y(graph, axis, theme, first=first)
    x = _x(theme)
    layers: list[Spec] = []
    if first:
        layers += [_spans(), *_moment_layers(graph.moments, theme)]
    marks = [mark for mark in graph.thresholds if mark.axis == axis]
    layers += [_threshold_fill(mark, axis, y, theme) for mark in marks if mark.to is not None or mark.fill != "none"]
    layers += _series_layers(graph, axis, x, y)
    for mark in marks:
        layers += _threshold_layers(mark, y, theme)
    layers += _cursor_layers(axis, x, y, theme, rule=first)
    return {"layer": layers}


def _x(theme: Theme) -> Spec:
    return {
        "field": "t",
        "type": "temporal",
        "scale": {"domain": [{"expr": "t_min"}, {"expr": "t_max"}], "nice": False},
        "axis": {
            "domain": True,
            "domainColor": theme.axis,
            "ticks": True,
            "tickColor": theme.axis,
            "tickSize": 4,
            "tickCount": {"expr": "max(2, floor(width / 96))"},
            "labelExpr": TIME_LABEL,
            "labelFlush": False,
            "labelOverlap": True,
            "labelBound": True,
        },
    }


def _y(graph: Graph, axis: Axis, theme: Theme, *, first: bool) -> Spec:
    return {
        "field": "y",
        "type": "quantitative",
        "scale": {"domain": [{"expr": f"{axis}_min"}, {"expr": f"{axis}_max"}], "nice": False, "zero": False},
        "axis": {
            "orient": axis,
            "grid": first,
            "gridColor": theme.grid,
            "values": {
                "expr": f"sequence(ceil({axis}_min / {axis}_step - 1e-6) * {axis}_step,"
                f" {axis}_max + {axis}_step * 1e-3, {axis}_step)"
            },
            "labelOverlap": True,
            "labelExpr": axis_expression(graph.units.get(axis, PLAIN)),
            "minExtent": 38,
        },
    }


def _series_layers(graph: Graph, axis: Axis, x: Spec, y: Spec) -> list[Spec]:
    color = {"field": "color", "type": "nominal", "scale": None, "legend": None}
    mine: Spec = {"transform": [{"filter": f"datum.axis == '{axis}'"}]}
    whole, tail = {**mine, "data": {"name": "lines"}}, {**mine, "data": {"name": "tails"}}
    channels = {"x": x, "y": y, "color": color, "detail": {"field": "key"}}
    if graph.stacked:
        pile = {**channels, "y2": {"field": "base"}}
        area = {"type": "area", "clip": True}
        return [
            {**whole, "mark": {**area, "opacity": 0.8}, "encoding": pile},
            {**tail, "mark": {**area, "opacity": 0.35}, "encoding": pile},
        ]
    layers: list[Spec] = []
    if graph.filled:
        floor = {"datum": {"expr": f"max({axis}_min, min(0, {axis}_max))"}}
        area = {"type": "area", "opacity": 0.1, "clip": True}
        layers.append({**whole, "mark": area, "encoding": {**channels, "y2": floor}})
    line = {"type": "line", "strokeWidth": 1.75, "strokeJoin": "round", "strokeCap": "round", "clip": True}
    lone = {"type": "point", "filled": True, "size": 18, "opacity": 1, "clip": True}
    return [
        *layers,
        {**whole, "mark": line, "encoding": channels},
        {**tail, "mark": {**line, "strokeDash": [2, 4]}, "encoding": channels},
        {**mine, "data": {"name": "dots"}, "mark": lone, "encoding": channels},
    ]


def _spans() -> Spec:
    """Spans of time that the caller shades, such as the time an alarm stood in ALARM."""
    return {
        "data": {"name": "spans"},
        "mark": {"type": "rect", "opacity": 0.12, "clip": True},
        "encoding": {
            "x": {"field": "t0", "type": "temporal"},
            "x2": {"field": "t1"},
            "color": {"field": "color", "type": "nominal", "scale": None, "legend": None},
        },
    }


def _threshold_fill(mark: Mark, axis: Axis, y: Spec, theme: Theme) -> Spec:
    far: Any = mark.to
    if far is None:
        far = {"expr": f"{axis}_max" if mark.fill == "above" else f"{axis}_min"}
    return {
        "data": {"values": [{}]},
        "mark": {"type": "rect", "color": mark_color(mark, theme), "opacity": 0.08, "clip": True},
        "encoding": {"y": _at(y, mark.at), "y2": {"datum": far}},
    }


def _threshold_layers(mark: Mark, y: Spec, theme: Theme) -> list[Spec]:
    color = mark_color(mark, theme)
    ends = [mark.at] if mark.to is None else [mark.at, mark.to]
    layers: list[Spec] = [
        {
            "data": {"values": [{}]},
            "mark": {"type": "rule", "color": color, "strokeWidth": 1.25, "strokeDash": [5, 4], "clip": True},
            "encoding": {"y": _at(y, end)},
        }
        for end in ends
    ]
    if mark.label:
        layers.append(
            {
                "data": {"values": [{}]},
                "mark": {
                    "type": "text", "text": mark.label, "color": color, "align": "right", "baseline": "bottom",
                    "dy": -3, "dx": -2, "limit": {"expr": "width - 8"}, "stroke": theme.surface, "strokeWidth": 3,
                    "strokeJoin": "round", "tooltip": None,
                },
                "encoding": {"y": _at(y, mark.at), "x": {"value": "width"}},
            }
        )  # fmt: skip
        # The same words again without the halo, as SVG paints a text's stroke over its fill.
        bare = {key: value for key, value in layers[-1]["mark"].items() if not key.startswith("stroke")}
        layers.append({**layers[-1], "mark": bare})
    return layers


def _moment_layers(marks: Sequence[Mark], theme: Theme) -> list[Spec]:
    layers: list[Spec] = []
    for mark in marks:
        color = mark_color(mark, theme)
        x = {"datum": mark.at, "type": "temporal"}
        far: Any = mark.to
        if far is None and mark.fill != "none":
            far = {"expr": "t_min" if mark.fill == "before" else "t_max"}
        if far is not None:
            shade = {"type": "rect", "color": color, "opacity": 0.08, "clip": True}
            layers.append({"data": {"values": [{}]}, "mark": shade, "encoding": {"x": x, "x2": {"datum": far}}})
        for end in (mark.at,) if mark.to is None else (mark.at, mark.to):
            rule = {"type": "rule", "color": color, "strokeWidth": 1.25, "strokeDash": [2, 3], "clip": True}
            at = {"datum": end, "type": "temporal"}
            layers.append({"data": {"values": [{}]}, "mark": rule, "encoding": {"x": at}})
        if mark.label:
            words = {
                "type": "text", "text": mark.label, "color": color, "align": "left", "baseline": "top", "dx": 4,
                "limit": 160, "clip": True,
            }  # fmt: skip
            layers.append({"data": {"values": [{}]}, "mark": words, "encoding": {"x": x, "y": {"value": 2}}})
    return layers


def _cursor_layers(axis: Axis, x: Spec, y: Spec, theme: Theme, *, rule: bool) -> list[Spec]:
    layers: list[Spec] = []
    if rule:
        upright = {"type": "rule", "color": theme.axis, "strokeWidth": 1, "clip": True}
        one = [{"filter": "datum.first"}]
        layers.append({"data": {"name": "cursor"}, "transform": one, "mark": upright, "encoding": {"x": x}})
    ring = {"type": "point", "filled": True, "size": 46, "opacity": 1, "stroke": theme.surface, "strokeWidth": 1.5}
    filled = {"field": "color", "type": "nominal", "scale": None, "legend": None}
    layers.append(
        {
            "data": {"name": "cursor"},
            "transform": [{"filter": f"datum.axis == '{axis}'"}],
            "mark": {**ring, "clip": True},
            "encoding": {"x": x, "y": y, "fill": filled},
        }
    )
    return layers


def mark_color(mark: Mark, theme: Theme) -> str:
    """Hex colours are an author's; anything else is the theme's own already."""
    if mark.color is None:
        return theme.muted
    return theme.own(mark.color) if mark.color.startswith("#") else mark.color


def _at(y: Spec, value: Any) -> Spec:
    """The value axis's own channel, but for one fixed value."""
    return {**{key: part for key, part in y.items() if key != "field"}, "datum": value}
