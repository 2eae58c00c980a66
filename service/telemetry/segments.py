"""A finished span -> an X-Ray segment document, by the rules of the OpenTelemetry collector's AWS X-Ray exporter.

A SERVER span, or one without a parent, becomes a segment; every other a subsegment sent by itself. (AWS X-Ray:
"Segment documents"; OpenTelemetry Collector Contrib: awsxrayexporter.)
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from .causes import cause, message_cause
from .names import ANNOTATIONS, RESOURCE_ANNOTATIONS, xray_trace_id

# One document may have 64 KB, and a datagram carries a header besides.
LIMIT = 63 * 1024
NAME_LENGTH = 200
NOT_IN_NAMES = re.compile(r"[^\w\s.:/%&#=+\\\-@]")
# Attributes that have a place of their own in a segment, so that metadata need not repeat them.
PLACED = frozenset(
    {
        "http.request.method",
        "http.response.status_code",
        "http.response.body.size",
        "url.scheme",
        "url.path",
        "url.full",
        "server.address",
        "server.port",
        "client.address",
        "user_agent.original",
        "db.system.name",
        "db.query.text",
        "peer.service",
        *ANNOTATIONS.values(),
    }
)

Attributes = Mapping[str, Any]


def document(span: ReadableSpan, log_group: str) -> str:
    """The segment document of an ended span, as JSON of at most LIMIT bytes."""
    segment = to_segment(span, log_group)
    text = json.dumps(segment, separators=(",", ":"), default=str)
    for shorten in (_without_metadata, _with_short_stacks, _without_cause_and_sql):
        if len(text) <= LIMIT:  # json.dumps escapes all but ASCII, so characters are bytes
            break
        shorten(segment)
        text = json.dumps(segment, separators=(",", ":"), default=str)
    return text


def to_segment(span: ReadableSpan, log_group: str) -> dict[str, Any]:
    """The document as a dict. ``log_group`` is where the log lines of this service are."""
    attributes: Attributes = span.attributes or {}
    resource: Attributes = span.resource.attributes
    context = span.get_span_context()
    assert context is not None  # noqa: S101 - an ended span has one
    whole = span.parent is None or span.kind is SpanKind.SERVER
    segment: dict[str, Any] = {
        "name": _name(span, attributes, resource),
        "id": f"{context.span_id:016x}",
        "trace_id": xray_trace_id(context.trace_id),
        "start_time": (span.start_time or 0) / 1e9,
        "end_time": (span.end_time or 0) / 1e9,
    }
    if span.parent is not None:
        segment["parent_id"] = f"{span.parent.span_id:016x}"
    annotations: dict[str, Any] = {}
    if whole:
        segment["service"] = {"version": str(resource.get("service.version", ""))}
        segment["aws"] = {"cloudwatch_logs": [{"log_group": log_group}], "xray": {"sdk": "opentelemetry for python"}}
        annotations.update(_picked(RESOURCE_ANNOTATIONS, resource))
    else:
        segment["type"] = "subsegment"
        if span.kind is SpanKind.CLIENT:
            segment["namespace"] = "remote"
    annotations.update(_picked(ANNOTATIONS, attributes))
    segment |= _http(attributes, client=span.kind is SpanKind.CLIENT) | _sql(attributes) | _verdict(span, attributes)
    if annotations:
        segment["annotations"] = annotations
    if metadata := {key: value for key, value in attributes.items() if key not in PLACED}:
        segment["metadata"] = {"default": metadata}
    return segment


def _name(span: ReadableSpan, attributes: Attributes, resource: Attributes) -> str:
    if span.kind is SpanKind.CLIENT and "peer.service" in attributes:
        name = attributes["peer.service"]
    elif "db.namespace" in attributes:
        host = attributes.get("server.address")
        name = f"{attributes['db.namespace']}@{host}" if host else attributes["db.namespace"]
    elif span.kind is SpanKind.SERVER or span.parent is None:
        name = resource.get("service.name", span.name)
    else:
        name = attributes.get("server.address") if span.kind is SpanKind.CLIENT else None
    return NOT_IN_NAMES.sub("", str(name or span.name))[:NAME_LENGTH] or "span"


def _http(attributes: Attributes, *, client: bool) -> dict[str, Any]:
    if "http.request.method" not in attributes:
        return {}
    request = {
        "method": attributes["http.request.method"],
        "url": _url(attributes)[:250],
        "user_agent": attributes.get("user_agent.original", "")[:250],
        "client_ip": "" if client else attributes.get("client.address", ""),
    }
    http: dict[str, Any] = {"request": {key: value for key, value in request.items() if value}}
    if "http.response.status_code" in attributes:
        http["response"] = {"status": attributes["http.response.status_code"]}
        if "http.response.body.size" in attributes:
            http["response"]["content_length"] = attributes["http.response.body.size"]
    return {"http": http}


def _url(attributes: Attributes) -> str:
    if "url.full" in attributes:
        return str(attributes["url.full"])
    if "server.address" not in attributes:
        return str(attributes.get("url.path", ""))
    scheme, port = attributes.get("url.scheme", "http"), attributes.get("server.port")
    where = f"{attributes['server.address']}:{port}" if port else attributes["server.address"]
    return f"{scheme}://{where}{attributes.get('url.path', '')}"


def _sql(attributes: Attributes) -> dict[str, Any]:
    if "db.system.name" not in attributes:
        return {}
    sql = {"database_type": attributes["db.system.name"], "sanitized_query": attributes.get("db.query.text", "")}
    return {"sql": {key: value for key, value in sql.items() if value}}


def _verdict(span: ReadableSpan, attributes: Attributes) -> dict[str, Any]:
    """error, throttle, fault and cause. The HTTP status decides first; an error status without one is a fault."""
    verdict: dict[str, Any] = {}
    status = attributes.get("http.response.status_code", 0)
    failed = span.status.status_code is StatusCode.ERROR
    if 400 <= status < 500:
        verdict["error"] = True
        if status == 429:
            verdict["throttle"] = True
    elif status >= 500 or failed:
        verdict["fault"] = True
    context = span.get_span_context()
    span_id = context.span_id if context else 0
    events = [(event.name, event.attributes or {}) for event in span.events]
    why = cause(events, span_id, remote=span.kind in {SpanKind.CLIENT, SpanKind.PRODUCER})
    if why is None and failed and span.status.description:
        why = message_cause(span.status.description, span_id)
    if why is not None:
        verdict["cause"] = why
    return verdict


def _picked(allowed: Mapping[str, str], attributes: Attributes) -> dict[str, Any]:
    """The annotations among these attributes: scalars only, strings cut to X-Ray's 250 characters."""
    picked: dict[str, str | int | float] = {}
    for annotation, key in allowed.items():
        value = attributes.get(key)
        if isinstance(value, str):
            picked[annotation] = value[:250]
        elif isinstance(value, (bool, int, float)):
            picked[annotation] = value
    return picked


def _without_metadata(segment: dict[str, Any]) -> None:
    if segment.pop("metadata", None):
        segment["metadata"] = {"default": {"truncated": True}}


def _with_short_stacks(segment: dict[str, Any]) -> None:
    exceptions = segment.get("cause", {}).get("exceptions", [])
    del exceptions[4:]
    for exception in exceptions:
        exception["truncated"] = exception.get("truncated", 0) + max(0, len(exception["stack"]) - 8)
        del exception["stack"][8:]
        exception.pop("cause", None)


def _without_cause_and_sql(segment: dict[str, Any]) -> None:
    segment.pop("cause", None)
    segment.pop("sql", None)
