"""Datapoints on a regular grid of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Series:
    """One value a period, or None where the period has no datapoint.

    ``start`` is the epoch second at which the first slot begins, ``period`` the length of a slot in seconds. Slot i
    covers [start + i × period, start + (i + 1) × period); its datapoint carries the timestamp of the slot's beginning.
    """

    start: int
    period: int
    values: tuple[float | None, ...]

    @property
    def end(self) -> int:
        """The epoch second at which the last slot ends."""
        return self.start + self.period * len(self.values)

    def timestamps(self) -> range:
        """The beginning of every slot, oldest first."""
        return range(self.start, self.end, self.period)

    def points(self) -> Iterator[tuple[int, float]]:
        """Timestamp and value of the datapoints that exist, oldest first."""
        for timestamp, value in zip(self.timestamps(), self.values, strict=True):
            if value is not None:
                yield timestamp, value


def slots(start: int, end: int, period: int) -> int:
    """How many periods from ``start`` on it takes to cover [start, end): the last one may reach beyond ``end``."""
    return max(0, -((start - end) // period))
