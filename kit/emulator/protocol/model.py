"""Service models as botocore ships them, read straight from its data files.

Importing ``botocore.model`` costs 14 MB that the emulator would not use otherwise; the files are its stable part.
"""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import msgspec

from kit.emulator.protocol.errors import AwsError


class Ref(msgspec.Struct, frozen=True):
    """A reference to a shape by name."""

    shape: str


class Fault(msgspec.Struct, frozen=True, rename="camel"):
    """The ``error`` part of an exception shape: its code in the query protocol, its HTTP status."""

    code: str | None = None
    http_status_code: int = 400
    sender_fault: bool = True


class Shape(msgspec.Struct, frozen=True):
    """One shape; what doesn't apply to its ``type`` is empty. Documentation is left unread."""

    type: str
    members: dict[str, Ref] = {}
    required: tuple[str, ...] = ()
    member: Ref | None = None
    key: Ref | None = None
    value: Ref | None = None
    min: float | None = None
    max: float | None = None
    pattern: str | None = None
    enum: tuple[str, ...] = ()
    exception: bool = False
    error: Fault | None = None


class Http(msgspec.Struct, frozen=True, rename="camel"):
    """An operation's method and path."""

    method: str = "POST"
    request_uri: str = "/"


class Operation(msgspec.Struct, frozen=True):
    """One operation; ``input`` and ``output`` name shapes."""

    name: str
    http: Http = Http()
    input: Ref | None = None
    output: Ref | None = None


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    """What the model says of the whole service."""

    api_version: str = ""
    json_version: str | None = None
    target_prefix: str | None = None
    xml_namespace: str | None = None
    aws_query_compatible: dict[str, str] | None = None


class NamedError(msgspec.Struct, frozen=True):
    """What the wire calls an error: its shape, its code in the query protocol, its HTTP status, further headers."""

    shape: str
    code: str
    status: int
    headers: dict[str, str] = {}


class ServiceModel(msgspec.Struct, frozen=True):
    """One service's model."""

    metadata: Metadata
    operations: dict[str, Operation]
    shapes: dict[str, Shape]

    def fault(self, code: str) -> tuple[str, Fault] | None:
        """The exception shape for an error code (a query code or a shape name), and its fault; None if unknown."""
        named = self.shapes.get(code)
        if named is not None and named.exception:
            return code, named.error or Fault()
        for name, shape in self.shapes.items():
            if shape.exception and shape.error is not None and shape.error.code == code:
                return name, shape.error
        return None

    def name_error(self, error: AwsError) -> NamedError:
        """By the model where it knows the error, else by the error itself.

        A query-compatible service tells the query code in a header, for clients that have known it for years.
        """
        known = self.fault(error.code)
        shape, fault = known or (error.code, Fault(error.code))
        status = fault.http_status_code if error.status == 400 else error.status
        code = fault.code or shape
        if self.metadata.aws_query_compatible is None:
            return NamedError(shape, code, status)
        kind = "Sender" if status < 500 else "Receiver"
        return NamedError(shape, code, status, {"x-amzn-query-error": f"{code};{kind}"})


def load_model(service: str) -> ServiceModel:
    """Read the newest model of ``service`` (botocore's folder name, e.g. ``cloudwatch``).

    Raises FileNotFoundError if botocore isn't installed or has no such service.
    """
    spec = find_spec("botocore")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("botocore is not installed")
    folder = Path(next(iter(spec.submodule_search_locations))) / "data" / service
    newest = max(folder.iterdir())
    packed = newest / "service-2.json.gz"
    raw = gzip.decompress(packed.read_bytes()) if packed.exists() else (newest / "service-2.json").read_bytes()
    return msgspec.json.decode(raw, type=ServiceModel)


def by_path(model: ServiceModel) -> Mapping[tuple[str, str], str]:
    """(method, path) -> operation name, for REST protocols whose paths hold no labels."""
    return {(o.http.method, o.http.request_uri): name for name, o in model.operations.items()}
