"""GetMetricData: up to 500 queries, metric math among them; newest first unless ScanBy says otherwise."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.paging import position, token
from kit.emulator.cloudwatch.ranges import time_range
from kit.emulator.protocol import AwsError, Context
from kit.evaluation.labels import Where
from kit.evaluation.plan import Plan, plan
from kit.evaluation.query import Query, QueryError, QueryResult, queries_from_api
from kit.evaluation.search_calls import MAX_SERIES
from kit.evaluation.series import slots

QUERIES_A_CALL = 500
POINTS_A_PAGE = 100_800
# What one call may make the emulator compute, all queries together; AWS bounds this by quotas on its own estimate.
POINTS_A_CALL = 3_000_000


def handle(engine: Engine, params: dict[str, Any], context: Context) -> dict[str, Any]:
    queries = _queries(params["MetricDataQueries"])
    now = context.clock.now()
    where = Where(now, _minutes_ahead(params), context.account, context.region)
    try:
        planned = plan(queries)
        start, end = _range(params, planned, engine, now)
        answer = planned.answer(engine.readable, start, end, where=where)
    except QueryError as error:
        raise AwsError("ValidationError", str(error)) from None
    shown = frozenset(query.id for query in queries if query.return_data)
    page = _page([result for result in answer.results if result.id in shown], params)
    return page | {"Messages": [{"Code": "MaxMetricsExceeded", "Value": text} for text in answer.messages]}


def _queries(items: Sequence[dict[str, Any]]) -> tuple[Query, ...]:
    if not 0 < len(items) <= QUERIES_A_CALL:
        side = "less than 1" if not items else f"greater than {QUERIES_A_CALL}"
        raise AwsError("ValidationError", f"The collection MetricDataQueries must not have a size {side}.")
    try:
        queries = queries_from_api(items)
    except QueryError as error:
        raise AwsError("ValidationError", str(error)) from None
    if not any(query.return_data for query in queries):
        raise AwsError("ValidationError", "At least one of the MetricDataQueries must return data.")
    return queries


def _minutes_ahead(params: dict[str, Any]) -> int:
    """LabelOptions.Timezone, ``+0130``, as minutes ahead of UTC."""
    text = params.get("LabelOptions", {}).get("Timezone", "+0000")
    zone = re.fullmatch(r"([+-])([0-9]{2})([0-5][0-9])", text)
    if zone is None or int(zone[2]) >= 24:
        found = f"{text[:40]!r}"
        raise AwsError(
            "ValidationError", f"LabelOptions.Timezone must be + or - and four digits like +0130, not {found}."
        )
    minutes = 60 * int(zone[2]) + int(zone[3])
    return -minutes if zone[1] == "-" else minutes


def _range(params: dict[str, Any], planned: Plan, engine: Engine, now: float) -> tuple[int, int]:
    own = [query.metric_stat.period if query.metric_stat else query.period for query in planned.queries]
    searched = [(len(engine.readable.search(search)), period) for search, period in planned.searches]
    periods = [period for period in [*own, *(period for _, period in searched)] if period]
    start, end = time_range(params, periods, now, "ValidationError")
    finest = min(periods, default=60)
    asked = sum(slots(start, end, period or finest) for period in own)
    asked += sum(min(found, MAX_SERIES) * slots(start, end, period) for found, period in searched)
    if asked > POINTS_A_CALL:
        text = f"You have requested up to {asked:,} datapoints, which exceeds the limit of {POINTS_A_CALL:,}. "
        raise AwsError("ValidationError", text + "Increase Period, or shorten the time range.")
    return start, end


def _page(results: Sequence[QueryResult], params: dict[str, Any]) -> dict[str, Any]:
    """A page is a stretch of all results' datapoints laid end to end; the token says where the next one begins."""
    size = min(params.get("MaxDatapoints", POINTS_A_PAGE), POINTS_A_PAGE)
    if size < 1:
        raise AwsError("ValidationError", "The parameter MaxDatapoints must be greater than or equal to 1.")
    first = position("GetMetricData", params.get("NextToken")) or 0
    if not isinstance(first, int) or first < 0:
        raise AwsError("InvalidNextToken", "The next token specified is invalid.")
    ascending = params.get("ScanBy") == "TimestampAscending"
    shown, seen = [], 0
    for result in results:
        points = [point for point in result.series.points() if math.isfinite(point[1])]
        if not ascending:
            points.reverse()
        part = points[max(0, first - seen) : max(0, first + size - seen)]
        if part or (not points and not first):
            whole = not points or seen + len(points) <= first + size
            shown.append(_result(result, part, "Complete" if whole else "PartialData"))
        seen += len(points)
    answer: dict[str, Any] = {"MetricDataResults": shown}
    return answer | ({"NextToken": token("GetMetricData", first + size)} if seen > first + size else {})


def _result(result: QueryResult, points: Sequence[tuple[int, float]], status: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "Id": result.id,
        "Label": result.label,
        "Timestamps": [timestamp for timestamp, _ in points],
        "Values": [value for _, value in points],
        "StatusCode": status,
    }
    if result.messages:
        shown["Messages"] = [{"Code": "Warning", "Value": text} for text in result.messages]
    return shown
