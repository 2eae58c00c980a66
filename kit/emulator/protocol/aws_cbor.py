"""Smithy RPC v2 CBOR: the operation stands in the path, the members in a CBOR map.

Source: the Smithy RPC v2 CBOR protocol specification. cbor2 does the encoding: botocore's own reader is for a client's
side and pure Python, and importing it costs 14 MB.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import cbor2

from kit.emulator.protocol.complaints import Problem
from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.http import Request, Response
from kit.emulator.protocol.model import Operation, ServiceModel
from kit.emulator.protocol.plain import CBOR, cbor_error
from kit.emulator.protocol.reading import ReaderCompiler, mistyped
from kit.emulator.protocol.typed_leaves import TypedLeaves
from kit.emulator.protocol.writing import WriterCompiler

PATH = re.compile(r"/service/(?P<service>[^/]+)/operation/(?P<operation>[^/]+)")

# Deeper than any model's shapes, shallow enough for any stack.
_DEEPEST = 40
# Of the tags that cbor2 knows, the protocol has one; the others could make cycles, patterns or numbers of any size.
_EPOCH_SECONDS = 1
_REFUSED = frozenset({0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799})


@dataclass(frozen=True, slots=True)
class _Moment:
    """A number that was tagged as epoch seconds."""

    seconds: float


class AwsCbor:
    """RPC v2 CBOR of one service; in the path it goes by the target prefix of its JSON protocol."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._readers = ReaderCompiler(model, CborLeaves())
        self._writers = WriterCompiler(model, CborOutLeaves())

    def operation_name(self, request: Request) -> str | None:
        """See Codec. The header is what marks the protocol; without the path's form it names no known operation."""
        found = PATH.fullmatch(request.path)
        if "smithy-protocol" not in request.headers and found is None:
            return None
        if found is None or found["service"] != self._model.metadata.target_prefix:
            return f"{request.method} {request.path}"
        return found["operation"]

    def read(self, operation: Operation, request: Request, problems: list[Problem]) -> dict[str, Any]:
        """See Codec."""
        protocol = request.headers.get("smithy-protocol", "")
        if protocol != "rpc-v2-cbor":
            text = f"The header smithy-protocol must be rpc-v2-cbor, not {protocol[:100]!r}"
            raise AwsError("SerializationException", text)
        tree = _tree(request.body)
        if operation.input is None:
            return {}
        params: dict[str, Any] = self._readers.of(operation.input)(tree, problems)
        return params

    def write(self, operation: Operation, result: dict[str, Any], request_id: str) -> Response:
        """See Codec. An operation without an output has no body, so no type of one either."""
        headers = {"smithy-protocol": "rpc-v2-cbor", "x-amzn-requestid": request_id}
        if operation.output is None:
            return Response(200, b"", "", headers)
        return Response(200, cbor2.dumps(self._writers.of(operation.output)(result)), CBOR, headers)

    def fail(self, error: AwsError, request_id: str) -> Response:
        """See Codec."""
        named = self._model.name_error(error)
        body = {"__type": named.shape, "message": error.message, **error.fields}
        return cbor_error(named.status, body, named.headers, request_id)


class CborLeaves(TypedLeaves):
    """Scalars in CBOR: timestamps are tagged numbers, blobs are byte strings."""

    def timestamp(self, value: Any) -> float:
        if not isinstance(value, _Moment):
            raise mistyped(value, "a Timestamp")
        return value.seconds

    def blob(self, value: Any) -> bytes:
        if not isinstance(value, bytes):
            raise mistyped(value, "a Blob")
        return value


class CborOutLeaves:
    """Scalars in CBOR on the way out."""

    def double(self, value: float) -> float:
        return float(value)

    def timestamp(self, value: float) -> cbor2.CBORTag:
        return cbor2.CBORTag(_EPOCH_SECONDS, round(value, 3))

    def blob(self, value: bytes) -> bytes:
        return value


def _moment(value: Any, _immutable: bool) -> _Moment:
    # the service keeps milliseconds in 64 bits; the comparison is false for NaN too
    if isinstance(value, bool) or not isinstance(value, int | float) or not -(2**63) < value * 1000 < 2**63:
        raise AwsError("SerializationException", f"{str(value)[:100]} can not be converted to a Timestamp")
    return _Moment(float(value))


def _refuse(_value: Any, _immutable: bool) -> Any:
    raise AwsError("SerializationException", "The request body has a CBOR tag that this protocol does not")


_TAGS = {_EPOCH_SECONDS: _moment, **dict.fromkeys(_REFUSED, _refuse)}


def _tree(body: bytes) -> Any:
    if not body:
        return {}
    try:
        decoder = cbor2.CBORDecoder(BytesIO(body), semantic_decoders=_TAGS, max_depth=_DEEPEST, tag_hook=_refuse)
        return decoder.decode()
    except cbor2.CBORError as error:
        if isinstance(error.__cause__, AwsError):
            raise error.__cause__ from None
        raise AwsError("SerializationException", "The request body is not valid CBOR") from error
