"""The servers that are compared, each in a process of its own on loopback."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.local_aws.requests import one_datum
from bench.local_aws.wire import Wire

MINISTACK = "ministack==1.5.33"
_READY_S = 60.0
_SETTLED_S = 1.0


@dataclass(frozen=True)
class Server:
    """How to start one server. ``{port}`` in ``command`` and ``environment`` is where it is to listen."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]


@dataclass
class Running:
    """A started server: its process, a connection to it, and what starting it took."""

    name: str
    process: psutil.Process
    wire: Wire
    launch_s: float
    idle_mb: float = 0.0

    def cpu_s(self) -> float:
        """User and system time of the server and its children so far."""
        times = [process.cpu_times() for process in self._family()]
        return sum(time.user + time.system for time in times)

    def rss_mb(self) -> float:
        """Resident memory of the server and its children."""
        return sum(process.memory_info().rss for process in self._family()) / 1e6

    def _family(self) -> list[psutil.Process]:
        return [self.process, *self.process.children(recursive=True)]


def ours(folder: Path) -> list[Server]:
    """``kit emulate``, and once more keeping what it is told, which is what ``kit up`` runs."""
    command = [sys.executable, "-m", "kit", "emulate", "--port", "{port}", "--xray-port", "0"]
    return [Server("kit", [*command, "--ephemeral"], {}), Server("kit --data", [*command, "--data", str(folder)], {})]


def moto() -> Server:
    """moto_server, out of our own environment."""
    return Server("moto", [str(Path(sys.executable).with_name("moto_server")), "-p", "{port}"], {})


def ministack(peers: Path) -> Server:
    """ministack, in an environment of its own below ``peers``, made at its first use.

    Raises CalledProcessError or OSError if it can't be had.
    """
    home = peers / MINISTACK.replace("==", "-")
    program = home / "bin" / "ministack"
    if not program.exists():
        print(f"bench: installing {MINISTACK} into {home} (once)", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, MINISTACK], check=True, stdout=sys.stderr)
    return Server("ministack", [str(program)], {"GATEWAY_PORT": "{port}"})


@contextmanager
def started(server: Server) -> Iterator[Running]:
    """Runs the server. It is ready once it has answered one PutMetricData; a second later its memory is read."""
    port = _free_port()
    command = [part.format(port=port) for part in server.command]
    more = {name: value.format(port=port) for name, value in server.environment.items()}
    began = time.perf_counter()
    with subprocess.Popen(
        command,
        env={**os.environ, "AWS_REGION": "us-east-1", **more},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as child:
        try:
            wire = _first_answer(server.name, child, port)
            running = Running(server.name, psutil.Process(child.pid), wire, time.perf_counter() - began)
            time.sleep(_SETTLED_S)
            running.idle_mb = running.rss_mb()
            yield running
        finally:
            child.terminate()
            try:
                child.wait(timeout=10)
            except subprocess.TimeoutExpired:
                child.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _first_answer(name: str, child: subprocess.Popen[bytes], port: int) -> Wire:
    wire, request = Wire(port), one_datum()
    until = time.monotonic() + _READY_S
    while time.monotonic() < until:
        if child.poll() is not None:
            raise RuntimeError(f"{name} ended with {child.returncode} before it answered")
        try:
            status, _ = wire.ask(request)
        except OSError:
            time.sleep(0.005)
            continue
        if status == 200:
            return wire
    raise RuntimeError(f"{name} did not answer within {_READY_S:g} s")
