"""Percentiles of whole periods, straight from the slots' sorted values: no Distribution is built on the way.

What comes out is what ``Statistic.of`` says of the same samples. Sorting values that are sorted in stretches is fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kit.emulator.cloudwatch.slots import Rising
from kit.evaluation.statistics import percentile_of_counted, percentile_of_rising

Run = tuple[Sequence[float] | None, Sequence[float] | None]


def percentiles(slots: Iterable[Rising], percent: float, start: int, period: int, size: int) -> list[float | None]:
    """The percentile of each of ``size`` periods of so many seconds from ``start`` (epoch seconds).

    None for a period without samples, with hidden ones, or with one below zero.
    """
    periods: list[list[Run]] = [[] for _ in range(size)]
    for at, values, counts in slots:
        periods[(at - start) // period].append((values, counts))
    return [_percentile(runs, percent) if runs else None for runs in periods]


def _percentile(runs: Sequence[Run], percent: float) -> float | None:
    if any(values is None or values[0] < 0 for values, _ in runs):
        return None
    if any(counts is not None for _, counts in runs):
        return percentile_of_counted(_merged(runs), percent)
    if len(runs) == 1:
        return percentile_of_rising(runs[0][0] or (), percent)
    pool: list[float] = []
    for values, _ in runs:
        pool += values or ()
    pool.sort()
    return percentile_of_rising(pool, percent)


def _merged(runs: Sequence[Run]) -> dict[float, float]:
    merged: dict[float, float] = {}
    for values, counts in runs:
        for value, count in zip(values or (), counts or (1.0,) * len(values or ()), strict=True):
            merged[value] = merged.get(value, 0.0) + count
    return merged
