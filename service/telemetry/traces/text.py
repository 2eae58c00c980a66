"""JSON of segment documents, whatever is in them, within the size that X-Ray takes."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

# One document may have 64 KB, and a datagram carries a header besides.
LIMIT = 63 * 1024
NOT_IN_NAMES = re.compile(r"[^\w\s.:/%&#=+\\\-@]")
_encode = msgspec.json.Encoder().encode


@lru_cache(maxsize=1_024)
def name_text(name: str) -> str:
    """A name as X-Ray takes it, as JSON."""
    return json_text(NOT_IN_NAMES.sub("", name)[:200] or "span")


@lru_cache(maxsize=4_096)
def quoted(text: str) -> str:
    return json_text(text)


def json_text(value: Any) -> str:
    """JSON, whatever there is in it: half a surrogate pair, a number too long, an object."""
    try:
        return _encode(value).decode()
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _encode(json_value(value)).decode()


def fitting(text: str) -> str:
    """A document cut to LIMIT bytes: metadata goes first, then most of the stacks, then cause and statement."""
    for shorten in (_without_metadata, _with_short_stacks, _without_cause_and_sql):
        if len(text.encode()) <= LIMIT:
            break
        segment = json.loads(text)
        shorten(segment)
        text = json_text(segment)
    return text


def json_value(value: Any) -> Any:
    """Anything as what JSON can hold; text without halves of surrogate pairs."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        return value if -(1 << 63) <= value < 1 << 64 else str(value)
    if isinstance(value, Mapping):
        return {json_value(str(key)): json_value(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(inner) for inner in value]
    return value if isinstance(value, bytes) else json_value(str(value))


def _without_metadata(segment: dict[str, Any]) -> None:
    if segment.pop("metadata", None):
        segment["metadata"] = {"default": {"truncated": True}}


def _with_short_stacks(segment: dict[str, Any]) -> None:
    exceptions = segment.get("cause", {}).get("exceptions", [])
    del exceptions[4:]
    for exception in exceptions:
        stack = exception.get("stack", [])
        exception["truncated"] = exception.get("truncated", 0) + max(0, len(stack) - 8)
        del stack[8:]
        exception.pop("cause", None)


def _without_cause_and_sql(segment: dict[str, Any]) -> None:
    segment.pop("cause", None)
    segment.pop("sql", None)
