"""The same line again and again: the first few of a window are written, then one of many, and each says how many."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

Line = TypeVar("Line")

WINDOW_SECONDS = 5.0
FIRST = 100
ONE_OF = 100
# More kinds of lines than this in one window are no burst of the same line.
KINDS = 4_096


@dataclass(slots=True)
class _Seen(Generic[Line]):
    held: int = 0
    last: Line | None = None


class Repeats(Generic[Line]):
    """Decides which lines are written. Nothing is lost of the count: every written line says how many it stands for."""

    def __init__(self) -> None:
        # By hash, and with a plain number for what is not repeated much: nearly all lines are kinds of their own, and
        # objects for each would make work for the garbage collector.
        self._seen: dict[int, int | _Seen[Line]] = {}
        self._ends = 0.0

    def held_back(self, key: Hashable, line: Line) -> int:
        """-1: write it not. Else write it, with that many held back before it."""
        number = hash(key)
        seen = self._seen.get(number, 0)
        if isinstance(seen, int):
            if seen < FIRST:
                if seen or len(self._seen) < KINDS:
                    self._seen[number] = seen + 1
                return 0
            seen = self._seen[number] = _Seen()
        if seen.held + 1 < ONE_OF:
            seen.held += 1
            seen.last = line
            return -1
        held, seen.held, seen.last = seen.held, 0, None
        return held

    def over(self, now: float, *, end: bool = False) -> list[tuple[Line, int]]:
        """At the end of a window (``now``: epoch seconds): each kind's last line held back, and how many others."""
        if not end and 0 < self._ends - now <= WINDOW_SECONDS:
            return []
        self._ends = now + WINDOW_SECONDS
        burst = [seen for seen in self._seen.values() if isinstance(seen, _Seen)]
        left = [(seen.last, seen.held - 1) for seen in burst if seen.last is not None]
        self._seen.clear()
        return left
