"""What hangs on Locust's events: a run's faults, its bad clients, its ledger, and the verdict on its objectives."""

from __future__ import annotations

import logging
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path

import gevent
from locust.env import Environment
from locust.event import EventHook
from locust.runners import Runner, WorkerRunner

from loadtest import objectives, shapes
from loadtest.conductor import Conductor, ScenarioShape
from loadtest.crowd import Crowd
from loadtest.faults import Faults
from loadtest.journal import Journal
from loadtest.ledger import LEDGER, WRITE_EVERY_S
from loadtest.options import Options

logger = logging.getLogger(__name__)


class Gameday:
    """The master's or the local runner's part. Raises OSError and ControlError: then no load starts."""

    def __init__(self, environment: Environment, runner: Runner, parsed: Namespace, options: Options) -> None:
        self.options = options
        self.runner = runner
        self._environment = environment
        journal = Journal(options.run_dir)
        self.faults = Faults(options.controls, options.run, journal)
        self.crowd = Crowd(runner)
        self.conductor: Conductor | None = None
        if options.scenario is None:
            environment.shape_class = shapes.find(parsed.shape, parsed)
        else:
            environment.shape_class = shape = ScenarioShape(options.scenario.load, parsed)
            self.conductor = Conductor(
                environment, options.scenario, shape, self.faults, self.crowd, journal, blind=options.blind
            )
        environment.shape_class.runner = runner
        options.controls.probe()
        if self.conductor:
            self.conductor.check()
        self.faults.keep_alive()
        listen(environment.events.test_start, self._begin)
        listen(environment.events.test_stop, self._end)
        listen(environment.events.quitting, self._quit)

    def _begin(self, **_: object) -> None:
        if self.conductor:
            self.conductor.begin()

    def _end(self, **_: object) -> None:
        if self.conductor:
            self.conductor.finish()
        else:
            self.faults.lift_at_end()

    def _quit(self, **_: object) -> None:
        self._end()
        self.faults.lift_at_end(for_good=True)
        if not self.options.objectives:
            return
        verdicts = objectives.judge(self.options.objectives, self._environment.stats)
        for kept, line in verdicts:
            logger.log(logging.INFO if kept else logging.ERROR, line)
        if self._environment.process_exit_code is None:
            unwell = self.runner.exceptions or not all(kept for kept, _ in verdicts)
            self._environment.process_exit_code = 1 if unwell else 0


def keep_ledger(environment: Environment, runner: Runner, folder: Path) -> None:
    """Where requests are sent from, in the local runner and in each worker: keep ``requests*.csv`` while they are."""

    def begin(**_: object) -> None:
        LEDGER.open(folder, runner.worker_index if isinstance(runner, WorkerRunner) else None)

    def end(**_: object) -> None:
        LEDGER.close()

    def keep_writing() -> None:
        while True:
            gevent.sleep(WRITE_EVERY_S)
            try:
                LEDGER.write()
            except OSError as error:
                logger.error("requests.csv: %s", error.strerror)

    listen(environment.events.request, LEDGER.answered)
    listen(environment.events.test_start, begin)
    listen(environment.events.test_stop, end)
    gevent.spawn(keep_writing)


def listen(hook: EventHook, listener: Callable[..., None]) -> None:
    """Have ``listener`` called on one of Locust's events. Its own decorator would hide the listener's types."""
    hook.add_listener(listener)  # type: ignore[no-untyped-call]  # locust's is not annotated
