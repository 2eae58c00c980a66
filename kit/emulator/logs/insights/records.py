"""One log event as a query sees it: system fields, and the members of a JSON message by their dotted names."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from kit.emulator.logs.events import Event

TIMES = frozenset({"@timestamp", "@ingestionTime"})
SYSTEM = frozenset({*TIMES, "@message", "@logStream", "@log", "@ptr"})

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode
_UNREAD: Any = object()


class Record:
    """``get`` gives a field's value, or None; a message is decoded when a field of it is first asked for."""

    __slots__ = ("_document", "event", "log", "stream")

    def __init__(self, event: Event, stream: str, log: str) -> None:
        self.event = event
        self.stream = stream
        self.log = log
        self._document = _UNREAD

    def get(self, name: str) -> Any:
        """The value of a field: a text, a number, or None where there is none."""
        system = _OF_EVENT.get(name)
        if system is not None:
            return system(self)
        if self._document is _UNREAD:
            self._document = _document(self.event.message)
        return _member(self._document, name)


_OF_EVENT: dict[str, Callable[[Record], Any]] = {
    "@timestamp": lambda record: record.event.timestamp,
    "@ingestionTime": lambda record: record.event.ingested,
    "@message": lambda record: record.event.message.decode(errors="replace"),
    "@logStream": lambda record: record.stream,
    "@log": lambda record: record.log,
    "@ptr": lambda record: record.event.id,
}


def number(value: Any) -> float | None:
    """A value as a number; a text counts if it reads as one."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def text(value: Any) -> str:
    """A value as a text."""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".") if abs(value) < 1e15 else repr(value)
    return value if isinstance(value, str) else str(value)


def time_text(milliseconds: float) -> str:
    """Epoch ms as Logs Insights writes them: ``2026-11-22 10:05:00.000``, in UTC."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    except (ValueError, OverflowError, OSError):
        return str(milliseconds)


def _document(message: bytes) -> Any:
    if message.lstrip()[:1] != b"{":
        return None
    try:
        return _decode(message)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _member(value: Any, name: str) -> Any:
    """``a.b.0`` of a document; a member whose own name has dots comes before one that is nested."""
    if isinstance(value, dict) and name in value:
        found = value[name]
    else:
        found = value
        for part in name.split("."):
            if isinstance(found, dict):
                found = found.get(part)
            elif isinstance(found, list) and part.isascii() and part.isdigit() and int(part) < len(found):
                found = found[int(part)]
            else:
                return None
    if isinstance(found, bool):
        return "true" if found else "false"
    return _encode(found).decode() if isinstance(found, dict | list) else found
