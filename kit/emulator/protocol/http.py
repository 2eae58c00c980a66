"""A request and a response as plain values, whatever server carries them."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import msgspec


class Request(msgspec.Struct, frozen=True):
    """One HTTP request; header names are lower case, the body is whole and already un-gzipped."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


class Response(msgspec.Struct, frozen=True):
    """One HTTP response."""

    status: int
    body: bytes
    content_type: str
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)

    @property
    def status_line(self) -> str:
        """The status with its phrase."""
        return _STATUS_LINES.get(self.status, f"{self.status} Unknown")


_STATUS_LINES = {int(status): f"{int(status)} {status.phrase}" for status in HTTPStatus}
