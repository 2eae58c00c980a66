"""Runs a scenario's schedule beside the load, in Locust's local runner or master and never in a worker.

1. Locust starts the load in the scenario's shape, and with it the schedule's clock.
2. Each step is done at its time. A control that is away for a moment is asked again; one that stays away, or refuses,
   ends the run with exit code 1: a game day without its fault teaches nothing.
3. However the load ends, the run's faults are lifted and its bad clients sent home, before Locust goes.
"""

from __future__ import annotations

import logging
from argparse import Namespace
from time import monotonic
from typing import Any

import gevent
import msgspec
from locust import LoadTestShape
from locust.env import Environment

from loadtest import shapes
from loadtest.controls import ControlError
from loadtest.crowd import Crowd
from loadtest.faults import Faults
from loadtest.journal import Journal
from loadtest.scenario import EVERYTHING, Load, Scenario, Step

RETRY_FOR_S = 5.0

logger = logging.getLogger(__name__)


class ScenarioShape(LoadTestShape):
    """The load of a scenario: one of our shapes at a time, as the schedule says. Over when the schedule is."""

    use_common_options = False

    def __init__(self, load: Load, options: Namespace) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # locust's is not annotated
        self._first = Load(load.shape or options.shape, options.num_users if load.users is None else load.users)
        self._options = Namespace(num_users=options.num_users, spawn_rate=options.spawn_rate, run_time=None)
        self.over = False
        self.change(self._first)

    def reset_time(self) -> None:
        """Locust's start: as at first."""
        self.over = False
        self.change(self._first)

    def change(self, load: Load) -> Load:
        """Other users, or another shape from its beginning; what the load is then."""
        if load.shape is not None:
            self._name = load.shape
            users = self._options.num_users if load.users is None else load.users
            self._options = Namespace(num_users=users, spawn_rate=self._options.spawn_rate, run_time=None)
            self._shape = shapes.find(load.shape, self._options)
        elif load.users is not None:
            self._options.num_users = load.users
        return Load(self._name, self._options.num_users)

    def tick(self) -> tuple[int, float] | None:
        """What the shape says; None when the schedule has come to its end."""
        return None if self.over else self._shape.tick()


class Conductor:
    """One run of a scenario."""

    def __init__(  # it brings them together
        self,
        environment: Environment,
        scenario: Scenario,
        shape: ScenarioShape,
        faults: Faults,
        crowd: Crowd,
        journal: Journal,
        *,
        blind: bool,
    ) -> None:
        self.scenario = scenario
        self.done = 0
        self._environment = environment
        self._shape = shape
        self._faults = faults
        self._crowd = crowd
        self._journal = journal
        self._blind = blind
        self._playing: gevent.Greenlet[..., Any] | None = None
        self._began = 0.0
        self._reason = "stopped"

    def check(self) -> None:
        """Raises ControlError when no service knows a fault of the schedule, or its dials."""
        if self.scenario.faults() and not self._faults.controls:
            raise ControlError("the scenario sets faults: name the fault controls with --fault-url")
        for step in self.scenario.faults():
            self._faults.controls.knowing(step.fault or "", step.dials)

    @property
    def elapsed_s(self) -> float | None:
        """Seconds since the load began; None while there is none."""
        return monotonic() - self._began if self._playing is not None else None

    def begin(self) -> None:
        """The load begins."""
        self._began, self.done, self._reason = monotonic(), 0, "stopped"
        self._journal.note("load.stage", **msgspec.to_builtins(self._shape.change(Load())))
        self._playing = gevent.spawn(self._play)

    def finish(self) -> None:
        """The load has ended: leave nothing broken. May be called more than once."""
        if self._playing is None:
            return
        playing, self._playing = self._playing, None
        with self._faults.changing:
            playing.kill()
            self._crowd.stop()
            self._faults.lift_at_end()
        self._journal.note("end", reason=self._reason, not_lifted=self._faults.left())

    def _play(self) -> None:
        for number, step in enumerate(self.scenario.schedule, 1):
            gevent.sleep(max(0.0, self._began + step.at - monotonic()))
            what = "" if self._blind else f" at {step.at:g} s: {step.text}"
            logger.info("schedule: step %d of %d%s", number, len(self.scenario.schedule), what)
            try:
                self._do(step)
            except ControlError as error:
                logger.error("schedule: the run ends, a step could not be done%s", "" if self._blind else f": {error}")
                self._reason, self._environment.process_exit_code = "failed", 1
                self._shape.over = True
                return
            self.done = number

    def _do(self, step: Step) -> None:
        if step.fault:
            self._patiently(self._faults.set, step.fault, self._dials(step), "schedule")
        elif step.lift:
            self._patiently(self._faults.lift, None if step.lift == EVERYTHING else step.lift, "schedule")
        elif step.load:
            self._journal.note("load.stage", **msgspec.to_builtins(self._shape.change(step.load)))
        elif step.client:
            self._journal.note("load.stage", client=step.client, rate=self._crowd.start(step.client, step.rate))
        elif step.stop:
            self._crowd.stop(step.stop)
            self._journal.note("load.stage", client=step.stop, rate=0)
        else:
            self._reason, self._shape.over = "finished", True

    def _dials(self, step: Step) -> dict[str, Any]:
        expires_in_s = self.scenario.expires_in_s(step)
        return (
            step.dials
            | ({"expires_in_s": expires_in_s} if expires_in_s is not None else {})
            | ({"scope": msgspec.to_builtins(step.scope)} if step.scope else {})
        )

    def _patiently(self, change: Any, *arguments: Any) -> None:
        """The supervisor starts a control again within seconds."""
        end = monotonic() + RETRY_FOR_S
        while True:
            try:
                change(*arguments)
            except ControlError as error:
                if not error.passing or monotonic() >= end:
                    raise
                gevent.sleep(0.5)
            else:
                return
