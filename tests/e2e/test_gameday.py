"""payment-errors whole: from `kit gameday run` over the page to the postmortem, with everything taken back."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any

import psutil
import pytest
import urllib3
from stack_under_test import ROOT, Stack, eventually

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

NEEDED = ("slos", "service", "docs")
SHORT = """
name: short
summary: A tenth of charges fails.
hypothesis: It is taken back.
lesson: Whatever is killed.
load: {shape: steady, users: 40}
schedule:
  - {at: 3, fault: payment-errors, percent: 10}
  - {at: 300, end: true}
expect: [{alarm: shop-no-traffic, never: true}]
first_signal: {metric: Fault}
hints: []
answers: {where: payments, what: errors}
"""


PLAYERS_LOOK_AT = ("/", "/gameday", "/gameday/state", "/stats/requests", "/logs", "/exceptions")
MISHAP = """
name: mishap
summary: What can be done without is away.
hypothesis: Nobody is hurt.
lesson: Whatever is killed.
load: {shape: steady, users: 40}
schedule:
  - {at: 2, fault: recommender-down}
  - {at: 24, lift: recommender-down}
  - {at: 26, end: true}
expect: [{alarm: shop-no-traffic, never: true}]
first_signal: {metric: DependencyFault}
hints: []
answers: {where: recommender, what: errors}
"""


def kit(stack: Stack, *argv: str, within_s: float) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kit", *argv],
        cwd=stack.root,
        env=stack.environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=within_s,
    )


@pytest.fixture(scope="module")
def scenarios(stack: Stack) -> None:
    """The shipped ones, and two short ones, in the stack's project."""
    for name in NEEDED:
        if not (stack.root / name).exists():
            (stack.root / name).symlink_to(ROOT / name)
    copytree(ROOT / "gamedays", stack.root / "gamedays")
    (stack.root / "gamedays" / "short.yaml").write_text(SHORT)
    (stack.root / "gamedays" / "mishap.yaml").write_text(MISHAP)


@pytest.fixture(scope="module")
def played(stack: Stack, scenarios: None) -> dict[str, Any]:  # it is used by what runs
    """The report of one run, played once for all tests here."""
    done = kit(stack, "gameday", "run", "payment-errors", "--json", within_s=800)
    assert done.returncode == 0, done.stdout + done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def active(stack: Stack) -> list[Any]:
    listings = json.loads(stack.kit("fault", "list", "--json").stdout)
    return [fault for listing in listings.values() for fault in listing["active"]]


def state_of_locust(stack: Stack) -> dict[str, Any]:
    shown: dict[str, Any] = urllib3.request("GET", stack.url("locust", "/gameday/state")).json()
    return shown


def steady_users(stack: Stack) -> int:
    shown = state_of_locust(stack)
    return int(shown["target_users"]) if shown["state"] in ("running", "spawning") else 0


def folder_of(stack: Stack, played: dict[str, Any]) -> Path:
    return stack.root / ".kit" / "runs" / str(played["run"])


def test_the_page_comes_within_its_bound_and_nothing_else_pages(played: dict[str, Any]) -> None:
    assert played["outcome"] == "expected"
    fast = next(row for row in played["rows"] if row["alarm"].endswith("availability-page-fast"))
    assert 0 < fast["fired_after_s"] <= 133
    assert played["pages"] == 1


def test_everything_is_taken_back(stack: Stack, played: dict[str, Any]) -> None:
    assert played["rollback"]["left"] == []
    assert sorted(played["rollback"]["lifted"]) == ["payments", "shop"]
    assert not active(stack)
    eventually(lambda: steady_users(stack) == 40, 30, "the steady load is back")
    eventually(lambda: urllib3.request("GET", stack.url("shop", "/readyz")).status == 200, 10, "the shop is ready")


def test_the_journal_tells_the_story_in_its_order(stack: Stack, played: dict[str, Any]) -> None:
    lines = [json.loads(line) for line in (folder_of(stack, played) / "journal.jsonl").read_text().splitlines()]
    kinds = [line["kind"] for line in lines]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))
    story = ["run.started", "preflight.checked", "load.started", "fault.set", "page.sent", "fault.lifted", "rollback"]
    assert [kinds.index(kind) for kind in story] == sorted(kinds.index(kind) for kind in story)
    assert kinds[-1] == "run.ended"
    page = next(line for line in lines if line["kind"] == "page.sent")
    cause = lines[page["cause"] - 1]
    assert (cause["kind"], cause["data"]["alarm"]) == ("alarm.changed", page["data"]["alarm"])
    assert lines[cause["cause"] - 1]["kind"] == "fault.set"


def test_the_postmortem_is_written_and_agrees_with_locusts_own_count(stack: Stack, played: dict[str, Any]) -> None:
    done = kit(stack, "postmortem", str(played["run"]), within_s=120)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = folder_of(stack, played)
    made = {path.name for path in (folder / "postmortem").iterdir()}
    assert {"postmortem.md", "postmortem.html", "facts.json"} <= made
    with (folder / "requests.csv").open(encoding="utf-8") as file:
        failed = sum(int(row["status"]) >= 500 for row in csv.DictReader(file))
    agreement = json.loads((folder / "postmortem" / "facts.json").read_text())["agreement"]
    assert failed > 100
    assert agreement["theirs"] == failed
    assert agreement["agrees"]
    assert abs(agreement["ours"] - failed) <= max(3, failed / 100) + agreement["probes"]


