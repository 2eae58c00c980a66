"""Runs on disk: one at a time, each found again, and what its Locust told."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kit.definitions.gamedays import Scenario
from kit.errors import KitError
from kit.gameday import runs
from kit.gameday.journal import Journal
from kit.gameday.locust import Locust

from .conftest import START, settings_of


def test_one_run_at_a_time_and_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from kit.gameday import runs\n"
        "with runs.only_one(Path(sys.argv[1])):\n"
        "    runs.note_holder(Path(sys.argv[1]), run='r1', paused=40); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert runs.going_on(tmp_path)
        with (
            pytest.raises(KitError, match=rf"a run is going on already: r1 \(process {other.pid}\)"),
            runs.only_one(tmp_path),
        ):
            pass
        os.kill(other.pid, signal.SIGKILL)
    assert not runs.going_on(tmp_path)
    assert runs.holder(tmp_path)["paused"] == 40
    with runs.only_one(tmp_path):
        assert runs.holder(tmp_path)["pid"] == os.getpid()


def test_a_run_is_found_by_name_by_scenario_and_as_the_latest(tmp_path: Path, scenario: Scenario) -> None:
    with pytest.raises(KitError, match="there are no runs here"):
        runs.find_run(tmp_path, "latest")
    first = runs.new_run(tmp_path, scenario, START, blind=False)
    blind = runs.new_run(tmp_path, scenario, START + 5, blind=True)
    for folder in (first, blind):
        Journal(folder, folder.name).write("run.started", START, {})
    assert (first.name, blind.name) == ("20270115T080000Z-brownout", "20270115T080005Z-blind")
    assert runs.find_run(tmp_path, "latest") == blind
    assert runs.find_run(tmp_path, "brownout") == first
    assert runs.find_run(tmp_path, first.name) == first
    assert runs.scenario_of(first).name == "brownout"
    with pytest.raises(KitError, match=f"Did you mean {first.name}"):
        runs.find_run(tmp_path, "20270115T080000Z-brownou")


def test_half_a_line_of_locust_waits_for_its_end(tmp_path: Path, scenario: Scenario) -> None:
    locust = Locust(settings_of(tmp_path), scenario, tmp_path, blind=False, load=True)
    assert locust.events() == []
    file = tmp_path / "locust.jsonl"
    line = '{"t": "2027-01-15T08:00:00.000Z", "kind": "fault.set", "data": {"fault": "noop"}}\n'
    file.write_text(line + line[:20])
    assert [event.kind for event in locust.events()] == ["fault.set"]
    assert locust.events() == []
    file.write_text(line + line + "rubbish\n")
    assert [event.t for event in locust.events()] == [START]
