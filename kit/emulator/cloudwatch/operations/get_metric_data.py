"""GetMetricData: up to 500 queries, metric math among them; newest first unless ScanBy says otherwise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.paging import position, token
from kit.emulator.cloudwatch.ranges import time_range
from kit.emulator.protocol import AwsError, Context
from kit.evaluation.query import Query, QueryError, QueryResult, queries_from_api, run_queries
from kit.evaluation.series import slots

QUERIES_A_CALL = 500
POINTS_A_PAGE = 100_800
# What one call may make the emulator compute, all queries together; AWS bounds this by quotas on its own estimate.
POINTS_A_CALL = 3_000_000


def handle(engine: Engine, params: dict[str, Any], context: Context) -> dict[str, Any]:
    queries = _queries(params["MetricDataQueries"])
    start, end = _range(params, queries, context.clock.now())
    try:
        results = run_queries(queries, engine.metrics, start, end)
    except QueryError as error:
        raise AwsError("ValidationError", str(error)) from None
    shown = frozenset(query.id for query in queries if query.return_data)
    return _page([result for result in results if result.id in shown], params)


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


def _range(params: dict[str, Any], queries: Sequence[Query], now: float) -> tuple[int, int]:
    own = [query.metric_stat.period if query.metric_stat else query.period for query in queries]
    periods = [period for period in own if period]
    start, end = time_range(params, periods, now, "ValidationError")
    finest = min(periods, default=60)
    asked = sum(slots(start, end, period or finest) for period in own)
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
    answer: dict[str, Any] = {"MetricDataResults": shown, "Messages": []}
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
