"""Field by field, what differs between two comparable values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from kit.definitions.structure import step


class Absent(Enum):
    """There is nothing; null would be something."""

    ABSENT = "nothing"


ABSENT = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Difference:
    """One field: where (a JSON pointer), what is live, what is wanted."""

    path: str
    live: Any
    wanted: Any


def differences(live: Any, wanted: Any, path: str = "") -> Iterator[Difference]:
    """Yield each field that differs, in the order of ``wanted``; objects and lists are entered."""
    if isinstance(live, Mapping) and isinstance(wanted, Mapping):
        for key in [*wanted, *(key for key in live if key not in wanted)]:
            yield from differences(live.get(key, ABSENT), wanted.get(key, ABSENT), step(path, key))
    elif isinstance(live, list) and isinstance(wanted, list):
        for index in range(max(len(live), len(wanted))):
            yield from differences(_at(live, index), _at(wanted, index), step(path, index))
    elif live != wanted or isinstance(live, bool) != isinstance(wanted, bool):
        yield Difference(path, live, wanted)


def _at(items: list[Any], index: int) -> Any:
    return items[index] if index < len(items) else ABSENT
