"""An ended span -> an X-Ray segment document, by the rules of the OpenTelemetry collector's AWS X-Ray exporter.

A SERVER span, or one without a parent, becomes a segment; every other a subsegment, which here stands by
itself; trees.py puts it into its segment. (AWS X-Ray: "Segment documents"; OpenTelemetry Collector Contrib:
awsxrayexporter.)
"""

from __future__ import annotations

import json
from typing import Any

from opentelemetry.sdk.resources import Resource
from opentelemetry.trace import SpanKind, StatusCode

from ..http_attributes import Outcome, attributes_of, server_attributes, server_outcome
from ..names import ANNOTATIONS, RESOURCE_ANNOTATIONS, xray_trace_id
from ..origin import NO_LIMITS, PREPARED, Origin, Prepared, Route
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
from ..span_data import NO_STATE, SERVER_ERROR, More, RequestData, SpanData
from ..waiting import Bundled
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

Facts = tuple[str, ...]
Parts = tuple[str, int, int, float, float, str, str]
"""(trace id, span id, parent id or 0, start, end, name as JSON, other members with a comma before the first); times in
epoch seconds."""


class Segments:
    """Makes the documents of one process, whose resource and log group are the same in all of them.

    Used by one thread. It writes JSON as text, because a dictionary for each document would cost as much again.
    """

    def __init__(self, resource: Resource, log_group: str) -> None:
        about = dict(resource.attributes)
        self._origin = Origin(resource, None, NO_LIMITS, Route(list[Any]().append))
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
        self._trace = 0, ""
        self._operations: dict[tuple[Any, ...], str] = {}

    def document(self, span: SpanData) -> str:
        """The segment document of an ended span, as JSON of at most LIMIT bytes."""
        return self._document(*self.parts(span))

    def request(self, one: Bundled) -> str:
        """The same of a usual request, without the spans below it."""
        start, end = one.start_time / 1e9, max(one.end_time, one.start_time) / 1e9
        outcome = one.code, one.route, one.operation, one.error_type
        return self._document(one.trace, one.span_id, 0, start, end, *self._request(one.facts, outcome, ""))

    def _document(
        self, trace: str, span_id: int, parent_id: int, start: float, end: float, name: str, rest: str
    ) -> str:
        parent = f'"parent_id":"{parent_id:016x}",' if parent_id else ""
        text = (
            f'{{"name":{name},"id":"{span_id:016x}","trace_id":"{xray_trace_id(trace)}",{parent}'
            f'"start_time":{start!r},"end_time":{end!r}{rest}}}'
        )
        return text if len(text) * 4 <= LIMIT else fitting(text)

    def parts(self, span: SpanData) -> Parts:
        """What a document is made of."""
        # A clock may be set back, and X-Ray takes no document that ends before it begins.
        name, rest = self._told(span)
        start, end = span.start_time / 1e9, max(span.end_time or 0, span.start_time) / 1e9
        return self._trace_of(span), span.span_id, span.parent_id, start, end, name, rest

    def _told(self, span: SpanData) -> tuple[str, str]:
        short = span.short
        if short is not None:
            if type(span) is RequestData:
                if span.outcome is not None:
                    return self._request(span.facts, span.outcome, span.name)
            elif span.parent_id:
                if isinstance(short, str):
                    return name_text(short), SUBSEGMENT
                prepared: Prepared = PREPARED[short]
                found: tuple[str, str] | None = prepared.made
                if found is None:
                    found = prepared.made = self._say(span, prepared)
                return found
        return self._say(span, attributes_of(span))

    def _trace_of(self, span: SpanData) -> str:
        """The trace's id as 32 hexadecimal digits; spans of one trace come one after the other."""
        known, text = self._trace
        if known != span.trace_id:
            text = "%032x" % span.trace_id  # noqa: UP031 - a third of an f-string's time
            self._trace = span.trace_id, text
        return text

    def _request(self, facts: Facts, outcome: Outcome, name: str) -> tuple[str, str]:
        """What _say tells of a request, by the memory of what was told of others of its operation."""
        method, scheme, path, host, client, agent, protocol = facts
        key = (protocol, *outcome)
        kept = self._operations.get(key)
        if kept is None:
            if len(self._operations) > OPERATIONS:
                self._operations.clear()
            kept = self._operations[key] = self._kept(facts, outcome)
        url = f"{scheme}://{host}{path}" if host else path
        told = f'"method":{quoted(method)}'
        if url:
            told += f',"url":{quoted(url[:TEXT])}'
        if agent:
            told += f',"user_agent":{quoted(agent[:TEXT])}'
        if client:
            told += f',"client_ip":{quoted(client)}'
        http = f'"http":{{"request":{{{told}}},"response":{{"status":{outcome[0]}}}}}'
        named = name_text(self._service or (outcome[2] if outcome[1] is not None else name or method))
        return named, f"{self._always},{http},{kept}"

    def _kept(self, facts: Facts, outcome: Outcome) -> str:
        """What requests of one operation have in common, without what is another's in the next: _request tells it."""
        attributes = server_attributes(facts) | server_outcome(outcome)
        span = SpanData(outcome[2], SERVER, 0, 0, 0, NO_STATE, 0, self._origin, 0, attributes=attributes)
        if outcome[0] >= 500:
            span.more = More(SERVER_ERROR)
        said = self._say(span, attributes)[1].removeprefix(self._always)
        return json_text({k: v for k, v in json.loads(f"{{{said[1:]}}}").items() if k != "http"})[1:-1]

    def _say(self, span: SpanData, attributes: Attributes) -> tuple[str, str]:
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

    def _name(self, span: SpanData, attributes: Attributes) -> str:
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


def _judge(span: SpanData, attributes: Attributes, segment: dict[str, Any]) -> None:
    """error, throttle, fault and cause. The HTTP status decides first; an error status without one is a fault."""
    status = attributes.get(HTTP_STATUS, 0)
    failed = span.further.status.status_code is StatusCode.ERROR
    if isinstance(status, int) and 400 <= status < 500:
        segment["error"] = True
        if status == 429:
            segment["throttle"] = True
    elif failed or (isinstance(status, int) and status >= 500):
        segment["fault"] = True
    why = None
    if span.further.events:
        events = [(event.name, event.attributes or {}) for event in span.further.events]
        why = cause(events, span.span_id, remote=span.kind in (CLIENT, PRODUCER))
    if why is None and failed and span.further.status.description:
        why = message_cause(span.further.status.description, span.span_id)
    if why is not None:
        segment["cause"] = why
