"""Requests that are right as they stand, for ``bench.fuzz_cases`` to change a little: they reach further in."""

from __future__ import annotations

import json
from typing import Any

NOW = 1_795_341_600

DASHBOARD = '{"widgets": [{"type": "metric", "properties": {"region": "us-east-1", "metrics": [["a", "b"]]}}]}'
SEGMENT = json.dumps(
    {
        "id": "70de5b6f19ff9a0a",
        "trace_id": "1-6a016d20-5759e988bd862e3fe1be46a9",
        "name": "shop",
        "start_time": NOW - 1,
        "end_time": NOW,
        "fault": True,
    }
)
EMBEDDED = json.dumps(
    {
        "_aws": {
            "Timestamp": NOW * 1000,
            "CloudWatchMetrics": [{"Namespace": "Shop", "Dimensions": [["a"]], "Metrics": [{"Name": "b"}]}],
        },
        "a": "x",
        "b": 1,
    }
)

_METRIC = {"Namespace": "Shop", "MetricName": "a", "Dimensions": [{"Name": "a", "Value": "Shop"}]}
_STAT = {"Metric": _METRIC, "Period": 60, "Stat": "p99"}
_RULE = {"AlarmName": "Shop", "AlarmRule": 'ALARM("a") OR NOT OK(a)', "ActionsEnabled": True}
_ALARM = {
    "AlarmName": "a",
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 0.5,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "breaching",
}
_STREAM = {"logGroupName": "/shop/logs", "logStreamName": "a"}
_EVENT = {"timestamp": NOW * 1000 - 5000, "message": EMBEDDED}

TEMPLATES: list[tuple[str, str, dict[str, Any]]] = [
    ("cloudwatch", "PutMetricData", {"Namespace": "Shop", "MetricData": [{"MetricName": "a", "Value": 1.5}]}),
    (
        "cloudwatch",
        "PutMetricData",
        {
            "Namespace": "Shop",
            "MetricData": [
                {"MetricName": "a", "Dimensions": _METRIC["Dimensions"], "Values": [1, 2.5], "Counts": [3, 1]},
                {"MetricName": "a", "Timestamp": NOW - 60, "Value": 3, "StorageResolution": 1},
                {"MetricName": "a", "StatisticValues": {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2}},
            ],
        },
    ),
    ("cloudwatch", "PutMetricAlarm", {**_ALARM, **_METRIC, "Period": 60, "Statistic": "Sum"}),
    (
        "cloudwatch",
        "PutMetricAlarm",
        {
            **_ALARM,
            "Metrics": [
                {"Id": "e1", "Expression": "100 * m1 / FILL(m1, 1)", "Label": "a"},
                {"Id": "m1", "MetricStat": _STAT, "ReturnData": False},
            ],
        },
    ),
    ("cloudwatch", "PutCompositeAlarm", _RULE),
    ("cloudwatch", "PutCompositeAlarm", {**_RULE, "ActionsSuppressor": "a", "ActionsSuppressorWaitPeriod": 60}),
    ("cloudwatch", "SetAlarmState", {"AlarmName": "a", "StateValue": "ALARM", "StateReason": "x"}),
    ("cloudwatch", "DescribeAlarms", {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "MaxRecords": 1}),
    ("cloudwatch", "DescribeAlarmHistory", {"StartDate": NOW - 600, "EndDate": NOW + 600, "MaxRecords": 2}),
    ("cloudwatch", "DescribeAlarmsForMetric", {"Namespace": "Shop", "MetricName": "a", "Statistic": "Sum"}),
    (
        "cloudwatch",
        "GetMetricData",
        {
            "StartTime": NOW - 3600,
            "EndTime": NOW + 60,
            "ScanBy": "TimestampAscending",
            "MetricDataQueries": [
                {"Id": "m1", "MetricStat": _STAT, "Label": "${LABEL} ${MAX}"},
                {"Id": "e1", "Expression": "RATE(FILL(m1, REPEAT)) + 1"},
                {"Id": "e2", "Expression": "SEARCH('{Shop,a} a', 'Sum', 60)"},
            ],
        },
    ),
    (
        "cloudwatch",
        "GetMetricStatistics",
        {**_METRIC, "StartTime": NOW - 3600, "EndTime": NOW + 60, "Period": 60, "Statistics": ["Sum", "Average"]},
    ),
    ("cloudwatch", "ListMetrics", {"Namespace": "Shop", "Dimensions": [{"Name": "a"}], "RecentlyActive": "PT3H"}),
    ("cloudwatch", "PutDashboard", {"DashboardName": "a", "DashboardBody": DASHBOARD}),
    ("cloudwatch", "GetDashboard", {"DashboardName": "a"}),
    ("logs", "CreateLogGroup", {"logGroupName": "/shop/logs"}),
    ("logs", "CreateLogStream", _STREAM),
    ("logs", "PutLogEvents", {**_STREAM, "logEvents": [_EVENT, {"timestamp": NOW * 1000, "message": "ERROR a b"}]}),
    ("logs", "FilterLogEvents", {"logGroupName": "/shop/logs", "filterPattern": '{ $.a = "x" && $.b > 0 }'}),
    ("logs", "FilterLogEvents", {"logGroupName": "/shop/logs", "filterPattern": "?ERROR -b", "limit": 1}),
    ("logs", "GetLogEvents", {**_STREAM, "startFromHead": True, "limit": 1}),
    (
        "logs",
        "PutMetricFilter",
        {
            "logGroupName": "/shop/logs",
            "filterName": "a",
            "filterPattern": "[a, b, c = 5*]",
            "metricTransformations": [{"metricName": "a", "metricNamespace": "Shop", "metricValue": "$b"}],
        },
    ),
    ("logs", "TestMetricFilter", {"filterPattern": "[a, b]", "logEventMessages": ["x y", '"q r" [s t]']}),
    ("xray", "PutTraceSegments", {"TraceSegmentDocuments": [SEGMENT]}),
    ("xray", "BatchGetTraces", {"TraceIds": ["1-6a016d20-5759e988bd862e3fe1be46a9"]}),
    (
        "xray",
        "GetTraceSummaries",
        {"StartTime": NOW - 600, "EndTime": NOW + 60, "FilterExpression": 'service("shop") { fault }'},
    ),
]
