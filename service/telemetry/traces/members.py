"""Members of a segment document, from a span's attributes (AWS X-Ray: "Segment documents")."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from opentelemetry.trace import SpanKind

from ..semconv import (
    AWS_REMOTE_SERVICE,
    AWS_SERVICE,
    CLIENT_ADDRESS,
    DB_QUERY,
    DB_SYSTEM,
    END_USER,
    HTTP_METHOD,
    HTTP_RESPONSE_SIZE,
    HTTP_STATUS,
    SERVER_ADDRESS,
    SERVER_PORT,
    URL_FULL,
    URL_PATH,
    URL_SCHEME,
    USER_AGENT,
    XRAY_ANNOTATIONS,
    XRAY_METADATA,
)

TEXT = 250  # characters of most strings
CALLS = frozenset({SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER})
NOT_IN_KEYS = re.compile(r"[^A-Za-z0-9.]")
# OpenTelemetry: "Cloud", cloud.platform -> AWS X-Ray: origin.
ORIGINS = {
    "aws_ec2": "AWS::EC2::Instance",
    "aws_eks": "AWS::EKS::Container",
    "aws_elastic_beanstalk": "AWS::ElasticBeanstalk::Environment",
    "aws_app_runner": "AWS::AppRunner::Service",
}

Attributes = Mapping[str, Any]


def aws_of(about: Attributes, log_group: str) -> dict[str, Any]:
    sdk: dict[str, Any] = {"sdk": f"opentelemetry for {about.get('telemetry.sdk.language', 'python')}"}
    if version := about.get("telemetry.sdk.version"):
        sdk["sdk_version"] = version
    aws: dict[str, Any] = {"cloudwatch_logs": [{"log_group": log_group}], "xray": sdk}
    if account := about.get("cloud.account.id"):
        aws["account_id"] = account
    return aws


def origin_of(about: Attributes) -> str | None:
    if about.get("cloud.provider", "aws") != "aws":
        return None
    platform = about.get("cloud.platform", "")
    if platform == "aws_ecs":
        launch = str(about.get("aws.ecs.launchtype", "")).lower()
        return {"fargate": "AWS::ECS::Fargate", "ec2": "AWS::ECS::EC2"}.get(launch, "AWS::ECS::Container")
    return ORIGINS.get(str(platform))


def namespace_of(kind: SpanKind, attributes: Attributes) -> str | None:
    if attributes.get("rpc.system") == "aws-api" or AWS_SERVICE in attributes:
        return "aws"
    if kind is SpanKind.CLIENT or (kind in CALLS and AWS_REMOTE_SERVICE in attributes):
        return "remote"
    return None


def place(kind: SpanKind, attributes: Attributes, said: dict[str, Any]) -> None:
    """http, sql and user, from the attributes that have a place of their own."""
    if HTTP_METHOD in attributes or HTTP_STATUS in attributes:
        said["http"] = _http(attributes, kind)
    if DB_SYSTEM in attributes:
        said["sql"] = _sql(attributes)
    if END_USER in attributes:
        said["user"] = str(attributes[END_USER])[:TEXT]


def _http(attributes: Attributes, kind: SpanKind) -> dict[str, Any]:
    request: dict[str, Any] = {}
    if method := attributes.get(HTTP_METHOD):
        request["method"] = method
    if url := _url(attributes):
        request["url"] = url[:TEXT]
    if agent := attributes.get(USER_AGENT):
        request["user_agent"] = str(agent)[:TEXT]
    if kind is not SpanKind.CLIENT and (address := attributes.get(CLIENT_ADDRESS)):
        request["client_ip"] = address
    http: dict[str, Any] = {"request": request}
    if (status := attributes.get(HTTP_STATUS)) is not None:
        http["response"] = {"status": status}
        if (size := attributes.get(HTTP_RESPONSE_SIZE)) is not None:
            http["response"]["content_length"] = size
    return http


def _url(attributes: Attributes) -> str:
    full = attributes.get(URL_FULL)
    if full is not None:
        return str(full)
    address, path = attributes.get(SERVER_ADDRESS), attributes.get(URL_PATH, "")
    if not address:
        return str(path)
    port = attributes.get(SERVER_PORT)
    where = f"{address}:{port}" if port else address
    return f"{attributes.get(URL_SCHEME, 'http')}://{where}{path}"


def _sql(attributes: Attributes) -> dict[str, Any]:
    sql = {"database_type": attributes[DB_SYSTEM]}
    if text := attributes.get(DB_QUERY):
        sql["sanitized_query"] = text
    if user := attributes.get("db.user"):
        sql["user"] = user
    return sql


def annotate(annotations: dict[str, Any], key: str, value: object) -> None:
    """Scalars only, strings cut to X-Ray's 250 characters."""
    if isinstance(value, str):
        annotations[key] = value[:TEXT]
    elif isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value)):
        annotations[key] = value


def annotate_listed(annotations: dict[str, Any], metadata: dict[str, Any], attributes: Attributes) -> None:
    """Annotations that the span itself lists (OpenTelemetry Collector Contrib: aws.xray.annotations)."""
    listed = attributes[XRAY_ANNOTATIONS]
    for key in listed if isinstance(listed, tuple | list) else ():
        if isinstance(key, str) and key in attributes:
            annotate(annotations, _annotation_key(key), attributes[key])
            metadata.pop(key, None)


def picked(allowed: Mapping[str, str], attributes: Attributes) -> dict[str, Any]:
    picked: dict[str, Any] = {}
    for annotation, key in allowed.items():
        annotate(picked, annotation, attributes.get(key))
    return picked


def namespaces(metadata: dict[str, Any]) -> dict[str, Any]:
    """Metadata by namespace: ``default``, and those whose JSON is in an attribute aws.xray.metadata.<namespace>."""
    named = [key for key in metadata if key.startswith(XRAY_METADATA)]
    found: dict[str, Any] = {}
    for key in named:
        text = metadata.pop(key)
        try:
            found[key.removeprefix(XRAY_METADATA)] = json.loads(text)
        except (TypeError, ValueError, RecursionError):
            metadata[key] = text
    return {"default": metadata, **found} if metadata or not found else found


@lru_cache(maxsize=256)
def _annotation_key(key: str) -> str:
    return NOT_IN_KEYS.sub("_", key)
