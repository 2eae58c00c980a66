"""Where request threads leave records: a bounded deque, and a count that outlives the process."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

Cell = memoryview  # of an unsigned 64-bit number
"""``cell[0] += n`` is whole without a lock: CPython changes threads, and runs signal handlers, only where something is
called and in loops. A test watches it."""


class Intake:
    """``append(item)`` from any thread, also from a signal handler: never blocks, never raises, some 0.3 µs.

    Beyond ``capacity`` items it drops the new one. ``offered`` and ``dropped`` count how many items were, usually in a
    mapped file.
    """

    __slots__ = ("append", "items")

    def __init__(self, capacity: int, offered: Cell, dropped: Cell) -> None:
        self.items: deque[Any] = deque()
        self.append: Callable[[Any], None] = _append(self.items, capacity, offered, dropped)


class Bundles(Intake):
    """The same, for items of which some hold n others: ``bundle(item, n)``.

    ``below`` counts the others, of which at most some ``most`` wait: then ``alone(item)`` goes, and ``without`` counts
    them. ``held[0]`` is how many wait; whoever takes an item takes its n from it.
    """

    __slots__ = ("bundle", "held")

    def __init__(
        self, capacity: int, offered: Cell, dropped: Cell, most: int, below: Cell, without: Cell,
        alone: Callable[[Any], Any],
    ) -> None:  # fmt: skip
        super().__init__(capacity, offered, dropped)
        self.held = held = [0]
        items, append = self.items, self.append

        def bundle(item: Any, n: int) -> None:
            if held[0] + n <= most and len(items) < capacity:
                held[0] += n
                items.append(item)
                offered[0] += 1
            else:
                without[0] += n
                append(alone(item))
            below[0] += n

        self.bundle: Callable[[Any, int], None] = bundle


def _append(items: deque[Any], capacity: int, offered: Cell, dropped: Cell) -> Callable[[Any], None]:
    put = items.append

    def append(item: Any) -> None:
        if len(items) < capacity:
            put(item)
        else:
            dropped[0] += 1
        offered[0] += 1

    return append
