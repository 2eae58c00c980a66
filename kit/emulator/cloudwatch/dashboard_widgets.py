"""The properties of each type of dashboard widget."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from kit.emulator.cloudwatch.dashboard_checks import Node, is_a
from kit.evaluation.statistics import StatisticError, parse_statistic

METRICS_A_WIDGET = 500
_COLOR = r"#[0-9a-fA-F]{6}|#[0-9a-fA-F]{3}"
_ID = r"[a-z][A-Za-z0-9_]{0,254}"
_METRICS_FORM = (
    'Field "metrics" has to be an array of array of strings, with an optional metricRenderer object as last element'
)


def _text(properties: Node) -> None:
    properties.require("markdown")
    properties.typed("markdown", "string")
    properties.choice("background", ("transparent", "solid"))


def _log(properties: Node) -> None:
    properties.require("region", "query")
    for key in ("region", "query", "title", "accountId"):
        properties.typed(key, "string")
    properties.choice("view", ("table", "timeSeries", "bar", "pie"))
    properties.typed("stacked", "boolean")


def _alarm(properties: Node) -> None:
    properties.require("alarms")
    _arns(properties, "alarms", 1, 100)
    properties.typed("title", "string")
    properties.choice("sortBy", ("default", "stateUpdatedTimestamp", "timestamp"))
    for index, state in enumerate(properties.sized("states", 0, 3)):
        if state not in ("ALARM", "INSUFFICIENT_DATA", "OK"):
            properties.complain("Should be equal to one of the allowed values", f"states/{index}")


def _explorer(properties: Node) -> None:
    properties.require("metrics", "labels")
    for metric in properties.children("metrics", 1, 100):
        metric.require("metricName", "resourceType", "stat")
    for label in properties.children("labels", 1, 100):
        label.require("key")
    properties.ranged("period", "integer", 1)


def _metric(properties: Node) -> None:
    _data_source(properties)
    for key in ("region", "title", "accountId", "start", "end"):
        properties.typed(key, "string")
    for key in ("stacked", "sparkline", "liveData", "setPeriodToTimeRange", "singleValueFullPrecision", "trend"):
        properties.typed(key, "boolean")
    properties.matching("timezone", r"[+-]\d{4}")
    view = properties.choice("view", ("timeSeries", "singleValue", "gauge", "bar", "pie", "table"))
    _statistic(properties)
    _period(properties)
    legend = properties.child("legend")
    if legend is not None:
        legend.choice("position", ("right", "bottom", "hidden"))
    _axes(properties, view)
    _rows(properties)
    _annotations(properties)


def _data_source(properties: Node) -> None:
    given = properties.value
    annotations = given.get("annotations")
    alarms = annotations.get("alarms") if isinstance(annotations, dict) else None
    if "region" in given and ("metrics" in given or alarms is not None):
        return
    if "metrics" not in given and alarms is None:
        properties.require("metrics")
        properties.require("annotations")
    properties.complain("The metric widget should have specified a region and a data source or an alarm annotation")


def _axes(properties: Node, view: str | None) -> None:
    axes = properties.child("yAxis")
    left = None
    for side in ("left", "right"):
        axis = axes.child(side) if axes is not None else None
        if axis is not None:
            axis.typed("min", "number")
            axis.typed("max", "number")
            axis.typed("label", "string")
            axis.typed("showUnits", "boolean")
            left = axis if side == "left" else left
    if view == "gauge" and not (left is not None and left.value.keys() >= {"min", "max"}):
        properties.complain("The gauge widget should have specified yAxis.left.min and yAxis.left.max")


def _rows(properties: Node) -> None:
    ids: set[str] = set()
    for index, row in enumerate(properties.sized("metrics", 0, METRICS_A_WIDGET)):
        where = f"metrics/{index}"
        if not isinstance(row, list):
            properties.complain("Should be array", where)
            properties.complain(_METRICS_FORM, where)
            continue
        render = row[-1] if row and isinstance(row[-1], dict) else {}
        cells = row[:-1] if row and isinstance(row[-1], dict) else row
        _cells(properties, cells, render, where)
        _render(Node(render, f"{properties.path}/{where}/{len(row) - 1}", properties.findings), ids)


def _cells(properties: Node, cells: list[Any], render: Mapping[str, Any], where: str) -> None:
    wrong = [position for position, cell in enumerate(cells) if not isinstance(cell, str)]
    for position in wrong:
        properties.complain('Invalid metric field type, only "String" type is allowed', f"{where}/{position}")
    whole = cells[:1] != ["..."]  # "..." stands for as many cells as the previous row has
    if "expression" in render:
        if cells:
            properties.complain("A metric math expression should stand in a row of its own", where)
    elif not wrong and whole and (len(cells) < 2 or len(cells) % 2):
        properties.complain(_METRICS_FORM, where)


def _render(render: Node, ids: set[str]) -> None:
    for key in ("expression", "label", "region", "accountId"):
        render.typed(key, "string")
    render.typed("visible", "boolean")
    render.choice("yAxis", ("left", "right"))
    render.matching("color", _COLOR)
    render.matching("id", _ID)
    _statistic(render)
    _period(render)
    name = render.value.get("id")
    if isinstance(name, str):
        if name in ids:
            render.complain(f"The id '{name}' is used by more than one metric of the widget", "id")
        ids.add(name)


def _statistic(node: Node) -> None:
    text = node.typed("stat", "string")
    try:
        if text is not None:
            parse_statistic(text)
    except StatisticError:
        node.complain(f"Invalid statistic: {text}", "stat")


def _period(node: Node) -> None:
    period = node.typed("period", "integer")
    if period is not None and period not in (1, 5, 10, 20, 30) and (period < 60 or period % 60):
        node.complain("Should be 1, 5, 10, 20, 30 or a multiple of 60", "period")


def _annotations(properties: Node) -> None:
    annotations = properties.child("annotations")
    if annotations is None:
        return
    _arns(annotations, "alarms", 0, 1)
    if annotations.value.get("alarms") and properties.value.get("metrics"):
        annotations.complain("Alarm annotations should not be specified together with metrics", "alarms")
    for key, kind in (("horizontal", "number"), ("vertical", "string")):
        for index, entry in enumerate(annotations.sized(key, 0, 500)):
            band = entry if isinstance(entry, list) else [entry]
            for position, end in enumerate(band):
                where = f"{key}/{index}/{position}" if isinstance(entry, list) else f"{key}/{index}"
                _annotation(annotations, end, where, kind)


def _annotation(annotations: Node, value: Any, where: str, kind: str) -> None:
    if not isinstance(value, dict):
        annotations.complain("Should be object", where)
        return
    annotation = Node(value, f"{annotations.path}/{where}", annotations.findings)
    annotation.require("value")
    annotation.typed("value", kind)
    annotation.typed("label", "string")
    annotation.typed("visible", "boolean")
    annotation.matching("color", _COLOR)
    annotation.choice("fill", ("above", "below", "none") if kind == "number" else ("before", "after", "none"))
    annotation.choice("yAxis", ("left", "right"))


def _arns(node: Node, key: str, low: int, high: int) -> None:
    for index, arn in enumerate(node.sized(key, low, high)):
        if not is_a(arn, "string"):
            node.complain("Should be string", f"{key}/{index}")
        elif not re.fullmatch(r"arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:\d{12}:alarm:.+", arn):
            node.complain("Should be the ARN of an alarm", f"{key}/{index}")


def _anything(_properties: Node) -> None:
    """Not described by the documentation."""


PROPERTIES: Mapping[str, Callable[[Node], None]] = {
    "alarm": _alarm,
    "chart": _anything,
    "custom": _anything,
    "explorer": _explorer,
    "log": _log,
    "metric": _metric,
    "text": _text,
}
