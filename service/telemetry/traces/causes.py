"""Exceptions of a span -> the ``cause`` of a segment (AWS X-Ray: "Segment documents", cause)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ..semconv import EXCEPTION, EXCEPTION_MESSAGE, EXCEPTION_STACKTRACE, EXCEPTION_TYPE

FRAME = re.compile(r'^ {2,}File "(?P<path>.*)", line (?P<line>\d+)(?:, in (?P<label>.*))?$')
# Python parts a chain of exceptions with these sentences; the exception that was raised last stands last.
CHAIN = re.compile(
    r"\n\n(?:During handling of the above exception, another exception occurred"
    r"|The above exception was the direct cause of the following exception):\n\n"
)
FRAMES = 50
CHAINED = 8


def cause(events: Sequence[tuple[str, Mapping[str, Any]]], span_id: int, *, remote: bool) -> dict[str, Any] | None:
    """The cause of (name, attributes) events, from those called ``exception``; None when there is none.

    Frames stand newest first, as X-Ray shows them; ``remote`` says that the exception came out of a call to elsewhere.
    """
    exceptions: list[dict[str, Any]] = []
    for name, attributes in events:
        if name == EXCEPTION:
            _add(exceptions, attributes, span_id, remote=remote)
    if not exceptions:
        return None
    return {"working_directory": str(Path.cwd()), "exceptions": exceptions}


def message_cause(message: str, span_id: int) -> dict[str, Any]:
    """The cause of a span that has an error status with a message, but no exception."""
    return {"exceptions": [{"id": _id(span_id, 0), "message": message[:250]}]}


def _add(exceptions: list[dict[str, Any]], attributes: Mapping[str, Any], span_id: int, *, remote: bool) -> None:
    blocks = CHAIN.split(str(attributes.get(EXCEPTION_STACKTRACE, "")))[-CHAINED:]
    for depth, block in enumerate(reversed(blocks)):
        entry: dict[str, Any] = {"id": _id(span_id, len(exceptions)), "remote": remote}
        if depth == 0:
            entry["type"] = str(attributes.get(EXCEPTION_TYPE, ""))[:250]
            entry["message"] = str(attributes.get(EXCEPTION_MESSAGE, ""))[:250]
        else:
            exceptions[-1]["cause"] = entry["id"]
            entry["type"], _, entry["message"] = _last_line(block)
        stack = _frames(block)
        if len(stack) > FRAMES:
            entry["truncated"] = len(stack) - FRAMES
        entry["stack"] = stack[:FRAMES]
        exceptions.append(entry)


def _last_line(block: str) -> tuple[str, str, str]:
    for line in reversed(block.splitlines()):
        if line and not line.startswith(" "):
            kind, colon, message = line.partition(": ")
            return kind[:250], colon, message[:250]
    return "", "", ""


def _frames(block: str) -> list[dict[str, Any]]:
    found = filter(None, map(FRAME.match, reversed(block.splitlines())))
    return [
        {"path": frame["path"][-250:], "line": int(frame["line"]), "label": (frame["label"] or "")[:250]}
        for frame in found
    ]


def _id(span_id: int, index: int) -> str:
    # Unique within the document is enough; the same span makes the same ids, so a repeated document is the same.
    return f"{(span_id + index + 1) & 0xFFFF_FFFF_FFFF_FFFF:016x}"
