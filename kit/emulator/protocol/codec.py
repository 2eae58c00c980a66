"""What a wire protocol must do: ``aws_json``, ``aws_cbor`` and ``aws_query`` do it."""

from __future__ import annotations

from typing import Any, Protocol

from kit.emulator.protocol.complaints import Problem
from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.http import Request, Response
from kit.emulator.protocol.model import Operation


class Codec(Protocol):
    """One wire protocol of one service."""

    def operation_name(self, request: Request) -> str | None:
        """The operation that a request names in this protocol, known or not; None if it isn't in this protocol."""
        ...

    def read(self, operation: Operation, request: Request, problems: list[Problem]) -> dict[str, Any]:
        """A handler's parameters. Raises AwsError for what can't be read; appends what breaks a constraint."""
        ...

    def write(self, operation: Operation, result: dict[str, Any], request_id: str) -> Response:
        """The answer on the wire."""
        ...

    def fail(self, error: AwsError, request_id: str) -> Response:
        """The error in this protocol's shape."""
        ...
