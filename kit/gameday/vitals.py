"""How the shop does, by its own metrics: how much traffic, which share of checkouts was good, how fresh they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

NAMESPACE = "Shop"
SERVICE = "shop"
OPERATION = "POST /checkout"

PERIOD_S = 10
BACK_S = 120
"""So far back the newest datapoint is looked for."""

WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Vitals:
    """The last minute of the shop, or what is known of it.

    ``rate``: requests a second. ``checkouts``: how many. ``failed``, ``slow``: the share of them, None without any.
    ``age``: seconds since the end of the newest datapoint that tells of requests, None when there is none.
    """

    rate: float
    checkouts: float
    failed: float | None
    slow: float | None
    age: float | None


def read_vitals(cloudwatch: Any, environment: str, now: float) -> Vitals:
    """Ask CloudWatch (GetMetricData). Raises what botocore raises."""
    # The current ten seconds are still filling; the ones before are whole once they were flushed.
    end = now - now % PERIOD_S
    answer = cloudwatch.get_metric_data(
        StartTime=datetime.fromtimestamp(end - BACK_S, UTC),
        EndTime=datetime.fromtimestamp(end + PERIOD_S, UTC),
        MetricDataQueries=[
            _query("all", "Requests", environment, None),
            *(_query(name.lower(), name, environment, OPERATION) for name in ("Requests", "Fault", "Slow")),
        ],
    )
    series = {one["Id"]: _points(one) for one in answer["MetricDataResults"]}
    recent = {name: _sum(points, end - WINDOW_S, end) for name, points in series.items()}
    newest = max((t for t, value in series["all"].items() if value), default=None)
    checkouts = recent["requests"]
    return Vitals(
        rate=recent["all"] / WINDOW_S,
        checkouts=checkouts,
        failed=recent["fault"] / checkouts if checkouts else None,
        slow=recent["slow"] / checkouts if checkouts else None,
        age=None if newest is None else max(0.0, now - newest - PERIOD_S),
    )


def _query(query_id: str, metric: str, environment: str, operation: str | None) -> dict[str, Any]:
    dimensions = {"Service": SERVICE, "Environment": environment} | ({"Operation": operation} if operation else {})
    named = {
        "Namespace": NAMESPACE,
        "MetricName": metric,
        "Dimensions": [{"Name": name, "Value": value} for name, value in dimensions.items()],
    }
    return {"Id": query_id, "MetricStat": {"Metric": named, "Period": PERIOD_S, "Stat": "Sum"}}


def _points(result: Mapping[str, Any]) -> dict[float, float]:
    return {t.timestamp(): value for t, value in zip(result["Timestamps"], result["Values"], strict=True)}


def _sum(points: Mapping[float, float], start: float, end: float) -> float:
    return sum(value for t, value in points.items() if start <= t < end)
