"""The queries that were started: their answers wait here until they are fetched, the oldest go first."""

from __future__ import annotations

import threading
import uuid
from collections import OrderedDict
from dataclasses import dataclass

from kit.emulator.logs.insights.run import Answer
from kit.emulator.protocol import AwsError

MOST_QUERIES = 60
MOST_CELLS = 60_000
"""Of all that are kept; a last answer that is larger stays alone."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One query that has run; ``created`` is epoch ms."""

    id: str
    text: str
    groups: tuple[str, ...]
    created: int
    answer: Answer

    @property
    def cells(self) -> int:
        """What it weighs."""
        return len(self.answer.rows) * len(self.answer.columns)


class Queries:
    """Bounded in number and in cells."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Kept] = OrderedDict()

    def keep(self, text: str, groups: tuple[str, ...], created: int, answer: Answer) -> str:
        """Keep an answer; its query's id."""
        kept = Kept(str(uuid.uuid4()), text, groups, created, answer)
        with self._lock:
            self._kept[kept.id] = kept
            while len(self._kept) > MOST_QUERIES or sum(each.cells for each in self._kept.values()) > MOST_CELLS:
                if len(self._kept) == 1:
                    break
                self._kept.popitem(last=False)
        return kept.id

    def get(self, id_: str) -> Kept:
        """A query by its id. Raises ResourceNotFoundException."""
        with self._lock:
            found = self._kept.get(id_)
        if found is None:
            raise AwsError("ResourceNotFoundException", "The specified query does not exist.")
        return found

    def all(self) -> list[Kept]:
        """All of them, newest first."""
        with self._lock:
            return list(reversed(self._kept.values()))
