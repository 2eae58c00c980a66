"""AWS JSON 1.0 and 1.1 (named by ``X-Amz-Target``) and REST-JSON (named by path)."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from kit.emulator.protocol.complaints import Problem
from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.http import Request, Response
from kit.emulator.protocol.model import Operation, ServiceModel, by_path
from kit.emulator.protocol.reading import ReaderCompiler, mistyped
from kit.emulator.protocol.straight import StraightReader
from kit.emulator.protocol.typed_leaves import TypedLeaves
from kit.emulator.protocol.writing import WriterCompiler

_NOT_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


class AwsJson:
    """AWS JSON: every call is a POST to ``/`` and names its operation in ``X-Amz-Target``."""

    def __init__(self, model: ServiceModel, records: Mapping[str, Collection[str]] | None = None) -> None:
        """``records``: see StraightReader."""
        self._model = model
        self._content_type = f"application/x-amz-json-{model.metadata.json_version}"
        self._prefix = f"{model.metadata.target_prefix}."
        self._straight = StraightReader(model, records)
        self._readers = ReaderCompiler(model, JsonLeaves())
        self._writers = WriterCompiler(model, JsonOutLeaves())
        self._encoder = msgspec.json.Encoder()

    def operation_name(self, request: Request) -> str | None:
        """See Codec."""
        target = request.headers.get("x-amz-target", "")
        return target.removeprefix(self._prefix) if target.startswith(self._prefix) else None

    def read(self, operation: Operation, request: Request, problems: list[Problem]) -> dict[str, Any]:
        """See Codec."""
        if operation.input is None:
            _tree(request.body)
            return {}
        params: dict[str, Any] | None = self._straight.read(operation.input, request.body)
        if params is None:
            params = self._readers.of(operation.input)(_tree(request.body), problems)
        return params

    def write(self, operation: Operation, result: dict[str, Any], request_id: str) -> Response:
        """See Codec."""
        if operation.output is None:
            # CloudWatch answers {}, others an empty body; clients take both
            return self._response(200, b"{}" if result == {} else self._encoder.encode(result), request_id)
        body = self._encoder.encode(self._writers.of(operation.output)(result))
        return self._response(200, body, request_id)

    def fail(self, error: AwsError, request_id: str) -> Response:
        """See Codec. ``__type`` is the error's shape; a query-compatible service adds the query code as a header."""
        named = self._model.name_error(error)
        body = {"__type": named.shape, "message": error.message, **error.fields}
        return self._response(named.status, self._encoder.encode(body), request_id, named.headers)

    def _response(self, status: int, body: bytes, request_id: str, headers: dict[str, str] | None = None) -> Response:
        return Response(status, body, self._content_type, {"x-amzn-requestid": request_id, **(headers or {})})


class RestJson(AwsJson):
    """REST-JSON with fixed paths and everything in the body, as X-Ray has it."""

    def __init__(self, model: ServiceModel) -> None:
        super().__init__(model)
        self._content_type = "application/json"
        self._paths = by_path(model)

    def operation_name(self, request: Request) -> str | None:
        """See Codec. Every path belongs to this protocol; an unknown one is named as it stands."""
        return self._paths.get((request.method, request.path), f"{request.method} {request.path}")

    def fail(self, error: AwsError, request_id: str) -> Response:
        """See Codec. REST-JSON names the error's shape in a header."""
        body = {"Message": error.message, **error.fields}
        status = self._model.name_error(error).status
        return self._response(status, self._encoder.encode(body), request_id, {"x-amzn-errortype": error.code})


class JsonLeaves(TypedLeaves):
    """Scalars in AWS JSON: timestamps are epoch seconds, blobs base64."""

    def double(self, value: Any) -> float:
        if isinstance(value, str) and value in _NOT_NUMBERS:
            return _NOT_NUMBERS[value]
        return super().double(value)

    def timestamp(self, value: Any) -> float:
        if isinstance(value, str):
            return iso_timestamp(value)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise mistyped(value, "a Timestamp")
        # the service keeps milliseconds in 64 bits
        if not -(2**63) < value * 1000 < 2**63:
            raise AwsError("SerializationException", f"{value} can not be converted to a Timestamp")
        return float(value)

    def blob(self, value: Any) -> bytes:
        if not isinstance(value, str):
            raise mistyped(value, "a Blob")
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise AwsError("SerializationException", "Invalid base64 in a Blob") from error


class JsonOutLeaves:
    """Scalars in AWS JSON on the way out."""

    def double(self, value: float) -> float | str:
        if math.isfinite(value):
            return value
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"

    def timestamp(self, value: float) -> float:
        return round(value, 3)

    def blob(self, value: bytes) -> str:
        return base64.b64encode(value).decode()


def iso_timestamp(text: str) -> float:
    """Epoch seconds of an ISO 8601 text; one without an offset is UTC. Raises AwsError for anything else."""
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError) as error:
        raise AwsError("SerializationException", f"{text[:100]} can not be converted to a Timestamp") from error


def _tree(body: bytes) -> Any:
    try:
        return msgspec.json.decode(body) if body else {}
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise AwsError("SerializationException", "The request body is not valid JSON") from error
