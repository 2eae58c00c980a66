"""Bad clients started and stopped while the load runs, in this process or in a worker.

Locust's master tells its workers every few seconds which of them has which clients: one that hears nothing for
``LEASE_S`` seconds, because the master is gone, sends them home. So do faults end whose run falls silent.
"""

from __future__ import annotations

from time import monotonic
from typing import Any

import gevent
from locust.env import Environment
from locust.runners import MasterRunner, Runner

from loadtest import clients
from loadtest.controls import LEASE_S

MESSAGE = "clients"
TELL_EVERY_S = 3.0

Wanted = dict[str, int]
"""Rates by the client's name."""


class Runners:
    """The side that runs them: in the local runner and in each worker."""

    def __init__(self, environment: Environment, runner: Runner, usual_host: str) -> None:
        self._environment = environment
        self._usual_host = usual_host
        self._running: dict[str, tuple[int, gevent.Greenlet[..., Any]]] = {}
        self._heard = monotonic()
        runner.register_message(MESSAGE, self._told)
        gevent.spawn(self._watch)

    def be(self, wanted: Wanted) -> None:
        """Start what is missing, stop what isn't wanted, and change a rate by doing both."""
        for name, (rate, greenlet) in list(self._running.items()):
            if wanted.get(name) != rate:
                del self._running[name]
                # Without waiting, in which the next message might come and find this one half done.
                greenlet.kill(block=False)
        for name, rate in wanted.items():
            if name not in self._running:
                run, _ = clients.find(name)
                host = self._environment.host or self._usual_host
                self._running[name] = rate, gevent.spawn(run, host, rate, self._environment.events)

    def _told(self, msg: Any, **_: Any) -> None:
        self._heard = monotonic()
        self.be(msg.data)

    def _watch(self) -> None:
        while True:
            gevent.sleep(1)
            if monotonic() - self._heard > LEASE_S:
                self.be({})


class Crowd:
    """The side that decides: the local runner or the master. Each client is in one worker, so it is one client."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner
        self._wanted: Wanted = {}
        gevent.spawn(self._tell_on)

    def start(self, name: str, rate: int | None) -> int:
        """Let a client come; the rate that it has."""
        self._wanted[name] = rate or clients.find(name)[1]
        self._tell()
        return self._wanted[name]

    def stop(self, name: str | None = None) -> None:
        """Send one home, or all."""
        self._wanted = {} if name is None else {k: v for k, v in self._wanted.items() if k != name}
        self._tell()

    def _tell(self) -> None:
        if not isinstance(self._runner, MasterRunner):
            self._runner.send_message(MESSAGE, self._wanted)
            return
        workers = sorted(self._runner.clients)
        shares: dict[str, Wanted] = {worker: {} for worker in workers}
        for number, (name, rate) in enumerate(sorted(self._wanted.items() if workers else ())):
            shares[workers[number % len(workers)]][name] = rate
        for worker, share in shares.items():
            self._runner.send_message(MESSAGE, share, client_id=worker)

    def _tell_on(self) -> None:
        while True:
            gevent.sleep(TELL_EVERY_S)
            if self._wanted:
                self._tell()
