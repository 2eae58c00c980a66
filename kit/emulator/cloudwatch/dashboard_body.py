"""Whether a dashboard body is one that CloudWatch takes.

Rules: "Dashboard Body Structure and Syntax" (CloudWatch API Reference). Widgets of the types ``custom`` and ``chart``
are taken as they are, since their properties are not described there.
"""

from __future__ import annotations

import json
from typing import Any

from kit.emulator.cloudwatch.dashboard_checks import Finding, Node
from kit.emulator.cloudwatch.dashboard_widgets import PROPERTIES

WIDGETS = 500
METRICS_A_DASHBOARD = 2500
VARIABLES = 25
GRID_WIDTH = 24

_RELATIVE = r"-PT\d+[MH]|-P\d+[DWM]"
_ABSOLUTE = r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?"


def examine(text: str) -> list[Finding]:
    """Everything that is wrong with the body; nothing of it an error means that it is taken."""
    try:
        body = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        return [Finding("", "The field DashboardBody must be a valid JSON object")]
    top = Node(body, "", [])
    top.require("widgets")
    top.matching("start", f"{_RELATIVE}|{_ABSOLUTE}")
    top.matching("end", _ABSOLUTE)
    if "end" in body:
        top.require("start")
    top.choice("periodOverride", ("auto", "inherit"))
    widgets = top.children("widgets", 0, WIDGETS)
    for widget in widgets:
        _widget(widget)
    for variable in top.children("variables", 0, VARIABLES):
        _variable(variable)
    if sum(_metric_count(widget.value) for widget in widgets) > METRICS_A_DASHBOARD:
        top.complain(f"Should NOT have more than {METRICS_A_DASHBOARD} metrics", "widgets")
    return top.findings


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _widget(widget: Node) -> None:
    widget.require("type", "properties")
    widget.ranged("x", "integer", 0, GRID_WIDTH - 1)
    widget.ranged("y", "integer", 0)
    widget.ranged("width", "integer", 1, GRID_WIDTH)
    widget.ranged("height", "integer", 1, 1000)
    if ("x" in widget.value) != ("y" in widget.value):
        widget.require("x", "y")
    x, width = widget.value.get("x", 0), widget.value.get("width", 6)
    if isinstance(x, int) and isinstance(width, int) and x + width > GRID_WIDTH:
        widget.complain(f"The widget reaches beyond the {GRID_WIDTH} columns of the grid", error=False)
    kind = widget.choice("type", PROPERTIES)
    properties = widget.child("properties")
    if kind is not None and properties is not None:
        PROPERTIES[kind](properties)


def _variable(variable: Node) -> None:
    variable.require("type", "id", "inputType")
    kind = variable.choice("type", ("property", "pattern"))
    if kind is not None:
        variable.require(kind)
    input_type = variable.choice("inputType", ("input", "select", "radio"))
    variable.matching("id", r"[0-9A-Za-z_-]{1,32}")
    variable.typed("label", "string")
    variable.typed("visible", "boolean")
    variable.typed("search", "string")
    for value in variable.children("values", 1, 500):
        value.require("value")
        value.typed("value", "string")
        value.typed("label", "string")
    if input_type in ("select", "radio") and not variable.value.keys() & {"values", "search"}:
        variable.require("values")


def _metric_count(widget: dict[str, Any]) -> int:
    properties = widget.get("properties")
    rows = properties.get("metrics") if isinstance(properties, dict) else None
    return len(rows) if isinstance(rows, list) else 0
