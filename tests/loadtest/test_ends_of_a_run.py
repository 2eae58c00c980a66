"""Whatever ends a run, no fault outlives it: real Locust processes, each against a real fault control of its own."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).parents[2]
TOKEN = "test-token-0123456789"
LEASE_S = 10
Locust = Callable[..., subprocess.Popen[str]]
SCENARIO = """
name: payment-errors
load: {shape: steady, users: 10}
schedule:
  - {at: 1, fault: noop}
  - {at: 1, fault: payment-errors, percent: 30}
  - {at: 1, client: bot-flood, rate: 20}
  - {at: 1, client: slow-body, rate: 2}
  - {at: 5, stop: bot-flood}
  - {at: 5, stop: slow-body}
  - {at: 5, lift: payment-errors}
  - {at: 5, load: {users: 15}}
  - {at: 7, end: true}
"""


class RealControl:
    """Payments' fault control as a process, which can be killed and started again."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._folder = folder
        self._port = port
        self.start()

    def start(self) -> None:
        environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("FAULTS_", "OTEL_"))},
            "FAULTS_ENABLED": "1",
            "FAULTS_TOKEN": TOKEN,
            "FAULTS_BIND": self.url.removeprefix("http://"),
            "FAULTS_STATE": str(self._folder / f"state-{self._port}.json"),
            "OTEL_SERVICE_NAME": "payments",
        }
        self.process = subprocess.Popen(
            (sys.executable, "-m", "service.failures.control"), cwd=ROOT, env=environ, stdout=subprocess.DEVNULL
        )

    def active(self) -> list[str]:
        asked = Request(f"{self.url}/v1/faults", headers={"Authorization": f"Bearer {TOKEN}"})
        try:
            with urlopen(asked, timeout=2) as answer:
                return sorted(fault["name"] for fault in json.load(answer)["active"])
        except (URLError, ConnectionError):
            return ["no answer"]


@pytest.fixture
def real_control(tmp_path: Path, a_free_port: Callable[[], int]) -> Iterator[Callable[[], RealControl]]:
    controls: list[RealControl] = []

    def opened() -> RealControl:
        controls.append(RealControl(tmp_path, a_free_port()))
        return controls[-1]

    yield opened
    for control in controls:
        control.process.kill()
        control.process.wait(10)


def test_no_fault_outlives_its_run(
    tmp_path: Path,
    open_shop: Callable[..., Any],
    locust: Locust,
    real_control: Callable[[], RealControl],
) -> None:
    ends = ("finished", "interrupted", "terminated", "killed", "control back", "control away")
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    shops = {name: open_shop() for name in ends}
    controls = {name: real_control() for name in ends}
    running = {
        name: locust(
            *("--headless", "--host", shops[name].url, "--scenario", "scenario.yaml", "--csv", f"{name}/locust"),
            *("--html", f"{name}/locust.html", "--run-dir", name, "--run-id", name.replace(" ", "-")),
            *("--only-summary", "--fault-url", controls[name].url),
            *(("--slo", "availability=99,latency=99:2s") if name == "finished" else ()),
            FAULTS_TOKEN=TOKEN,
        )
        for name in ends
    }
    killed_at = end_each(running, controls, tmp_path)
    # Meanwhile the lifting falls due.
    wait_for(lambda: dawdling(tmp_path / "control back") == [2, 0])
    time.sleep(1)
    controls["control back"].start()
    errors = {name: process.communicate(timeout=30)[1] for name, process in running.items()}

    codes = {name: process.returncode for name, process in running.items()}
    fine = dict.fromkeys(ends, 0)
    assert codes == fine | {"killed": -signal.SIGKILL, "control away": 1}
    for name in ("finished", "interrupted", "terminated", "control back"):
        assert controls[name].active() == []
        assert "Traceback" not in errors[name], errors[name]
    # Nobody lifts the faults of the one that was killed: its heartbeats stop.
    wait_for(lambda: controls["killed"].active() == [], max(5, killed_at + LEASE_S + 2 - time.monotonic()))

    lines = {name: journal(tmp_path / name) for name in ends}
    check_finished(lines["finished"], tmp_path / "finished", shops["finished"])
    for name in ("interrupted", "terminated"):
        assert lines[name][-1]["data"] == {"reason": "stopped", "not_lifted": []}
        assert lifted(lines[name])["noop"] == "end of the run"
        assert "payment-errors" in lifted(lines[name])
    assert "end" not in {line["kind"] for line in lines["killed"]}
    assert lifted(lines["control back"]) == {"payment-errors": "schedule", "noop": "end of the run"}
    away = f"a step could not be done: the fault control {controls['control away'].url} does not answer"
    assert away in errors["control away"]
    left = {"reason": "failed", "not_lifted": ["noop", "payment-errors"]}
    assert lines["control away"][-1]["data"] == left


