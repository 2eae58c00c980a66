"""What the properties of a dashboard's widgets and variables may hold, as data, and the limits of a whole dashboard.

Source: "Amazon CloudWatch API Reference", Dashboard Body Structure and Syntax; "CloudWatch service quotas". Keys that
the document doesn't name are no flaw here: AWS stores them, and the console writes some.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kit.definitions.dashboard_rules import dashboard_flaws
from kit.definitions.members import Flag, Group, Many, Number, Text
from kit.definitions.structure import Flaw, flaws, step

ROWS = 500
ROWS_IN_ALL = 2500
VARIABLES = 25
SHORT_PERIODS = (1, 5, 10, 20, 30)
AGGREGATES = ("AVG", "MIN", "MAX", "STDDEV", "SUM")
_RELATIVE = re.compile(r"-P(T\d+[MH]|\d+[DWM])")
_MOMENT = r"\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?"
_ABSOLUTE = re.compile(_MOMENT)

_text = Text()
_color = Text(pattern="#[0-9a-fA-F]{6}", meaning="a colour such as #1f77b4; names of colours are refused")
_side = Text(choices=("left", "right"))
_axis = Group({"min": Number(whole=False), "max": Number(whole=False), "label": _text, "showUnits": Flag()}, open=True)


_level = Group(
    {
        "value": Number(whole=False),
        "label": _text,
        "color": _color,
        "fill": Text(choices=("above", "below", "none")),
        "visible": Flag(),
        "yAxis": _side,
    },
    ("value",),
    open=True,
)
_moment = Group(
    {
        "value": Text(pattern=_MOMENT, meaning="a moment in ISO 8601, such as 2026-11-22T10:00:00Z"),
        "label": _text,
        "color": _color,
        "fill": Text(choices=("before", "after", "none")),
        "visible": Flag(),
    },
    ("value",),
    open=True,
)
RENDER = Group(
    {
        "expression": Text(1, 2048),
        "color": _color,
        "label": _text,
        "period": Number(least=1),
        "stat": _text,
        "visible": Flag(),
        "yAxis": _side,
        "id": Text(1, 255, pattern="[a-z][A-Za-z0-9_]*", meaning="an id: a lower-case letter, then letters, digits, _"),
        "region": _text,
        "accountId": _text,
    },
    open=True,
)
PROPERTIES: Mapping[str, Group] = {
    "text": Group({"markdown": _text, "background": Text(choices=("transparent", "solid"))}, open=True),
    "log": Group(
        {
            "region": Text(1),
            "query": Text(1, 10_000),
            "title": _text,
            "view": Text(choices=("table", "timeSeries", "bar", "pie")),
            "accountId": _text,
            "stacked": Flag(),
        },
        open=True,
    ),
    "metric": Group(
        {
            "region": Text(1),
            "title": _text,
            "view": Text(choices=("timeSeries", "singleValue", "gauge", "bar", "pie", "table")),
            "stat": _text,
            "period": Number(least=1),
            "stacked": Flag(),
            "sparkline": Flag(),
            "accountId": _text,
            "timezone": Text(pattern=r"[+-]\d{4}", meaning="an offset such as +0130"),
            "liveData": Flag(),
            "legend": Group({"position": Text(choices=("right", "bottom", "hidden"))}, open=True),
            "yAxis": Group({"left": _axis, "right": _axis}, open=True),
            "annotations": Group(open=True),
            "table": Group(
                {
                    "layout": Text(choices=("horizontal", "vertical")),
                    "stickySummary": Flag(),
                    "showTimeSeriesData": Flag(),
                    "summaryColumns": Many(Text(choices=("MIN", "MAX", "SUM", "AVG")), 4),
                },
                open=True,
            ),
            "start": _text,
            "end": _text,
            "setPeriodToTimeRange": Flag(),
            "singleValueFullPrecision": Flag(),
            "trend": Flag(),
            "labels": Group({"visible": Flag()}, open=True),
        },
        open=True,
    ),
    "alarm": Group(
        {
            "alarms": Many(_text, 100, least=1),
            "title": _text,
            "sortBy": Text(choices=("default", "stateUpdatedTimestamp", "timestamp")),
            "states": Many(Text(choices=("ALARM", "INSUFFICIENT_DATA", "OK")), 3),
        },
        ("alarms",),
        open=True,
    ),
    "explorer": Group(
        {
            "metrics": Many(
                Group(
                    {"metricName": Text(1), "resourceType": Text(1), "stat": Text(1)},
                    ("metricName", "resourceType", "stat"),
                ),
                100,
                least=1,
            ),
            "labels": Many(Group({"key": Text(1), "value": _text}, ("key",)), 500),
            "aggregateBy": Group({"key": _text, "func": Text(choices=AGGREGATES)}, open=True),
            "splitBy": _text,
            "period": Number(least=1),
            "title": _text,
            "widgetOptions": Group(open=True),
        },
        ("metrics", "labels"),
        open=True,
    ),
    "custom": Group({"endpoint": Text(1), "title": _text}, ("endpoint",), open=True),
    "chart": Group(open=True),
}
VARIABLE = Group(
    {
        "type": Text(choices=("property", "pattern")),
        "property": Text(1),
        "pattern": Text(1),
        "inputType": Text(choices=("input", "select", "radio")),
        "id": Text(1, 32, pattern="[0-9A-Za-z_-]*", meaning="an id of letters, digits, - and _"),
        "label": Text(0, 30),
        "values": Many(Group({"value": Text(1, 255), "label": Text(0, 255)}, ("value",)), 500, least=1),
        "search": Text(1, 2048),
        "populateFrom": Text(1),
        "defaultValue": _text,
        "visible": Flag(),
    },
    ("type", "id", "inputType"),
)


def all_dashboard_flaws(body: Mapping[str, Any]) -> Iterator[Flaw]:
    """Yield what PutDashboard would refuse: the rules of ``dashboard_rules``, then what they don't look at."""
    told = set()
    for flaw in dashboard_flaws(body):
        told.add(flaw.pointer)
        yield flaw
    yield from (flaw for flaw in _body_flaws(body) if flaw.pointer not in told)


