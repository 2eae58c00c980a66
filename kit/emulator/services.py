"""The services that this emulator answers itself, and how each of them words its complaints."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from kit.emulator.protocol.aws_cbor import AwsCbor
from kit.emulator.protocol.aws_json import AwsJson, RestJson
from kit.emulator.protocol.aws_query import AwsQuery
from kit.emulator.protocol.complaints import Problem, framework, metrics
from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.model import load_model
from kit.emulator.protocol.operations import Operations
from kit.emulator.protocol.service import Service

Complain = Callable[[str, Sequence[Problem]], AwsError]

# CloudWatch's older operations check their members by hand, each with its own wording.
_METRIC_OPERATIONS = frozenset({"PutMetricData", "GetMetricStatistics", "GetMetricData", "ListMetrics"})

# CloudWatch API Reference, PutMetricData: a request is limited to 1 MB. Of the whole body, once it is unpacked.
PUT_METRIC_DATA_BYTES = 1_048_576
# PutMetricAlarm: "An alarm request must not exceed 120 KB uncompressed".
PUT_METRIC_ALARM_BYTES = 120 * 1024

# What kit.emulator.cloudwatch.ingest takes as records where it can have them.
CLOUDWATCH_RECORDS = {"PutMetricDataInput": ("MetricDatum", "Dimension")}

# The service part of a request's credential scope -> our name for it.
SCOPES: Mapping[str, str] = {"monitoring": "cloudwatch", "logs": "logs", "xray": "xray"}


def build_services() -> Mapping[str, Service]:
    """Read the three models and find the operations; takes about 10 ms."""
    cloudwatch, logs, xray = load_model("cloudwatch"), load_model("logs"), load_model("xray")
    return {
        "cloudwatch": Service(
            "cloudwatch",
            cloudwatch,
            (AwsJson(cloudwatch, CLOUDWATCH_RECORDS), AwsCbor(cloudwatch), AwsQuery(cloudwatch)),
            _operations("cloudwatch"),
            _cloudwatch_complaint,
            {"PutMetricData": PUT_METRIC_DATA_BYTES, "PutMetricAlarm": PUT_METRIC_ALARM_BYTES},
        ),
        "logs": Service("logs", logs, (AwsJson(logs),), _operations("logs"), _framework("InvalidParameterException")),
        "xray": Service("xray", xray, (RestJson(xray),), _operations("xray"), _framework("InvalidRequestException")),
    }


def _operations(service: str) -> Operations:
    return Operations(f"kit.emulator.{service}.operations")


def _framework(code: str) -> Complain:
    return lambda _operation, problems: framework(code, problems)


def _cloudwatch_complaint(operation: str, problems: Sequence[Problem]) -> AwsError:
    word = metrics if operation in _METRIC_OPERATIONS else partial(framework, "ValidationError")
    return word(problems)
