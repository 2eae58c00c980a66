"""Log lines that tell the story: alike ones counted once, the telling ones kept. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

MOST = 20
LONGEST = 300
_VARIES = re.compile(r"\b(?:[0-9a-f]{8}-[0-9a-f-]{27,}|0x[0-9a-f]+|[0-9a-f]{12,}|\d+(?:\.\d+)?)\b", re.IGNORECASE)
_FAILED = 500
_LOUDNESS = {"CRITICAL": 3, "FATAL": 3, "ERROR": 2, "WARNING": 1, "WARN": 1}
# What tells lines apart without telling who: ids and times do not, and people are never named.
_TELLING = ("operation", "status", "error_type", "upstream_status", "attempt", "degraded", "shed", "remote", "release")


@dataclass(frozen=True, slots=True)
class Line:
    """One log event; ``at`` in epoch seconds, ``text`` as it was written."""

    at: float
    group: str
    text: str


@dataclass(frozen=True, slots=True)
class Story:
    """Lines that say the same: the first of them, when it came first and last, and how many there were."""

    first: float
    last: float
    count: int
    service: str
    level: str
    text: str


def stories(lines: Iterable[Line], most: int = MOST) -> list[Story]:
    """The loudest ``most`` kinds of lines, in the order of their first appearance.

    Two lines are of one kind when service, level, message and the fields that tell (status, attempt …) are the same,
    numbers and ids in the message aside.
    """
    kinds: dict[tuple[str, str, str, str], list[tuple[float, str]]] = {}
    for line in lines:
        service, level, message, fields = _read(line)
        key = (service, level, _VARIES.sub("#", message), fields)
        kinds.setdefault(key, []).append((line.at, message))
    found = []
    for (service, level, _, fields), seen in kinds.items():
        first_at, message = min(seen)
        text = f"{message} ({fields})" if fields else message
        found.append(Story(first_at, max(seen)[0], len(seen), service, level, text[:LONGEST]))
    loudest = sorted(found, key=lambda each: (-_LOUDNESS.get(each.level, 0), -each.count, each.first))[:most]
    return sorted(loudest, key=lambda each: (each.first, each.service, each.text))


def answered_by_failure(line: Line, operation: str | None) -> bool:
    """Whether a line of the canary's tells of an answer of 500 or above to this operation."""
    told = _json(line.text) or {}
    status = told.get("status")
    return isinstance(status, int) and status >= _FAILED and operation in (None, told.get("operation"))


def _read(line: Line) -> tuple[str, str, str, str]:
    told = _json(line.text)
    if told is None:
        level = next((word for word in _LOUDNESS if word in line.text.upper()), "")
        return line.group, level, line.text.strip().splitlines()[0] if line.text.strip() else "", ""
    fields = ", ".join(f"{key}={told[key]}" for key in _TELLING if isinstance(told.get(key), str | int | float | bool))
    exception = told.get("exception")
    kind = exception.get("type") if isinstance(exception, Mapping) else None
    message = str(told.get("message", "")).strip() + (f": {kind}" if isinstance(kind, str) else "")
    return str(told.get("service") or line.group), str(told.get("level", "")).upper(), message, fields


def _json(text: str) -> Mapping[str, Any] | None:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return told if isinstance(told, dict) else None
