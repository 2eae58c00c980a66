"""The calls that every client makes, in order, and what is known of each answer.

Parameters are plain JSON that boto3 and ``aws --cli-input-json`` take alike; times are ISO 8601. The emulator's clock
stands still at NOW, so two clients that make the same calls must get the same answers to the last digit.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# 2026-11-22 10:00:00 UTC
NOW = 1_795_341_600
TEN, HALF_PAST_NINE, NINE = "2026-11-22T10:00:00Z", "2026-11-22T09:30:00Z", "2026-11-22T09:00:00Z"
TOPIC = "arn:aws:sns:us-east-1:123456789012:page"
ALARM_ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"


@dataclass(frozen=True)
class Case:
    """One call. ``expect`` maps JMESPath to a value; ``error`` is the code it must fail with."""

    service: str
    operation: str
    params: Mapping[str, Any] = field(default_factory=dict)
    expect: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


def _put(*data: Mapping[str, Any], namespace: str = "Shop", error: str | None = None) -> Case:
    return Case("cloudwatch", "PutMetricData", {"Namespace": namespace, "MetricData": list(data)}, error=error)


def _cloudwatch(
    operation: str, error: str | None = None, expect: Mapping[str, Any] | None = None, **params: Any
) -> Case:
    return Case("cloudwatch", operation, params, expect or {}, error)


_SHOP = [{"Name": "Service", "Value": "shop"}, {"Name": "Weg", "Value": "Größe & <Länge> \"'+%=.1"}]
_REQUESTS = {"Namespace": "Shop", "MetricName": "Requests", "Dimensions": _SHOP}
_STAT = {"Metric": _REQUESTS, "Period": 60, "Stat": "Sum"}
_LATENCY = {"Metric": {"Namespace": "Shop", "MetricName": "Latency"}, "Period": 300, "Stat": "p99"}

METRICS = [
    _put(
        {
            "MetricName": "Requests",
            "Dimensions": _SHOP,
            "Timestamp": "2026-11-22T09:57:10Z",
            "Value": 3,
            "Unit": "Count",
        }
    ),
    _put(
        {"MetricName": "Requests", "Dimensions": _SHOP, "Timestamp": "2026-11-22T09:58:20.250Z", "Value": 4.25},
        {"MetricName": "Requests", "Dimensions": _SHOP, "Timestamp": "2026-11-22T09:58:40+00:00", "Value": 1e-3},
        {
            "MetricName": "Fault",
            "Dimensions": _SHOP,
            "Timestamp": "2026-11-22T09:57:10Z",
            "Value": 1,
            "StorageResolution": 1,
        },
    ),
    _put(
        {"MetricName": "Latency", "Timestamp": "2026-11-22T09:56:00Z", "Values": [10, 20.5, 1e3], "Counts": [97, 2, 1]}
    ),
    _put({"MetricName": "Latency", "Timestamp": "2026-11-22T09:51:00Z", "Values": [0, -1.5]}),
    _put(
        {
            "MetricName": "Sets",
            "Timestamp": "2026-11-22T09:56:00Z",
            "StatisticValues": {"SampleCount": 4, "Sum": 10, "Minimum": 1, "Maximum": 4},
            "Unit": "Bytes/Second",
        }
    ),
    _put({"MetricName": "Now", "Value": 2.0**360}),
    _put({"MetricName": "Bad", "Value": 1, "Unit": "Furlongs"}, error="InvalidParameterValue"),
    _put({"MetricName": "Bad", "Value": 1, "Values": [1]}, error="InvalidParameterCombination"),
    _put({"MetricName": "Bad"}, error="InvalidParameterCombination"),
    _put({"MetricName": "Bad", "Value": 1e300}, error="InvalidParameterValue"),
    _put({"MetricName": "Bad", "Value": 1, "Timestamp": "2020-01-01T00:00:00Z"}, error="InvalidParameterValue"),
    _put({"MetricName": "x" * 300, "Value": 1}, error="InvalidParameterValue"),
    # large enough for a client that compresses to do it
    _put(*({"MetricName": f"Many{n}", "Value": n, "Unit": "Milliseconds"} for n in range(300)), namespace="Packed"),
    _cloudwatch("ListMetrics", Namespace="Shop", expect={"length(Metrics)": 5}),
    _cloudwatch("ListMetrics", Namespace="Packed", expect={"length(Metrics)": 300, "NextToken": None}),
    _cloudwatch(
        "ListMetrics",
        Namespace="Shop",
        MetricName="Requests",
        Dimensions=[{"Name": "Weg"}],
        RecentlyActive="PT3H",
        expect={"Metrics[0].Dimensions[1].Value": _SHOP[1]["Value"]},
    ),
    _cloudwatch("ListMetrics", Namespace="Nobody", expect={"Metrics": []}),
    _cloudwatch("ListMetrics", NextToken="of another list", error="InvalidParameterValue"),
    _cloudwatch(
        "GetMetricData",
        StartTime=HALF_PAST_NINE,
        EndTime=TEN,
        ScanBy="TimestampAscending",
        LabelOptions={"Timezone": "+0100"},
        MetricDataQueries=[
            {"Id": "requests", "MetricStat": _STAT, "Label": "Anfragen ${SUM}"},
            {
                "Id": "fault",
                "MetricStat": _STAT | {"Metric": _REQUESTS | {"MetricName": "Fault"}},
                "ReturnData": False,
            },
            {"Id": "rate", "Expression": "100 * FILL(fault, 0) / requests", "Label": "5xx %"},
            {"Id": "p99", "MetricStat": _LATENCY},
            {"Id": "found", "Expression": "SEARCH('{Shop} MetricName=\"Sets\"', 'Average', 300)"},
        ],
        expect={
            "MetricDataResults[?Id=='requests'].Values | [0]": [3.0, 4.251],
            "MetricDataResults[?Id=='rate'].Values | [0]": [100 / 3, 0.0],
            "MetricDataResults[?Id=='p99'].Values | [0]": [20.5],
            "MetricDataResults[?Id=='found'].Values | [0]": [2.5],
        },
    ),
    _cloudwatch(
        "GetMetricData",
        StartTime=NINE,
        EndTime=TEN,
        MaxDatapoints=1,
        MetricDataQueries=[{"Id": "requests", "MetricStat": _STAT}],
        expect={"length(MetricDataResults[0].Values)": 1},
    ),
    _cloudwatch(
        "GetMetricData",
        StartTime=NINE,
        EndTime=TEN,
        MetricDataQueries=[{"Id": "broken", "Expression": "1 +"}],
        error="ValidationError",
    ),
    _cloudwatch(
        "GetMetricStatistics",
        Namespace="Shop",
        MetricName="Latency",
        StartTime=NINE,
        EndTime=TEN,
        Period=300,
        Statistics=["SampleCount", "Average", "Sum", "Minimum", "Maximum"],
        expect={"Label": "Latency", "length(Datapoints)": 2, "sum(Datapoints[].SampleCount)": 102.0},
    ),
    _cloudwatch(
        "GetMetricStatistics",
        Namespace="Shop",
        MetricName="Latency",
        StartTime=NINE,
        EndTime=TEN,
        Period=300,
        ExtendedStatistics=["p50", "tm90", "PR(:15)"],
        # the five minutes with a negative value have no percentiles
        expect={"Datapoints[].ExtendedStatistics.p50": [10.0]},
    ),
    _cloudwatch(
        "GetMetricStatistics",
        Namespace="Shop",
        MetricName="Latency",
        StartTime=TEN,
        EndTime=NINE,
        Period=60,
        Statistics=["Sum"],
        error="InvalidParameterValue",
    ),
]

_RATE = {
    "AlarmName": "shop-5xx",
    "AlarmDescription": "5xx over 2 %: Größe & <Länge>.\nRunbook: https://example.com/?a=1&b=2",
    "ActionsEnabled": True,
    "AlarmActions": [TOPIC],
    "OKActions": [TOPIC],
    "EvaluationPeriods": 5,
    "DatapointsToAlarm": 3,
    "Threshold": 2.5,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
    "Metrics": [
        {"Id": "rate", "Expression": "100 * m1 / m1", "Label": "5xx %", "ReturnData": True},
        {"Id": "m1", "MetricStat": _STAT, "ReturnData": False},
    ],
    "Tags": [{"Key": "kit:owner", "Value": "shop"}, {"Key": "kit:slo", "Value": ""}],
}
_PLAIN = {
    "AlarmName": "shop-latency",
    "Namespace": "Shop",
    "MetricName": "Latency",
    "Dimensions": [{"Name": "Service", "Value": "shop"}],
    "ExtendedStatistic": "p99",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 300,
    "ComparisonOperator": "GreaterThanOrEqualToThreshold",
    "EvaluateLowSampleCountPercentile": "ignore",
}
_EITHER = {
    "AlarmName": "shop-either",
    "AlarmRule": 'ALARM("shop-5xx") OR NOT OK(shop-latency)',
    "ActionsSuppressor": "shop-latency",
    "ActionsSuppressorWaitPeriod": 60,
    "ActionsSuppressorExtensionPeriod": 120,
    "AlarmActions": [TOPIC],
}

ALARMS = [
    Case("cloudwatch", "PutMetricAlarm", _RATE),
    Case("cloudwatch", "PutMetricAlarm", _PLAIN),
    Case("cloudwatch", "PutMetricAlarm", _PLAIN | {"Period": 7}, error="ValidationError"),
    Case("cloudwatch", "PutMetricAlarm", _PLAIN | {"ComparisonOperator": "Equal"}, error="ValidationError"),
    Case("cloudwatch", "PutCompositeAlarm", _EITHER),
    Case("cloudwatch", "PutCompositeAlarm", _EITHER | {"AlarmRule": "ALARM("}, error="ValidationError"),
    _cloudwatch(
        "DescribeAlarms",
        AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        expect={
            "MetricAlarms[].AlarmName": ["shop-5xx", "shop-latency"],
            "CompositeAlarms[].AlarmRule": [_EITHER["AlarmRule"]],
            "MetricAlarms[0].AlarmDescription": _RATE["AlarmDescription"],
            "MetricAlarms[0].Metrics[1].MetricStat.Metric.Dimensions[1].Value": _SHOP[1]["Value"],
            "MetricAlarms[0].ActionsEnabled": True,
            "MetricAlarms[0].StateValue": "INSUFFICIENT_DATA",
        },
    ),
    _cloudwatch("DescribeAlarms", AlarmNamePrefix="shop-l", expect={"length(MetricAlarms)": 1}),
    _cloudwatch("DescribeAlarms", MaxRecords=1, expect={"length(MetricAlarms)": 1}),
    _cloudwatch("DescribeAlarms", StateValue="ALARM", expect={"MetricAlarms": [], "CompositeAlarms": []}),
    _cloudwatch("DescribeAlarms", AlarmNames=["a"], AlarmNamePrefix="a", error="ValidationError"),
    _cloudwatch(
        "DescribeAlarmsForMetric",
        Namespace="Shop",
        MetricName="Latency",
        Dimensions=_PLAIN["Dimensions"],
        ExtendedStatistic="p99",
        expect={"MetricAlarms[].AlarmName": ["shop-latency"]},
    ),
    _cloudwatch(
        "SetAlarmState",
        AlarmName="shop-latency",
        StateValue="ALARM",
        StateReason="a try: <&> \r\n\ttabbed ✓",
        StateReasonData=json.dumps({"why": "a try"}),
    ),
    _cloudwatch("SetAlarmState", AlarmName="nobody", StateValue="OK", StateReason="x", error="ResourceNotFound"),
    _cloudwatch(
        "DescribeAlarms",
        StateValue="ALARM",
        AlarmTypes=["MetricAlarm"],
        expect={
            "MetricAlarms[0].StateReason": "a try: <&> \r\n\ttabbed ✓",
            "MetricAlarms[0].StateUpdatedTimestamp": float(NOW),
        },
    ),
    _cloudwatch("DisableAlarmActions", AlarmNames=["shop-5xx"]),
    _cloudwatch("DescribeAlarms", AlarmNames=["shop-5xx"], expect={"MetricAlarms[0].ActionsEnabled": False}),
    _cloudwatch("EnableAlarmActions", AlarmNames=["shop-5xx"]),
    _cloudwatch(
        "DescribeAlarmHistory",
        AlarmName="shop-latency",
        HistoryItemType="StateUpdate",
        StartDate=NINE,
        EndDate="2026-11-22T10:00:01Z",
        ScanBy="TimestampAscending",
        expect={"length(AlarmHistoryItems)": 1},
    ),
    _cloudwatch("ListTagsForResource", ResourceARN=f"{ALARM_ARN}shop-5xx", expect={"Tags[1].Value": ""}),
    _cloudwatch("TagResource", ResourceARN=f"{ALARM_ARN}shop-5xx", Tags=[{"Key": "team", "Value": "a b+c"}]),
    _cloudwatch("UntagResource", ResourceARN=f"{ALARM_ARN}shop-5xx", TagKeys=["kit:slo"]),
    _cloudwatch(
        "ListTagsForResource",
        ResourceARN=f"{ALARM_ARN}shop-5xx",
        expect={"sort(Tags[].Value)": ["a b+c", "shop"]},
    ),
    _cloudwatch("DeleteAlarms", AlarmNames=["shop-either"]),
    _cloudwatch("DeleteAlarms", AlarmNames=["shop-5xx", "shop-latency"]),
    _cloudwatch("DescribeAlarms", expect={"MetricAlarms": []}),
    _cloudwatch("DeleteAlarms", AlarmNames=["shop-5xx"]),
]

_BODY = json.dumps(
    {
        "widgets": [
            {"type": "text", "x": 0, "y": 0, "width": 6, "height": 2, "properties": {"markdown": "# Größe & <b>\n"}},
            {
                "type": "metric",
                "properties": {"region": "us-east-1", "metrics": [["Shop", "Requests", "Service", "shop"]]},
            },
        ]
    },
    ensure_ascii=False,
)

DASHBOARDS = [
    _cloudwatch("PutDashboard", DashboardName="shop", DashboardBody=_BODY, expect={"DashboardValidationMessages": []}),
    _cloudwatch("PutDashboard", DashboardName="bad", DashboardBody="{", error="InvalidParameterInput"),
    _cloudwatch(
        "PutDashboard",
        DashboardName="bad",
        DashboardBody='{"widgets": [{"type": "metric", "properties": {"metrics": 1}}]}',
        error="InvalidParameterInput",
    ),
    _cloudwatch("GetDashboard", DashboardName="shop", expect={"DashboardBody": _BODY}),
    _cloudwatch(
        "ListDashboards",
        DashboardNamePrefix="s",
        expect={"DashboardEntries[0].DashboardName": "shop", "DashboardEntries[0].LastModified": float(NOW)},
    ),
    _cloudwatch("GetDashboard", DashboardName="nobody", error="ResourceNotFound"),
    _cloudwatch("DeleteDashboards", DashboardNames=["nobody"], error="ResourceNotFound"),
    _cloudwatch("DeleteDashboards", DashboardNames=["shop"]),
    _cloudwatch("ListDashboards", expect={"DashboardEntries": []}),
]

_GROUP = {"logGroupName": "/shop/logs"}
_STREAM = _GROUP | {"logStreamName": "one"}

LOGS = [
    Case("logs", "CreateLogGroup", _GROUP),
    Case("logs", "CreateLogGroup", _GROUP, error="ResourceAlreadyExistsException"),
    Case("logs", "CreateLogStream", _STREAM),
    Case(
        "logs",
        "PutLogEvents",
        _STREAM
        | {
            "logEvents": [
                {"timestamp": NOW * 1000 - 3000, "message": '{"level": "ERROR", "status": 503, "text": "Größe"}'},
                {"timestamp": NOW * 1000 - 2000, "message": '{"level": "INFO", "status": 200}'},
                {"timestamp": NOW * 1000 - 1000, "message": "ERROR in plain words"},
            ]
        },
    ),
    Case("logs", "FilterLogEvents", _GROUP, {"length(events)": 3}),
    Case("logs", "FilterLogEvents", _GROUP | {"filterPattern": "ERROR"}, {"length(events)": 2}),
    Case(
        "logs",
        "FilterLogEvents",
        _GROUP | {"filterPattern": '{ $.status >= 500 && $.level = "ERROR" }', "startTime": NOW * 1000 - 3000},
        {"events[].timestamp": [NOW * 1000 - 3000]},
    ),
    Case("logs", "FilterLogEvents", _GROUP | {"filterPattern": "{ $.status >= "}, error="InvalidParameterException"),
    Case("logs", "FilterLogEvents", {"logGroupName": "nobody"}, error="ResourceNotFoundException"),
]

CASES = [*METRICS, *ALARMS, *DASHBOARDS, *LOGS]
