"""AWS::CloudWatch::Alarm: its properties are PutMetricAlarm's parameters ("CloudFormation Template Reference")."""

from __future__ import annotations

from kit.emulator.cloudformation.resource import CloudWatchResource


class Type(CloudWatchResource):
    """A metric alarm of a stack."""

    TYPE = "AWS::CloudWatch::Alarm"
    KIND = "alarm"
    NAME = "AlarmName"
    PUT = "PutMetricAlarm"
    DELETE = ("DeleteAlarms", "AlarmNames")
    PROPERTIES = frozenset(
        {
            "ActionConfiguration",
            "ActionsEnabled",
            "AlarmActions",
            "AlarmDescription",
            "AlarmName",
            "ComparisonOperator",
            "DatapointsToAlarm",
            "Dimensions",
            "EvaluateLowSampleCountPercentile",
            "EvaluationCriteria",
            "EvaluationInterval",
            "EvaluationPeriods",
            "EvaluationWindow",
            "ExtendedStatistic",
            "InsufficientDataActions",
            "MetricName",
            "Metrics",
            "Namespace",
            "OKActions",
            "Period",
            "Statistic",
            "Tags",
            "Threshold",
            "ThresholdMetricId",
            "TreatMissingData",
            "Unit",
            "WarmUpConfiguration",
        }
    )
