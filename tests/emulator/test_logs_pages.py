"""Pages of lists that change while they are read, and tokens that nobody gave."""

from __future__ import annotations

import base64
import itertools
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]


@pytest.fixture
def logs(client: Client) -> Any:
    return client("logs")


@pytest.fixture
def family(logs: Any) -> str:
    """The prefix of six groups; the first has six streams and six metric filters."""
    name = f"paged/{uuid.uuid4()}/"
    for n in range(6):
        logs.create_log_group(logGroupName=f"{name}{n}")
        logs.create_log_stream(logGroupName=f"{name}0", logStreamName=f"s{n}")
        transformation = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
        logs.put_metric_filter(
            logGroupName=f"{name}0", filterName=f"f{n}", filterPattern="", metricTransformations=[transformation]
        )
    return name


def test_what_is_deleted_meanwhile_hides_nothing(logs: Any, family: str) -> None:
    group = f"{family}0"
    filters = {"logGroupName": group, "limit": 3}
    first = logs.describe_metric_filters(**filters)
    logs.delete_metric_filter(logGroupName=group, filterName="f0")
    rest = logs.describe_metric_filters(**filters, nextToken=first["nextToken"])
    assert [item["filterName"] for item in rest["metricFilters"]] == ["f3", "f4", "f5"]

    for descending, gone, expected in ((False, "s0", ["s3", "s4", "s5"]), (True, "s5", ["s3", "s2"])):
        asked = {"logGroupName": group, "limit": 3 - descending, "descending": descending}
        first = logs.describe_log_streams(**asked)
        logs.delete_log_stream(logGroupName=group, logStreamName=gone)
        streams = logs.describe_log_streams(**asked, nextToken=first["nextToken"])["logStreams"]
        assert [stream["logStreamName"] for stream in streams] == expected

    first = logs.describe_log_groups(logGroupNamePrefix=family, limit=3)
    logs.delete_log_group(logGroupName=group)
    rest = logs.describe_log_groups(logGroupNamePrefix=family, limit=3, nextToken=first["nextToken"])
    assert [item["logGroupName"] for item in rest["logGroups"]] == [f"{family}{n}" for n in (3, 4, 5)]
    assert "nextToken" not in rest


def test_a_prefix_of_filter_names_counts_within_a_group_only(logs: Any, family: str) -> None:
    within = logs.describe_metric_filters(logGroupName=f"{family}0", filterNamePrefix="f3")["metricFilters"]
    assert [item["filterName"] for item in within] == ["f3"]
    pages = logs.get_paginator("describe_metric_filters").paginate(filterNamePrefix="nobodys")
    found = [item for page in pages for item in page["metricFilters"]]
    assert {"f0", "f5"} <= {item["filterName"] for item in found if item["logGroupName"] == f"{family}0"}


def token(key: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode()


@pytest.mark.parametrize(
    "text",
    [
        *("x", "Ω", "\x00", token(None), token(5), token({}), token(["a", {}]), "9" * 5000),
        *(base64.urlsafe_b64encode(text).decode() for text in (b"[" * 100_000, b"9" * 5000, b"n" + b"1" * 5000)),
        *("1_" + "9" * 5000, "b1_" + "9" * 5000, "1_", "_", "f/" + "9" * 5000),
    ],
    ids=itertools.count(),
)
def test_a_token_that_was_never_given_is_refused(text: str, client: Client, logs: Any, family: str) -> None:
    group = {"logGroupName": f"{family}0"}
    for call, asked in (
        (logs.describe_log_groups, {}),
        (logs.describe_log_streams, group),
        (logs.describe_log_streams, {**group, "orderBy": "LastEventTime"}),
        (logs.describe_metric_filters, {}),
        (logs.filter_log_events, group),
        (logs.get_log_events, {**group, "logStreamName": "s0"}),
        (logs.describe_queries, {}),
    ):
        with pytest.raises(ClientError, match="InvalidParameterException"):
            call(**asked, nextToken=text)
    cloudwatch = client("cloudwatch")
    query = {"Id": "e", "Expression": "TIME_SERIES(1)"}
    for call, asked in (
        (cloudwatch.list_metrics, {}),
        (cloudwatch.list_dashboards, {}),
        (cloudwatch.describe_alarms, {}),
        (cloudwatch.describe_alarm_history, {}),
        (cloudwatch.get_metric_data, {"MetricDataQueries": [query], "StartTime": 0, "EndTime": 600}),
    ):
        with pytest.raises(ClientError) as raised:
            call(**asked, NextToken=text)
        assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
