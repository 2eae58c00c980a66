"""The SLO dashboard: for each objective the indicator, the budget that is left, the burn in each window, its alarms.

Within the limits of the dashboard body (500 widgets, 500 metrics each, 2500 together): an objective takes at most 15
widgets of 2 to 16 metrics.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kit.definitions.dashboard_rules import GRID
from kit.definitions.stage import ACCOUNT, REGION
from kit.slo.alarms import ratio
from kit.slo.model import DAY_S, Metric, Policy, Slo, length, number, percent, shown

MARK = "Generated from slos/ by `kit slo generate`."
"""Stands in the first widget: a dashboard's body has no other place for where it comes from."""

_HEAD_ROWS, _TEXT_ROWS, _NUMBER_ROWS, _CHART_ROWS = 8, 1, 3, 9
_GOOD, _BAD, _BUDGET, _GREY = "#16a34a", "#dc2626", "#2563eb", "#64748b"
_LONG = ("#7c2d12", "#b45309", "#4d7c0f", "#0f766e", "#1d4ed8", "#6d28d9")
_SHORT = ("#ea580c", "#f59e0b", "#84cc16", "#14b8a6", "#60a5fa", "#a78bfa")
_FINE_S = 300
"""The grain of single values: a day has 288 points of it."""
_CHARTED_S = 7200
"""Windows above it are told as one number each: in a chart of some hours they would be a point or none."""

Widget = dict[str, Any]


def dashboard(slos: Sequence[Slo]) -> dict[str, Any]:
    """The dashboard's body."""
    widgets = [*_head(slos)]
    top = _HEAD_ROWS
    for slo in slos:
        widgets += _section(slo, top)
        top += _TEXT_ROWS + _NUMBER_ROWS + _CHART_ROWS
    body = {"start": "-PT6H", "periodOverride": "inherit", "variables": list(_variables(slos)), "widgets": widgets}
    return body if body["variables"] else {key: value for key, value in body.items() if key != "variables"}


def _variables(slos: Sequence[Slo]) -> Iterator[Widget]:
    """A picker for the service and one for the environment, if all objectives count by them.

    Their values are those for which all that the first objective counts exists: no choice leads to an empty page.
    """
    counted = [dict(slo.total.dimensions) for slo in slos]
    for name in ("Service", "Environment"):
        values = {dimensions.get(name) for dimensions in counted}
        if len(values) != 1 or None in values:
            continue
        first = slos[0].total
        schema = ",".join((first.namespace, *(dimension for dimension, _ in first.dimensions)))
        others = [f'{other}="{value}"' for other, value in first.dimensions if other not in ("Service", "Environment")]
        yield {
            "type": "property",
            "property": name,
            "id": name.lower(),
            "label": name,
            "inputType": "select",
            "search": " ".join((f"{{{schema}}}", f'MetricName="{first.name}"', *others)),
            "populateFrom": name,
            "defaultValue": values.pop(),
            "visible": True,
        }


def _head(slos: Sequence[Slo]) -> Iterator[Widget]:
    promises = "\n".join(
        f"- **{percent(slo.target)}** of {slo.events} over {length(slo.period_s)}: bad are those that {slo.failed}"
        for slo in slos
    )
    text = (
        f"# What is promised\n{promises}\n\nWhat may be bad is the error budget. A burn rate of 1 spends it in exactly "
        "its period. Someone is told when a long **and** a short window burn faster than a line; each alarm's "
        f"description names its runbook.\n\n{MARK}"
    )
    yield _placed("text", {"markdown": text}, 0, 0, 12, _HEAD_ROWS)
    arns = [_arn(slo.alarm(policy)) for slo in slos for policy in slo.policies]
    yield _placed("alarm", {"title": "Who is told now", "alarms": arns}, 12, 0, GRID - 12, _HEAD_ROWS)


