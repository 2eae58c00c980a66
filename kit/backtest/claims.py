"""What was expected against what came."""

from __future__ import annotations

from dataclasses import dataclass

from kit.backtest.timeline import Track
from kit.definitions.cases import Becomes, Claim, Expectation, IsAt, Line, Never, Stays, duration
from kit.definitions.cases_notation import write_states


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that did not hold: ``got`` says what came instead, ``moment`` is where to look."""

    expected: Expectation
    got: str
    moment: int


def failures_of(expected: Expectation, track: Track) -> list[Failure]:
    """Nothing when all of it holds; else one failure for the states and one for the actions."""
    found = []
    missed = _missed(expected.claim, track) if expected.claim is not None else None
    if missed is not None:
        found.append(Failure(expected, *missed))
    if expected.actions is not None:
        ran = _ran(expected.claim, track)
        if len(ran) != expected.actions:
            times = f"its actions ran {len(ran)} times" if len(ran) != 1 else "its actions ran once"
            when = f", at {', '.join(map(duration, ran))}" if ran else ""
            found.append(Failure(expected, times + when, ran[-1] if ran else _last_change(track)))
    return found


def _ran(claim: Claim | None, track: Track) -> list[int]:
    return [moment for moment, state in track.actions if not isinstance(claim, Becomes) or state == claim.state]


def _last_change(track: Track) -> int:
    return track.changes[-1].moment


def _missed(claim: Claim, track: Track) -> tuple[str, int] | None:
    """What came instead, and the moment to look at."""
    match claim:
        case Becomes():
            return _not_become(claim, track)
        case Stays():
            return _not_stayed(claim, track)
        case Never():
            return _not_never(claim, track)
        case IsAt():
            found = track.at(claim.moment)
            return None if found == claim.state else (f"it is {found}, {_since(track, claim.moment)}", claim.moment)
        case Line():
            return _not_in_line(claim, track)


def _not_become(claim: Becomes, track: Track) -> tuple[str, int] | None:
    moments = [change.moment for change in track.changes[1:] if change.state == claim.state]
    if any(claim.first <= moment <= claim.last for moment in moments):
        return None
    if moments:
        nearest = min(moments, key=lambda moment: min(abs(moment - claim.first), abs(moment - claim.last)))
        return f"it became {claim.state} at {', '.join(map(duration, moments))}", nearest
    found = track.at(claim.last)
    never = f"it never became {claim.state}"
    return f"{never}: at {duration(claim.last)} it is {found}, {_since(track, claim.last)}", claim.last


def _not_stayed(claim: Stays, track: Track) -> tuple[str, int] | None:
    if track.first is None or track.first > claim.last:
        return f"it was not evaluated until {duration(claim.last)}", claim.last
    first = max(claim.first, track.first)
    for moment in (first, *(change.moment for change in track.changes if first < change.moment <= claim.last)):
        if track.at(moment) != claim.state:
            return f"it is {track.at(moment)} at {duration(moment)}", moment
    return None


def _not_never(claim: Never, track: Track) -> tuple[str, int] | None:
    moments = (claim.first, *(change.moment for change in track.changes if claim.first < change.moment <= claim.last))
    for moment in moments:
        if track.at(moment) == claim.state and (moment or claim.state != "INSUFFICIENT_DATA"):
            return f"it is {claim.state} at {duration(moment)}", moment
    return None


def _not_in_line(claim: Line, track: Track) -> tuple[str, int] | None:
    came = tuple(track.at(index * claim.every) for index in range(len(claim.states)))
    if came == claim.states:
        return None
    index = next(i for i, (one, other) in enumerate(zip(came, claim.states, strict=True)) if one != other)
    moment = index * claim.every
    text = f"it went {write_states(came)}; at {duration(moment)} it is {came[index]}, not {claim.states[index]}"
    return text, moment


def _since(track: Track, moment: int) -> str:
    since = next(change.moment for change in reversed(track.changes) if change.moment <= moment)
    return f"since {duration(since)}" if since else "as at the start"
