"""The drawings that compare one value of each series: bars and a ring. Data set ``parts`` (label, v, color, text)."""

from __future__ import annotations

from typing import Any

from kit.charts.theme import Theme
from kit.charts.timeseries import Spec, frame
from kit.charts.units import Unit, axis_expression

_COLOR = {"field": "color", "type": "nominal", "scale": None, "legend": None}


def bars(unit: Unit, theme: Theme) -> Spec:
    """Lying bars, so that long names can be read, each with its value at its end."""
    x = {
        "field": "v",
        "type": "quantitative",
        "axis": {
            "grid": True,
            "gridColor": theme.grid,
            "tickCount": {"expr": "max(2, floor(width / 90))"},
            "labelExpr": axis_expression(unit),
        },
        "scale": {"zero": True, "nice": True},
    }
    scale = {"paddingInner": 0.25, "paddingOuter": 0.1}
    band: dict[str, Any] = {"field": "key", "type": "nominal", "sort": None, "scale": scale, "axis": None}
    words = {"type": "text", "baseline": "middle"}
    name = {**words, "align": "left", "x": 0, "limit": {"expr": "width - 80"}}
    value = {**words, "align": "right", "x": {"expr": "width"}, "color": theme.ink, "fontWeight": 600}
    above = {**band, "bandPosition": 0.2}
    bar = {
        "x": x,
        "x2": {"datum": 0},
        "y": {**band, "bandPosition": 0.42},
        "y2": {"field": "key", "bandPosition": 0.95},
    }
    return {
        **frame(theme),
        "data": {"name": "parts"},
        "layer": [
            {"mark": {"type": "rect", "cornerRadius": 2}, "encoding": {**bar, "color": _COLOR}},
            {"mark": name, "encoding": {"y": above, "text": {"field": "label"}}},
            {"mark": value, "encoding": {"y": above, "text": {"field": "text"}}},
        ],
    }


def ring(theme: Theme) -> Spec:
    """A ring of shares; the names and values stand beside it, in the legend."""
    reach = "min(width, height) / 2"
    return {
        **frame(theme),
        "padding": 6,
        "data": {"name": "parts"},
        "mark": {
            "type": "arc",
            "outerRadius": {"expr": reach},
            "innerRadius": {"expr": f"{reach} * 0.62"},
            "padAngle": 0.012,
            "cornerRadius": 2,
        },
        "encoding": {
            "theta": {"field": "v", "type": "quantitative", "stack": True, "scale": {"zero": True}},
            "order": {"field": "rank", "type": "quantitative"},
            "color": _COLOR,
        },
    }
