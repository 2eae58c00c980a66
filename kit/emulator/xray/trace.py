"""One trace: its documents as they came, put together when someone asks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from kit.emulator.xray.documents import Document

# AWS X-Ray quotas: a trace document holds up to 500 KB.
_LARGEST_TRACE = 500 * 1024
# About what the objects of a document and of a trace take besides the text: measured.
_DOCUMENT_OVERHEAD = 350
_TRACE_OVERHEAD = 600

Tree = dict[str, Any]


class Trace:
    """A trace that documents may still come for. Not locked: its engine is."""

    __slots__ = ("cost", "documents", "end", "id", "limit_exceeded", "revision", "size", "start", "updated")

    def __init__(self, trace_id: str, start: float, now: float) -> None:
        self.id = trace_id
        self.documents: dict[str, Document] = {}
        self.start = start
        self.end: float | None = None
        self.updated = now
        self.revision = 0
        self.limit_exceeded = False
        self.size = 0
        self.cost = _TRACE_OVERHEAD

    @classmethod
    def restored(
        cls,
        trace_id: str,
        documents: Sequence[Document],
        *,
        start: float,
        end: float | None,
        updated: float,
        revision: int,
        limit_exceeded: bool,
    ) -> Trace:
        """A trace as it was: its documents, and what can't be told from them."""
        trace = cls(trace_id, start, updated)
        for document in documents:
            trace._hold(document)
        trace.end = end
        trace.revision = revision
        trace.limit_exceeded = limit_exceeded
        return trace

    def add(self, document: Document, now: float) -> bool:
        """Take one document; a complete one replaces one in progress, never the other way. False if it was refused."""
        held = self.documents.get(document.id)
        if held is not None and document.in_progress and not held.in_progress:
            return True  # datagrams overtake each other
        if self.size + len(document.raw) - (len(held.raw) if held else 0) > _LARGEST_TRACE:
            self.limit_exceeded = True
            return False
        if held is not None:
            self.size -= len(held.raw)
            self.cost -= len(held.raw) + _DOCUMENT_OVERHEAD
        self._hold(document)
        self.start = min(self.start, document.start)
        if document.end is not None:
            self.end = document.end if self.end is None else max(self.end, document.end)
        self.updated = now
        self.revision += 1
        return True

    def _hold(self, document: Document) -> None:
        self.documents[document.id] = document
        self.size += len(document.raw)
        self.cost += len(document.raw) + _DOCUMENT_OVERHEAD


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
    parents = {segment_id: str(trees[segment_id]["parent_id"]).lower() for segment_id in waiting}
    while attached := [segment_id for segment_id in waiting if parents[segment_id] in nodes]:
        for segment_id in attached:
            _attach(segment_id, trees[segment_id], nodes[parents[segment_id]], nodes)
        done = set(attached)
        waiting = [segment_id for segment_id in waiting if segment_id not in done]
    segments = [tree for segment_id, tree in trees.items() if segment_id not in alone]
    segments.sort(key=lambda tree: tree["start_time"])
    return segments + [trees[segment_id] for segment_id in waiting]


def walk(tree: Tree) -> list[Tree]:
    """A segment and all subsegments below it."""
    if "subsegments" not in tree:
        return [tree]
    nodes, pending = [], [tree]
    while pending:
        node = pending.pop()
        nodes.append(node)
        if "subsegments" in node:
            pending.extend(reversed(subsegments(node)))
    return nodes


def subsegments(node: Tree) -> list[Tree]:
    """The well-formed subsegments directly below."""
    found = node.get("subsegments")
    return [child for child in found if isinstance(child, dict)] if isinstance(found, list) else []


def _index(trees: Iterable[Tree]) -> dict[str, Tree]:
    return {node["id"].lower(): node for tree in trees for node in walk(tree) if isinstance(node.get("id"), str)}


def _attach(segment_id: str, tree: Tree, parent: Tree, nodes: dict[str, Tree]) -> None:
    held = nodes.get(segment_id)
    for key in ("type", "trace_id", "parent_id"):
        tree.pop(key, None)
    if held is not None:
        # it came inside its segment too: the complete one counts
        if held.get("in_progress") and not tree.get("in_progress"):
            below = subsegments(held)
            held.clear()
            held.update(tree)
            held["subsegments"] = below + subsegments(tree)
        return
    children = parent.get("subsegments")
    if isinstance(children, list):
        children.append(tree)
    else:
        parent["subsegments"] = [tree]
    nodes[segment_id] = tree
    if "subsegments" in tree:
        nodes.update(_index([tree]))
