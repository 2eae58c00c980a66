"""The expectations of a case: built from their entries, with what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit.definitions.cases import Alarms, Becomes, Claim, Expectation, IsAt, Line, Never, Stays, duration, seconds
from kit.definitions.cases_notation import NotationError, parse_states
from kit.definitions.structure import Flaw

CLAIMS = ("becomes", "stays", "never", "is", "states")
_RANGED: dict[str, type[Becomes] | type[Stays] | type[Never]] = {"becomes": Becomes, "stays": Stays, "never": Never}


@dataclass(frozen=True, slots=True)
class _BadClaimError(ValueError):
    flaw: Flaw


def expectation_of(raw: Mapping[str, Any], lasts: int, alarms: Alarms) -> Expectation | list[Flaw]:
    """One entry under ``expect:`` of a case that lasts so many seconds; pointers are relative to the entry."""
    flaws = list(_flaws(raw, lasts))
    if flaws:
        return flaws
    name = raw["alarm"]
    cadence = alarms.cadence(name)
    if lasts < cadence:
        text = f"the case lasts {duration(lasts)}, and {name} is first evaluated at {duration(cadence)}"
        return [Flaw("", text, "Give more values, or set lasts:.")]
    try:
        claim = _claim(raw, lasts, cadence)
    except _BadClaimError as bad:
        return [bad.flaw]
    return Expectation(name, claim, raw.get("actions"), _text(raw, cadence))


def _flaws(raw: Mapping[str, Any], lasts: int) -> Iterator[Flaw]:
    claims = [key for key in CLAIMS if key in raw]
    if len(claims) > 1 or (not claims and "actions" not in raw):
        found = f"has {' and '.join(claims)}" if claims else "expects nothing"
        yield Flaw("", f"{found}: one of {', '.join(CLAIMS)} is needed", "Write the others as entries of their own.")
    if "between" in raw and not _RANGED.keys() & raw.keys():
        yield Flaw("/between", f"belongs to {', '.join(_RANGED)}", "Remove it.")
    moments = {"/at": raw.get("at", "0")}
    moments |= {f"/between/{index}": text for index, text in enumerate(raw.get("between", ()))}
    for pointer, text in moments.items():
        if seconds(text) > lasts:
            problem = f"{text} is after the case's end, which is at {duration(lasts)}"
            yield Flaw(pointer, problem, "Give more values, or set lasts:.")
    if "between" in raw and seconds(raw["between"][0]) > seconds(raw["between"][1]):
        yield Flaw("/between", f"{raw['between'][0]} is after {raw['between'][1]}", "Exchange them.")
    if "every" in raw and seconds(raw["every"]) == 0:
        yield Flaw("/every", "must be a second or more")


def _claim(raw: Mapping[str, Any], lasts: int, cadence: int) -> Claim | None:
    first, last = (seconds(text) for text in raw.get("between", ("0", f"{lasts}s")))
    for key, kind in _RANGED.items():
        if key in raw:
            return kind(raw[key], first, last)
    if "is" in raw:
        return IsAt(raw["is"], seconds(raw["at"]))
    return _line(raw, lasts, cadence) if "states" in raw else None


def _line(raw: Mapping[str, Any], lasts: int, cadence: int) -> Line:
    every = seconds(raw["every"]) if "every" in raw else cadence
    try:
        states = parse_states(raw["states"])
    except NotationError as error:
        raise _BadClaimError(Flaw("/states", str(error))) from None
    wanted = lasts // every + 1
    if len(states) != wanted:
        problem = f"has {len(states)} states; from 0 to {duration(lasts)}, every {duration(every)}, there are {wanted}"
        raise _BadClaimError(Flaw("/states", problem, "Repeat a state with OKx5, set lasts:, or set every:."))
    return Line(states, every)


def _text(raw: Mapping[str, Any], cadence: int) -> str:
    parts = [f"{key} {raw[key]}" for key in CLAIMS if key in raw]
    if "between" in raw:
        parts.append("between {} and {}".format(*raw["between"]))
    if "at" in raw:
        parts.append(f"at {raw['at']}")
    if "states" in raw:
        parts.append(f"every {raw.get('every', duration(cadence))}")
    if "actions" in raw:
        parts.append(f"{', ' if parts else ''}actions {raw['actions']}")
    return " ".join(parts).replace(" ,", ",")
