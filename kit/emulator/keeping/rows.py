"""What a room of the store is made of: rows with a key and a body, both the engine's own business."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Put:
    """Write a row, or write it anew. A row keeps the place in its room that it had when it was first written."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Drop:
    """Delete the row of this key, if there is one."""

    key: str


@dataclass(frozen=True, slots=True)
class DropAll:
    """Delete the rows whose keys begin so."""

    prefix: str


Row = Put | Drop | DropAll
Rows = Iterable[Row]

# Gives the rows whose keys begin so, in the order in which they were first written; one room's.
Read = Callable[[str], Iterable[tuple[str, bytes]]]


class Room(Protocol):
    """One engine as the keeper sees it. Called by one thread at a time; each takes the engine's lock as it must."""

    def changes(self) -> Rows:
        """What changed since the last call of this or ``everything``. All of it is written, or ``everything`` is."""
        ...

    def everything(self) -> Rows:
        """All rows, for an empty room."""
        ...

    def load(self, read: Read) -> int:
        """Fill the engine, which is new; returns how many rows could not be read.

        ``changes`` goes on from there.
        """
        ...
