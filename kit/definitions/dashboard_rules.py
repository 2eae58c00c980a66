"""The rules of a dashboard body that are cheap to check before PutDashboard checks the rest.

Source: "CloudWatch API Reference", Dashboard Body Structure and Syntax; "CloudWatch service quotas".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from kit.definitions.alarm_rules import expression_flaws, names_in, statistic_flaws
from kit.definitions.structure import Flaw, shown, step

TOP_KEYS = ("widgets", "variables", "start", "end", "periodOverride")
WIDGET_KEYS = ("type", "x", "y", "width", "height", "properties")
TYPES = ("metric", "text", "log", "alarm", "explorer", "custom", "chart")
NEEDED = {"metric": ("region",), "text": ("markdown",), "log": ("region", "query"), "alarm": ("alarms",)}
VIEWS = ("timeSeries", "singleValue", "gauge", "bar", "pie", "table")
GRID = 24
WIDGETS = 500
NAME = r"[A-Za-z0-9_-]{1,255}"


def dashboard_flaws(body: Mapping[str, Any]) -> Iterator[Flaw]:
    """Yield what PutDashboard would refuse or warn about."""
    for key in body:
        if key not in TOP_KEYS:
            yield Flaw(step("", key), f"{key} is not a key of a dashboard body", f"Known are {', '.join(TOP_KEYS)}.")
    widgets = body.get("widgets")
    if not isinstance(widgets, list):
        yield Flaw("/widgets", "must be a list of widgets")
        return
    if len(widgets) > WIDGETS:
        yield Flaw("/widgets", f"holds {len(widgets)}, AWS takes {WIDGETS} at most")
    for index, widget in enumerate(widgets):
        yield from _widget_flaws(widget, step("/widgets", index))


def _widget_flaws(widget: object, pointer: str) -> Iterator[Flaw]:
    if not isinstance(widget, dict):
        yield Flaw(pointer, f"must be an object, not {shown(widget)}")
        return
    for key in widget:
        if key not in WIDGET_KEYS:
            yield Flaw(step(pointer, key), f"{key} is not a key of a widget", f"Known are {', '.join(WIDGET_KEYS)}.")
    kind, properties = widget.get("type"), widget.get("properties")
    if kind not in TYPES:
        yield Flaw(f"{pointer}/type", f"{shown(kind)} is not a widget type", f"Use one of {', '.join(TYPES)}.")
        return
    yield from _place_flaws(widget, pointer)
    if not isinstance(properties, dict):
        yield Flaw(f"{pointer}/properties", "must be an object")
        return
    for key in NEEDED.get(kind, ()):
        if key not in properties:
            yield Flaw(f"{pointer}/properties", f"a {kind} widget needs {key}", f"Add {key}.")
    if not isinstance(properties.get("markdown", ""), str):
        yield Flaw(f"{pointer}/properties/markdown", "must be text")
    yield from _alarm_list_flaws(properties.get("alarms", []), f"{pointer}/properties/alarms")
    if kind == "metric":
        yield from _metric_flaws(properties, f"{pointer}/properties")


def _alarm_list_flaws(alarms: object, pointer: str) -> Iterator[Flaw]:
    if not isinstance(alarms, list) or not all(isinstance(arn, str) for arn in alarms):
        yield Flaw(pointer, "must be a list of alarm ARNs")


def _place_flaws(widget: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    for key, least, most in (("x", 0, GRID - 1), ("y", 0, None), ("width", 1, GRID), ("height", 1, 1000)):
        value = widget.get(key, least)
        if not isinstance(value, int) or isinstance(value, bool) or value < least or (most and value > most):
            yield Flaw(step(pointer, key), f"must be a whole number from {least}{f' to {most}' if most else ''}")
            return
    if ("x" in widget) != ("y" in widget):
        yield Flaw(pointer, "x and y come together", "Give both or neither.")
    elif widget.get("x", 0) + widget.get("width", 6) > GRID:
        yield Flaw(pointer, f"reaches beyond the grid's {GRID} columns", "Make it narrower or move it to the left.")


def _metric_flaws(properties: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    alarms = _inside(properties, "annotations", "alarms")
    yield from _alarm_list_flaws([] if alarms is None else alarms, f"{pointer}/annotations/alarms")
    if ("metrics" in properties) == bool(alarms):
        yield Flaw(pointer, "a metric widget draws either metrics or annotations.alarms")
    view = properties.get("view", "timeSeries")
    if view not in VIEWS:
        yield Flaw(f"{pointer}/view", f"{shown(view)} is not a view", f"Use one of {', '.join(VIEWS)}.")
    if view == "gauge" and None in (_inside(properties, "yAxis", "left", end) for end in ("min", "max")):
        yield Flaw(f"{pointer}/yAxis/left", "a gauge needs min and max")
    if isinstance(properties.get("stat"), str):
        yield from statistic_flaws(properties["stat"], f"{pointer}/stat")
    if "metrics" in properties:
        yield from _rows_flaws(properties["metrics"], f"{pointer}/metrics")


def _rows_flaws(rows: object, pointer: str) -> Iterator[Flaw]:
    if not isinstance(rows, list) or not all(isinstance(row, list) and row for row in rows):
        yield Flaw(pointer, "must be a list of rows, each a list")
        return
    renders = [row[-1] if isinstance(row[-1], dict) else {} for row in rows]
    ids = [render["id"] for render in renders if isinstance(render.get("id"), str)]
    for index, (row, render) in enumerate(zip(rows, renders, strict=True)):
        place = step(pointer, index)
        cells = row[:-1] if isinstance(row[-1], dict) else row
        if not all(isinstance(cell, str) for cell in cells) or ("expression" in render) == bool(cells):
            yield Flaw(place, "must be namespace, metric, dimensions, or one object with an expression")
        if ids.count(render.get("id", "")) > 1:
            yield Flaw(place, f"the id {render['id']} is used twice in this widget")
        yield from _render_flaws(render, frozenset(ids), step(place, len(row) - 1))


def _render_flaws(render: Mapping[str, Any], ids: frozenset[str], pointer: str) -> Iterator[Flaw]:
    color = render.get("color")
    if color is not None and not re.fullmatch(r"#[0-9a-fA-F]{6}", str(color)):
        yield Flaw(f"{pointer}/color", f"{shown(color)} is not a colour", "Write it as #1f77b4.")
    if isinstance(render.get("stat"), str):
        yield from statistic_flaws(render["stat"], f"{pointer}/stat")
    expression = render.get("expression")
    if isinstance(expression, str):
        yield from expression_flaws(expression, f"{pointer}/expression")
        for name in sorted(names_in(expression) - ids):
            yield Flaw(f"{pointer}/expression", f"refers to {name}, which no row of this widget has as its id")


def _inside(value: Any, *keys: str) -> Any:
    """What stands under ``keys``, or None as soon as one is not there."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
