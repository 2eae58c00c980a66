"""A metric widget as GetMetricData queries, and many widgets in few calls.

Source: Amazon CloudWatch API Reference, "GetMetricData" and "MetricDataQuery" (at most 500 queries a call, one Metrics
Insights query a call).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.charts.dashboard import Widget
from kit.charts.rows import Row, RowError, expand_rows
from kit.charts.timerange import TimeRange, adapt_period, choose_range

MAX_QUERIES = 500
DEFAULT_PERIOD_S = 300
DEFAULT_STAT = "Average"

_REGION = re.compile(r"[a-z]{2,4}(?:-[a-z]{2,12}){1,3}-\d{1,2}")
_TOKEN = re.compile(r"'[^']*'|\"[^\"]*\"|[A-Za-z_][A-Za-z0-9_]*")
_INSIGHTS = re.compile(r"\s*SELECT\b", re.IGNORECASE)
_ALL_METRICS = re.compile(r"\bMETRICS\s*\(")


@dataclass(frozen=True, slots=True)
class Plan:
    """What one widget asks of one Region. ``rows`` and ``periods`` (seconds) are keyed by query id.

    ``alone`` plans share a call with no other: ``METRICS()`` means every metric of the call, and a call takes one
    Metrics Insights query. ``whole_range`` is the period of a widget that wants one value for its whole range.
    """

    widget: int
    shown: TimeRange
    region: str | None
    queries: tuple[Mapping[str, Any], ...]
    rows: Mapping[str, Row]
    periods: Mapping[str, int]
    alone: bool = False
    whole_range: int | None = None


@dataclass(frozen=True, slots=True)
class Call:
    """One GetMetricData call: the queries of several plans over one range (epoch seconds)."""

    region: str | None
    queries: tuple[Mapping[str, Any], ...]
    start: float
    end: float


def plan_widget(widget: Widget, shown: TimeRange, *, adapt: bool) -> tuple[Plan, ...]:
    """The queries of a metric widget: one plan for each Region that its rows name.

    ``shown`` is the page's range; a widget with a ``start`` of its own keeps to that.
    Ids are prefixed with the widget's index, also inside expressions, so that widgets can share a call.
    Raises RowError when a row cannot be read.
    """
    metrics = widget.properties.get("metrics", [])
    if not isinstance(metrics, list):
        raise RowError("metrics: must be a list")
    if len(metrics) > MAX_QUERIES:
        raise RowError(f"metrics: {len(metrics)} rows; CloudWatch takes {MAX_QUERIES} a widget")
    rows = expand_rows(metrics)
    shown = own_range(widget, shown)
    whole = widget.properties.get("setPeriodToTimeRange") is True and widget.view != "timeSeries"
    period = _period(widget, shown, adapt=adapt, whole=whole)
    home = widget.properties.get("region")
    home = home if isinstance(home, str) and home else None
    ids = {row.id or str(n): f"w{widget.index}_{row.id or n}" for n, row in enumerate(rows)}
    plans: dict[str | None, dict[str, Row]] = {}
    for number, row in enumerate(rows):
        region = home if row.expression else row.region or home
        if region and not _REGION.fullmatch(region):
            raise RowError(f"metrics/{number}: {region!r} is not the name of a Region")
        plans.setdefault(region, {})[ids[row.id or str(number)]] = row
    return tuple(_plan(widget, shown, region, chosen, ids, period, whole=whole) for region, chosen in plans.items())


def own_range(widget: Widget, shown: TimeRange) -> TimeRange:
    """The widget's own ``start`` and ``end`` if it has them, else ``shown``; a relative one ends where that ends."""
    start, end = widget.properties.get("start"), widget.properties.get("end")
    if not isinstance(start, str):
        return shown
    return choose_range(start, end if isinstance(end, str) else None, None, shown.end)


