"""Requests for the services behind (SNS, SQS, EventBridge and others, known or not), for ``bench.fuzz_cases``.

What makes something is asked with names from the small pools only, and nothing is asked that piles up by design, such
as messages in a queue: then whatever grows is a leak.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.parse import quote, urlencode

import botocore.serialize
import botocore.session
from botocore.model import OperationModel, ServiceModel

POOL = ["a", "shop", "arn:aws:sns:us-east-1:123456789012:a", "arn:aws:sqs:us-east-1:123456789012:a", "", "x" * 300]
TEXTS = [
    *POOL,
    "http://127.0.0.1:9/",
    "arn:aws:events:us-east-1:123456789012:rule/a",
    "{}",
    '{"source": ["a"]}',
    "é<&>",
]
ODD: list[Any] = ["", 0, -1, 2**63, [], {}, "x" * 2000, None]

# All that changes what alarms point to, but for what sends a message; of the others what only reads.
_MAKING = {
    "sns": "CreateTopic DeleteTopic Subscribe Unsubscribe ConfirmSubscription SetTopicAttributes GetTopicAttributes "
    "ListTopics ListSubscriptions ListSubscriptionsByTopic SetSubscriptionAttributes TagResource ListTagsForResource",
    "sqs": "CreateQueue DeleteQueue GetQueueUrl GetQueueAttributes SetQueueAttributes ListQueues PurgeQueue TagQueue "
    "DeleteMessage ChangeMessageVisibility",
    "events": "PutRule DeleteRule EnableRule DisableRule PutTargets RemoveTargets ListRules ListTargetsByRule "
    "DescribeRule DescribeEventBus TestEventPattern",
    "sts": "GetCallerIdentity",
    "cloudformation": "DescribeStacks DeleteStack ListStacks GetTemplate ValidateTemplate DescribeStackEvents",
    "s3": "ListBuckets GetObject GetBucketLocation GetBucketPolicy DeleteObject ListObjectsV2",
    "route53": "ListHostedZones GetHostedZone ListResourceRecordSets GetHealthCheck",
    "ec2": "DescribeVpcs DescribeInstances DescribeSecurityGroups DescribeKeyPairs DescribeSpotDatafeedSubscription",
    "lambda": "ListFunctions GetFunction GetPolicy ListTags",
    "dynamodb": "ListTables DescribeTable GetItem Query",
    "ecs": "ListClusters DescribeClusters DescribeServices ListTasks",
    "codedeploy": "ListApplications GetApplication GetDeployment ListDeployments",
    "ssm": "DescribeParameters GetParameter ListDocuments",
    # services that moto has not
    "access-analyzer": "",
    "application-signals": "",
    "apprunner": "",
    "cloudcontrol": "",
}
_NAMES = {"access-analyzer": "accessanalyzer"}  # where botocore calls a service other than AWS signs for it


@cache
def _model(service: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(_NAMES.get(service, service))


@cache
def _serializer(protocol: str) -> Any:
    return botocore.serialize.create_serializer(protocol, include_validation=False)


def draft(dice: random.Random, wrong: float) -> tuple[str, str, dict[str, str], bytes]:
    """Method, path with its query, headers and body of a request in the service's own protocol."""
    service = dice.choices(list(_MAKING), weights=[6, 6, 6, 1, 3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1])[0]
    model = _model(service)
    names = _MAKING[service].split() or sorted(model.operation_names)
    name = dice.choice(names)
    operation = model.operation_model(name)
    params = {} if operation.input_shape is None else _value(dice, operation.input_shape, wrong, 0)
    protocol = dice.choice(["query", model.resolved_protocol]) if service in ("sqs", "sts") else model.resolved_protocol
    method, path, headers, body = _serialized(protocol, params, operation)
    scope = f"test/20261122/us-east-1/{service}/aws4_request"
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
    return method, path, headers, body


def _serialized(
    protocol: str, params: dict[str, Any], operation: OperationModel
) -> tuple[str, str, dict[str, str], bytes]:
    try:
        made = _serializer(protocol).serialize_to_request(params, operation)
    except Exception:  # noqa: BLE001 - params of the wrong type are more than botocore's serializers bear
        made = _serializer(protocol).serialize_to_request({}, _without_input(operation))
    body = made["body"]
    body = urlencode(body) if isinstance(body, dict) else body
    query = made["query_string"]
    path = quote(made["url_path"], safe="/?&=%:-._~")
    if query:
        path += ("&" if "?" in path else "?") + (urlencode(query, doseq=True) if isinstance(query, dict) else query)
    headers = {name: _text(value) for name, value in made["headers"].items()}
    return made["method"], path, headers, body.encode() if isinstance(body, str) else bytes(body)


def _without_input(operation: OperationModel) -> OperationModel:
    bare = {key: value for key, value in operation._operation_model.items() if key != "input"}  # noqa: SLF001 - botocore shows it no other way
    uri = bare["http"]["requestUri"].replace("{", "").replace("}", "").replace("+", "")
    return OperationModel(
        {**bare, "http": {**bare["http"], "requestUri": uri}}, operation.service_model, operation.name
    )


def _text(value: Any) -> str:
    text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
    return text.encode("latin-1", "replace").decode("latin-1").replace("\r", "").replace("\n", "")


def _value(dice: random.Random, shape: Any, wrong: float, depth: int) -> Any:
    """A value of a botocore shape; its members are those of the shape's own class, which its type name tells."""
    if depth and dice.random() < wrong:
        return dice.choice(ODD)
    make: Callable[[], Any] | None = {
        "structure": lambda: {
            name: _value(dice, inner, wrong, depth + 1)
            for name, inner in shape.members.items()
            if depth < 6 and (name in shape.required_members or dice.random() < 0.3)
        },
        "list": lambda: [_value(dice, shape.member, wrong, depth + 1) for _ in range(dice.randint(0, 2))],
        "map": lambda: {dice.choice(POOL): _value(dice, shape.value, wrong, depth + 1)},
        "integer": lambda: dice.choice([0, 1, 10, -1]),
        "long": lambda: dice.choice([0, 1, 10, -1]),
        "boolean": lambda: dice.random() < 0.5,
        "blob": lambda: b"x",
        "timestamp": lambda: 1_795_341_600,
        "double": lambda: 0.5,
        "float": lambda: 0.5,
    }.get(shape.type_name)
    if make is not None:
        return make()
    if shape.enum and dice.random() < 0.9:
        return dice.choice(shape.enum)
    return dice.choice(POOL if dice.random() < 0.7 else TEXTS)
