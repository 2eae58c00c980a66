"""The load on the shop: ``locust -f loadtest/locustfile.py`` with its page, or ``--headless -t 5m`` without.

40 customers come every 4.5 s each: 8.9 visits, 47 requests and 6.9 checkouts a second, whatever the shop answers and
as long as a visit takes less than that. ``--host`` (LOCUST_HOST) names another shop than http://127.0.0.1:8080.
"""

from __future__ import annotations

import os
import signal
import sys
from argparse import Namespace
from contextlib import suppress
from itertools import count
from random import SystemRandom
from time import perf_counter, sleep

import gevent
from locust import FastHttpUser, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import MasterRunner, Runner, WorkerRunner
from locust.web import WebUI

from loadtest import options, page
from loadtest.controls import ControlError
from loadtest.crowd import Runners
from loadtest.gameday import Gameday, keep_ledger, listen
from loadtest.journeys import JOURNEYS
from loadtest.shop import Shop, WrongAnswerError

USERS = 40
SPAWN_RATE = 20
VISIT_EVERY_S = 4.5
"""A customer comes back so often. 40 of them make the practice windows of 10 s hold enough checkouts to judge."""

# Not a seeded generator: forked workers would all be the same customers.
DICE = SystemRandom()
_numbers = count(1)


class Customer(FastHttpUser):
    """Comes at fixed times of its own, so that a slow shop is not rewarded with fewer visits."""

    host = "http://127.0.0.1:8080"
    network_timeout = 10.0
    connection_timeout = 5.0

    def on_start(self) -> None:
        """A new customer, who first comes somewhere in the round: not all of them at its start."""
        worker = self.environment.runner
        # Each worker counts from one: its own number keeps the customers apart.
        prefix = f"load-{worker.worker_index}-" if isinstance(worker, WorkerRunner) else "load-"
        self.shop = Shop(self.client, f"{prefix}{next(_numbers)}")
        sleep(DICE.random() * VISIT_EVERY_S)
        self.visit_due = perf_counter()

    @task
    def visit(self) -> None:
        """One journey. A wrong answer ends it: it has been counted, and the customer gives up."""
        (journey,) = DICE.choices(list(JOURNEYS), list(JOURNEYS.values()))
        with suppress(WrongAnswerError):
            if not self.shop.prices:
                self.shop.list_items()
            journey(self.shop, DICE)

    def wait_time(self) -> float:
        """Seconds to the next visit; 0 while late. Of the visits missed in a slow time one is made up for, no more."""
        now = perf_counter()
        self.visit_due = max(self.visit_due + VISIT_EVERY_S, now - VISIT_EVERY_S)
        return max(0.0, self.visit_due - now)


def _arguments(parser: LocustArgumentParser) -> None:
    options.add(parser)
    parser.set_defaults(num_users=USERS, spawn_rate=SPAWN_RATE)


def _set_up(environment: Environment, runner: Runner, web_ui: WebUI | None = None, **_: object) -> None:
    """Before any load: what can't be used ends Locust with one line. Only the runner that leads has a game day."""
    parsed = environment.parsed_options or Namespace()
    try:
        if not isinstance(runner, MasterRunner):
            Runners(environment, runner, Customer.host)
        if not isinstance(runner, WorkerRunner):
            _end_when_told(headless=web_ui is None)
            gameday = Gameday(environment, runner, parsed, options.read(parsed, os.environ, sys.argv))
            if web_ui is not None:
                page.install(web_ui, gameday, parsed.web_base_path)
        folder = options.folder(parsed)
        if folder is not None and not isinstance(runner, MasterRunner):
            keep_ledger(environment, runner, folder)
    except (options.OptionError, ControlError) as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"--run-dir: {error.filename}: {error.strerror}")


def _end_when_told(*, headless: bool) -> None:
    """Ctrl-C ends the main greenlet's wait, not whatever request is under way. Without a page SIGTERM does the same:

    Locust itself would listen to it only when the shape is over, and be killed by it till then.
    """
    for number in (signal.SIGINT, signal.SIGTERM) if headless else (signal.SIGINT,):
        gevent.signal_handler(number, gevent.kill, gevent.getcurrent(), KeyboardInterrupt)


listen(events.init_command_line_parser, _arguments)
listen(events.init, _set_up)
