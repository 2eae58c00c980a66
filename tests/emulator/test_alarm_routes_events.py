"""Alarm events through EventBridge to a queue, by real clients over the wire."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.events import AlarmEvents

Client = Callable[..., Any]
METRIC: dict[str, Any] = {
    "Namespace": "Shop/Api",
    "MetricName": "Faults",
    "Dimensions": [{"Name": "Service", "Value": "shop"}, {"Name": "Environment", "Value": "local"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 5.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
DIMENSIONS = {"Service": "shop", "Environment": "local"}


@pytest.fixture
def name() -> str:
    return f"event-{uuid.uuid4()}"


@pytest.fixture
def next_event(client: Client, name: str) -> Callable[[], dict[str, Any]]:
    """The next event on an alarm whose name begins with ``name``, by a rule with a pattern and a queue."""
    queue = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [{"prefix": name}]}}
    client("events").put_rule(Name=name, EventPattern=json.dumps(pattern))
    target = f"arn:aws:sqs:us-east-1:123456789012:{name}"
    client("events").put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target}])

    def receive() -> dict[str, Any]:
        (message,) = client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=5)["Messages"]
        client("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        event: dict[str, Any] = json.loads(message["Body"])
        return event

    return receive


def test_a_change_of_state_is_an_event(client: Client, name: str, next_event: Callable[[], dict[str, Any]]) -> None:
    client("cloudwatch").put_metric_alarm(AlarmName=name, AlarmDescription="d", **METRIC)
    assert next_event()["detail"]["operation"] == "create"
    client("cloudwatch").set_alarm_state(
        AlarmName=name, StateValue="ALARM", StateReason="tried", StateReasonData='{"version":"1.0"}'
    )
    event = next_event()
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}"
    assert set(event) == {
        *("version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"),
    }
    assert event["detail-type"] == "CloudWatch Alarm State Change"
    assert (event["account"], event["region"], event["resources"]) == ("123456789012", "us-east-1", [arn])
    assert event["time"].endswith("Z")
    detail = event["detail"]
    (metric,) = detail["configuration"]["metrics"]
    assert detail["configuration"]["description"] == "d"
    assert metric["metricStat"] == {
        "metric": {"namespace": "Shop/Api", "name": "Faults", "dimensions": DIMENSIONS},
        "period": 60,
        "stat": "Sum",
    }
    assert detail["previousState"]["value"] == "INSUFFICIENT_DATA"
    assert detail["state"]["value"] == "ALARM"
    assert detail["state"]["reason"] == "tried"
    assert detail["state"]["reasonData"] == '{"version":"1.0"}'
    assert detail["state"]["timestamp"].endswith("+0000")


def test_a_change_of_configuration_is_an_event(
    client: Client, name: str, next_event: Callable[[], dict[str, Any]]
) -> None:
    client("cloudwatch").put_metric_alarm(AlarmName=name, **METRIC)
    created = next_event()["detail"]
    assert created["operation"] == "create"
    assert "previousConfiguration" not in created
    client("cloudwatch").put_metric_alarm(AlarmName=name, **METRIC | {"Threshold": 9.0})
    updated = next_event()
    assert updated["detail-type"] == "CloudWatch Alarm Configuration Change"
    assert updated["detail"]["operation"] == "update"
    assert updated["detail"]["configuration"]["threshold"] == 9
    assert updated["detail"]["previousConfiguration"]["threshold"] == 5
    assert updated["detail"]["state"]["value"] == "INSUFFICIENT_DATA"
    client("cloudwatch").disable_alarm_actions(AlarmNames=[name])
    disabled = next_event()["detail"]
    assert disabled["previousConfiguration"]["actionsEnabled"] is True
    assert disabled["configuration"]["actionsEnabled"] is False
    client("cloudwatch").delete_alarms(AlarmNames=[name])
    deleted = next_event()["detail"]
    assert deleted["operation"] == "delete"
    assert deleted["configuration"]["evaluationPeriods"] == 1


def test_a_metric_math_alarm_shows_its_queries(
    client: Client, name: str, next_event: Callable[[], dict[str, Any]]
) -> None:
    metric = {"Namespace": "n", "MetricName": "m", "Dimensions": [{"Name": "a", "Value": "b"}]}
    queries = [
        {"Id": "e", "Expression": "m * 2", "Label": "twice"},
        {"Id": "m", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "p99"}, "ReturnData": False},
    ]
    client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        Metrics=queries,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    stat = {"metric": {"namespace": "n", "name": "m", "dimensions": {"a": "b"}}, "period": 60, "stat": "p99"}
    assert next_event()["detail"]["configuration"]["metrics"] == [
        {"id": "e", "expression": "m * 2", "label": "twice", "returnData": True},
        {"id": "m", "metricStat": stat, "returnData": False},
    ]


def test_a_composite_alarm_shows_its_rule_and_what_holds_its_actions_back(
    client: Client, name: str, next_event: Callable[[], dict[str, Any]]
) -> None:
    child, suppressor = f"child-{name}", f"suppressor-{name}"  # not of the rule's prefix
    for alarm in (child, suppressor):
        client("cloudwatch").put_metric_alarm(AlarmName=alarm, **METRIC)
    client("cloudwatch").put_composite_alarm(
        AlarmName=name,
        AlarmRule=f'ALARM("{child}")',
        ActionsSuppressor=suppressor,
        ActionsSuppressorWaitPeriod=60,
        ActionsSuppressorExtensionPeriod=30,
    )
    created = next_event()["detail"]["configuration"]
    assert (created["alarmRule"], created["actionsSuppressor"]) == (f'ALARM("{child}")', suppressor)
    assert (created["actionsSuppressorWaitPeriod"], created["actionsSuppressorExtensionPeriod"]) == (60, 30)
    assert "metrics" not in created
    client("cloudwatch").set_alarm_state(AlarmName=child, StateValue="ALARM", StateReason="tried")
    states = [next_event()["detail"]["state"]]
    if states[-1]["value"] == "OK":  # the rule may have been evaluated once before
        states.append(next_event()["detail"]["state"])
    assert (states[-1]["value"], states[-1]["actionsSuppressedBy"]) == ("ALARM", "WaitPeriod")


class Nowhere:
    """An EventBridge that nobody has asked for anything."""

    loaded = False

    def put_event(self, region: str, event: dict[str, Any]) -> None:
        raise AssertionError((region, event))


def test_before_any_rule_nothing_is_prepared() -> None:
    events = AlarmEvents(Nowhere())
    engine = Engine("us-east-1", "123456789012", ManualClock(0.0), lambda *_: None)
    events.follow(engine.alarms)
    engine.alarms.delete([])
    assert events._thread is None
    events.close()
    engine.close()
