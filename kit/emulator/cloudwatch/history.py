"""The alarm history of one Region: two weeks of records, kept after an alarm is deleted (User Guide, "Alarms")."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection

from kit.emulator.cloudwatch.records import Record

KEPT_S = 14 * 86_400
# A flapping alarm at 10 s for two weeks would be 120,000 transitions: the oldest go first.
KEPT_RECORDS = 20_000


class History:
    """Records in the order in which they happened. The caller holds the alarms' lock.

    ``listen`` is told of every record as it is added, under that lock: it must not wait.
    """

    listen: Callable[[Record], None] | None = None

    def __init__(self) -> None:
        self._records: deque[tuple[int, Record]] = deque(maxlen=KEPT_RECORDS)
        self._next = 0

    def add(self, record: Record) -> None:
        while self._records and self._records[0][1].at < record.at - KEPT_S:
            self._records.popleft()
        self._records.append((self._next, record))
        self._next += 1
        if self.listen is not None:
            self.listen(record)

    def since(self, number: int) -> list[tuple[int, Record]]:
        """The records from this number on."""
        found = []
        for item in reversed(self._records):
            if item[0] < number:
                break
            found.append(item)
        return found[::-1]

    @property
    def first(self) -> int:
        """The number of the oldest record, or of the next one."""
        return self._records[0][0] if self._records else self._next

    def restore(self, number: int, record: Record) -> None:
        """Takes a record as it was, after those of lower numbers; nobody is told."""
        self._records.append((number, record))
        self._next = max(self._next, number + 1)

    def find(
        self,
        *,
        name: str | None = None,
        types: Collection[str] | None = None,
        item_type: str | None = None,
        start: float | None = None,
        end: float | None = None,
        ascending: bool = False,
    ) -> list[tuple[int, Record]]:
        """Records that pass every filter given, each with its number in order of arrival; newest first by default."""
        found = [
            (number, record)
            for number, record in self._records
            if (name is None or record.subject.name == name)
            and (types is None or record.subject.type in types)
            and (item_type is None or record.item_type == item_type)
            and (start is None or record.at >= start)
            and (end is None or record.at <= end)
        ]
        return found if ascending else found[::-1]
