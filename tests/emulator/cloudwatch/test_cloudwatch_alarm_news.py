"""What alarms tell: their notifications and their history."""

from __future__ import annotations

import json
import threading
from typing import Any

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.store import Datum
from kit.evaluation.alarm import AlarmDefinition

from .conftest import ACCOUNT, REGION, TEN, TOPIC, World

ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:"


def test_the_notification_has_the_shape_of_aws(world: World) -> None:
    world.alarm(
        "a",
        AlarmDescription="Faults.",
        AlarmActions=[TOPIC],
        Dimensions=[{"Name": "Service", "Value": "shop"}],
        TreatMissingData="notBreaching",
    )
    world.put("Fault", 12, at=30, Dimensions=[{"Name": "Service", "Value": "shop"}])
    world.until(61)
    ((topic, subject, body),) = world.published
    assert topic == TOPIC
    assert subject == 'ALARM: "a" in EU (Ireland)'
    reason = "Threshold Crossed: 1 datapoint [12.0 (22/11/26 10:00:00)] was greater than the threshold (10.0)."
    assert body == {
        "AlarmName": "a",
        "AlarmDescription": "Faults.",
        "AWSAccountId": ACCOUNT,
        "AlarmConfigurationUpdatedTimestamp": "2026-11-22T10:00:00.000+0000",
        "NewStateValue": "ALARM",
        "NewStateReason": reason,
        "StateChangeTime": "2026-11-22T10:01:01.000+0000",
        "Region": "EU (Ireland)",
        "AlarmArn": f"{ARN}a",
        "OldStateValue": "OK",
        "OKActions": [],
        "AlarmActions": [TOPIC],
        "InsufficientDataActions": [],
        "Trigger": {
            "MetricName": "Fault",
            "Namespace": "Shop",
            "StatisticType": "Statistic",
            "Statistic": "SUM",
            "Unit": None,
            "Dimensions": [{"value": "shop", "name": "Service"}],
            "Period": 60,
            "EvaluationPeriods": 1,
            "DatapointsToAlarm": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Threshold": 10.0,
            "TreatMissingData": "notBreaching",
            "EvaluateLowSampleCountPercentile": "",
        },
    }


def test_the_notification_of_a_math_alarm_lists_its_metrics(world: World) -> None:
    stat = {"Metric": {"Namespace": "Shop", "MetricName": "Fault"}, "Period": 60, "Stat": "Sum"}
    metrics: list[dict[str, Any]] = [
        {"Id": "twice", "Expression": "m1*2", "Label": "twice"},
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
    ]
    world.alarm("a", Metrics=metrics, AlarmActions=[TOPIC])
    world.put("Fault", 12, at=30)
    world.until(61)
    trigger = world.published[0][2]["Trigger"]
    assert trigger["Metrics"] == [
        {"Expression": "m1*2", "Id": "twice", "Label": "twice", "ReturnData": True},
        {
            "Id": "m1",
            "MetricStat": {
                "Metric": {"Dimensions": [], "MetricName": "Fault", "Namespace": "Shop"},
                "Period": 60,
                "Stat": "Sum",
            },
            "ReturnData": False,
        },
    ]
    assert "MetricName" not in trigger


def test_the_history_holds_configuration_states_and_actions(world: World) -> None:
    world.alarm("a", AlarmActions=[TOPIC])
    world.put("Fault", 12, at=30)
    world.until(61)
    world.alarm("a")
    world("DeleteAlarms", AlarmNames=["a"])
    items = world("DescribeAlarmHistory", AlarmName="a")["AlarmHistoryItems"]
    assert [item["HistorySummary"] for item in items] == [
        'Alarm "a" deleted',
        'Alarm "a" updated',
        f"Successfully executed action {TOPIC}",
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        'Alarm "a" created',
    ]
    data = {item["HistoryItemType"]: json.loads(item["HistoryData"]) for item in items}
    assert data["StateUpdate"]["newState"]["stateReasonData"]["recentDatapoints"] == [12.0]
    assert data["StateUpdate"]["oldState"]["stateValue"] == "INSUFFICIENT_DATA"
    assert data["StateUpdate"]["oldState"]["stateReason"] == "Insufficient Data: 1 datapoint was unknown."
    assert json.loads(data["Action"]["publishedMessage"])["AlarmName"] == "a"
    assert data["ConfigurationUpdate"]["type"] == "Create"
    assert data["ConfigurationUpdate"]["createdAlarm"]["alarmArn"] == f"{ARN}a"


