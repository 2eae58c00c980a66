"""Read one JSON file strictly: a complaint names the line and the column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kit.definitions.complaints import Complaint


class _RefusedError(ValueError):
    """JSON that Python would take and AWS would not."""


def read_object(path: Path, file: str) -> dict[str, Any] | Complaint:
    """The object that a file holds, or what is wrong with it."""
    value = read_json(path, file)
    if isinstance(value, Complaint | dict):
        return value
    return Complaint(file, "", f"must hold one JSON object, not {_kind(value)}")


def read_json(path: Path, file: str) -> Any | Complaint:
    """The value that a file holds, or what is wrong with it.

    Keys written twice and NaN are refused too: AWS would keep the last of the keys, and reject the NaN.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_object, parse_constant=_constant)
    except (OSError, ValueError, RecursionError) as error:
        return _unreadable(file, error)


def _unreadable(file: str, error: Exception) -> Complaint:
    match error:
        case json.JSONDecodeError():
            return Complaint(
                file, "", f"line {error.lineno}, column {error.colno}: {error.msg}", "Mend the JSON there."
            )
        case UnicodeDecodeError():
            return Complaint(file, "", f"byte {error.start} is not UTF-8", "Save the file as UTF-8.")
        case OSError():
            return Complaint(file, "", f"cannot be read: {error.strerror}")
        case RecursionError():
            return Complaint(file, "", "is nested too deeply")
    return Complaint(file, "", str(error))


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise _RefusedError(f"the key {key!r} is written twice in one object")
        found[key] = value
    return found


def _constant(name: str) -> float:
    raise _RefusedError(f"{name} is not a JSON number")


def _kind(value: object) -> str:
    return {list: "a list", str: "text", bool: "a truth value"}.get(
        type(value), "null" if value is None else "a number"
    )
