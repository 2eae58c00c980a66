"""The load on the shop: ``locust -f loadtest/locustfile.py`` with its page, or ``--headless -t 5m`` without.

40 customers come every 4.5 s each: 8.9 visits, 47 requests and 6.9 checkouts a second, whatever the shop answers and
as long as a visit takes less than that. ``--host`` (LOCUST_HOST) names another shop than http://127.0.0.1:8080.
"""

from __future__ import annotations

from contextlib import suppress
from itertools import count
from random import SystemRandom
from time import perf_counter, sleep
from typing import Any

from locust import FastHttpUser, events, task
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import WorkerRunner

from loadtest import shapes
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
        self.shop = Shop(self.client, f"load-{next(_numbers)}")
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
    parser.add_argument(
        "--shape",
        choices=shapes.names(),
        default="steady",
        env_var="LOADTEST_SHAPE",
        include_in_web_ui=False,
        help="How the number of users changes over time (default: steady, as many as --users says).",
    )
    parser.set_defaults(num_users=USERS, spawn_rate=SPAWN_RATE)


def _choose_shape(environment: Environment, **_: Any) -> None:
    if environment.parsed_options is None or isinstance(environment.runner, WorkerRunner):
        return
    environment.shape_class = shapes.find(environment.parsed_options.shape, environment.parsed_options)
    environment.shape_class.runner = environment.runner


# Calls, not decorators: Locust's are not annotated, and would hide these functions' types.
events.init_command_line_parser.add_listener(_arguments)  # type: ignore[no-untyped-call]  # see above
events.init.add_listener(_choose_shape)  # type: ignore[no-untyped-call]  # see above
