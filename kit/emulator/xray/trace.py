"""One trace: its documents as they came, put together when someone asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kit.emulator.xray.documents import Document

# AWS X-Ray quotas: a trace document holds up to 500 KB.
_LARGEST_TRACE = 500 * 1024
# About what the objects of a document and of a trace take besides the compressed text.
_DOCUMENT_OVERHEAD = 500
_TRACE_OVERHEAD = 900

Tree = dict[str, Any]


class Trace:
    """Not locked: its engine is."""

    __slots__ = ("cost", "documents", "end", "id", "limit_exceeded", "revision", "size", "start", "summary", "updated")

    def __init__(self, trace_id: str, document: Document, now: float) -> None:
        self.id = trace_id
        self.documents: dict[str, Document] = {}
        self.start = document.start
        self.end: float | None = None
        self.updated = now
        self.revision = 0
        self.limit_exceeded = False
        self.size = 0
        self.cost = _TRACE_OVERHEAD
        self.summary: bytes | None = None

    def add(self, document: Document, now: float) -> bool:
        """Take one document; a complete one replaces one in progress, never the other way. False if it was refused."""
        held = self.documents.get(document.id)
        if held is not None and document.in_progress and not held.in_progress:
            return True  # datagrams overtake each other
        if self.size + document.size - (held.size if held else 0) > _LARGEST_TRACE:
            self.limit_exceeded = True
            return False
        if held is not None:
            self.size -= held.size
            self.cost -= len(held.packed) + _DOCUMENT_OVERHEAD
        self.documents[document.id] = document
        self.size += document.size
        self.cost += len(document.packed) + _DOCUMENT_OVERHEAD
        self.start = min(self.start, document.start)
        if document.end is not None:
            self.end = document.end if self.end is None else max(self.end, document.end)
        self.updated = now
        self.revision += 1
        self.summary = None
        return True


def duration_of(documents: Sequence[Document]) -> float | None:
    """Seconds from the earliest start to the last end; None while nothing has ended."""
    ends = [document.end for document in documents if document.end is not None]
    return round(max(ends) - min(document.start for document in documents), 6) if ends else None


def assemble(documents: Sequence[Document]) -> list[Tree]:
    """The segments of a trace by start time, with subsegments that were sent alone put under their parents.

    One whose parent has not come (yet) stands for itself at the end, so that nothing is hidden.
    """
    trees = {document.id: document.tree() for document in documents}
    alone = {document.id for document in documents if document.alone}
    nodes = _index(tree for segment_id, tree in trees.items() if segment_id not in alone)
    waiting = sorted(alone, key=lambda segment_id: trees[segment_id]["start_time"])
    while attached := [segment_id for segment_id in waiting if _parent_of(trees[segment_id]) in nodes]:
        for segment_id in attached:
            _attach(trees[segment_id], nodes[_parent_of(trees[segment_id])], nodes)
        waiting = [segment_id for segment_id in waiting if segment_id not in set(attached)]
    segments = [tree for segment_id, tree in trees.items() if segment_id not in alone]
    segments.sort(key=lambda tree: tree["start_time"])
    return segments + [trees[segment_id] for segment_id in waiting]


def walk(tree: Tree) -> Iterator[Tree]:
    """A segment and all subsegments below it."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(subsegments(node)))


def subsegments(node: Tree) -> list[Tree]:
    """The well-formed subsegments directly below."""
    found = node.get("subsegments")
    return [child for child in found if isinstance(child, dict)] if isinstance(found, list) else []


def _index(trees: Iterator[Tree]) -> dict[str, Tree]:
    return {node["id"].lower(): node for tree in trees for node in walk(tree) if isinstance(node.get("id"), str)}


def _parent_of(tree: Tree) -> str:
    return str(tree["parent_id"]).lower()


def _attach(tree: Tree, parent: Tree, nodes: dict[str, Tree]) -> None:
    inner = {key: value for key, value in tree.items() if key not in ("type", "trace_id", "parent_id")}
    held = nodes.get(tree["id"].lower())
    if held is not None:
        # it came inside its segment too: the complete one counts
        if held.get("in_progress") and not tree.get("in_progress"):
            below = subsegments(held)
            held.clear()
            held.update(inner)
            held["subsegments"] = below + subsegments(inner)
        return
    children = parent.get("subsegments")
    parent["subsegments"] = [*(children if isinstance(children, list) else []), inner]
    nodes.update(_index(iter([inner])))