@contextmanager
def ended(run: subprocess.Popen[str]) -> Iterator[subprocess.Popen[str]]:
    """A test that fails does not wait for the run's own end, nor leave it behind."""
    with run:
        try:
            yield run
        except BaseException:
            run.terminate()
            raise


@dataclass
class Blind:
    """A blind round without a load of its own, in which a worker of the shop and its fault control were killed."""

    code: int
    said: str
    logged: str
    processes: str
    page: str
    killed: dict[str, int]


@pytest.fixture(scope="module")
def blind(stack: Stack, scenarios: None) -> Blind:  # it is used by what runs
    argv = [sys.executable, "-m", "kit", "gameday", "run", "--no-load", "--blind"]
    logs = sorted((stack.root / ".kit" / "logs").glob("*.log"))
    before = {path: path.stat().st_size for path in logs}
    environ = stack.environ | {"KIT_SCENARIO": "mishap"}
    with ended(subprocess.Popen(argv, cwd=stack.root, env=environ, stdout=subprocess.PIPE, text=True)) as run:
        eventually(lambda: active(stack), 330, "the fault is set", every_s=1)
        assert steady_users(stack) == 40, "the traffic stays as it is"
        killed = {"control": stack.pid("shop-faults"), "worker": psutil.Process(stack.pid("shop")).children()[0].pid}
        family = [psutil.Process(stack.process.pid), psutil.Process(run.pid)]
        children = [child for one in family for child in one.children(recursive=True)]
        processes = "\n".join(" ".join(child.cmdline()) for child in (*family, *children))
        eventually(lambda: state_of_locust(stack)["blind"], 15, "Locust's page knows that the round is blind")
        page = "".join(urllib3.request("GET", stack.url("locust", path)).data.decode() for path in PLAYERS_LOOK_AT)
        for pid in killed.values():
            psutil.Process(pid).kill()
        said, _ = run.communicate(timeout=120)
    logged = "".join(path.read_bytes()[before[path] :].decode(errors="replace") for path in logs)
    return Blind(run.returncode, said, logged, processes, page, killed)


def test_a_killed_worker_or_fault_control_keeps_no_fault_alive_and_ends_no_run(stack: Stack, blind: Blind) -> None:
    assert blind.code == 0, blind.said
    assert "every fault is lifted in shop and payments" in blind.said
    assert not active(stack)
    assert stack.pid("shop-faults") != blind.killed["control"]
    workers = [child.pid for child in psutil.Process(stack.pid("shop")).children()]
    assert len(workers) == 2
    assert blind.killed["worker"] not in workers
    for method, path, status in (("GET", "/readyz", 200), ("GET", "/items", 200), ("POST", "/carts", 201)):
        assert urllib3.request(method, stack.url("shop", path), timeout=2).status == status


def test_a_blind_round_tells_players_nothing_of_what_is_broken(blind: Blind) -> None:
    assert "locustfile" in blind.processes
    assert "access" in blind.logged
    for told in (blind.said.partition("every fault is lifted")[0], blind.logged, blind.processes, blind.page):
        for secret in ("mishap", "recommender-down", "recommender_down", "What can be done without"):
            assert secret not in told


def test_ctrl_c_takes_everything_back_before_the_run_ends(stack: Stack, scenarios: None) -> None:
    argv = [sys.executable, "-m", "kit", "gameday", "run", "short"]
    with ended(subprocess.Popen(argv, cwd=stack.root, env=stack.environ, stdout=subprocess.DEVNULL, text=True)) as run:
        eventually(lambda: active(stack), 330, "the fault is set", every_s=1)
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 1
    assert not active(stack)
    assert steady_users(stack) == 40
    assert urllib3.request("GET", stack.url("shop", "/readyz")).status == 200


@pytest.mark.parametrize("victims", ["kit", "kit, guardian and locust"])
def test_a_run_killed_outright_leaves_nothing_broken(stack: Stack, played: dict[str, Any], victims: str) -> None:
    argv = [sys.executable, "-m", "kit", "gameday", "run", "short"]
    with ended(subprocess.Popen(argv, cwd=stack.root, env=stack.environ, stdout=subprocess.DEVNULL, text=True)) as run:
        eventually(lambda: active(stack), 330, "the fault is set", every_s=1)
        assert steady_users(stack) == 0
        family = psutil.Process(run.pid).children(recursive=True)
        for one in family if "guardian" in victims else []:
            one.kill()
        run.kill()
    eventually(lambda: not active(stack), 15, "the fault is over")
    if "guardian" in victims:
        assert stack.kit("gameday", "stop").returncode == 0
    eventually(lambda: steady_users(stack) == 40, 30, "the steady load is back")
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive
