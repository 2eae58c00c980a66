"""The summary of a trace, as GetTraceSummaries gives it and filter expressions look at it.

Source: AWS X-Ray API Reference, TraceSummary.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kit.emulator.xray.documents import Document
from kit.emulator.xray.trace import Tree, assemble, duration_of, walk

# AWS X-Ray Developer Guide, segment documents: up to 50 annotations are indexed per trace.
_MOST_ANNOTATIONS = 50

Scalar = str | float | bool


class ServiceId(msgspec.Struct, frozen=True, array_like=True):
    """Who reported a segment; ``type`` is its origin."""

    name: str
    type: str | None
    account: str


class Annotation(msgspec.Struct, array_like=True):
    """One key's value and the services, as indexes into Summary.services, that gave it."""

    key: str
    value: Scalar
    services: list[int]


class HttpFacts(msgspec.Struct, array_like=True):
    """The request that the trace began with."""

    url: str | None = None
    status: int | None = None
    method: str | None = None
    user_agent: str | None = None
    client_ip: str | None = None


class Summary(msgspec.Struct, array_like=True):
    """Times are seconds."""

    start: float
    duration: float | None
    response_time: float | None
    fault: bool
    error: bool
    throttle: bool
    partial: bool
    http: HttpFacts
    annotations: list[Annotation]
    users: list[tuple[str, int]]
    services: list[ServiceId]
    entry_point: int
    resource_arns: list[str]
    instance_ids: list[str]
    zones: list[str]
    exceptions: list[tuple[str | None, str | None]]


def summarise(documents: Sequence[Document], account: str) -> Summary:
    """Read a trace's documents."""
    segments = assemble(documents)
    nodes = [walk(segment) for segment in segments]
    services: list[ServiceId] = []
    owners = [_add(services, _service(segment, account)) for segment in segments]
    root = _root(segments, nodes)
    machines = [_ec2(segment) for segment in segments]
    head = segments[root]
    return Summary(
        start=min(document.start for document in documents),
        duration=duration_of(documents),
        response_time=_length(head),
        fault=_flag(head, "fault"),
        error=_flag(head, "error"),
        throttle=any(_flag(segment, "throttle") for segment in segments),
        partial=any(_flag(segment, "in_progress") for segment in segments),
        http=_http(head),
        annotations=_annotations(nodes, owners),
        users=_users(segments, owners),
        services=services,
        entry_point=owners[root],
        resource_arns=_unique(_text(segment, "resource_arn") for segment in segments),
        instance_ids=_unique(_text(machine, "instance_id") for machine in machines),
        zones=_unique(_text(machine, "availability_zone") for machine in machines),
        exceptions=_exceptions(nodes),
    )


def as_api(trace_id: str, revision: int, summary: Summary) -> dict[str, Any]:
    """The TraceSummary structure."""
    ids = [service_id(service) for service in summary.services]
    http = summary.http
    annotations: dict[str, list[dict[str, Any]]] = {}
    for one in summary.annotations:
        value = {"AnnotationValue": _annotation_value(one.value), "ServiceIds": [ids[n] for n in one.services]}
        annotations.setdefault(one.key, []).append(value)
    return {
        "Id": trace_id,
        "StartTime": summary.start,
        "Duration": summary.duration,
        "ResponseTime": summary.response_time,
        "HasFault": summary.fault,
        "HasError": summary.error,
        "HasThrottle": summary.throttle,
        "IsPartial": summary.partial,
        "Http": {
            "HttpURL": http.url,
            "HttpStatus": http.status,
            "HttpMethod": http.method,
            "UserAgent": http.user_agent,
            "ClientIp": http.client_ip,
        },
        "Annotations": annotations,
        "Users": [{"UserName": name, "ServiceIds": [ids[owner]]} for name, owner in summary.users],
        "ServiceIds": ids,
        "ResourceARNs": [{"ARN": arn} for arn in summary.resource_arns],
        "InstanceIds": [{"Id": instance} for instance in summary.instance_ids],
        "AvailabilityZones": [{"Name": zone} for zone in summary.zones],
        "EntryPoint": ids[summary.entry_point],
        "Revision": revision,
    }


