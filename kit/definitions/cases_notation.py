"""Series and states as text: ``60x10 0+2x5 _x3`` and ``I OKx3 ALARM``.

A term is a value, ``_`` for nothing, ``VxN`` for N times V, or ``A+BxN`` (``A-BxN``) for N values that begin with A
and go up (down) by B. ``parse_values`` and ``write_values`` are each other's inverse.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from math import isfinite

from kit.evaluation.state import StateValue

Values = tuple[float | None, ...]

LONGEST = 604_800
"""A series has at most so many values: a week of seconds."""

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TERM = re.compile(rf"(?:(?P<gap>_)|(?P<first>[+-]?{_NUMBER})(?P<by>[+-]{_NUMBER})?)(?:x(?P<times>\d+))?")
_STATE = re.compile(r"(?P<state>[A-Za-z_]+?)(?:x(?P<times>\d+))?")
_STATES: dict[str, StateValue] = {
    "I": "INSUFFICIENT_DATA",
    "INSUFFICIENT_DATA": "INSUFFICIENT_DATA",
    "OK": "OK",
    "ALARM": "ALARM",
}


class NotationError(ValueError):
    """A term that is none; the text names it, its column (from 1) and what was expected."""


def parse_values(text: str) -> Values:
    """One value an interval, None where nothing arrives. Raises NotationError."""
    values: list[float | None] = []
    for match in re.finditer(r"\S+", text):
        values.extend(_term(match.group(), match.start() + 1))
        if len(values) > LONGEST:
            raise NotationError(f"column {match.start() + 1}: more than {LONGEST} values; take a longer interval")
    return tuple(values)


def _term(term: str, column: int) -> Sequence[float | None]:
    match = _TERM.fullmatch(term)
    if match is None:
        raise NotationError(f"column {column}: {term!r} is no term; write a value, _, 5x3, _x3 or 0+2x5")
    times = _times(match["times"], term, column)
    if match["gap"]:
        return [None] * times
    if match["by"] and not match["times"]:
        raise NotationError(f"column {column}: {term!r} does not say how many values; write {term}x5")
    first, by = float(match["first"]), float(match["by"] or 0)
    if not isfinite(first + by * times):
        raise NotationError(f"column {column}: {term!r} is too large for a number")
    return [first + by * index for index in range(times)]


def _times(text: str | None, term: str, column: int) -> int:
    times = 1 if text is None else int(text[:12])
    if not 1 <= times <= LONGEST:
        raise NotationError(f"column {column}: {term!r} must be repeated from 1 to {LONGEST} times")
    return times


def write_values(values: Sequence[float | None]) -> str:
    """The values as text, runs of equal ones together."""
    return " ".join(_run(_number(value), len(list(run))) for value, run in groupby(values))


def parse_states(text: str) -> tuple[StateValue, ...]:
    """``I`` stands for INSUFFICIENT_DATA. Raises NotationError."""
    states: list[StateValue] = []
    for found in re.finditer(r"\S+", text):
        match, column = _STATE.fullmatch(found.group()), found.start() + 1
        if match is None or match["state"] not in _STATES:
            raise NotationError(f"column {column}: {found.group()!r} is no state; write I, OK, ALARM or OKx5")
        states += [_STATES[match["state"]]] * _times(match["times"], found.group(), column)
        if len(states) > LONGEST:
            raise NotationError(f"column {column}: more than {LONGEST} states")
    return tuple(states)


def write_states(states: Sequence[StateValue]) -> str:
    """The states as text, runs together, INSUFFICIENT_DATA as ``I``."""
    return " ".join(_run(state.removesuffix("NSUFFICIENT_DATA"), len(list(run))) for state, run in groupby(states))


def _run(term: str, times: int) -> str:
    return term if times == 1 else f"{term}x{times}"


def _number(value: float | None) -> str:
    if value is None:
        return "_"
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
