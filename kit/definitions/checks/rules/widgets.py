"""Widgets that show nothing, lie over each other, or ask for what can't be shown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import combinations
from typing import Any

from kit.definitions.checks.family import Family
from kit.definitions.checks.registry import rule
from kit.definitions.checks.uses import metric_widgets, widget_uses
from kit.definitions.dashboard_members import PROPERTIES, RENDER
from kit.definitions.dashboard_rules import NAME
from kit.definitions.model import DashboardFile, alarm_name
from kit.definitions.structure import Flaw

WIDTH, HEIGHT = 6, 6
RETAINED_S = {60: 3 * 3600, 300: 15 * 86_400, 3600: 63 * 86_400}
"""Data finer than the key's period is kept for the value's seconds (API Reference, GetMetricData)."""

_RELATIVE = re.compile(r"-P(?:T(\d+)([MH])|(\d+)([DWM]))")
_SECONDS = {"TM": 60, "TH": 3600, "D": 86_400, "W": 604_800, "M": 2_592_000}
_LOG_SOURCE = re.compile(r"\bSOURCE\s+'([^']*)'")


@rule(
    "dashboard/name",
    "error",
    "dashboard",
    finds="a file whose name can't be a dashboard's: letters, digits, - and _, up to 255",
    why="API Reference, PutDashboard; the file's name becomes the dashboard's",
)
def name(dashboard: DashboardFile, _: Family) -> Iterator[Flaw]:
    if not re.fullmatch(NAME, dashboard.name):
        yield Flaw("", f"{dashboard.name} can't be the name of a dashboard", "Rename the file.")


@rule(
    "widget/shows-nothing",
    "error",
    "dashboard",
    finds="a widget without anything to draw: no metrics, all rows hidden, empty text, no alarms",
    why="an empty frame reads as all is well",
)
def shows_nothing(dashboard: DashboardFile, _: Family) -> Iterator[Flaw]:
    for index, widget in enumerate(dashboard.body["widgets"]):
        pointer, properties = f"/widgets/{index}/properties", widget["properties"]
        if widget["type"] == "text" and not properties["markdown"].strip():
            yield Flaw(f"{pointer}/markdown", "is empty", "Write something, or remove the widget.")
        rows = properties.get("metrics") if widget["type"] == "metric" else None
        if rows == []:
            yield Flaw(f"{pointer}/metrics", "holds nothing to draw", "Name a metric, or remove the widget.")
        elif rows and all(isinstance(row[-1], dict) and row[-1].get("visible") is False for row in rows):
            yield Flaw(f"{pointer}/metrics", "hides every row", "Make one visible, or remove the widget.")


@rule(
    "widget/unknown-property",
    "warning",
    "dashboard",
    finds="a property that CloudWatch's dashboards don't know",
    why="it is stored and does nothing, usually by a typing error",
)
def unknown_property(dashboard: DashboardFile, _: Family) -> Iterator[Flaw]:
    for index, widget in enumerate(dashboard.body["widgets"]):
        known = PROPERTIES[widget["type"]].members
        if widget["type"] in ("custom", "chart"):
            continue
        pointer = f"/widgets/{index}/properties"
        beside = ("metrics",) if widget["type"] == "metric" else ()
        yield from _strangers(widget["properties"], (*known, *beside), pointer)
        if widget["type"] == "metric":
            for number, row in enumerate(widget["properties"].get("metrics", ())):
                if isinstance(row[-1], dict):
                    yield from _strangers(row[-1], tuple(RENDER.members), f"{pointer}/metrics/{number}/{len(row) - 1}")


def _strangers(value: Mapping[str, Any], known: Sequence[str], pointer: str) -> Iterator[Flaw]:
    for key in value:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            remedy = f"Did you mean {near[0]}?" if near else "Remove it."
            yield Flaw(f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}", f"{key} is not known here", remedy)


@rule(
    "widget/overlap",
    "warning",
    "dashboard",
    finds="two widgets that lie over each other on the grid of 24 columns",
    why="the console moves one of them, and the dashboard looks different from its file",
)
def overlap(dashboard: DashboardFile, _: Family) -> Iterator[Flaw]:
    placed = [
        (index, widget["x"], widget["y"], widget.get("width", WIDTH), widget.get("height", HEIGHT))
        for index, widget in enumerate(dashboard.body["widgets"])
        if "x" in widget
    ]
    for (one, x, y, width, height), (other, x2, y2, width2, height2) in combinations(placed, 2):
        if x < x2 + width2 and x2 < x + width and y < y2 + height2 and y2 < y + height:
            yield Flaw(f"/widgets/{other}", f"lies over /widgets/{one}", "Move one of them.")


@rule(
    "widget/unknown-alarm",
    "warning",
    "dashboard",
    finds="a widget that shows an alarm that no file defines, in a set with alarms",
    why="the tile stays empty",
)
def unknown_alarm(dashboard: DashboardFile, family: Family) -> Iterator[Flaw]:
    if not family.alarms:
        return
    for index, widget in enumerate(dashboard.body["widgets"]):
        properties, pointer = widget["properties"], f"/widgets/{index}/properties"
        shown = [(f"{pointer}/alarms", properties.get("alarms"))]
        if isinstance(properties.get("annotations"), dict):
            shown.append((f"{pointer}/annotations/alarms", properties["annotations"].get("alarms")))
        for place, arns in shown:
            for number, arn in enumerate(arns if isinstance(arns, list) else ()):
                if not family.knows(arn):
                    yield Flaw(f"{place}/{number}", f"no file here defines {alarm_name(arn)}", "Correct the name.")


@rule(
    "widget/unknown-logs",
    "error",
    "dashboard",
    ours=True,
    finds="a query of a log group that the catalogue doesn't have",
    why="the query fails, and the widget shows an error",
)
def unknown_logs(dashboard: DashboardFile, family: Family) -> Iterator[Flaw]:
    if family.catalogue is None or not family.catalogue.log_groups:
        return
    forms = [re.sub(r"<[^>]+>", "[^/]+", re.escape(group)) for group in family.catalogue.log_groups]
    for index, widget in enumerate(dashboard.body["widgets"]):
        if widget["type"] == "log":
            for group in _LOG_SOURCE.findall(widget["properties"]["query"]):
                if not any(re.fullmatch(form, group) for form in forms):
                    remedy = f"There are {', '.join(family.catalogue.log_groups)}."
                    yield Flaw(f"/widgets/{index}/properties/query", f"there is no log group {group}", remedy)


@rule(
    "widget/period-range",
    "warning",
    "dashboard",
    finds="a period that the range can't show: longer than the range, or finer than data is kept for so long",
    why="API Reference, GetMetricData: data below 60 s is kept 3 hours, 60 s 15 days, 300 s 63 days",
)
def period_range(dashboard: DashboardFile, _: Family) -> Iterator[Flaw]:
    adapts = dashboard.body.get("periodOverride", "auto") != "inherit"
    for pointer, properties in metric_widgets(dashboard):
        begins = properties.get("start", dashboard.body.get("start", "-PT3H"))
        length = _range_s(begins, properties.get("end", dashboard.body.get("end")))
        if length is None or (adapts and "start" not in properties):
            continue
        periods = {use.period for use in widget_uses(properties, pointer)}
        periods |= {properties["period"]} if isinstance(properties.get("period"), int) else set()
        for period in sorted(periods):
            if period > length and properties.get("view", "timeSeries") == "timeSeries":
                yield Flaw(
                    pointer, f"one period of {period} s is longer than the range of {length} s", "Widen the range."
                )
            for coarser, kept in RETAINED_S.items():
                if period < coarser and length > kept:
                    remedy = f"Take a period of {coarser} s or more."
                    yield Flaw(pointer, f"data each {period} s is kept {kept} s, the range is {length} s", remedy)
                    break


def _range_s(start: str, end: str | None) -> int | None:
    """Length of a dashboard's range in seconds; None where it hangs on the moment one looks."""
    if match := _RELATIVE.fullmatch(start):
        hours, hour_unit, days, day_unit = match.groups()
        return int(hours or days) * _SECONDS[f"T{hour_unit}" if hours else day_unit]
    if end is None:
        return None
    try:
        first, last = (datetime.fromisoformat(text) for text in (start, end))
    except ValueError:
        return None
    first, last = (moment if moment.tzinfo else moment.replace(tzinfo=UTC) for moment in (first, last))
    return max(0, int((last - first).total_seconds()))
