"""An ended span -> an X-Ray segment document, by the rules of the OpenTelemetry collector's AWS X-Ray exporter.

A SERVER span, or one without a parent, becomes a segment; every other a subsegment sent by itself. (AWS X-Ray:
"Segment documents"; OpenTelemetry Collector Contrib: awsxrayexporter.)
"""

from __future__ import annotations

import json
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind, StatusCode

from ..names import ANNOTATIONS, RESOURCE_ANNOTATIONS
from ..semconv import (
    AWS_LOCAL_SERVICE,
    AWS_REMOTE_SERVICE,
    AWS_SERVICE,
    CLIENT_ADDRESS,
    DB_NAMESPACE,
    DB_QUERY,
    DB_SYSTEM,
    END_USER,
    HTTP_METHOD,
    HTTP_RESPONSE_SIZE,
    HTTP_STATUS,
    OLDER,
    PEER_SERVICE,
    SERVER_ADDRESS,
    SERVER_PORT,
    URL_FULL,
    URL_PATH,
    URL_SCHEME,
    USER_AGENT,
    XRAY_ANNOTATIONS,
)
from ..server_span import ServerSpan, server_attributes, server_outcome
from ..spans import UNSET, LightSpan, Prepared
from .causes import cause, message_cause
from .members import (
    CALLS,
    TEXT,
    Attributes,
    annotate,
    annotate_listed,
    aws_of,
    namespace_of,
    namespaces,
    origin_of,
    picked,
    place,
)
from .text import LIMIT, fitting, json_text, json_value, name_text, quoted

OPERATIONS = 1_024
SUBSEGMENT = ',"type":"subsegment"'
# Attributes that have a place of their own in a segment, so that metadata need not repeat them.
PLACED = frozenset(
    {
        HTTP_METHOD,
        HTTP_STATUS,
        HTTP_RESPONSE_SIZE,
        URL_SCHEME,
        URL_PATH,
        URL_FULL,
        SERVER_ADDRESS,
        SERVER_PORT,
        CLIENT_ADDRESS,
        USER_AGENT,
        DB_SYSTEM,
        DB_QUERY,
        PEER_SERVICE,
        END_USER,
        AWS_LOCAL_SERVICE,
        AWS_REMOTE_SERVICE,
        XRAY_ANNOTATIONS,
        *ANNOTATIONS.values(),
    }
)
INTERNAL, CLIENT, SERVER = SpanKind.INTERNAL, SpanKind.CLIENT, SpanKind.SERVER
PRODUCER = SpanKind.PRODUCER


