"""What AWS refuses, by limit and by rule, and what it takes although it looks alike."""

from __future__ import annotations

from typing import Any

import pytest

from kit.definitions.alarm_rules import alarm_flaws
from kit.definitions.composite_rules import composite_flaws
from kit.definitions.dashboard_members import all_dashboard_flaws
from kit.definitions.members import COMPOSITE_ALARM, METRIC_ALARM
from kit.definitions.structure import flaws

ALARM = {
    "AlarmName": "a",
    "Namespace": "N",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}
PROMQL = {"AlarmName": "p", "EvaluationCriteria": {"PromQLCriteria": {"Query": "up == 0"}}, "EvaluationInterval": 60}
BAND = {
    "AlarmName": "b",
    "EvaluationPeriods": 1,
    "ComparisonOperator": "GreaterThanUpperThreshold",
    "ThresholdMetricId": "band",
    "Metrics": [
        {"Id": "m", "MetricStat": {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}},
        {"Id": "band", "Expression": "ANOMALY_DETECTION_BAND(m, 2)"},
    ],
}
PROPAGATION = {"Enabled": True, "IncludedTagKeys": list[str]()}
EC2 = "arn:aws:automate:us-east-1:ec2:stop"
SCALE = "arn:aws:autoscaling:us-east-1:111122223333:scalingPolicy:x:autoScalingGroupName/g:policyName/p"
MATH = {
    **{key: ALARM[key] for key in ("AlarmName", "EvaluationPeriods", "Threshold", "ComparisonOperator")},
    "Metrics": [BAND["Metrics"][0]],  # type: ignore[index]  # the literal's values are of many types
}


def told(request: dict[str, Any]) -> list[str]:
    """Every complaint about an alarm, as pointer and problem."""
    composite = "AlarmRule" in request
    found = list(flaws(COMPOSITE_ALARM if composite else METRIC_ALARM, request))
    found = found or list(composite_flaws(request) if composite else alarm_flaws(request))
    return [f"{flaw.pointer}: {flaw.problem}" for flaw in found]


@pytest.mark.parametrize("request_", [ALARM, PROMQL, BAND, MATH], ids=lambda request: request["AlarmName"])
def test_sound_alarms_of_every_family_are_taken(request_: dict[str, Any]) -> None:
    assert told(request_) == []


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (ALARM | {"WarmUpConfiguration": {"WarmUpPeriodDurationInMinutes": 2881}}, "2881 is above 2880"),
        (ALARM | {"AlarmDescription": "x" * 1025}, "is 1025 characters long"),
        (ALARM | {"AlarmActions": ["arn:aws:sns:x:1:t"] * 6}, "holds 6, AWS takes 5 at most"),
        (ALARM | {"Tags": [{"Key": "a", "Value": ""}] * 2}, "/Tags/1/Key: a stands here twice"),
        (ALARM | {"Tags": [{"Key": "AWS:x", "Value": ""}]}, "the prefix aws: is AWS's own"),
        (ALARM | {"Dimensions": [{"Name": "d", "Value": "1"}, {"Name": "d", "Value": "2"}]}, "d stands here twice"),
        (ALARM | {"Dimensions": [{"Name": f"d{n}", "Value": "1"} for n in range(31)]}, "holds 31"),
        (ALARM | {"EvaluationWindow": {}}, "needs exactly one of SlidingWindow and WallClockWindow"),
        (ALARM | {"EvaluationWindow": {"WallClockWindow": {"Timezone": "+05:31"}}}, "+05:31 is not a time zone"),
        (ALARM | {"EvaluationWindow": {"WallClockWindow": {"Timezone": "Mars/Base"}}}, "Mars/Base is not a time zone"),
        (
            ALARM | {"ActionConfiguration": {"AlarmTagsPropagation": PROPAGATION}},
            "holds 0, AWS wants 1 at least",
        ),
        (ALARM | {"Tags": [{"Key": f"k{n}", "Value": "v"} for n in range(51)]}, "holds 51"),
        (ALARM | {"EvaluationPeriods": 1441}, "AWS looks back 86400 s at most"),
        (ALARM | {"EvaluationPeriods": 169, "Period": 3600}, "AWS looks back 604800 s at most"),
        (PROMQL | {"TreatMissingData": "ignore"}, "TreatMissingData cannot stand beside EvaluationCriteria"),
        (PROMQL | {"EvaluationWindow": {"SlidingWindow": {}}}, "EvaluationWindow cannot stand beside"),
        (PROMQL | {"Threshold": 1}, "Threshold cannot stand beside EvaluationCriteria"),
        (PROMQL | {"EvaluationCriteria": {"PromQLCriteria": {"Query": "x", "PendingPeriod": 86401}}}, "is above 86400"),
        (PROMQL | {"EvaluationCriteria": {}}, "PromQLCriteria is missing"),
        ({key: PROMQL[key] for key in ("AlarmName", "EvaluationCriteria")}, "EvaluationInterval is missing"),
        (PROMQL | {"EvaluationInterval": 45}, "must be 10, 20, 30 or a multiple of 60"),
        (MATH | {"AlarmActions": [EC2]}, "a metric math alarm cannot act on an EC2 instance"),
        (BAND | {"AlarmActions": [SCALE]}, "an anomaly alarm cannot have an Auto Scaling action"),
        (BAND | {"ThresholdMetricId": "m"}, "m is no anomaly detection band"),
        ({"AlarmName": "c", "AlarmRule": "ALARM(a)", "AlarmActions": [EC2]}, "not automate"),
        ({"AlarmName": "c", "AlarmRule": "ALARM(a)", "AlarmActions": ["arn:"]}, "SNS, Lambda or Systems Manager"),
    ],
)
def test_what_aws_refuses_is_told(request_: dict[str, Any], said: str) -> None:
    assert any(said in line for line in told(request_)), told(request_)


