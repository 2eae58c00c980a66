"""What a segment document must be, and how it is kept.

Source: AWS X-Ray Developer Guide, "AWS X-Ray segment documents". A document is a segment, or a subsegment sent alone
(``"type": "subsegment"`` with its ``parent_id``).
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

LARGEST_DOCUMENT = 64 * 1024

_TRACE_ID = re.compile(r"1-[0-9a-fA-F]{8}-[0-9a-fA-F]{24}")
_ID = re.compile(r"[0-9a-fA-F]{16}")
_NAME = re.compile(r"[\w\s.:/%&#=+\\\-@]{1,200}")
_DEEPEST = 200  # levels; what is deeper may be decoded here and then not be encoded on a fuller stack
_LAST_SECOND = 253_402_300_799.0  # of the year 9999, the last that clients can show


class DocumentError(ValueError):
    """A document that is not taken; ``code`` is the service's word for it, ``id`` the segment's where it has one."""

    def __init__(self, code: str, segment_id: str | None = None, subsegment: bool = False) -> None:
        kind = "subsegment" if subsegment else "segment"
        super().__init__(f"Invalid {kind}. ErrorCode: {code}")
        self.code = code
        self.id = segment_id


class _Head(msgspec.Struct):
    """The members that decide where a document belongs; the rest stays in its text."""

    id: str | None = None
    trace_id: str | None = None
    name: str | None = None
    start_time: float | None = None
    end_time: float | None = None
    in_progress: bool | None = None
    parent_id: str | None = None
    type: str | None = None


class Document(msgspec.Struct, frozen=True, gc=False):
    """One document as it came, and what its head says; times in epoch seconds."""

    id: str
    trace_id: str
    alone: bool
    in_progress: bool
    start: float
    end: float | None
    raw: bytes

    def tree(self) -> dict[str, Any]:
        """The document's JSON, decoded anew."""
        decoded: dict[str, Any] = msgspec.json.decode(self.raw)
        return decoded


_decode = msgspec.json.Decoder().decode


def read_document(raw: bytes) -> Document:
    """Check one document. Raises DocumentError."""
    if len(raw) > LARGEST_DOCUMENT:
        raise DocumentError("SegmentSizeExceeded")
    try:
        # all of it, as a decoder of the head alone would skip the rest without looking whether it is sound
        tree = _decode(raw)
        head = msgspec.convert(tree, _Head)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise DocumentError("ParseError") from error
    if raw.count(b"{") + raw.count(b"[") > _DEEPEST and _depth(tree) > _DEEPEST:
        raise DocumentError("ParseError", head.id)
    alone = head.type == "subsegment"
    _check(head, alone)
    assert head.id is not None and head.trace_id is not None and head.start_time is not None  # noqa: S101, PT018 - checked above
    return Document(
        id=head.id.lower(),
        trace_id=head.trace_id.lower(),
        alone=alone,
        in_progress=bool(head.in_progress),
        start=head.start_time,
        end=head.end_time,
        raw=raw,
    )


def _depth(tree: Any) -> int:
    depth, level = 0, [tree]
    while level:
        depth += 1
        level = [
            inner
            for node in level
            if isinstance(node, dict | list)
            for inner in (node.values() if isinstance(node, dict) else node)
        ]
    return depth


def is_trace_id(text: str) -> bool:
    """Whether this is ``1-<8 hex>-<24 hex>``; what time the id names is not looked at."""
    return _TRACE_ID.fullmatch(text) is not None


def _check(head: _Head, alone: bool) -> None:
    if head.id is None or not _ID.fullmatch(head.id):
        raise DocumentError("MissingId" if head.id is None else "InvalidId", head.id, alone)
    if head.trace_id is None or not is_trace_id(head.trace_id):
        raise DocumentError("MissingTraceId" if head.trace_id is None else "InvalidTraceId", head.id, alone)
    if head.name is None or not _NAME.fullmatch(head.name):
        raise DocumentError("MissingName" if head.name is None else "InvalidName", head.id, alone)
    if head.start_time is None or not 0 <= head.start_time <= _LAST_SECOND:
        raise DocumentError("MissingStartTime" if head.start_time is None else "InvalidStartTime", head.id, alone)
    if head.end_time is None and not head.in_progress:
        raise DocumentError("MissingEndTime", head.id, alone)
    if head.end_time is not None and not head.end_time <= _LAST_SECOND:
        raise DocumentError("InvalidEndTime", head.id, alone)
    if head.end_time is not None and head.end_time < head.start_time:
        raise DocumentError("EndTimeBeforeStartTime", head.id, alone)
    if alone and (head.parent_id is None or not _ID.fullmatch(head.parent_id)):
        raise DocumentError("MissingParentId", head.id, alone)
