"""Starting and stopping, as a process and inside one."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.emulator.clock import ManualClock
from kit.emulator.scheduler import Scheduler
from kit.emulator.server import Binding, Emulator
from kit.errors import KitError

ROOT = Path(__file__).parents[2]


def launch(*flags: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "kit", "emulate", *(flags or ("--port", "0", "--xray-port", "0")), "--ephemeral"]
    environ = {k: v for k, v in os.environ.items() if not k.startswith("KIT_")} | {"PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(command, cwd=ROOT, env=environ, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def announced_port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], 20)
    assert ready, "it said nothing within twenty seconds"
    found = re.search(r"http://127\.0\.0\.1:(\d+) ", process.stdout.readline())
    assert found is not None
    return int(found[1])


@pytest.fixture
def running() -> Iterator[tuple[subprocess.Popen[str], int]]:
    process = launch()
    try:
        yield process, announced_port(process)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly_within_two_seconds(
    running: tuple[subprocess.Popen[str], int], number: signal.Signals
) -> None:
    process, port = running
    with socket.create_connection(("127.0.0.1", port)):  # an open connection must not hold it up
        started = time.monotonic()
        process.send_signal(number)
        assert process.wait(timeout=5) == 0
        assert time.monotonic() - started < 2
    _, errors = process.communicate()
    assert errors == ""


def test_it_answers_as_soon_as_it_has_announced_itself(running: tuple[subprocess.Popen[str], int]) -> None:
    process, port = running
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_kit/health", timeout=5) as response:
        page = json.load(response)
    assert page["status"] == "ok"
    assert page["moto_loaded"] is False
    assert process.poll() is None


@pytest.mark.parametrize("flag", ["--port", "--xray-port"])
def test_a_taken_port_is_one_line_with_the_remedy(flag: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = "--xray-port" if flag == "--port" else "--port"
        process = launch(flag, str(port), other, "0")
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 1
    assert errors.count("\n") == 1
    assert f"127.0.0.1:{port} (TCP): is taken by another process." in errors
    assert flag in errors


def test_a_taken_udp_port_is_named_and_leaves_no_socket_behind() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        # A port that nobody else has for TCP.
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
            taken.bind(("127.0.0.1", port))
        with pytest.raises(KitError, match=rf"127\.0\.0\.1:{port} \(UDP\): is taken"):
            Emulator(Binding(port=0, xray_port=port)).start()


def test_an_address_of_another_machine_is_a_clear_error() -> None:
    with pytest.raises(KitError, match=r"192\.0\.2\.1:0 \(TCP\): can't be listened on"):
        Emulator(Binding(host="192.0.2.1", port=0, xray_port=0)).start()


def test_it_starts_again_on_the_port_it_left() -> None:
    first = Emulator(Binding(port=0, xray_port=0))
    first.start()
    binding = Binding(port=first.port, xray_port=first.xray_port)
    first.stop()
    second = Emulator(binding)
    second.start()
    second.stop()


class FakeEngine:
    """Alarms due every ten seconds; the first evaluation breaks."""

    def __init__(self) -> None:
        self.due = 10.0
        self.ran: list[float] = []

    def next_due(self) -> float:
        return self.due

    def run_due(self, now: float) -> None:
        if now < self.due:
            return
        self.ran.append(now)
        self.due += 10
        if len(self.ran) == 1:
            raise RuntimeError("a broken alarm")


class FakeEngines:
    """One Region."""

    def __init__(self, engine: FakeEngine) -> None:
        self._engine = engine

    def timed_engines(self) -> list[FakeEngine]:
        return [self._engine]


def test_the_scheduler_runs_what_is_due_and_survives_what_breaks() -> None:
    clock, engine = ManualClock(0.0), FakeEngine()
    scheduler = Scheduler(FakeEngines(engine), clock)  # type: ignore[arg-type]  # two methods of it are used
    scheduler.start()
    deadline = time.monotonic() + 5
    while len(engine.ran) < 3:
        clock.advance(0.5)
        time.sleep(0.001)
        assert time.monotonic() < deadline
    scheduler.stop()
    assert [round(ran // 10) for ran in engine.ran[:3]] == [1, 2, 3]