def calls(plans: Iterable[Plan]) -> list[Call]:
    """Put plans into as few calls as can be.

    Each call starts on a multiple of its coarsest period, so that buckets do not move with every refresh.
    """
    open_batches: dict[tuple[str | None, TimeRange, int | None], list[Plan]] = {}
    batches: list[list[Plan]] = []
    for plan in plans:
        if not plan.queries:
            continue
        key = (plan.region, plan.shown, plan.whole_range)
        batch = None if plan.alone else open_batches.get(key)
        if batch is None or sum(len(p.queries) for p in batch) + len(plan.queries) > MAX_QUERIES:
            batch = []
            batches.append(batch)
            if not plan.alone:
                open_batches[key] = batch
        batch.append(plan)
    return [_call(batch) for batch in batches]


def _call(batch: Sequence[Plan]) -> Call:
    shown = batch[0].shown
    queries = tuple(query for plan in batch for query in plan.queries)
    whole = batch[0].whole_range
    if whole:
        return Call(batch[0].region, queries, _begin(shown), shown.end)
    coarsest = max((period for plan in batch for period in plan.periods.values()), default=60)
    return Call(batch[0].region, queries, shown.start // coarsest * coarsest, shown.end)


def _begin(shown: TimeRange) -> float:
    """The start of a range, on the grain to which GetMetricData rounds it by its age: so one period spans it all."""
    grain = 60 if shown.span_s < 15 * 86_400 else 300 if shown.span_s < 63 * 86_400 else 3600
    return shown.start // grain * grain


def _period(widget: Widget, shown: TimeRange, *, adapt: bool, whole: bool) -> int:
    if whole:
        return math.ceil((shown.end - _begin(shown)) / 60) * 60
    period = widget.properties.get("period", DEFAULT_PERIOD_S)
    if not isinstance(period, int) or isinstance(period, bool) or period < 1:
        raise RowError("period: must be a whole number of seconds")
    return adapt_period(period, shown.span_s) if adapt else period


def _plan(
    widget: Widget,
    shown: TimeRange,
    region: str | None,
    rows: Mapping[str, Row],
    ids: Mapping[str, str],
    period: int,
    *,
    whole: bool,
) -> Plan:
    periods = {id_: period if whole or not row.period else row.period for id_, row in rows.items() if row.cells}
    alone = False
    queries: list[Mapping[str, Any]] = []
    for id_, row in rows.items():
        query: dict[str, Any] = {"Id": id_, "ReturnData": row.visible}
        if row.label:
            query["Label"] = row.label
        if row.account:
            query["AccountId"] = row.account
        if row.expression is None:
            query["MetricStat"] = _metric_stat(widget, row, periods[id_])
        else:
            expression, inputs = _renamed(row.expression, ids)
            query["Expression"] = expression
            periods[id_] = max((periods[i] for i in inputs if i in periods), default=row.period or period)
            insights = bool(_INSIGHTS.match(row.expression))
            if insights or row.period:
                query["Period"] = row.period or period
            alone = alone or insights or bool(_ALL_METRICS.search(row.expression))
        queries.append(query)
    return Plan(widget.index, shown, region, tuple(queries), rows, periods, alone, period if whole else None)


def _metric_stat(widget: Widget, row: Row, period: int) -> dict[str, Any]:
    stat = row.stat or widget.properties.get("stat")
    return {
        "Metric": {
            "Namespace": row.cells[0],
            "MetricName": row.cells[1],
            "Dimensions": [{"Name": name, "Value": value} for name, value in row.dimensions],
        },
        "Period": period,
        "Stat": stat if isinstance(stat, str) else DEFAULT_STAT,
    }


def _renamed(expression: str, ids: Mapping[str, str]) -> tuple[str, list[str]]:
    """The expression with every id replaced (text in quotes is left alone), and the ids that it names."""
    found: list[str] = []

    def rename(match: re.Match[str]) -> str:
        word = match.group()
        if word not in ids:
            return word
        found.append(ids[word])
        return ids[word]

    return _TOKEN.sub(rename, expression), found
