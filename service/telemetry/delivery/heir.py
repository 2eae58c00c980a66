"""Taking over what ended processes have left: their spill, and the count of what they took with them."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from .counts import ADOPTED, LOST, POSITION, SUFFIX, Counts
from .spill import NAME, Spill, frames

OFFSET_BITS = 40


def position(number: int, offset: int) -> int:
    """A place in the spill as one number, so that one store changes it."""
    return number << OFFSET_BITS | offset


def adopt(directory: Path, counts: Counts, spills: Mapping[str, Spill]) -> dict[str, int]:
    """Take over every ended process of the directory; the records lost with them, by signal.

    A process lives for as long as it holds the lock of its counts file; so of several heirs one gets it.
    """
    lost = dict.fromkeys(counts.signals, 0)
    for path in sorted(directory.glob("*" + SUFFIX)):
        if path == counts.path:
            continue
        try:
            orphan = Counts(path, counts.signals)
        except OSError:
            continue
        if not orphan.has_its_name():
            orphan.forget()
            continue
        for signal, n in _inherit(orphan, counts, spills).items():
            lost[signal] += n
        orphan.remove()
    return lost


def _inherit(orphan: Counts, counts: Counts, spills: Mapping[str, Spill]) -> dict[str, int]:
    lost = {}
    for signal in counts.signals:
        spilled = _segments(orphan, signal, counts, spills[signal]) if signal in spills else 0
        gone = max(0, orphan.unsettled(signal) - spilled) + sum(orphan.untold(signal)) if orphan.valid else 0
        counts.add(signal, LOST, gone)
        lost[signal] = gone
    return lost


def _segments(orphan: Counts, signal: str, counts: Counts, spill: Spill) -> int:
    """Take over the sound frames of one signal; how many records they stand for."""
    assert orphan.path is not None  # noqa: S101 - for mypy: it was opened by its path
    process = orphan.path.name.removesuffix(SUFFIX)
    at = orphan.get(signal, POSITION) if orphan.valid else 0
    total = 0
    for path in sorted(orphan.path.parent.glob(f"{process}.{signal}.*")):
        name = NAME.fullmatch(path.name)
        if name is None or name["process"] != process:
            continue
        number, offset = int(name["number"]), int(name["offset"])
        if position(number + 1, 0) <= at or not (ends := list(_sound(path, max(offset, _offset(at, number))))):
            with suppress(OSError):
                path.unlink()
            continue
        weight = sum(weight for _, weight in ends)
        with suppress(OSError):
            spill.adopt(path, max(offset, _offset(at, number)), ends[-1][0], weight)
            counts.add(signal, ADOPTED, weight)
            total += weight
    return total


def _offset(at: int, number: int) -> int:
    return at & ((1 << OFFSET_BITS) - 1) if at >> OFFSET_BITS == number else 0


def _sound(path: Path, offset: int) -> list[tuple[int, int]]:
    with suppress(OSError):
        return list(frames(path, offset))
    return []