def _section(slo: Slo, top: int) -> Iterator[Widget]:
    head = f"## {slo.title}: {percent(slo.target)} over {length(slo.period_s)}"
    yield _placed("text", {"markdown": head}, 0, top, GRID, _TEXT_ROWS)
    top += _TEXT_ROWS
    numbers = [_sli(slo), _budget_left(slo), *(_burn(slo, policy, index) for index, policy in enumerate(slo.policies))]
    for index, properties in enumerate(numbers):
        left, right = (GRID * place // len(numbers) for place in (index, index + 1))
        yield _placed("metric", properties, left, top, right - left, _NUMBER_ROWS)
    top += _NUMBER_ROWS
    yield _placed("metric", _burn_chart(slo), 0, top, 8, _CHART_ROWS)
    yield _placed("metric", _share_chart(slo), 8, top, 7, _CHART_ROWS)
    yield _placed("alarm", _tree(slo), 15, top, GRID - 15, _CHART_ROWS)


def _sli(slo: Slo) -> Widget:
    good = {"expression": f"100*({_good(slo)})", "id": "sli", "label": f"%, promised {shown(slo.target * 100)}"}
    title = f"Good {slo.events} in {length(slo.period_s)}"
    return _number(title, slo.period_s, [[good | {"color": _GOOD}], *_rows(slo)])


def _budget_left(slo: Slo) -> Widget:
    left = {"expression": f"100*(1-({_bad(slo)})/{shown(slo.budget)})", "id": "left", "label": "% left"}
    return _number(f"Budget left of {length(slo.period_s)}", slo.period_s, [[left | {"color": _BUDGET}], *_rows(slo)])


def _burn(slo: Slo, policy: Policy, index: int) -> Widget:
    label = f"× allowed, {policy.severity} above {shown(slo.burn_rate(policy))}"
    burn = {"expression": _burn_rate(slo, policy), "id": "burn", "label": label, "color": _color(_LONG, index)}
    return _number(f"Burn over {length(policy.long_s)}", policy.long_s, [[burn], *_rows(slo)])


def _burn_chart(slo: Slo) -> Widget:
    rows: list[list[Any]] = []
    hidden: list[list[Any]] = []
    for index, policy in enumerate(slo.policies):
        for window, seconds, colors in (("long", policy.long_s, _LONG), ("short", policy.short_s, _SHORT)):
            if seconds > _CHARTED_S:
                continue
            prefix = f"{window}{index}_"
            line = {
                "expression": _burn_rate(slo, policy, prefix),
                "id": f"{window}{index}",
                "label": f"over {length(seconds)}",
                "color": _color(colors, index),
                "period": seconds,
            }
            rows.append([line])
            hidden += _rows(slo, prefix, seconds)
    lines = [
        {
            "value": number(slo.burn_rate(policy)),
            "label": f"{policy.severity} at {shown(slo.burn_rate(policy))}",
            "color": _BAD if policy.severity == "page" else _GREY,
        }
        for policy in slo.policies
    ]
    properties = _chart(
        "Burn rate: told when both windows are over a line", "times what is allowed", rows + hidden, _FINE_S
    )
    return properties | {"annotations": {"horizontal": lines}}


def _share_chart(slo: Slo) -> Widget:
    share = {"expression": f"100*({_good(slo)})", "id": "sli", "label": "good", "color": _GOOD}
    grain = min(policy.short_s for policy in slo.policies)
    properties = _chart(f"Share of good {slo.events}, each {length(grain)}", "%", [[share], *_rows(slo)], grain)
    promised = {"value": number(slo.target * 100), "label": f"promised {percent(slo.target)}", "color": _GREY}
    # Only the part around the promise: between 0 and 100 its breach would be a hair's breadth.
    floor = number(max(1 - 20 * slo.budget, 0 * slo.budget) * 100)
    return properties | {
        "annotations": {"horizontal": [promised]},
        "yAxis": {"left": {"min": floor, "max": 100, "label": "%", "showUnits": False}},
    }


def _tree(slo: Slo) -> Widget:
    names = [
        name
        for policy in slo.policies
        for name in (slo.alarm(policy), f"{slo.alarm(policy)}-long", f"{slo.alarm(policy)}-short")
    ]
    return {"title": "Each tier and its two windows", "alarms": [_arn(name) for name in names]}


def _burn_rate(slo: Slo, policy: Policy, prefix: str = "") -> str:
    return f"{ratio(slo, slo.least_total(policy), prefix)}/{shown(slo.budget)}"


def _good(slo: Slo) -> str:
    return "good/total" if slo.counts_good else "1-bad/total"


def _bad(slo: Slo) -> str:
    return "1-good/total" if slo.counts_good else "bad/total"


def _rows(slo: Slo, prefix: str = "", period: int | None = None) -> list[list[Any]]:
    counted = "good" if slo.counts_good else "bad"
    return [_row(slo.counted, f"{prefix}{counted}", period), _row(slo.total, f"{prefix}total", period)]


def _row(metric: Metric, name: str, period: int | None) -> list[Any]:
    cells = [cell for dimension in metric.dimensions for cell in dimension]
    render: dict[str, Any] = {"id": name, "stat": metric.stat, "visible": False}
    return [metric.namespace, metric.name, *cells, render | ({"period": period} if period else {})]


def _number(title: str, window_s: int, rows: list[list[Any]]) -> Widget:
    """One value for a window that ends now, whatever range the page shows."""
    start = f"-P{window_s // DAY_S}D" if window_s % DAY_S == 0 else f"-PT{window_s // 60}M"
    return {
        "title": title,
        "region": REGION,
        "view": "singleValue",
        "stat": "Sum",
        "period": _FINE_S if window_s > 3 * _FINE_S else 60,
        "start": start,
        "setPeriodToTimeRange": True,
        "metrics": rows,
    }


def _chart(title: str, axis: str, rows: list[list[Any]], period: int) -> Widget:
    return {
        "title": title,
        "region": REGION,
        "view": "timeSeries",
        "stat": "Sum",
        "period": period,
        "liveData": True,
        "legend": {"position": "bottom"},
        "yAxis": {"left": {"min": 0, "label": axis, "showUnits": False}},
        "metrics": rows,
    }


def _color(colors: Sequence[str], index: int) -> str:
    return colors[index % len(colors)]


def _arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


def _placed(kind: str, properties: Widget, x: int, y: int, width: int, height: int) -> Widget:
    return {"type": kind, "x": x, "y": y, "width": width, "height": height, "properties": properties}
