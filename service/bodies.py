"""JSON in, strictly, and JSON out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from service.problem import Problem

MAX_BODY_BYTES = 16_384

T = TypeVar("T")


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A request body: unknown members are refused, so that a misspelt one is not ignored."""


def read(kind: type[T]) -> T:
    """Decode the request's body.

    Raises Problem: 415 for another media type, 400 for what is not JSON, 422 with the JSON path for what does not fit.
    A body over MAX_BODY_BYTES is a 413 by Flask's own limit.
    """
    if request.mimetype != "application/json":
        raise Problem(415, "Send the body as application/json.", headers={"Accept": "application/json"})
    data = request.get_data(cache=False)
    if request.content_length is None and len(data) == MAX_BODY_BYTES:
        # A chunked body tells no length; Werkzeug cuts it off at the limit instead of refusing it.
        raise RequestEntityTooLarge
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        fault = {"path": path.removesuffix("`") or "$", "detail": message}
        raise Problem(422, "The body does not fit.", kind="body-invalid", errors=[fault]) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # The library's text may quote the body, which may hold what nobody should log.
        raise Problem(400, "The body is not valid JSON.", kind="body-malformed") from None


def answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    return Response(msgspec.json.encode(body), status, headers, mimetype="application/json")


def known_form(pattern: str, text: str) -> bool:
    """Whether an id from a path could be one of ours at all; a database need not see what could not."""
    return re.fullmatch(pattern, text) is not None
