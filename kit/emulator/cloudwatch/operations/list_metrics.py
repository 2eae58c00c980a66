"""ListMetrics: metrics that had data in the last two weeks, 500 a page."""

from __future__ import annotations

from typing import Any

from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.paging import page_after
from kit.emulator.cloudwatch.store import LISTED_S
from kit.emulator.protocol import Context
from kit.evaluation.query import MetricRef

PAGE = 500
RECENT_S = 3 * 3600


def handle(engine: Engine, params: dict[str, Any], context: Context) -> dict[str, Any]:
    since = context.clock.now() - (RECENT_S if "RecentlyActive" in params else LISTED_S)
    found = [
        ((ref.namespace, ref.name, ref.dimensions), ref) for ref in engine.metrics.refs(since) if _matches(ref, params)
    ]
    if params.get("OwningAccount", context.account) != context.account:
        found = []  # no other account is linked to this one
    page, more = page_after("ListMetrics", found, params.get("NextToken"), PAGE, "InvalidParameterValue")
    answer: dict[str, Any] = {"Metrics": [_shown(ref) for ref in page]}
    if params.get("IncludeLinkedAccounts"):
        answer["OwningAccounts"] = [context.account] * len(page)
    return answer | ({"NextToken": more} if more else {})


def _matches(ref: MetricRef, params: dict[str, Any]) -> bool:
    """Exact namespace and name; the dimensions asked for must be among the metric's, a bare name with any value."""
    dimensions = dict(ref.dimensions)
    return (
        params.get("Namespace", ref.namespace) == ref.namespace
        and params.get("MetricName", ref.name) == ref.name
        and all(
            wanted["Name"] in dimensions
            and wanted.get("Value", dimensions[wanted["Name"]]) == dimensions[wanted["Name"]]
            for wanted in params.get("Dimensions", ())
        )
    )


def _shown(ref: MetricRef) -> dict[str, Any]:
    return {
        "Namespace": ref.namespace,
        "MetricName": ref.name,
        "Dimensions": [{"Name": name, "Value": value} for name, value in ref.dimensions],
    }