def service_id(service: ServiceId) -> dict[str, Any]:
    """The ServiceId structure."""
    return {"Name": service.name, "Names": [service.name], "AccountId": service.account, "Type": service.type}


def _root(segments: Sequence[Tree], nodes: Sequence[Sequence[Tree]]) -> int:
    """The index of the segment that began it all: the earliest whose parent is not in the trace."""
    known = {_text(node, "id") for below in nodes for node in below}
    for index, segment in enumerate(segments):
        if segment.get("parent_id") not in known:
            return index
    return 0


def _service(segment: Tree, account: str) -> ServiceId:
    aws = segment.get("aws")
    owner = _text(aws, "account_id") if isinstance(aws, dict) else None
    return ServiceId(segment["name"], _text(segment, "origin"), owner or account)


def _length(segment: Tree) -> float | None:
    end = segment.get("end_time")
    return round(end - segment["start_time"], 6) if isinstance(end, (int, float)) else None


def _flag(segment: Tree, name: str) -> bool:
    return segment.get(name) is True


def _http(segment: Tree) -> HttpFacts:
    http = segment.get("http")
    if not isinstance(http, dict):
        return HttpFacts()
    request, response = _part(http, "request"), _part(http, "response")
    status = response.get("status")
    return HttpFacts(
        _text(request, "url"),
        int(status) if isinstance(status, (int, float)) and abs(status) < 2**31 else None,
        _text(request, "method"),
        _text(request, "user_agent"),
        _text(request, "client_ip"),
    )


def _annotations(nodes: Sequence[Sequence[Tree]], owners: Sequence[int]) -> list[Annotation]:
    found: dict[tuple[str, type, Scalar], Annotation] = {}
    for below, owner in zip(nodes, owners, strict=True):
        for node in below:
            if "annotations" not in node:
                continue
            for key, value in _part(node, "annotations").items():
                scalar = _scalar(value)
                if scalar is None:
                    continue
                identity = (key, type(scalar), scalar)
                held = found.get(identity)
                if held is not None:
                    _add(held.services, owner)
                elif len(found) < _MOST_ANNOTATIONS:
                    found[identity] = Annotation(key, scalar, [owner])
    return list(found.values())


def _scalar(value: Any) -> Scalar | None:
    """What can be an annotation's value: a text, a truth value, a number that a double holds."""
    if isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)) and abs(value) <= sys.float_info.max:
        return float(value)
    return None


def _annotation_value(value: Scalar) -> dict[str, Scalar]:
    if isinstance(value, bool):
        return {"BooleanValue": value}
    return {"StringValue": value} if isinstance(value, str) else {"NumberValue": value}


def _users(segments: Sequence[Tree], owners: Sequence[int]) -> list[tuple[str, int]]:
    users: list[tuple[str, int]] = []
    for segment, owner in zip(segments, owners, strict=True):
        user = _text(segment, "user")
        if user is not None:
            _add(users, (user, owner))
    return users


def _exceptions(nodes: Sequence[Sequence[Tree]]) -> list[tuple[str | None, str | None]]:
    found: list[tuple[str | None, str | None]] = []
    for below in nodes:
        for node in below:
            if "cause" not in node:
                continue
            raised = _part(node, "cause").get("exceptions")
            for one in raised if isinstance(raised, list) else []:
                if isinstance(one, dict):
                    _add(found, (_text(one, "type"), _text(one, "message")))
    return found


def _ec2(segment: Tree) -> Tree:
    return _part(_part(segment, "aws"), "ec2")


def _part(tree: Tree, name: str) -> Tree:
    part = tree.get(name)
    return part if isinstance(part, dict) else {}


def _text(tree: Tree, name: str) -> str | None:
    value = tree.get(name)
    return value if isinstance(value, str) else None


def _add(items: list[Any], item: Any) -> int:
    try:
        return items.index(item)
    except ValueError:
        items.append(item)
        return len(items) - 1


def _unique(texts: Iterable[str | None]) -> list[str]:
    return list(dict.fromkeys(text for text in texts if text is not None))
