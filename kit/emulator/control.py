"""What lies under ``/_kit/``: the health page, the virtual clock, and forgetting everything.

A web page must not be able to move a clock or to empty anything. What changes something is a POST whose Content-Type is
``application/json``: a page of another origin can send that only after a CORS preflight, which nothing here grants.
"""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from kit.emulator.clock import Clock, ManualClock
from kit.emulator.protocol import AwsError, Response
from kit.emulator.scheduler import Journey

PREFIX = "/_kit/"

# A journey of a month takes some minutes with the alarms of a service; a slip of the keyboard would take for ever.
LONGEST_JOURNEY_S = 31 * 86_400
# The last second of the year 9999: what lies beyond is no date.
_END_OF_TIME = 253_402_300_799

_JSON = "application/json"

Health = Callable[[], Mapping[str, Any]]


class Control:
    """``health()`` is the health page; ``travel`` moves a virtual clock, see Scheduler; ``reset()`` forgets all."""

    def __init__(
        self, clock: Clock, health: Health, travel: Callable[[ManualClock, float], Journey], reset: Callable[[], None]
    ) -> None:
        self._on_system_time = not isinstance(clock, ManualClock)
        self._travel = travel
        self._reset = reset
        self._pages: Mapping[str, Mapping[str, Callable[[bytes], Mapping[str, Any]]]] = {
            "health": {"GET": lambda _body: health()},
            "reset": {"POST": self._forget},
        }
        if isinstance(clock, ManualClock):
            moves = {"GET": lambda _body: _shown(clock.now()), "POST": lambda body: self._move(clock, body)}
            self._pages = {**self._pages, "clock": moves}

    def answer(self, method: str, path: str, content_type: str, body: bytes) -> Response:
        """Answer a request for a path below PREFIX. Raises AwsError."""
        page = self._pages.get(path.removeprefix(PREFIX))
        if page is None:
            text = f"There is no page {path[:100]!r} here."
            raise AwsError("ResourceNotFoundException", text + self._hint(path), status=404)
        act = page.get("GET" if method == "HEAD" else method)
        if act is None:
            raise AwsError("MethodNotAllowed", f"{path} takes {' and '.join(page)} only.", status=405)
        if method == "POST" and content_type.partition(";")[0].strip() != _JSON:
            text = f"Send {path} with Content-Type: {_JSON}; web pages of other origins can't, and must not."
            raise AwsError("UnsupportedMediaType", text, status=415)
        return Response(200, msgspec.json.encode(act(body)), _JSON, {"x-amzn-requestid": str(uuid.uuid4())})

    def _hint(self, path: str) -> str:
        if self._on_system_time and path == f"{PREFIX}clock":
            return " The clock is the system's; start with --clock virtual."
        return ""

    def _forget(self, _body: bytes) -> Mapping[str, Any]:
        self._reset()
        return {"status": "empty"}

    def _move(self, clock: ManualClock, body: bytes) -> Mapping[str, Any]:
        journey = self._travel(clock, _destination(body, clock.now()))
        return {**_shown(journey.now), "evaluations": journey.evaluations}


def read_moment(value: object) -> float:
    """Epoch seconds of a number, or of a text in RFC 3339 (without an offset: UTC). Raises ValueError."""
    if isinstance(value, str):
        moment = datetime.fromisoformat(value)
        value = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _END_OF_TIME:
        raise ValueError(value)
    return float(value)


def _destination(body: bytes, now: float) -> float:
    try:
        wish = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        wish = None
    if not isinstance(wish, dict) or len(wish) != 1 or not wish.keys() <= {"advance_s", "to"}:
        raise _invalid('Send {"advance_s": SECONDS} or {"to": "2026-11-22T10:00:00Z"}.')
    try:
        to = read_moment(wish["to"]) if "to" in wish else now + _seconds(wish["advance_s"])
    except ValueError:
        text = "advance_s is a number of seconds, 0 or more; to is a date and time in RFC 3339, or epoch seconds."
        raise _invalid(text) from None
    if not now <= to <= min(now + LONGEST_JOURNEY_S, _END_OF_TIME):
        days = LONGEST_JOURNEY_S // 86_400
        raise _invalid(f"The clock stands at {_shown(now)['now']}; it goes forward only, {days} days a call at most.")
    return to


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not (math.isfinite(value) and value >= 0):
        raise ValueError(value)
    return float(value)


def _shown(now: float) -> Mapping[str, Any]:
    text = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {"kind": "virtual", "now": text, "epoch": now}


def _invalid(text: str) -> AwsError:
    return AwsError("ValidationError", text)
