"""Putting, describing and deleting alarms, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.emulator.protocol import AwsError

from .conftest import ACCOUNT, REGION, TEN, TOPIC, World

ARN = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:"
BOTH = ["MetricAlarm", "CompositeAlarm"]


def stat(period: int = 60, name: str = "Fault") -> dict[str, Any]:
    return {"Metric": {"Namespace": "Shop", "MetricName": name}, "Period": period, "Stat": "Sum"}


def names(answer: dict[str, Any]) -> list[str]:
    return [alarm["AlarmName"] for key in ("CompositeAlarms", "MetricAlarms") for alarm in answer[key]]


@pytest.fixture
def family(world: World) -> World:
    """Metric alarms a1, a2, b1; composite c over a1 and a2, d over c."""
    for name in ("a1", "a2", "b1"):
        world.alarm(name, TreatMissingData="ignore", AlarmActions=[TOPIC] if name == "b1" else [])
    world("PutCompositeAlarm", AlarmName="c", AlarmRule=f'ALARM(a1) OR ALARM("{ARN}a2")')
    world("PutCompositeAlarm", AlarmName="d", AlarmRule="ALARM(c)", OKActions=[TOPIC])
    world("SetAlarmState", AlarmName="a2", StateValue="OK", StateReason="test")
    return world


def test_what_was_put_is_described(world: World) -> None:
    world.alarm("a", AlarmDescription="Faults.", DatapointsToAlarm=1, Tags=[{"Key": "kit:set", "Value": "shop"}])
    assert world.described("a") == {
        "AlarmName": "a",
        "AlarmArn": f"{ARN}a",
        "AlarmDescription": "Faults.",
        "AlarmConfigurationUpdatedTimestamp": TEN,
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "StateValue": "INSUFFICIENT_DATA",
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": TEN,
        "StateTransitionedTimestamp": TEN,
        "MetricName": "Fault",
        "Namespace": "Shop",
        "Statistic": "Sum",
        "Dimensions": [],
        "Period": 60,
        "EvaluationPeriods": 1,
        "DatapointsToAlarm": 1,
        "Threshold": 10.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }


def test_a_math_alarm_is_described_with_return_data_spelt_out(world: World) -> None:
    metrics = [{"Id": "e", "Expression": "m*2"}, {"Id": "m", "MetricStat": stat(), "ReturnData": False}]
    world.alarm("a", Metrics=metrics)
    found = world.described("a")
    assert [query["ReturnData"] for query in found["Metrics"]] == [True, False]
    assert "Dimensions" not in found


@pytest.mark.parametrize(
    ("params", "found"),
    [
        ({}, ["a1", "a2", "b1"]),
        ({"AlarmTypes": ["CompositeAlarm"]}, ["c", "d"]),
        ({"AlarmTypes": BOTH}, ["c", "d", "a1", "a2", "b1"]),
        ({"AlarmTypes": ["LogAlarm"]}, []),
        ({"AlarmNames": ["b1", "a1", "nobody", "c"]}, ["a1", "b1"]),
        ({"AlarmNamePrefix": "a"}, ["a1", "a2"]),
        ({"StateValue": "OK"}, ["a2"]),
        ({"AlarmNamePrefix": "a", "StateValue": "INSUFFICIENT_DATA"}, ["a1"]),
        ({"ActionPrefix": TOPIC[:20], "AlarmTypes": BOTH}, ["d", "b1"]),
        ({"ActionPrefix": "arn:aws:lambda"}, []),
        ({"ChildrenOfAlarmName": "c"}, ["a1", "a2"]),
        ({"ChildrenOfAlarmName": "d"}, ["c"]),
        ({"ChildrenOfAlarmName": "a1"}, []),
        ({"ParentsOfAlarmName": "a2"}, ["c"]),
        ({"ParentsOfAlarmName": "nobody"}, []),
    ],
)
def test_alarms_are_described_by_filter(family: World, params: dict[str, Any], found: list[str]) -> None:
    assert names(family("DescribeAlarms", **params)) == found


def test_children_and_parents_show_a_few_members_only(family: World) -> None:
    (parent,) = family("DescribeAlarms", ParentsOfAlarmName="a1")["CompositeAlarms"]
    assert parent == {"AlarmName": "c", "AlarmArn": f"{ARN}c"}
    child = family("DescribeAlarms", ChildrenOfAlarmName="c")["MetricAlarms"][0]
    assert child.keys() == {"AlarmName", "AlarmArn", "StateValue", "StateUpdatedTimestamp"}


@pytest.mark.parametrize(
    "params",
    [
        {"AlarmNames": ["a1"], "AlarmNamePrefix": "a"},
        {"ChildrenOfAlarmName": "c", "StateValue": "OK"},
        {"ParentsOfAlarmName": "a1", "ChildrenOfAlarmName": "c"},
        {"MaxRecords": 101},
        {"StateValue": "FINE"},
    ],
)
def test_filters_that_do_not_go_together_are_refused(family: World, params: dict[str, Any]) -> None:
    assert family.refusal("DescribeAlarms", **params)[0] == "ValidationError"


def test_alarms_and_history_come_in_pages_without_loss(family: World) -> None:
    for operation, member, expected in (
        ("DescribeAlarms", "MetricAlarms", ["a1", "a2", "b1"]),
        ("DescribeAlarmHistory", "AlarmHistoryItems", ["a2", "b1", "a2", "a1"]),
    ):
        seen: list[str] = []
        token: dict[str, str] = {}
        while True:
            answer = family(operation, MaxRecords=1, **token)
            (item,) = answer[member]
            seen.append(item["AlarmName"])
            if "NextToken" not in answer:
                break
            token = {"NextToken": answer["NextToken"]}
        assert seen == expected
        assert family.refusal(operation, NextToken="bogus")[0] == "InvalidNextToken"


def test_history_is_filtered_by_name_type_kind_and_time(family: World) -> None:
    family.until(100)
    family("SetAlarmState", AlarmName="b1", StateValue="ALARM", StateReason="test")

    def summaries(**params: Any) -> list[str]:
        answer = family("DescribeAlarmHistory", **params)
        return [f"{item['AlarmName']}: {item['HistoryItemType']}" for item in answer["AlarmHistoryItems"]]

    assert summaries(AlarmName="b1", HistoryItemType="StateUpdate") == ["b1: StateUpdate"]
    assert summaries(StartDate=TEN + 50) == ["b1: Action", "b1: StateUpdate"]
    assert summaries(EndDate=TEN + 50, HistoryItemType="StateUpdate") == ["a2: StateUpdate"]
    assert {line[0] for line in summaries(AlarmTypes=["CompositeAlarm"])} == {"c", "d"}
    assert summaries(AlarmName="c") == []
    assert summaries(ScanBy="TimestampAscending")[0] == "a1: ConfigurationUpdate"


def test_alarms_for_a_metric_are_those_on_it_alone(world: World) -> None:
    world.alarm("plain")
    world.alarm("slow", Period=300)
    world.alarm("narrow", Dimensions=[{"Name": "Service", "Value": "shop"}])
    world.alarm("math", Metrics=[{"Id": "m", "MetricStat": stat()}])

    def found(**params: Any) -> list[str]:
        answer = world("DescribeAlarmsForMetric", Namespace="Shop", MetricName="Fault", **params)
        return [alarm["AlarmName"] for alarm in answer["MetricAlarms"]]

    assert found() == ["plain", "slow"]
    assert found(Period=300, Statistic="Sum") == ["slow"]
    assert found(Statistic="Average") == []
    assert found(Dimensions=[{"Name": "Service", "Value": "shop"}]) == ["narrow"]


# -- deleting


def test_an_alarm_with_a_parent_cannot_be_deleted(family: World) -> None:
    refused = family.refusal("DeleteAlarms", AlarmNames=["a1", "b1"])
    assert refused == ("ValidationError", "Cannot delete a1 as there are composite alarm(s) depending on it.")
    refused = family.refusal("DeleteAlarms", AlarmNames=["a1", "a2"])
    assert refused[1] == "Cannot delete a1,a2 as there are composite alarm(s) depending on them."
    assert names(family("DescribeAlarms")) == ["a1", "a2", "b1"]


def test_alarms_are_deleted_from_the_top_and_unknown_names_are_passed_over(family: World) -> None:
    assert family.refusal("DeleteAlarms", AlarmNames=["c", "d"])[0] == "ValidationError"
    family("DeleteAlarms", AlarmNames=["d", "nobody"])
    family("DeleteAlarms", AlarmNames=["c"])
    family("DeleteAlarms", AlarmNames=["a1", "a2", "b1"])
    assert names(family("DescribeAlarms", AlarmTypes=BOTH)) == []


def test_a_recreated_alarm_begins_anew(family: World) -> None:
    family("DeleteAlarms", AlarmNames=["d"])
    family("PutCompositeAlarm", AlarmName="d", AlarmRule="ALARM(b1)")
    assert family.state("d") == "INSUFFICIENT_DATA"
    assert family("ListTagsForResource", ResourceARN=f"{ARN}d") == {"Tags": []}


# -- refusals


def without(*keys: str) -> dict[str, None]:
    return dict.fromkeys(keys)


TWO = [{"Id": "a", "MetricStat": stat()}, {"Id": "b", "MetricStat": stat()}]


@pytest.mark.parametrize(
    ("settings_", "code", "text"),
    [
        (
            {"DatapointsToAlarm": 2},
            "ValidationError",
            "DatapointsToAlarm must be less than or equal to EvaluationPeriods",
        ),
        ({"Period": 7}, "ValidationError", "Period"),
        ({"Period": 1}, "ValidationError", "Period"),
        ({"EvaluationPeriods": 1441}, "ValidationError", "86400"),
        ({"EvaluationPeriods": 0}, "ValidationError", "'evaluationPeriods' failed to satisfy constraint"),
        ({"ExtendedStatistic": "p99"}, "InvalidParameterCombination", "Statistic and ExtendedStatistic"),
        ({**without("Statistic"), "ExtendedStatistic": "p101"}, "ValidationError", "p101"),
        ({"Metrics": TWO[:1], "MetricName": "Fault"}, "InvalidParameterCombination", "Metrics and MetricName"),
        ({"Metrics": TWO}, "ValidationError", "Exactly one element of the metrics list should return data"),
        ({"Metrics": [{"Id": "A", "MetricStat": stat()}]}, "ValidationError", "Id"),
        (
            {"Metrics": [{"Id": "e", "Expression": "a+b"}, *({**q, "ReturnData": False} for q in TWO[:1])]},
            "ValidationError",
            "b",
        ),
        (
            {
                "Metrics": [
                    {"Id": "e", "Expression": "a+b"},
                    {"Id": "a", "MetricStat": stat(60), "ReturnData": False},
                    {"Id": "b", "MetricStat": stat(300), "ReturnData": False},
                ]
            },
            "ValidationError",
            "Period",
        ),
        ({"Metrics": [{"Id": "e", "Expression": "SEARCH('Shop', 'Sum', 60)"}]}, "ValidationError", ""),
        (without("MetricName"), "ValidationError", "MetricName"),
        (without("Statistic"), "ValidationError", "Statistic"),
        (without("EvaluationPeriods"), "ValidationError", "EvaluationPeriods must be specified"),
        (without("ComparisonOperator"), "ValidationError", "ComparisonOperator must be specified"),
        (without("Threshold"), "ValidationError", "Threshold"),
        ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "ValidationError", "ComparisonOperator"),
        ({"ComparisonOperator": "Above"}, "ValidationError", "enum value set"),
        ({"TreatMissingData": "never"}, "ValidationError", "TreatMissingData"),
        ({"EvaluateLowSampleCountPercentile": "ignore"}, "ValidationError", "EvaluateLowSampleCountPercentile"),
        ({"AlarmActions": ["page"]}, "ValidationError", "Invalid arn syntax: page"),
        ({"AlarmActions": [TOPIC] * 6}, "ValidationError", "alarmActions"),
        ({"AlarmDescription": "d" * 1025}, "ValidationError", "alarmDescription"),
        ({"ThresholdMetricId": "x"}, "ValidationError", "anomaly"),
        ({"EvaluationCriteria": {"PromQLCriteria": {"Query": "up"}}}, "ValidationError", "PromQL"),
        ({"EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC"}}}, "ValidationError", "wall-clock"),
        ({"Tags": [{"Key": "aws:x", "Value": ""}]}, "InvalidParameterValue", "aws:"),
        ({"Tags": [{"Key": "x", "Value": ""}] * 2}, "InvalidParameterValue", "Duplicate"),
    ],
)
def test_an_alarm_against_the_rules_is_refused_and_nothing_kept(
    world: World, settings_: dict[str, Any], code: str, text: str
) -> None:
    with pytest.raises(AwsError) as caught:
        world.alarm("a", **settings_)
    assert caught.value.code == code
    assert text in caught.value.message
    assert names(world("DescribeAlarms")) == []


def test_a_name_with_a_control_character_is_refused(world: World) -> None:
    with pytest.raises(AwsError, match="control characters"):
        world.alarm("a\nb")


@pytest.mark.parametrize(
    ("params", "text"),
    [
        (
            {"AlarmRule": "ALARM(nobody) AND ALARM(a1)"},
            "Could not save the composite alarm as alarms [nobody] in the alarm rule do not exist",
        ),
        ({"AlarmRule": 'ALARM("arn:aws:cloudwatch:us-east-1:123456789012:alarm:a1")'}, "do not exist"),
        ({"AlarmRule": "ALARM(a1) AND"}, "AlarmRule"),
        ({"AlarmRule": " ALARM(a1)"}, "leading or trailing whitespace"),
        ({"AlarmRule": "ALARM(a1)", "ActionsSuppressor": "a2"}, "are required with ActionsSuppressor"),
        ({"AlarmRule": "ALARM(a1)", "AlarmActions": ["x"]}, "Invalid arn syntax"),
        ({"AlarmName": "a1", "AlarmRule": "ALARM(a2)"}, "is a metric alarm"),
    ],
)
def test_a_composite_against_the_rules_is_refused(family: World, params: dict[str, Any], text: str) -> None:
    code, message = family.refusal("PutCompositeAlarm", **{"AlarmName": "new", **params})
    assert code == "ValidationError"
    assert text in message


def test_a_metric_alarm_cannot_take_a_composites_name(family: World) -> None:
    with pytest.raises(AwsError, match="is a composite alarm"):
        family.alarm("c")


def test_an_alarm_can_be_in_a_hundred_and_fifty_rules(world: World) -> None:
    world.alarm("a")
    for number in range(150):
        world("PutCompositeAlarm", AlarmName=f"c{number}", AlarmRule="ALARM(a)")
    world("PutCompositeAlarm", AlarmName="c0", AlarmRule="NOT ALARM(a)")
    assert world.refusal("PutCompositeAlarm", AlarmName="one-more", AlarmRule="ALARM(a)")[0] == "LimitExceeded"


def test_a_state_cannot_be_set_on_nothing_or_with_data_that_is_no_object(world: World) -> None:
    nothing = {"AlarmName": "a", "StateValue": "OK", "StateReason": "r"}
    assert world.refusal("SetAlarmState", **nothing)[0] == "ResourceNotFound"
    world.alarm("a")
    for data in ("{", "[1]", "3"):
        assert world.refusal("SetAlarmState", **nothing, StateReasonData=data)[0] == "InvalidFormat"


# -- tags


def test_tags_are_set_at_creation_and_changed_by_their_own_calls(world: World) -> None:
    world.alarm("a", Tags=[{"Key": "owner", "Value": "shop"}])
    world.alarm("a", Tags=[{"Key": "ignored", "Value": "x"}])
    world("TagResource", ResourceARN=f"{ARN}a", Tags=[{"Key": "owner", "Value": "ops"}, {"Key": "b", "Value": ""}])
    world("UntagResource", ResourceARN=f"{ARN}a", TagKeys=["b", "none"])
    assert world("ListTagsForResource", ResourceARN=f"{ARN}a")["Tags"] == [{"Key": "owner", "Value": "ops"}]


def test_tags_have_limits_and_need_a_resource(world: World) -> None:
    world.alarm("a")
    many = [{"Key": f"k{n}", "Value": ""} for n in range(51)]
    assert world.refusal("TagResource", ResourceARN=f"{ARN}a", Tags=many)[0] == "InvalidParameterValue"
    for arn in (f"{ARN}nobody", f"{ARN}a".replace(REGION, "us-east-1"), "x"):
        assert world.refusal("ListTagsForResource", ResourceARN=arn)[0] == "ResourceNotFoundException"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 100) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
OPERATIONS = (
    *("PutMetricAlarm", "PutCompositeAlarm", "DescribeAlarms", "DeleteAlarms", "SetAlarmState", "EnableAlarmActions"),
    *("DescribeAlarmHistory", "DescribeAlarmsForMetric", "TagResource", "ListTagsForResource", "PutDashboard"),
)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(operation=st.sampled_from(OPERATIONS), data=st.data())
def test_whatever_is_sent_is_answered_or_refused_but_never_fails(
    world: World, operation: str, data: st.DataObject
) -> None:
    shapes = world.service.model
    shape = shapes.operations[operation].input
    assert shape is not None
    members = st.dictionaries(st.sampled_from(sorted(shapes.shapes[shape.shape].members)), JSON)
    assert world.status(operation, **data.draw(members)) in (200, 400, 404)
