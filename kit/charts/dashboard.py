"""A dashboard body, read with patience: one bad widget never hides its neighbours.

Source: Amazon CloudWatch API Reference, "Dashboard Body Structure and Syntax".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from kit.charts.variables import Variable, applied, read_variables

GRID_COLUMNS = 24
DEFAULT_SIZE = 6
MAX_HEIGHT = 1000


class DashboardError(ValueError):
    """The body as a whole cannot be read; ``str()`` names the place as a JSON pointer."""


@dataclass(frozen=True, slots=True)
class Widget:
    """One tile: its place on the grid of 24 columns and its ``properties``, untouched.

    ``problem`` says why it cannot be drawn, when it cannot.
    """

    index: int
    type: str
    x: int
    y: int
    width: int
    height: int
    properties: Mapping[str, Any] = field(default_factory=dict)
    problem: str | None = None

    @property
    def title(self) -> str:
        """The title as written, or nothing."""
        title = self.properties.get("title")
        return title if isinstance(title, str) else ""

    @property
    def view(self) -> str:
        """The view of a metric widget; ``timeSeries`` when none is named."""
        view = self.properties.get("view", "timeSeries")
        return view if isinstance(view, str) else "timeSeries"


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A readable body: its widgets (``raw`` as written), its own time range, and how it wants periods treated."""

    raw: tuple[Any, ...]
    widgets: tuple[Widget, ...]
    start: str | None
    end: str | None
    adapt_periods: bool
    variables: tuple[Variable, ...]

    def with_choices(self, chosen: Mapping[str, str]) -> Dashboard:
        """The dashboard with values (by variable id) put into its widgets. Raises VariableError."""
        widgets = list(self.raw)
        for variable in self.variables:
            if variable.id in chosen:
                widgets = applied(widgets, variable, chosen[variable.id])
        return replace(self, widgets=tuple(_place(widgets)))


def read_dashboard(body: str) -> Dashboard:
    """Read the JSON text of a dashboard body.

    Raises DashboardError when it is not JSON, not an object, or has no list of widgets.
    """
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DashboardError(f"the body is not JSON: {error}") from error
    if not isinstance(raw, dict):
        raise DashboardError("the body must be an object with a list named widgets")
    widgets = raw.get("widgets")
    if not isinstance(widgets, list):
        raise DashboardError("/widgets: must be a list")
    return Dashboard(
        raw=tuple(widgets),
        widgets=tuple(_place(widgets)),
        start=_text(raw.get("start")),
        end=_text(raw.get("end")),
        adapt_periods=raw.get("periodOverride") != "inherit",
        variables=read_variables(raw.get("variables")),
    )


def _place(widgets: list[Any]) -> list[Widget]:
    """Widgets without x and y flow left to right into the next free row, as CloudWatch lays them out."""
    placed: list[Widget] = []
    across, row, row_height = 0, 0, 0
    for index, raw in enumerate(widgets):
        widget = _widget(index, raw)
        if isinstance(raw, dict) and _is_whole(raw.get("x")) and _is_whole(raw.get("y")):
            placed.append(widget)
            continue
        if across + widget.width > GRID_COLUMNS:
            across, row, row_height = 0, row + row_height, 0
        placed.append(
            Widget(index, widget.type, across, row, widget.width, widget.height, widget.properties, widget.problem)
        )
        across += widget.width
        row_height = max(row_height, widget.height)
    return placed


def _widget(index: int, raw: Any) -> Widget:
    if not isinstance(raw, dict):
        return Widget(index, "unknown", 0, 0, DEFAULT_SIZE, DEFAULT_SIZE, problem="the widget is not an object")
    x = _whole(raw.get("x"), 0, 0, GRID_COLUMNS - 1)
    width = _whole(raw.get("width"), DEFAULT_SIZE, 1, GRID_COLUMNS)
    properties = raw.get("properties")
    kind = raw.get("type")
    problem = None
    if not isinstance(kind, str):
        problem = "the widget has no type"
    elif not isinstance(properties, dict):
        problem = "the widget has no properties"
    return Widget(
        index=index,
        type=kind if isinstance(kind, str) else "unknown",
        x=x,
        y=_whole(raw.get("y"), 0, 0, 100_000),
        width=min(width, GRID_COLUMNS - x),
        height=_whole(raw.get("height"), DEFAULT_SIZE, 1, MAX_HEIGHT),
        properties=properties if isinstance(properties, dict) else {},
        problem=problem,
    )


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(value: Any, default: int, low: int, high: int) -> int:
    return min(max(value, low), high) if _is_whole(value) else default


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
