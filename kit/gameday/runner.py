"""One run, from the first look to the verdict.

1. Preflight: nothing is begun unless all is well (``preflight``).
2. The steady load is paused, and the run's own Locust started: it has the schedule, sets and lifts the faults.
3. While it runs, what it did and what AWS tells of the alarms goes into the journal, as it becomes known.
4. Whatever happens, everything is taken back: Locust ends, every fault is lifted, the steady load goes on.
5. The verdict is folded from the journal.

Everything that touches the world is one of ``Parts``; time is given, too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from kit.definitions.gamedays import Scenario
from kit.errors import KitError
from kit.gameday.course import Course, Verdict
from kit.gameday.journal import Journal, Line
from kit.gameday.locust import Event
from kit.gameday.preflight import Check
from kit.gameday.vitals import Vitals
from kit.gameday.watch import ALARM, Change, Sent

TICK_S = 1.0
ALARMS_EVERY_S = 3.0
VITALS_EVERY_S = 5.0
OVERRUN_S = 60.0
"""So long after its schedule's end Locust may take to end."""

LAST_LOOK_S = 6.0
"""An alarm that changed in the last moment is told of a little later."""

EXPECTED, ERROR, DIFFERS = 0, 1, 2


class Load(Protocol):
    """The run's Locust."""

    def start(self, paused: int) -> None: ...
    def events(self) -> Sequence[Event]: ...
    def ended(self) -> int | None: ...
    def stop(self) -> None: ...
    def last_words(self) -> str: ...


class Watcher(Protocol):
    """What the alarms' history tells."""

    def news(self, now: float) -> Sequence[Change | Sent]: ...


@dataclass(frozen=True)
class Parts:
    """The world. ``preflight`` raises KitError when a run must not begin; the readers of AWS when it doesn't answer."""

    now: Callable[[], float]
    sleep: Callable[[float], None]
    stopped: Callable[[], bool]
    preflight: Callable[[], Sequence[Check]]
    load: Load
    watcher: Callable[[float], Watcher]
    vitals: Callable[[float], Vitals]
    pause: Callable[[], int]
    take_back: Callable[[int], Mapping[str, Any]]
    show: Callable[[Course, Line | None, Vitals | None], None] = field(default=lambda *_: None)


class Runner:
    """Plays one scenario."""

    def __init__(self, scenario: Scenario, prefix: str, journal: Journal, parts: Parts) -> None:
        self._parts = parts
        self._journal = journal
        self._course = Course(scenario, prefix)
        self._vitals: Vitals | None = None
        self._paused = 0
        self._silent = False

    def run(self, about: Mapping[str, Any]) -> Verdict:
        """Play it. ``about`` goes into the journal's first line. Raises KitError, after everything was taken back."""
        parts = self._parts
        started = self._note("run.started", parts.now(), {"scenario": self._course.scenario.name, **about})
        error: BaseException | None = None
        try:
            checks = parts.preflight()
            self._note("preflight.checked", parts.now(), {"checks": [asdict(check) for check in checks]})
            if not parts.stopped():
                self._paused = parts.pause()
                parts.load.start(self._paused)
                self._play()
        except BaseException as raised:
            error = raised
            raise
        finally:
            self._take_back()
            verdict = self._course.verdict()
            outcome = "failed" if error is not None else verdict.outcome
            ended = {"outcome": outcome, "exit": ERROR if error is not None else exit_code(verdict)}
            if error is not None:
                ended["error"] = str(error) or type(error).__name__
            self._note("run.ended", parts.now(), ended, cause=started.seq)
        return verdict

    def _play(self) -> None:
        parts, began = self._parts, self._parts.now()
        watcher = parts.watcher(began)
        looked = asked = 0.0
        while not parts.stopped():
            now = parts.now()
            code = parts.load.ended()
            for event in parts.load.events():
                self._event(event)
            if now - looked >= ALARMS_EVERY_S:
                looked = now
                self._alarms(watcher, now)
            if now - asked >= VITALS_EVERY_S:
                asked = now
                self._look(now)
            parts.show(self._course, None, self._vitals)
            if code is not None:
                self._finish(watcher, code)
                return
            if now > (self._course.began or began) + self._course.scenario.lasts + OVERRUN_S:
                raise KitError("Locust", "goes on after its schedule's end", "Read locust.log in the run's folder.")
            parts.sleep(TICK_S)

    def _finish(self, watcher: Watcher, code: int) -> None:
        if not self._course.reached_end:
            problem = f"ended with exit code {code}: {self._parts.load.last_words()}"
            raise KitError("Locust", problem, "Read locust.log in the run's folder.")
        self._parts.sleep(LAST_LOOK_S)
        self._alarms(watcher, self._parts.now())

    def _event(self, event: Event) -> None:
        data = dict(event.data)
        match event.kind:
            case "load.stage" if self._course.began is None:
                self._note("load.started", event.t, data, actor="locust")
            case "load.stage":
                self._note("load.changed", event.t, data, actor="locust")
            case "end":
                left = data.get("not_lifted", [])
                self._note("load.changed", event.t, {"end": data.get("reason"), "not_lifted": left}, actor="locust")
            case "fault.set" | "fault.lifted":
                self._note(event.kind, event.t, data, actor="locust")

    def _alarms(self, watcher: Watcher, now: float) -> None:
        try:
            news = watcher.news(now)
        except KitError as error:
            # The run goes on: its faults end by its schedule, and the history has it all when AWS is back.
            if not self._silent:
                self._note("note", now, {"text": str(error)})
            self._silent = True
            return
        self._silent = False
        for one in news:
            if isinstance(one, Change):
                data = {"alarm": one.alarm, "from": one.old, "to": one.new, "reason": one.reason}
                self._note("alarm.changed", one.t, data, actor="aws")
            elif self._course.state_at(one.alarm, one.t) == ALARM:
                self._note("page.sent", one.t, {"alarm": one.alarm, "topic": one.topic}, actor="aws")

    def _look(self, now: float) -> None:
        try:
            self._vitals = self._parts.vitals(now)
        except KitError:
            self._vitals = None

    def _take_back(self) -> None:
        try:
            self._parts.load.stop()
            for event in self._parts.load.events():
                self._event(event)
        finally:
            self._note("rollback", self._parts.now(), self._parts.take_back(self._paused))

    def _note(
        self, kind: str, t: float, data: Mapping[str, Any], *, actor: str = "kit", cause: int | None = None
    ) -> Line:
        found = self._course.cause(kind, data) if cause is None else cause
        line = self._journal.write(kind, t, data, actor=actor, cause=found)
        self._course.see(line)
        self._parts.show(self._course, line, self._vitals)
        return line


def exit_code(verdict: Verdict) -> int:
    """0 as expected, 2 differs, 1 when the run didn't come to its end."""
    return {"expected": EXPECTED, "differs": DIFFERS}.get(verdict.outcome, ERROR)
