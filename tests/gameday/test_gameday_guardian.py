"""The guardian: what becomes of a run whose processes are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from kit.definitions.gamedays import Scenario
from kit.gameday import runs
from kit.gameday.journal import NAME, read
from kit.gameday.locust import end_orphan

from .conftest import settings_of

RUNNER = """
import sys, time
from pathlib import Path
from kit.definitions.gamedays_reading import read_scenario
from kit.gameday.locust import Locust
from kit.settings import load
root, folder = Path(sys.argv[1]), Path(sys.argv[2])
settings = load({"FAULTS_TOKEN": "right"}, root)
scenario = read_scenario(folder / "scenario.yaml", "x", copied=True)
Locust(settings, scenario, folder, blind=False, load=True).start(40)
print("started", flush=True)
time.sleep(60)
"""
LOCUSTFILE = "from time import sleep\nsleep(60)\n"


def until(look: Any, within_s: float = 20.0) -> Any:
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)
    return found


@pytest.fixture
def begun(tmp_path: Path, far: Any, scenario: Scenario) -> Iterator[tuple[Any, Path, psutil.Process, psutil.Process]]:
    """A runner in a process of its own, its guardian, and a Locust that lasts."""
    settings_of(tmp_path, far.url)
    (tmp_path / "loadtest").mkdir()
    (tmp_path / "loadtest" / "locustfile.py").write_text(LOCUSTFILE)
    folder = runs.new_run(tmp_path / ".kit", scenario, time.time(), blind=False)
    environ = os.environ | {"KIT_PORT_LOCUST": str(far.server_port), "FAULTS_TOKEN": "right"}
    argv = [sys.executable, "-c", RUNNER, str(tmp_path), str(folder)]
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        locust = psutil.Process(int(until(lambda: (f := folder / "locust.pid").exists() and f.read_text())))
        guardian = locust.parent()
        assert guardian is not None
        yield runner, folder, guardian, locust
        for one in (guardian, locust, psutil.Process(runner.pid)):
            if one.is_running():
                one.kill()


def test_a_runner_killed_outright_is_taken_back_by_its_guardian(begun: Any, far: Any) -> None:
    runner, folder, guardian, locust = begun
    far.users = 0
    os.kill(runner.pid, signal.SIGKILL)
    until(lambda: not guardian.is_running() or guardian.status() == psutil.STATUS_ZOMBIE)
    assert not locust.is_running()
    assert far.active == []
    assert far.users == 40
    assert [(line.kind, line.actor) for line in read(folder / NAME)] == [
        ("rollback", "guardian"),
        ("run.ended", "guardian"),
    ]


def test_a_locust_whose_guardian_was_killed_is_found_by_the_run_and_by_stop(begun: Any) -> None:
    _, folder, guardian, locust = begun
    guardian.kill()
    assert locust.is_running()
    end_orphan(folder)
    until(lambda: not locust.is_running() or locust.status() == psutil.STATUS_ZOMBIE)
