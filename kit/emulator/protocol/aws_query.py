"""The AWS Query protocol: a form in, XML out. Clients of CloudWatch spoke it until 2025."""

from __future__ import annotations

import base64
import binascii
import math
import re
from typing import Any

from kit.emulator.protocol.aws_json import iso_timestamp
from kit.emulator.protocol.complaints import Problem
from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.form import Folding, parse_form
from kit.emulator.protocol.http import Request, Response
from kit.emulator.protocol.model import Operation, Ref, ServiceModel
from kit.emulator.protocol.plain import FORM, query_code, query_error
from kit.emulator.protocol.reading import ReaderCompiler
from kit.emulator.protocol.xml import XmlWriter

_INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,9})?")
_NOT_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class AwsQuery:
    """The query protocol of one service: ``Action`` and ``Version`` in the form, or in the URL of a GET."""

    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._readers = ReaderCompiler(model, QueryLeaves())
        self._folding = Folding(model)
        self._xml = XmlWriter(model)

    def operation_name(self, request: Request) -> str | None:
        """See Codec. A form names its operation only once it is read, which ``read`` does."""
        if not _is_query(request):
            return None
        # only the first Action counts, and the form need not be well formed to be of this protocol
        found = re.search(rb"(?:^|&)Action=([A-Za-z0-9]*)", _raw(request))
        return found[1].decode() if found else ""

    def read(self, operation: Operation, request: Request, problems: list[Problem]) -> dict[str, Any]:
        """See Codec."""
        form = parse_form(_raw(request))
        version = form.get("Version", "NO_VERSION_SPECIFIED")
        if version != self._model.metadata.api_version:
            text = f"Could not find operation {operation.name} for version {str(version)[:100]}"
            raise AwsError("InvalidAction", text)
        if operation.input is None:
            return {}
        try:
            params: dict[str, Any] = self._readers.of(operation.input)(
                self._folding.fold(operation.input, form), problems
            )
        except AwsError as error:
            # the readers' own word for a value of another kind
            raise AwsError(query_code(error.code), error.message) from error
        return params

    def write(self, operation: Operation, result: dict[str, Any], request_id: str) -> Response:
        """See Codec."""
        name, wrapped = operation.name, ""
        if operation.output is not None:
            wrapped = f"<{name}Result>{self._xml.members(operation.output, result)}</{name}Result>"
        text = (
            f'<{name}Response xmlns="{self._model.metadata.xml_namespace}">{wrapped}'
            f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{name}Response>"
        )
        return Response(200, text.encode(), "text/xml", {"x-amzn-requestid": request_id})

    def fail(self, error: AwsError, request_id: str) -> Response:
        """See Codec. The further members of an error's shape stand beside its code."""
        named = self._model.name_error(error)
        members = self._xml.members(Ref(named.shape), dict(error.fields)) if error.fields else ""
        namespace = self._model.metadata.xml_namespace
        return query_error(named.status, query_code(named.code), error.message, request_id, namespace, members)


class QueryLeaves:
    """Scalars in a form: all are texts, timestamps are ISO 8601, blobs base64."""

    def string(self, value: Any) -> str:
        if not isinstance(value, str):
            raise AwsError("MalformedInput", "Start of structure or map found where not expected.")
        return value

    def integer(self, value: Any) -> int:
        text = self.string(value).strip()
        if not _INTEGER.fullmatch(text):
            raise _unreadable(text, "an Integer")
        return int(text)

    def double(self, value: Any) -> float:
        text = self.string(value).strip()
        if text in _NOT_NUMBERS:
            return _NOT_NUMBERS[text]
        if not _NUMBER.fullmatch(text):
            raise _unreadable(text, "a Double")
        return float(text)

    def boolean(self, value: Any) -> bool:
        text = self.string(value).strip().lower()
        if text not in ("true", "false"):
            raise _unreadable(text, "a Boolean")
        return text == "true"

    def timestamp(self, value: Any) -> float:
        text = self.string(value).strip()
        try:
            if _DATE.match(text):
                return iso_timestamp(text)
        except AwsError as error:
            raise AwsError("MalformedInput", "timestamp must follow ISO8601") from error
        raise AwsError("MalformedInput", "timestamp must follow ISO8601")

    def blob(self, value: Any) -> bytes:
        try:
            return base64.b64decode(self.string(value), validate=True)
        except (binascii.Error, ValueError) as error:
            raise AwsError("MalformedInput", "Invalid base64 in a Blob") from error


def _is_query(request: Request) -> bool:
    if request.headers.get("content-type", "").startswith(FORM):
        return True
    return request.method == "GET" and bool(re.search(r"(?:^|&)Action=", request.query))


def _raw(request: Request) -> bytes:
    """A signed GET has its form in the URL; there, what belongs to the signature names no member."""
    return request.query.encode("latin-1") if request.method == "GET" else request.body


def _unreadable(text: str, wanted: str) -> AwsError:
    return AwsError("MalformedInput", f"{text[:100]!r} can not be converted to {wanted}")
