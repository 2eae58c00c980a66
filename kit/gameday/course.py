"""The course of a run, folded from the lines of its journal: what is broken, what fires, who was told, and the verdict.

It knows no clock: whatever it says is as of the last line, or of a moment that is given. So the live display, the
verdict at the end and the report of an old run are the same sums.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kit.definitions.gamedays import Expectation, Scenario, Step
from kit.gameday.journal import Line
from kit.gameday.watch import ALARM


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one expectation. Seconds count from the first step of the schedule.

    ``fired`` is the first ALARM after it, ``told`` the first message about that.
    """

    alarm: str
    expected: str
    bound: int | None
    fired: float | None
    told: float | None
    good: bool
    found: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """``outcome`` is expected, differs or, for a run that didn't come to its end, unfinished."""

    outcome: str
    rows: tuple[Row, ...]
    detected: float | None
    pages: int

    @property
    def good(self) -> bool:
        """Whether all is as expected."""
        return self.outcome == "expected"


class Course:
    """A run as far as its journal goes. ``prefix`` is what the stage's scale puts before alarm names."""

    def __init__(self, scenario: Scenario, prefix: str, lines: Iterable[Line] = ()) -> None:
        self.scenario = scenario
        self.prefix = prefix
        self.began: float | None = None
        self.trouble: Line | None = None
        self.ended: Line | None = None
        self.reached_end = False
        self.firing: dict[str, Line] = {}
        self._active: dict[tuple[str, str], Line] = {}
        self._lifted: Line | None = None
        self._changes: list[Line] = []
        self._pages: list[Line] = []
        for line in lines:
            self.see(line)

    def see(self, line: Line) -> None:
        """Take the next line."""
        data = line.data
        match line.kind:
            case "load.started":
                self.began = line.t
            case "load.changed":
                self._troubled("client" if "client" in data else "load", line)
                self.reached_end |= data.get("end") == "finished"
            case "fault.set":
                self._active[data["fault"], data.get("service", "")] = line
                self._troubled("fault", line)
            case "fault.lifted":
                self._active.pop((data["fault"], data.get("service", "")), None)
                self._lifted = line
            case "alarm.changed":
                self._changes.append(line)
                if data["to"] == ALARM:
                    self.firing[data["alarm"]] = line
                else:
                    self.firing.pop(data["alarm"], None)
            case "page.sent":
                self._pages.append(line)
            case "run.ended":
                self.ended = line

    def cause(self, kind: str, data: Mapping[str, Any]) -> int | None:
        """The line that a new one follows from, as far as that can be known."""
        found: Line | None = None
        match kind:
            case "fault.lifted":
                found = self._active.get((data["fault"], data.get("service", "")))
            case "alarm.changed" if data["to"] == ALARM:
                found = next(reversed(self._active.values()), None) or self._lifted or self.trouble
            case "alarm.changed":
                found = None if self._active else self._lifted
            case "page.sent":
                found = next((c for c in reversed(self._changes) if c.data["alarm"] == data["alarm"]), None)
        return found.seq if found is not None else None

    @property
    def active(self) -> list[str]:
        """The faults that are set now, each once."""
        return sorted({name for name, _ in self._active})

    @property
    def pages(self) -> int:
        """How many pages were sent so far."""
        return sum(line.data["topic"] == "page" for line in self._pages)

    def state_at(self, alarm: str, t: float) -> str | None:
        """The state of an alarm at a moment, by its last change before it; None when there was none."""
        before = [line for line in self._changes if line.data["alarm"] == alarm and line.t <= t]
        return str(max(before, key=lambda line: line.t).data["to"]) if before else None

    def next_step(self, now: float) -> tuple[Step, float] | None:
        """The step that comes next, and in how many seconds; None before the load and after the end."""
        if self.began is None:
            return None
        ahead = ((step, self.began + step.at - now) for step in self.scenario.schedule)
        return next(((step, left) for step, left in ahead if left > 0), None)

    def verdict(self) -> Verdict:
        """What is to be said of the run as it stands."""
        rows = [self._row(expected) for expected in self.scenario.expect]
        if self.scenario.pages is not None:
            text = f"{self.pages} page{'s' * (self.pages != 1)} sent"
            rows.append(
                Row("pages", str(self.scenario.pages), None, None, None, self.scenario.pages.holds(self.pages), text)
            )
        wanted = [row.fired for row in rows if row.bound is not None and row.fired is not None]
        outcome = "expected" if all(row.good for row in rows) else "differs"
        if not self.reached_end or self.trouble is None:
            outcome = "unfinished"
        return Verdict(outcome, tuple(rows), min(wanted, default=None), self.pages)

    def _troubled(self, verb: str, line: Line) -> None:
        if self.trouble is None and verb == self.scenario.trouble.verb and "end" not in line.data:
            self.trouble = line

    def _row(self, expected: Expectation) -> Row:
        name = self.prefix + expected.alarm
        fired, told = self._after(self._changes, name), self._after(self._pages, name)
        if expected.never:
            changes = [line for line in self._changes if line.data["alarm"] == name and line.data["to"] == ALARM]
            found = f"fired {len(changes)} time{'s' * (len(changes) != 1)}" if changes else "stayed quiet"
            return Row(name, "never fires", None, fired, told, not changes, found)
        claims, good, words = [], True, []
        if expected.fires_within is not None:
            claims.append(f"fires within {expected.fires_within} s")
            good = fired is not None and fired <= expected.fires_within
            words.append("did not fire" if fired is None else f"fired after {fired:.0f} s")
        if expected.held_back:
            claims.append("tells nobody")
            sent = any(line.data["alarm"] == name for line in self._pages)
            good = good and not sent
            words.append("told someone" if sent else "told nobody")
        return Row(name, ", ".join(claims), expected.fires_within, fired, told, good, ", ".join(words))

    def _after(self, lines: Iterable[Line], alarm: str) -> float | None:
        """Seconds from the trouble to the first of an alarm's lines that speaks of ALARM."""
        if self.trouble is None:
            return None
        start = self.trouble.t
        found = (
            line.t - start
            for line in lines
            if line.data["alarm"] == alarm and line.data.get("to", ALARM) == ALARM and line.t >= start
        )
        return min(found, default=None)