def test_history_data_stays_json_within_its_limit(world: World) -> None:
    world.alarm("a" * 255, AlarmDescription="d" * 1024, AlarmActions=[f"{TOPIC}-{'x' * 900}-{n}" for n in range(5)])
    world("SetAlarmState", AlarmName="a" * 255, StateValue="ALARM", StateReason="r" * 1023, StateReasonData='{"d":"x"}')
    for item in world("DescribeAlarmHistory")["AlarmHistoryItems"]:
        assert 1 <= len(item["HistoryData"]) <= 4095
        assert isinstance(json.loads(item["HistoryData"]), dict)
        assert 1 <= len(item["HistorySummary"]) <= 255


def test_history_is_kept_for_two_weeks(world: World) -> None:
    world.alarm("a")
    world.clock.advance(15 * 86_400)
    world.alarm("b")
    assert [item["AlarmName"] for item in world("DescribeAlarmHistory")["AlarmHistoryItems"]] == ["b"]


def test_an_action_that_fails_is_recorded_and_stops_nothing(world: World) -> None:
    def refuse(_topic: str, _subject: str, _message: str) -> None:
        raise ConnectionError("nobody there")

    world.publish = refuse
    world.alarm("a", AlarmActions=[TOPIC, "arn:aws:lambda:eu-west-1:123456789012:function:f"])
    world.alarm("b", AlarmActions=[TOPIC])
    world.put("Fault", 20, at=30)
    world.until(61)
    assert world.state("a") == world.state("b") == "ALARM"
    for name, count in (("a", 2), ("b", 1)):
        actions = world.history(name, "Action")
        assert [item["HistorySummary"].split(" action")[0] for item in actions] == ["Failed to execute"] * count
    assert json.loads(world.history("b", "Action")[0]["HistoryData"])["error"] == "ConnectionError: nobody there"


def test_a_hanging_subscriber_delays_no_evaluation() -> None:
    """In the background, a notification that never ends must not hold the thread that evaluates."""
    release, reached, clock = threading.Event(), threading.Event(), ManualClock(TEN)

    def hang(_topic: str, _subject: str, _message: str) -> None:
        reached.set()
        release.wait(10)

    engine = Engine(REGION, ACCOUNT, clock, hang)
    try:
        settings = {
            "AlarmName": "a",
            "Namespace": "Shop",
            "MetricName": "Fault",
            "Statistic": "Sum",
            "Period": 10,
            "EvaluationPeriods": 1,
            "Threshold": 10.0,
            "ComparisonOperator": "GreaterThanThreshold",
            "AlarmActions": [TOPIC],
            "OKActions": [TOPIC],
        }
        engine.alarms.put_metric(settings, AlarmDefinition.from_api(settings), {})
        states = []
        for tick in range(1, 7):
            value = 20.0 if tick % 2 else 0.0
            engine.record([Datum("Shop", "Fault", (), TEN + tick * 10 - 5, None, 1, (value,), (1.0,))])
            clock.advance(10)
            engine.run_due(clock.now() + 1)
            alarm = engine.alarms.get("a")
            assert alarm is not None
            states.append(alarm.state.value)
        assert states == ["ALARM", "OK"] * 3
        assert reached.wait(5)
    finally:
        release.set()
        engine.close()