def dawdling(folder: Path) -> list[int]:
    """The rates that the slow clients have had."""
    return [line["data"]["rate"] for line in journal(folder) if line["data"].get("client") == "slow-body"]


def end_each(running: dict[str, subprocess.Popen[str]], controls: dict[str, RealControl], folder: Path) -> float:
    """End each run, by the name that it has, when its faults are set; when one was killed."""
    killed_at = 0.0
    waiting = set(running)

    def set_and_ended(name: str) -> bool:
        nonlocal killed_at
        if not dawdling(folder / name):
            return False
        match name:
            case "interrupted":
                running[name].send_signal(signal.SIGINT)
            case "terminated":
                running[name].send_signal(signal.SIGTERM)
            case "killed":
                running[name].kill()
                killed_at = time.monotonic()
            case "control back" | "control away":
                controls[name].process.kill()
                controls[name].process.wait(5)
        return True

    def all_ended() -> bool:
        waiting.difference_update([name for name in waiting if set_and_ended(name)])
        return not waiting

    wait_for(all_ended, 40)
    return killed_at


def check_finished(lines: list[dict[str, Any]], folder: Path, shop: Any) -> None:
    assert [line["data"]["users"] for line in lines if "users" in line["data"]] == [10, 15]
    assert lines[-1]["data"] == {"reason": "finished", "not_lifted": []}
    assert lifted(lines) == {"payment-errors": "schedule", "noop": "end of the run"}
    check_requests(folder, shop)
    assert (folder / "locust.html").stat().st_size > 100_000


def check_requests(folder: Path, shop: Any) -> None:
    """The independent count has each checkout that the shop saw, by its id, and Locust's tables agree."""
    rows = requests(folder / "requests.csv")
    shop.check_told(rows)
    with (folder / "locust_stats.csv").open() as file:
        stats = {row["Name"]: row for row in csv.DictReader(file)}
    seen = [row for row in rows if row["status"] != "0"]
    assert len(seen) == sum(int(stats[name]["Request Count"]) for name in ("/checkout", "/checkout (others)"))
    assert {row["status"] for row in seen} <= {"201", "402", "404"}
    assert {row["ok"] for row in seen} == {"1"}
    # The flood is one client, its 4xx are right answers, and the slow ones were there too.
    assert len([client for client in shop.strangers if client.startswith("visitor-")]) == 1
    assert stats["/checkout (others)"]["Failure Count"] == "0"
    assert stats["/carts (others)"]["Request Count"] == "2"


def journal(folder: Path) -> list[dict[str, Any]]:
    path = folder / "locust.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def lifted(lines: list[dict[str, Any]]) -> dict[str, str]:
    return {line["data"]["fault"]: line["data"]["by"] for line in lines if line["kind"] == "fault.lifted"}


def requests(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def wait_for(holds: Callable[[], bool], patience_s: float = 20) -> None:
    end = time.monotonic() + patience_s
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)
