"""The drawing of a gauge: three quarters of a ring. Params ``value`` and ``label``; its ends are the widget's own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.charts.annotations import Mark
from kit.charts.theme import Theme
from kit.charts.timeseries import Spec, frame, mark_color
from kit.charts.units import Unit, text

_FROM, _TO = -2.2, 2.2
_CENTRE_Y = "height * 0.56"
_REACH = "min(width / 2, height * 0.54)"


def gauge(low: float, high: float, unit: Unit, marks: Sequence[Mark], theme: Theme) -> Spec:
    """A gauge from ``low`` to ``high``; filled thresholds colour the outer rim and the value in them."""
    spans = [(mark, *_span(mark, low, high)) for mark in marks if mark.to is not None or mark.fill != "none"]
    color = f"'{theme.series[0]}'"
    for mark, begin, end in spans:
        color = f"value >= {begin!r} && value <= {end!r} ? '{mark_color(mark, theme)}' : {color}"
    layers: list[Spec] = [_arc(_FROM, _TO, 0.80, 1.0, theme.quiet)]
    for mark, begin, end in spans:
        rim = _arc(_angle(begin, low, high), _angle(end, low, high), 1.04, 1.09, mark_color(mark, theme))
        layers.append(rim)
    share = f"({_FROM} + {_TO - _FROM} * clamp((value - {low!r}) / {high - low!r}, 0, 1))"
    layers += [
        _arc(_FROM, {"expr": f"isValid(value) ? {share} : {_FROM}"}, 0.80, 1.0, {"expr": color}),
        _words({"expr": "label"}, "0", "0", theme.ink, {"expr": f"max(16, {_REACH} * 0.36)"}, weight=600),
        _words(text(low, unit), f"-{_REACH} * 0.66", f"{_REACH} * 0.80", theme.muted, 11),
        _words(text(high, unit), f"{_REACH} * 0.66", f"{_REACH} * 0.80", theme.muted, 11),
    ]
    return {
        **frame(theme),
        "padding": 8,
        "params": [{"name": "value", "value": None}, {"name": "label", "value": "–"}],
        "data": {"values": [{}]},
        "layer": layers,
    }


def _span(mark: Mark, low: float, high: float) -> tuple[float, float]:
    far = mark.to if mark.to is not None else (high if mark.fill == "above" else low)
    begin, end = sorted((mark.at, far))
    return max(begin, low), min(end, high)


def _angle(value: float, low: float, high: float) -> float:
    return _FROM + (_TO - _FROM) * min(max((value - low) / (high - low), 0), 1)


def _arc(begin: Any, end: Any, inner: float, outer: float, color: Any) -> Spec:
    return {
        "mark": {
            "type": "arc",
            "theta": begin,
            "theta2": end,
            "innerRadius": {"expr": f"{_REACH} * {inner}"},
            "outerRadius": {"expr": f"{_REACH} * {outer}"},
            "color": color,
            "x": {"expr": "width / 2"},
            "y": {"expr": _CENTRE_Y},
        }
    }


def _words(words: Any, dx: str, dy: str, color: str, size: Any, *, weight: int = 400) -> Spec:
    return {
        "mark": {
            "type": "text",
            "text": words,
            "x": {"expr": f"width / 2 + {dx}"},
            "y": {"expr": f"{_CENTRE_Y} + {dy}"},
            "align": "center",
            "baseline": "middle",
            "color": color,
            "fontSize": size,
            "fontWeight": weight,
        }
    }
