"""The running emulator: two TCP ports, one UDP port, the alarm scheduler; started and stopped as one."""

from __future__ import annotations

import errno
import logging
import signal
import socket
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from types import FrameType
from typing import Any

from kit.emulator.clock import Clock, SystemClock
from kit.emulator.cloudformation.calls import CloudWatchCalls
from kit.emulator.control import Control
from kit.emulator.door import Door
from kit.emulator.engines import Engines
from kit.emulator.events import AlarmEvents
from kit.emulator.gate import Gate
from kit.emulator.house import House
from kit.emulator.keeping import Keeper
from kit.emulator.kept_services import KeptServices
from kit.emulator.memory import give_back
from kit.emulator.moto_services import MotoServices
from kit.emulator.scheduler import Scheduler
from kit.emulator.services import build_services
from kit.emulator.web_server import WebServer
from kit.emulator.xray_daemon import DatagramListener
from kit.errors import KitError
from kit.evaluation.alarm import EXTRA_PERIODS

_PORT_TRIES = 20
_LOOK_EVERY_S = 1.0
_TIDY_EVERY = 30  # looks
# How long a virtual clock waits for a moment's notifications; a subscriber that doesn't answer is given up sooner.
_SETTLING_S = 20.0

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Binding:
    """Where to listen. Port 0 means any free one; X-Ray's TCP and UDP ports are one number."""

    host: str = "127.0.0.1"
    port: int = 4566
    xray_port: int = 2000


@dataclass(frozen=True, slots=True)
class Identity:
    """Whose AWS this is: the account, and the Region of requests that name none."""

    account: str = "123456789012"
    region: str = "us-east-1"


class Emulator:
    """The embedded AWS. ``start`` returns once it answers; ``stop`` takes under two seconds."""

    def __init__(
        self,
        binding: Binding | None = None,
        identity: Identity | None = None,
        *,
        clock: Clock | None = None,
        allowed_hosts: Collection[str] = (),
        evaluation_range_extra: int = EXTRA_PERIODS,
        data_dir: Path | None = None,
    ) -> None:
        """``allowed_hosts`` are Host names to answer to, and to post SNS messages to, besides loopback.

        In ``data_dir`` everything is kept, but for the messages in queues; None keeps nothing. KitError if it can't be
        used.

        An alarm's evaluation range is its EvaluationPeriods and ``evaluation_range_extra`` more.
        """
        self.binding = binding or Binding()
        self.identity = identity or Identity()
        self.clock = clock or SystemClock()
        self.data_dir = data_dir
        self.allowed_hosts = frozenset(host.lower() for host in allowed_hosts)
        self._keeper = Keeper(data_dir, self.identity.account) if data_dir is not None else None
        kept = KeptServices() if self._keeper is not None else None
        self.moto = MotoServices(self.identity.account, self.allowed_hosts, self.clock, kept)
        self.engines = Engines(
            self.identity.account,
            self.clock,
            self.moto.publish,
            events=AlarmEvents(self.moto),
            evaluation_range_extra=evaluation_range_extra,
        )
        self._house = House(self.engines, kept) if kept is not None else None
        self._gate = Gate()
        self.moto.stacks.calls = CloudWatchCalls(self.engines.cloudwatch, self.identity.account, self.clock)
        self._scheduler = Scheduler(self.engines, self.clock, self._settle)
        self.port = self.xray_port = 0

    def start(self) -> None:
        """Bind and serve. Raises KitError, naming the port, if one can't be had."""
        try:
            tcp, xray_tcp, xray_udp = _bind_all(self.binding)
        except KitError:
            if self._keeper is not None:
                self._keeper.stop()  # the folder is free for another
            raise
        if self._keeper is not None and self._house is not None:
            self._keeper.restore(self._house)
            self._keeper.start()
        self.moto.restore()
        self.port, self.xray_port = tcp.getsockname()[1], xray_tcp.getsockname()[1]
        self._daemon = DatagramListener(xray_udp, self._take_document)
        door = Door(
            build_services(),
            self.engines,
            self.moto,
            clock=self.clock,
            account=self.identity.account,
            region=self.identity.region,
            allowed_hosts=self.allowed_hosts,
            gate=self._gate,
        )
        door.serve_control(Control(self.clock, lambda: self._health(door), self._scheduler.travel, self.reset))
        door.serve_daemon_port(self.xray_port, self._daemon.counts)
        self._web = WebServer(door, door.small_write, (tcp, xray_tcp), self._gate)
        self._web.start()
        self._daemon.start()
        self._scheduler.start()

    def reset(self) -> None:
        """Forget everything that was ever put, kept state included; requests under way are answered first."""
        with self._scheduler.paused(), self._gate.closed():
            # first the services behind: a stack that is being made there may still put alarms here
            self.moto.reset()
            self.engines.reset()
            if self._keeper is not None:
                self._keeper.reset()

    def _health(self, door: Door) -> Mapping[str, Any]:
        page = door.health()
        return page if self._keeper is None else {**page, "keeping": self._keeper.counts()}

    def _settle(self) -> None:
        deadline = time.monotonic() + _SETTLING_S
        if not self.engines.wait_idle(_SETTLING_S) or not self.moto.wait_idle(deadline - time.monotonic()):
            log.warning("notifications are still under way; the clock goes on without them")

    def _take_document(self, raw: bytes) -> bool:
        with self._gate:
            return self.engines.xray(self.identity.region).take_document(raw)

    @property
    def answering(self) -> bool:
        """Whether the thread that reads requests is alive."""
        return self._web.alive

    def stop(self) -> None:
        """Answer what was asked, then stop evaluating; open connections are closed."""
        self._web.stop()
        self._daemon.stop()
        self._scheduler.stop()
        self.engines.close()
        if self._keeper is not None:
            self._keeper.stop()
        self.moto.close()


