"""A checkout's log, metric and trace are in the local AWS, and one trace id joins them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from stack_under_test import Stack, eventually

pytestmark = pytest.mark.e2e


def records(stack: Stack, group: str, pattern: str) -> list[dict[str, Any]]:
    """The newest two minutes of a log group; nothing while the group isn't there (yet)."""
    logs = stack.aws("logs")
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=group,
        filterPattern=pattern,
        startTime=int((time.time() - 120) * 1000),
        PaginationConfig={"MaxItems": 200},
    )
    try:
        return [json.loads(event["message"]) for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []


def documents(segments: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for document in segments:
        yield document
        yield from documents(document.get("subsegments", []))


def test_log_metric_and_trace_of_a_checkout_share_one_trace_id(stack: Stack) -> None:
    # What came before may have been lost on purpose: other tests kill the local AWS and the shop's workers.
    since_ms = time.time() * 1000

    def metric_line() -> dict[str, Any] | None:
        lines = records(stack, "/shop/local/shop/emf", '{ $.Operation = "POST /checkout" && $.trace_id = "*" }')
        return next((line for line in lines if line["_aws"]["Timestamp"] >= since_ms), None)

    metric = eventually(metric_line, 30, "an EMF record of POST /checkout that names a trace")
    trace_id, xray_id = metric["trace_id"], metric["xray_trace_id"]
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Shop"
    assert xray_id == f"1-{trace_id[:8]}-{trace_id[8:]}"

    log = eventually(
        lambda: records(stack, "/shop/local/shop/logs", f'{{ $.trace_id = "{trace_id}" }}'), 20, "the checkout's log"
    )
    assert "POST /checkout" in {line.get("operation") for line in log}

    paid = eventually(
        lambda: records(stack, "/shop/local/payments/logs", f'{{ $.trace_id = "{trace_id}" }}'), 20, "payments' log"
    )
    assert {line["service"] for line in paid} == {"payments"}

    def complete() -> list[dict[str, Any]]:
        traces = stack.aws("xray").batch_get_traces(TraceIds=[xray_id])["Traces"]
        found = list(documents([json.loads(s["Document"]) for t in traces for s in t["Segments"]]))
        names = {d["name"] for d in found if "parent_id" not in d or d.get("type") != "subsegment"}
        return found if {"shop", "payments"} <= names else []

    parts = eventually(complete, 20, "the trace with shop and payments")
    segments = {d["name"]: d for d in parts if d.get("origin") or d.get("annotations")}
    assert {"shop", "payments"} <= segments.keys()
    assert [d for d in parts if d.get("sql", {}).get("sanitized_query")], "no database span"
    calls = [d for d in parts if d.get("namespace") == "remote" and d["name"] == "payments"]
    assert segments["payments"]["parent_id"] in {d["id"] for d in calls}, "payments doesn't hang below the shop's call"
    assert segments["shop"]["annotations"]["operation"] == "POST /checkout"


def test_the_metrics_of_a_checkout_are_in_cloudwatch_at_high_resolution(stack: Stack) -> None:
    def sums() -> list[float]:
        answer = stack.aws("cloudwatch").get_metric_data(
            StartTime=time.time() - 60,
            EndTime=time.time(),
            MetricDataQueries=[
                {
                    "Id": "total",
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "Shop",
                            "MetricName": "Requests",
                            "Dimensions": [
                                {"Name": "Service", "Value": "shop"},
                                {"Name": "Environment", "Value": "local"},
                                {"Name": "Operation", "Value": "POST /checkout"},
                            ],
                        },
                        "Period": 10,
                        "Stat": "Sum",
                    },
                }
            ],
        )
        values: list[float] = answer["MetricDataResults"][0]["Values"]
        return values

    def usual() -> float:
        values = [value for value in sums() if value]
        return sorted(values)[len(values) // 2] if len(values) >= 4 else 0

    # The steady load keeps a 10 s window above the low-traffic guard of the page tier, with all customers there.
    eventually(lambda: usual() >= 60 * 0.8, 120, "four datapoints of 10 s, above the guard")


def test_nothing_personal_and_no_card_is_in_the_logs(stack: Stack) -> None:
    eventually(lambda: records(stack, "/shop/local/shop/logs", "POST"), 30, "log lines of the shop")
    for group in ("/shop/local/shop/logs", "/shop/local/payments/logs"):
        text = json.dumps(records(stack, group, ""))
        assert "card_token" not in text
        assert "tok_" not in text
        assert "@example" not in text