class Segments:
    """Makes the documents of one process, whose resource and log group are the same in all of them.

    Used by one thread. It writes JSON as text, because a dictionary for each document would cost as much again.
    """

    def __init__(self, resource: Resource, log_group: str) -> None:
        about = dict(resource.attributes)
        self._service = str(about.get("service.name", ""))
        self._annotations = picked(RESOURCE_ANNOTATIONS, about)
        # What a resource says stands on segments only, and is the same on each.
        always: dict[str, Any] = {
            "service": {"version": str(about.get("service.version", ""))},
            "aws": aws_of(about, log_group),
        }
        if origin := origin_of(about):
            always["origin"] = origin
        self._always = "," + json_text(always)[1:-1]
        self._metadata = {f"otel.resource.{key}": json_value(value) for key, value in about.items()}
        self._trace = (0, "")
        self._operations: dict[tuple[Any, ...], str] = {}

    def document(self, span: LightSpan) -> str:
        """The segment document of an ended span, as JSON of at most LIMIT bytes."""
        if type(span) is ServerSpan and span.held is None and span.outcome is not None and not span.events:
            return self._request(span)
        attributes = span.attributes
        if type(attributes) is Prepared and span.parent_id and span.status is UNSET and not span.events:
            found = attributes.made
            if found is None:
                found = attributes.made = self._say(span, attributes)
            name, rest = found
        elif attributes or span.events or span.status is not UNSET or span.kind is not INTERNAL or not span.parent_id:
            name, rest = self._say(span, attributes)
        else:
            name, rest = name_text(span.name), SUBSEGMENT
        return self._whole(span, name, rest)

    def _whole(self, span: LightSpan, name: str, rest: str) -> str:
        trace_id, trace = self._trace
        if trace_id != span.trace_id:
            trace = f"{span.trace_id:032x}"
            trace = f"1-{trace[:8]}-{trace[8:]}"
            self._trace = (span.trace_id, trace)
        parent = f'"parent_id":"{span.parent_id:016x}",' if span.parent_id else ""
        # A clock may be set back, and X-Ray takes no document that ends before it begins.
        end = max(span.end_time or 0, span.start_time)
        text = (
            f'{{"name":{name},"id":"{span.span_id:016x}","trace_id":"{trace}",{parent}'
            f'"start_time":{span.start_time / 1e9!r},"end_time":{end / 1e9!r}{rest}}}'
        )
        return text if len(text) * 4 <= LIMIT else fitting(text)

    def _request(self, span: ServerSpan) -> str:
        """What _say tells of a request, by the memory of what was told of others of its operation."""
        assert span.outcome is not None  # noqa: S101 - for mypy: document() has looked
        method, scheme, path, host, client, agent, protocol = span.facts
        key = (protocol, *span.outcome)
        kept = self._operations.get(key)
        if kept is None:
            if len(self._operations) > OPERATIONS:
                self._operations.clear()
            _, said = self._say(span, server_attributes(span.facts) | server_outcome(span.outcome))
            said = said.removeprefix(self._always)
            # Without what is another's in the next request: _http tells it below.
            kept = self._operations[key] = json_text(
                {k: v for k, v in json.loads(f"{{{said[1:]}}}").items() if k != "http"}
            )
        url = f"{scheme}://{host}{path}" if host else path
        told = f'"method":{quoted(method)}'
        if url:
            told += f',"url":{quoted(url[:TEXT])}'
        if agent:
            told += f',"user_agent":{quoted(agent[:TEXT])}'
        if client:
            told += f',"client_ip":{quoted(client)}'
        http = f'"http":{{"request":{{{told}}},"response":{{"status":{span.outcome[0]}}}}}'
        return self._whole(span, name_text(self._service or span.name), f"{self._always},{http},{kept[1:-1]}")

    def _say(self, span: LightSpan, attributes: Attributes) -> tuple[str, str]:
        """The name as JSON, and all members that do not change with id and time, with a comma before the first."""
        if not OLDER.keys().isdisjoint(attributes):
            attributes = {OLDER.get(key, key): value for key, value in attributes.items()}
        said: dict[str, Any] = {}
        if span.kind is SERVER or not span.parent_id:
            always = self._always
            annotations, metadata = self._annotations.copy(), self._metadata.copy()
        else:
            always = SUBSEGMENT
            annotations, metadata = {}, {}
            if namespace := namespace_of(span.kind, attributes):
                said["namespace"] = namespace
        place(span.kind, attributes, said)
        _judge(span, attributes, said)
        metadata.update([item for item in attributes.items() if item[0] not in PLACED])
        for annotation, key in ANNOTATIONS.items():
            if key in attributes:
                annotate(annotations, annotation, attributes[key])
        if XRAY_ANNOTATIONS in attributes:
            annotate_listed(annotations, metadata, attributes)
        if annotations:
            said["annotations"] = annotations
        if metadata:
            said["metadata"] = namespaces(metadata)
        name = name_text(self._name(span, attributes))
        return name, f"{always},{json_text(said)[1:-1]}" if said else always

    def _name(self, span: LightSpan, attributes: Attributes) -> str:
        """The first thing known of the other side in a call, of this side in a request; else the span's own name."""
        kind = span.kind
        if kind in CALLS:
            name = attributes.get(AWS_REMOTE_SERVICE)
            if name is not None:
                name = str(name).removeprefix("AWS.SDK.").removeprefix("AWS::")
        else:
            name = attributes.get(AWS_LOCAL_SERVICE)
        name = name or attributes.get(PEER_SERVICE) or attributes.get(AWS_SERVICE)
        if not name and DB_NAMESPACE in attributes:
            host = attributes.get(SERVER_ADDRESS)
            name = f"{attributes[DB_NAMESPACE]}@{host}" if host else attributes[DB_NAMESPACE]
        if not name and kind is SERVER:
            name = self._service
        if not name:
            name = attributes.get("rpc.service") or attributes.get("http.host")
        if not name and kind is CLIENT:
            name = attributes.get(SERVER_ADDRESS) or attributes.get("net.peer.name")
        return str(name or span.name)


def _judge(span: LightSpan, attributes: Attributes, segment: dict[str, Any]) -> None:
    """error, throttle, fault and cause. The HTTP status decides first; an error status without one is a fault."""
    status = attributes.get(HTTP_STATUS, 0)
    failed = span.status.status_code is StatusCode.ERROR
    if isinstance(status, int) and 400 <= status < 500:
        segment["error"] = True
        if status == 429:
            segment["throttle"] = True
    elif failed or (isinstance(status, int) and status >= 500):
        segment["fault"] = True
    why = None
    if span.events:
        events = [(event.name, event.attributes or {}) for event in span.events]
        why = cause(events, span.span_id, remote=span.kind in (CLIENT, PRODUCER))
    if why is None and failed and span.status.description:
        why = message_cause(span.status.description, span.span_id)
    if why is not None:
        segment["cause"] = why