def _body_flaws(body: Mapping[str, Any]) -> Iterator[Flaw]:
    yield from _range_flaws(body, "")
    if body.get("periodOverride", "auto") not in ("auto", "inherit"):
        yield Flaw("/periodOverride", "must be auto or inherit")
    yield from _variables_flaws(body.get("variables", []))
    rows = 0
    for index, widget in enumerate(_listed(body.get("widgets"))):
        if not isinstance(widget, dict):
            continue
        properties, pointer = widget.get("properties"), f"/widgets/{index}/properties"
        spec = PROPERTIES.get(str(widget.get("type")))
        if not isinstance(properties, dict) or spec is None:
            continue
        yield from flaws(spec, properties, pointer)
        if widget["type"] == "metric":
            rows += len(_listed(properties.get("metrics")))
            yield from _metric_flaws(properties, pointer)
        if widget["type"] == "explorer":
            yield from _explorer_flaws(properties, pointer)
    if rows > ROWS_IN_ALL:
        yield Flaw("/widgets", f"hold {rows} metrics and expressions, AWS takes {ROWS_IN_ALL} in one dashboard")


def _range_flaws(value: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    start, end = value.get("start"), value.get("end")
    relative = isinstance(start, str) and _RELATIVE.fullmatch(start)
    if "start" in value and not relative and not _is_moment(start):
        yield Flaw(f"{pointer}/start", "is no range", "Write -PT3H, -P7D or a moment such as 2026-11-22T10:00:00Z.")
    if "end" in value and not _is_moment(end):
        yield Flaw(f"{pointer}/end", "is no moment", "Write it as 2026-11-22T10:00:00Z.")
    if "end" in value and "start" not in value:
        yield Flaw(f"{pointer}/end", "needs a start beside it", "Add start.")
    elif "end" in value and relative:
        yield Flaw(f"{pointer}/end", "cannot stand beside a relative start", "Remove end.")


def _is_moment(value: object) -> bool:
    return isinstance(value, str) and _ABSOLUTE.fullmatch(value) is not None


def _metric_flaws(properties: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    rows = _listed(properties.get("metrics"))
    if len(rows) > ROWS:
        yield Flaw(f"{pointer}/metrics", f"holds {len(rows)}, AWS takes {ROWS} at most")
    for index, row in enumerate(rows):
        if isinstance(row, list) and row and isinstance(row[-1], dict):
            place = f"{pointer}/metrics/{index}/{len(row) - 1}"
            yield from flaws(RENDER, row[-1], place)
            yield from _period_flaws(row[-1].get("period"), place)
    yield from _shorthand_flaws(rows, pointer)
    yield from _period_flaws(properties.get("period"), pointer)
    yield from _range_flaws(properties, pointer)
    view = properties.get("view", "timeSeries")
    whole = properties.get("setPeriodToTimeRange") is True
    if whole and view == "timeSeries":
        remedy = "Remove it, or take another view."
        yield Flaw(f"{pointer}/setPeriodToTimeRange", "makes one value of the range: a timeSeries has none", remedy)
    if whole and properties.get("sparkline") is True:
        yield Flaw(f"{pointer}/sparkline", "cannot go with setPeriodToTimeRange, which leaves one value", "Remove one.")
    annotations = properties.get("annotations")
    if isinstance(annotations, dict):
        yield from _annotation_flaws(annotations, f"{pointer}/annotations")


def _shorthand_flaws(rows: Sequence[Any], pointer: str) -> Iterator[Flaw]:
    """A cell "." or "..." needs a row of metrics above it, and each row ends as names and values by turns."""
    before = 0
    for index, row in enumerate(rows):
        if not isinstance(row, list) or not all(isinstance(cell, str | dict) for cell in row):
            continue
        cells = [cell for cell in row if isinstance(cell, str)]
        if not cells:
            continue
        place = f"{pointer}/metrics/{index}"
        more = cells[0] == "..."
        length = max(before, len(cells) - 1) if more else len(cells)
        if "..." in cells[1:]:
            yield Flaw(place, '"..." may only stand first')
        elif (more and (not before or len(cells) - 1 > before)) or ("." in cells[before:] and not more):
            yield Flaw(place, "repeats a row above it that is not there or is too short", "Write the metric out.")
        elif length < 2 or length % 2:
            yield Flaw(place, "needs a namespace, a metric, then dimension names and values by turns")
        before = length


def _period_flaws(period: Any, pointer: str) -> Iterator[Flaw]:
    whole = isinstance(period, int) and not isinstance(period, bool) and period > 0
    if whole and period not in SHORT_PERIODS and period % 60:
        yield Flaw(f"{pointer}/period", f"{period} is not 1, 5, 10, 20, 30 or a multiple of 60 seconds")


def _annotation_flaws(annotations: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    alarms = annotations.get("alarms")
    if isinstance(alarms, list) and len(alarms) > 1:
        yield Flaw(f"{pointer}/alarms", f"holds {len(alarms)}, a widget draws one alarm")
    for key, spec in (("horizontal", _level), ("vertical", _moment)):
        given = annotations.get(key, [])
        if not isinstance(given, list):
            yield Flaw(f"{pointer}/{key}", "must be a list")
        for index, one in enumerate(_listed(given)):
            place = f"{pointer}/{key}/{index}"
            if isinstance(one, list):
                if len(one) != 2:
                    yield Flaw(place, f"a band has two ends, this one {len(one)}")
                for end, bound in enumerate(one):
                    yield from flaws(spec, bound, step(place, end))
            else:
                yield from flaws(spec, one, place)


def _explorer_flaws(properties: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    kinds = {str(one.get("resourceType")) for one in _listed(properties.get("metrics")) if isinstance(one, dict)}
    if len(kinds) > 1:
        yield Flaw(
            f"{pointer}/metrics", f"mixes the resource types {', '.join(sorted(kinds))}", "Use one explorer each."
        )


def _variables_flaws(variables: object) -> Iterator[Flaw]:
    if not isinstance(variables, list):
        yield Flaw("/variables", "must be a list")
        return
    if len(variables) > VARIABLES:
        yield Flaw("/variables", f"holds {len(variables)}, AWS takes {VARIABLES} at most")
    seen = set()
    for index, variable in enumerate(variables):
        pointer = f"/variables/{index}"
        found = list(flaws(VARIABLE, variable, pointer))
        yield from found
        if found or not isinstance(variable, dict):
            continue
        if variable["id"] in seen:
            yield Flaw(f"{pointer}/id", f"the id {variable['id']} is used twice", "Rename one of them.")
        seen.add(variable["id"])
        yield from _variable_flaws(variable, pointer)


def _variable_flaws(variable: Mapping[str, Any], pointer: str) -> Iterator[Flaw]:
    kind = variable["type"]
    if kind not in variable:
        yield Flaw(pointer, f"a variable of type {kind} needs {kind}", f"Add {kind}.")
    searched = "search" in variable
    if variable["inputType"] != "input" and not searched and "values" not in variable:
        yield Flaw(pointer, f"{variable['inputType']} needs values, or search and populateFrom", "Add them.")
    if searched and "populateFrom" not in variable:
        yield Flaw(pointer, "search needs populateFrom beside it", "Add populateFrom: the dimension to choose by.")
    default = variable.get("defaultValue")
    values = [one["value"] for one in variable.get("values", ())]
    if default is not None and values and not searched and variable["inputType"] != "input" and default not in values:
        yield Flaw(
            f"{pointer}/defaultValue", f"{default} is none of the values", f"Use one of {', '.join(values[:5])}."
        )


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
