"""What the inputs of PutMetricAlarm and PutCompositeAlarm may hold, as data.

Source: "Amazon CloudWatch API Reference", PutMetricAlarm, PutCompositeAlarm and the data types they name; the tests
compare the names with botocore's model of the service. An on-call person's typing error is found by ``structure``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Text:
    """A string of ``least`` to ``most`` characters, or one of ``choices``, or one that ``pattern`` matches whole."""

    least: int = 0
    most: int | None = None
    choices: tuple[str, ...] = ()
    pattern: str = ""
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number, a whole one if ``whole``, from ``least`` to ``most``."""

    whole: bool = True
    least: float | None = None
    most: float | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Many:
    """A list of ``least`` to ``most``."""

    of: Spec
    most: int
    least: int = 0


@dataclass(frozen=True, slots=True)
class Group:
    """An object with ``members``, of which ``required`` must be there; other keys only if it is ``open``."""

    members: Mapping[str, Spec] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    open: bool = False


Spec = Text | Number | Flag | Many | Group

OPERATORS = ("GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold")
ANOMALY_OPERATORS = (
    "LessThanLowerOrGreaterThanUpperThreshold",
    "LessThanLowerThreshold",
    "GreaterThanUpperThreshold",
)
STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_BYTES = ("Bytes", "Kilobytes", "Megabytes", "Gigabytes", "Terabytes")
_BITS = ("Bits", "Kilobits", "Megabits", "Gigabits", "Terabits")
UNITS = (
    *("Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"),
    *_BYTES,
    *_BITS,
    *(f"{unit}/Second" for unit in (*_BYTES, *_BITS)),
)

# What describe-alarms answers and put-metric-alarm refuses; the usual remains of a copied alarm.
OUTPUT_ONLY = frozenset(
    {
        "ActionsSuppressedBy",
        "ActionsSuppressedReason",
        "AlarmArn",
        "AlarmConfigurationUpdatedTimestamp",
        "EvaluationState",
        "StateReason",
        "StateReasonData",
        "StateTransitionedTimestamp",
        "StateUpdatedTimestamp",
        "StateValue",
    }
)

_name = Text(1, 255, pattern=r"[^\x00-\x1f\x7f]*", meaning="a name without control characters")
_short = Text(1, 255)
_actions = Many(Text(1, 1024, pattern="arn:.*", meaning="an ARN"), 5)
_tags = Many(Group({"Key": Text(1, 128), "Value": Text(0, 256)}, ("Key", "Value")), 50)
_dimensions = Many(Group({"Name": _short, "Value": Text(1, 1024)}, ("Name", "Value")), 30)
_namespace = Text(1, 255, pattern="[^:].*", meaning="a namespace, which cannot begin with a colon")
_metric = Group({"Namespace": _namespace, "MetricName": _short, "Dimensions": _dimensions})
_metric_stat = Group(
    {"Metric": _metric, "Period": Number(least=1), "Stat": Text(1), "Unit": Text(choices=UNITS)},
    ("Metric", "Period", "Stat"),
)
_query = Group(
    {
        "Id": Text(1, 255, pattern="[a-z][A-Za-z0-9_]*", meaning="an id: a lower-case letter, then letters, digits, _"),
        "MetricStat": _metric_stat,
        "Expression": Text(1, 2048),
        "Label": Text(),
        "ReturnData": Flag(),
        "Period": Number(least=1),
        "AccountId": _short,
    },
    ("Id",),
)
_tag_keys = Many(Text(1, 128), 50, least=1)
_tags_propagation = Group({"Enabled": Flag(), "IncludedTagKeys": _tag_keys, "ExcludedTagKeys": _tag_keys}, ("Enabled",))
_common: dict[str, Spec] = {
    "AlarmName": _name,
    "AlarmDescription": Text(0, 1024),
    "ActionsEnabled": Flag(),
    "OKActions": _actions,
    "AlarmActions": _actions,
    "InsufficientDataActions": _actions,
    "Tags": _tags,
    "ActionConfiguration": Group({"AlarmTagsPropagation": _tags_propagation}),
}
_promql = Group(
    {
        "Query": Text(1, 10_000),
        "PendingPeriod": Number(least=0, most=86_400),
        "RecoveryPeriod": Number(least=0, most=86_400),
    },
    ("Query",),
)

METRIC_ALARM = Group(
    {
        **_common,
        "MetricName": _short,
        "Namespace": _namespace,
        "Statistic": Text(choices=STATISTICS),
        "ExtendedStatistic": Text(1),
        "Dimensions": _dimensions,
        "Period": Number(least=1),
        "Unit": Text(choices=UNITS),
        "EvaluationPeriods": Number(least=1),
        "DatapointsToAlarm": Number(least=1),
        "Threshold": Number(whole=False),
        "ComparisonOperator": Text(choices=(*OPERATORS, *ANOMALY_OPERATORS)),
        "TreatMissingData": Text(choices=("breaching", "notBreaching", "ignore", "missing")),
        "EvaluateLowSampleCountPercentile": Text(choices=("evaluate", "ignore")),
        "Metrics": Many(_query, 500),
        "ThresholdMetricId": _short,
        "EvaluationWindow": Group({"SlidingWindow": Group(), "WallClockWindow": Group({"Timezone": Text(1)})}),
        "WarmUpConfiguration": Group(
            {
                "WarmUpPeriodDurationInMinutes": Number(least=1, most=2880),
                "OnlyStartEvaluatingAfterWarmUpPeriodEnds": Flag(),
            },
            ("WarmUpPeriodDurationInMinutes",),
        ),
        "EvaluationCriteria": Group({"PromQLCriteria": _promql}),
        "EvaluationInterval": Number(least=10),
    },
    ("AlarmName",),
)
COMPOSITE_ALARM = Group(
    {
        **_common,
        "AlarmRule": Text(1, 10_240),
        "ActionsSuppressor": Text(1, 1600),
        "ActionsSuppressorWaitPeriod": Number(least=0),
        "ActionsSuppressorExtensionPeriod": Number(least=0),
    },
    ("AlarmName", "AlarmRule"),
)
