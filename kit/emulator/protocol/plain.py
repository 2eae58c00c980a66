"""Errors in each protocol's shape, and the protocol that a request speaks when no service's codec is there to ask."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

import cbor2
import msgspec

from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.http import Response

CBOR = "application/cbor"
FORM = "application/x-www-form-urlencoded"

# The query protocol has its own names for what the others call by an exception's name.
_QUERY_CODES = {"SerializationException": "MalformedInput", "UnknownOperationException": "InvalidAction"}


def plain_error(headers: Mapping[str, str], error: AwsError, request_id: str) -> Response:
    """An error that no service's model describes, in the protocol that the request's ``headers`` speak.

    Header names are lower case. What speaks none is answered in AWS's JSON, which every SDK takes for an error.
    """
    content_type = headers.get("content-type", "")
    if "smithy-protocol" in headers or content_type.startswith(CBOR):
        return cbor_error(error.status, {"__type": error.code, "message": error.message}, {}, request_id)
    if content_type.startswith(FORM) and "x-amz-target" not in headers:
        code = _QUERY_CODES.get(error.code, error.code)
        return query_error(error.status, code, error.message, request_id)
    body = msgspec.json.encode({"__type": error.code, "message": error.message})
    return Response(error.status, body, "application/x-amz-json-1.1", {"x-amzn-requestid": request_id})


def cbor_error(status: int, body: Mapping[str, Any], headers: Mapping[str, str], request_id: str) -> Response:
    """An error of Smithy RPC v2 CBOR; ``body`` holds ``__type``, ``message`` and the shape's own members."""
    fixed = {"smithy-protocol": "rpc-v2-cbor", "x-amzn-requestid": request_id}
    return Response(status, cbor2.dumps(body), CBOR, {**fixed, **headers})


def query_error(
    status: int, code: str, message: str, request_id: str, namespace: str | None = None, members: str = ""
) -> Response:
    """An error of the query protocol; ``members`` is XML for what the error's shape holds besides."""
    kind = "Sender" if status < 500 else "Receiver"
    named = f' xmlns="{namespace}"' if namespace else ""
    text = (
        f"<ErrorResponse{named}><Error><Type>{kind}</Type><Code>{escape(code)}</Code>"
        f"<Message>{escape(message)}</Message>{members}</Error><RequestId>{escape(request_id)}</RequestId></ErrorResponse>"
    )
    return Response(status, text.encode(), "text/xml", {"x-amzn-requestid": request_id})


def query_code(code: str) -> str:
    """What the query protocol calls an error that the model doesn't know."""
    return _QUERY_CODES.get(code, code)


def escape(text: str) -> str:
    """Text for XML 1.0. A carriage return would be read as a line feed; other control characters can't be said."""
    return html.escape(text.translate(_UNSAYABLE), quote=False).replace("\r", "&#13;")


_UNSAYABLE = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF], "\ufffd")
