"""What travels: a batch of encoded records, and what became of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from msgspec import Struct


class Record(Struct, gc=False, array_like=True):
    """An encoded record: its time in epoch milliseconds, its text, how many accepted records it stands for.

    The last is 1, but for a line that tells of its repetitions (1 and them), and a metric document (what was summed in
    it). Python's garbage collector need not look at what holds a number, a text and a number.
    """

    at: int
    text: str
    weight: int = 1


RECORD_OVERHEAD = 160
"""Bytes that a record takes in memory beside its text: itself, numbers, string header, its place in a list."""


@dataclass(slots=True)
class Batch:
    """Records that are sent, retried and spilled together. ``size``: their bytes in memory.

    ``unanswered``: a call with it ended without an answer, so all of it may be there already.
    """

    records: list[Record]
    size: int
    unanswered: bool = False

    @property
    def weight(self) -> int:
        """How many accepted records it stands for."""
        return sum(record.weight for record in self.records)

    def __len__(self) -> int:
        return len(self.records)


def batch(records: list[Record]) -> Batch:
    """A batch of these records."""
    return Batch(records, sum(len(record.text) + RECORD_OVERHEAD for record in records))


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a batch. Positions count in ``batch.records``; what is in neither collection was taken.

    refused: will never be taken. again: to be sent again, after a pause when there is trouble. trouble: AWS's error
    code or an exception's name, for people; empty when all is well. unanswered: the call ended without an answer
    (timed out, connection broken), so what is sent again may be there already. poison: the whole call was refused for
    what it held; a batch of several is then halved until the one record is found.
    """

    refused: Collection[int] = ()
    again: Collection[int] = ()
    trouble: str = ""
    unanswered: bool = False
    poison: bool = False

    @classmethod
    def retry(cls, batch: Batch, trouble: str, *, unanswered: bool = False) -> Outcome:
        """All of it once more."""
        return cls(again=range(len(batch)), trouble=trouble, unanswered=unanswered)

    @classmethod
    def refuse(cls, batch: Batch, trouble: str) -> Outcome:
        """The service refuses the call for what it holds."""
        return cls(refused=range(len(batch)), trouble=trouble, poison=True)


class Transport(Protocol):
    """The way to one endpoint, used by one thread."""

    def send(self, batch: Batch) -> Outcome:
        """Try once; blocks for a few seconds at most. An exception counts as ``Outcome.retry`` with its name."""

    def close(self) -> None:
        """Give back what it holds. May be called while ``send`` hangs in another thread."""
