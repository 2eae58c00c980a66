"""One service: from a request to its operation and back, in whichever protocol the request speaks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.emulator.protocol.codec import Codec
from kit.emulator.protocol.complaints import Problem
from kit.emulator.protocol.context import Context
from kit.emulator.protocol.errors import AwsError, internal_error
from kit.emulator.protocol.http import Request, Response
from kit.emulator.protocol.model import ServiceModel
from kit.emulator.protocol.operations import Operations
from kit.emulator.protocol.plain import plain_error

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Service:
    """``codecs`` are asked in order; what none claims is refused in whichever protocol it seems to be.

    ``complain(operation, problems)`` words broken constraints as the service does. ``largest`` is what an operation's
    body may have at most, in bytes, where that is less than the door lets in.
    """

    name: str
    model: ServiceModel
    codecs: Sequence[Codec]
    operations: Operations
    complain: Callable[[str, Sequence[Problem]], AwsError]
    largest: Mapping[str, int] = field(default_factory=dict)

    def answer(self, request: Request, engine: Any, context: Context) -> Response:
        """Answer one request; every failure becomes an error in the request's own protocol."""
        codec, name = self._codec(request)
        if codec is None:
            return plain_error(request.headers, _unknown(None), context.request_id)
        try:
            return self._call(codec, name, request, engine, context)
        except AwsError as error:
            return codec.fail(error, context.request_id)
        except Exception:
            log.exception("%s %s failed (request %s)", self.name, name, context.request_id)
            return codec.fail(internal_error(), context.request_id)

    def _codec(self, request: Request) -> tuple[Codec | None, str | None]:
        for codec in self.codecs:
            name = codec.operation_name(request)
            if name is not None:
                return codec, name
        return None, None

    def _call(self, codec: Codec, name: str | None, request: Request, engine: Any, context: Context) -> Response:
        operation = self.model.operations.get(name or "")
        if operation is None:
            raise _unknown(name)
        handler = self.operations.handler(operation.name)
        if handler is None:
            text = f"The operation {operation.name} of {self.name} exists on AWS but not in this emulator."
            raise AwsError("UnknownOperationException", text, status=400)
        largest = self.largest.get(operation.name)
        if largest is not None and len(request.body) > largest:
            text = f"Request size {len(request.body)} exceeded {largest} bytes"
            raise AwsError("RequestEntityTooLarge", text, status=413)
        problems: list[Problem] = []
        params = codec.read(operation, request, problems)
        if problems:
            raise self.complain(operation.name, problems)
        return codec.write(operation, handler(engine, params, context), context.request_id)


def _unknown(name: str | None) -> AwsError:
    asked = f"The operation {name[:200]}" if name else "A request without an operation's name"
    return AwsError("UnknownOperationException", f"{asked} is not part of this service.", status=400)
