"""The attributes of a request as a server sees it, by OpenTelemetry's stable HTTP conventions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .semconv import (
    CLIENT_ADDRESS,
    ERROR_TYPE,
    HTTP_METHOD,
    HTTP_ROUTE,
    HTTP_STATUS,
    OPERATION,
    PROTOCOL_VERSION,
    SERVER_ADDRESS,
    SERVER_PORT,
    URL_PATH,
    URL_SCHEME,
    USER_AGENT,
)
from .span_data import NO_ATTRIBUTES, RequestData, SpanData

Outcome = tuple[int, str | None, str, str]
"""(status, route or None, operation, error type or "")"""


def attributes_of(span: SpanData) -> Mapping[str, Any]:
    """The attributes of a span; those of a request are made here, unless somebody has set one."""
    if type(span) is not RequestData or span.attributes is not None:
        return span.attributes or NO_ATTRIBUTES
    attributes = server_attributes(span.facts)
    return attributes if span.outcome is None else attributes | server_outcome(span.outcome)


def server_attributes(facts: tuple[str, ...]) -> dict[str, Any]:
    """What WSGI tells of a request, by the stable HTTP conventions. No query: it may hold what nobody should see."""
    method, scheme, path, name, client, agent, protocol = facts
    attributes: dict[str, Any] = {
        HTTP_METHOD: method,
        URL_SCHEME: scheme,
        URL_PATH: path,
        SERVER_ADDRESS: name,
        CLIENT_ADDRESS: client,
        USER_AGENT: agent,
        PROTOCOL_VERSION: protocol.removeprefix("HTTP/"),
    }
    host, _, port = name.rpartition(":")
    if host and port.isdecimal() and port.isascii() and len(port) <= 5:
        attributes[SERVER_ADDRESS] = host
        attributes[SERVER_PORT] = int(port)
    return attributes


def server_outcome(outcome: Outcome) -> dict[str, Any]:
    """What is known of a request at its end."""
    status, route, operation, error_type = outcome
    attributes: dict[str, Any] = {HTTP_STATUS: status, OPERATION: operation}
    if route is not None:
        attributes[HTTP_ROUTE] = route
    if status >= 500:
        attributes[ERROR_TYPE] = error_type or str(status)
    return attributes