@pytest.mark.parametrize(
    "request_",
    [
        ALARM | {"AlarmActions": [EC2, SCALE]},
        ALARM | {"EvaluationWindow": {"WallClockWindow": {"Timezone": "UTC+05:30"}}},
        ALARM | {"EvaluationWindow": {"WallClockWindow": {"Timezone": "America/New_York"}}},
        ALARM | {"EvaluationPeriods": 168, "Period": 3600},
        {"AlarmName": "c", "AlarmRule": "ALARM(a)", "AlarmActions": ["arn:aws:lambda:us-east-1:1:function:f"]},
    ],
)
def test_what_aws_takes_is_taken(request_: dict[str, Any]) -> None:
    assert told(request_) == []


def test_a_request_may_have_120_kilobytes() -> None:
    big = [
        {**MATH["Metrics"][0], "Id": f"m{n}", "ReturnData": n == 0, "Label": "x" * 13_000}  # type: ignore[index]
        for n in range(10)
    ]
    assert any("AWS takes 122880 at most" in line for line in told(MATH | {"Metrics": big}))


def graph(*rows: Any, **properties: Any) -> dict[str, Any]:
    return {"widgets": [{"type": "metric", "properties": {"region": "r", "metrics": list(rows), **properties}}]}


def variable(**changed: Any) -> dict[str, Any]:
    given = {"type": "property", "property": "Service", "id": "s", "inputType": "select", "values": [{"value": "a"}]}
    return {"widgets": [], "variables": [{key: v for key, v in {**given, **changed}.items() if v is not None}]}


ROW = ["N", "m", "d", "1"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"widgets": [], "start": "-3H"}, "/start: is no range"),
        ({"widgets": [], "start": None}, "/start: is no range"),
        ({"widgets": [], "end": "2026-11-22"}, "/end: needs a start"),
        ({"widgets": [], "start": "-PT3H", "end": "2026-11-22"}, "/end: cannot stand beside a relative start"),
        ({"widgets": [], "periodOverride": "none"}, "must be auto or inherit"),
        ({"widgets": [{}] * 501}, "holds 501, AWS takes 500"),
        (graph(*[ROW] * 501), "holds 501, AWS takes 500"),
        ({"widgets": graph(*[ROW] * 500)["widgets"] * 6}, "hold 3000 metrics and expressions, AWS takes 2500"),
        (graph(ROW, period=7), "7 is not 1, 5, 10"),
        (graph(["N", "m", {"period": 90}]), "90 is not 1, 5, 10"),
        (graph([*ROW, {"yAxis": "top"}]), '"top" is not known'),
        (graph([*ROW, {"id": "M"}]), "is not an id"),
        (graph(["..."]), "repeats a row above it that is not there"),
        (graph(["N", "."]), "repeats a row above it"),
        (graph(ROW, ["...", "1", "2", "3", "4", "5"]), "repeats a row above it"),
        (graph(["N", "m", "d"]), "needs a namespace, a metric, then dimension names and values"),
        (graph(ROW, setPeriodToTimeRange=True), "a timeSeries has none"),
        (graph(ROW, view="singleValue", setPeriodToTimeRange=True, sparkline=True), "cannot go with"),
        (graph(ROW, legend={"position": "top"}), '"top" is not known'),
        (graph(ROW, timezone="Berlin"), "is not an offset"),
        (graph(ROW, annotations={"horizontal": [{"value": "7"}]}), "must be a number"),
        (graph(ROW, annotations={"horizontal": [[{"value": 7}]]}), "a band has two ends, this one 1"),
        (graph(ROW, annotations={"vertical": [{"value": "noon"}]}), "is not a moment"),
        (graph(ROW, table={"summaryColumns": ["P99"]}), '"P99" is not known'),
        (graph(ROW, accountId=1), "must be text"),
        (variable(values=None), "select needs values"),
        (variable(search="{N,d}", values=None), "search needs populateFrom"),
        (variable(type="pattern"), "a variable of type pattern needs pattern"),
        (variable(id="a b"), "is not an id of letters"),
        (variable(label="x" * 31), "31 characters long"),
        (variable(defaultValue="z"), "z is none of the values"),
        ({"widgets": [], "variables": variable()["variables"] * 2}, "the id s is used twice"),
        ({"widgets": [], "variables": variable()["variables"] * 26}, "holds 26"),
    ],
)
def test_what_a_dashboard_may_not_hold_is_told(body: dict[str, Any], said: str) -> None:
    lines = [f"{flaw.pointer}: {flaw.problem}" for flaw in all_dashboard_flaws(body)]
    assert any(said in line for line in lines), lines


@pytest.mark.parametrize(
    "body",
    [
        {"widgets": [], "start": "2026-11-22T10:00:00Z", "end": "2026-11-22T11:00:00.000Z"},
        graph(ROW, ["...", "2"], [".", "n", ".", "."], [{"expression": "SUM(METRICS())"}], [".", "."]),
        graph(ROW, view="singleValue", sparkline=True),
        graph(ROW, annotations={"horizontal": [[{"value": 1}, {"value": 2, "label": "b"}]]}),
        variable(defaultValue="a"),
        variable(inputType="input", values=None),
        variable(search="{N,d}", values=None, populateFrom="d", defaultValue="__FIRST"),
    ],
)
def test_what_a_dashboard_may_hold_is_taken(body: dict[str, Any]) -> None:
    assert list(all_dashboard_flaws(body)) == []
