"""Limits and filters that the service model doesn't state, over the wire."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Client = Callable[..., Any]


def refused(call: Callable[..., Any], **params: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as raised:
        call(**params)
    response = raised.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def test_the_newest_log_events_come_first_page_by_page_if_asked_for(client: Client) -> None:
    logs, now = client("logs"), int(time.time() * 1000)
    logs.create_log_group(logGroupName="newest-first")
    logs.create_log_stream(logGroupName="newest-first", logStreamName="s")
    events = [{"timestamp": now + n, "message": f"m{n}"} for n in range(25)]
    logs.put_log_events(logGroupName="newest-first", logStreamName="s", logEvents=events)
    asked = {"logGroupName": "newest-first", "startFromHead": False, "startTime": now, "limit": 10}
    found: list[str] = []
    token: dict[str, str] = {}
    for size in (10, 10, 5):
        page = logs.filter_log_events(**asked, **token)
        assert len(page["events"]) == size
        found += [event["message"] for event in page["events"]]
        token = {"nextToken": page["nextToken"]} if "nextToken" in page else {}
    assert token == {}
    assert found == [f"m{n}" for n in reversed(range(25))]
    code, _ = refused(logs.filter_log_events, logGroupName="newest-first", startFromHead=False)
    assert code == "InvalidParameterException"


def test_an_alarm_request_of_more_than_120_kb_is_refused(client: Client) -> None:
    query = {"Id": "e", "Expression": "m" * 2048}
    code, status = refused(client("cloudwatch").put_metric_alarm, AlarmName="big", Metrics=[query] * 60)
    assert (code, status) == ("RequestEntityTooLarge", 413)


def test_a_composite_alarm_takes_no_ec2_action(client: Client) -> None:
    action = ["arn:aws:automate:us-east-1:ec2:stop"]
    put = client("cloudwatch").put_composite_alarm
    assert refused(put, AlarmName="ec2", AlarmRule="TRUE", AlarmActions=action)[0] == "ValidationError"


def test_metrics_of_other_accounts_are_none_and_our_own_are_named_ours(client: Client) -> None:
    cloudwatch = client("cloudwatch")
    cloudwatch.put_metric_data(Namespace="Owned", MetricData=[{"MetricName": "m", "Value": 1}])
    asked = {"Namespace": "Owned", "IncludeLinkedAccounts": True}
    assert cloudwatch.list_metrics(**asked)["OwningAccounts"] == ["123456789012"]
    assert cloudwatch.list_metrics(**asked, OwningAccount="210987654321")["Metrics"] == []


def test_the_history_of_a_contributor_is_empty_where_no_alarm_has_any(client: Client) -> None:
    cloudwatch = client("cloudwatch")
    watched = {"Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    cloudwatch.put_metric_alarm(
        AlarmName="no-contributors", Threshold=1, ComparisonOperator="GreaterThanThreshold", **watched
    )
    asked = {"AlarmName": "no-contributors"}
    assert len(cloudwatch.describe_alarm_history(**asked)["AlarmHistoryItems"]) == 1
    assert cloudwatch.describe_alarm_history(**asked, AlarmContributorId="1")["AlarmHistoryItems"] == []