def serve(emulator: Emulator, announce: Callable[[Emulator], None]) -> None:
    """Run in the foreground until SIGTERM or SIGINT. ``announce`` is called once it answers.

    Raises KitError if a port can't be had, or if it ceases to answer: whoever supervises the process starts it anew.
    """
    # Unlike an Event's set(), its put() may come in the middle of itself, and of the get() that waits for it.
    signals: SimpleQueue[int] = SimpleQueue()

    def on_signal(number: int, _frame: FrameType | None) -> None:
        signals.put(number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    emulator.start()
    announce(emulator)
    looks = 0
    while not _one_of(signals, _LOOK_EVERY_S):
        if not emulator.answering:
            raise KitError("the embedded AWS", "has ceased to answer; the log above says why", "Start it again.")
        looks += 1
        if looks % _TIDY_EVERY == 0:
            give_back()
    emulator.stop()


def _one_of(signals: SimpleQueue[int], seconds: float) -> bool:
    try:
        signals.get(timeout=seconds)
    except Empty:
        return False
    return True


def _bind_all(binding: Binding) -> tuple[socket.socket, socket.socket, socket.socket]:
    tcp = _bind(socket.SOCK_STREAM, binding.host, binding.port, "--port")
    try:
        return tcp, *_bind_pair(binding.host, binding.xray_port)
    except BaseException:
        tcp.close()
        raise


def _bind_pair(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """X-Ray's TCP and UDP sockets on one number; with port 0 a number that is free for both."""
    for attempt in range(_PORT_TRIES):
        tcp = _bind(socket.SOCK_STREAM, host, port, "--xray-port")
        try:
            return tcp, _bind(socket.SOCK_DGRAM, host, tcp.getsockname()[1], "--xray-port")
        except KitError:
            tcp.close()
            if port != 0 or attempt == _PORT_TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _bind(kind: socket.SocketKind, host: str, port: int, flag: str) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family, kind)
    if kind == socket.SOCK_STREAM:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise _unusable(error, kind, host, port, flag) from error
    return bound


def _unusable(error: OSError, kind: socket.SocketKind, host: str, port: int, flag: str) -> KitError:
    protocol = "TCP" if kind == socket.SOCK_STREAM else "UDP"
    where = f"{host}:{port} ({protocol})"
    variable = "KIT_PORT_XRAY" if flag == "--xray-port" else "KIT_PORT_AWS"
    if error.errno == errno.EADDRINUSE:
        remedy = f"Stop that one, or choose another with {flag} or {variable}."
        return KitError(where, "is taken by another process", remedy)
    if error.errno == errno.EACCES:
        return KitError(where, "may not be used by this user", f"Choose one above 1023 with {flag} or {variable}.")
    remedy = f"Choose another with --host, {flag} or {variable}."
    return KitError(where, f"can't be listened on: {error.strerror}", remedy)
