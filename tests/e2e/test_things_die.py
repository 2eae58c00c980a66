"""What dies comes back, and what it was needed for goes on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import urllib3
from stack_under_test import Stack, environment, eventually, free_ports, project

pytestmark = pytest.mark.e2e


def status_of(url: str) -> int:
    try:
        return urllib3.request("GET", url, timeout=3, retries=False).status
    except urllib3.exceptions.HTTPError:
        return 0


def test_the_shop_answers_while_the_local_aws_is_dead_and_the_alarms_come_back_with_it(stack: Stack) -> None:
    before = stack.pid("aws")
    os.kill(before, signal.SIGKILL)
    for _ in range(20):
        assert status_of(stack.url("shop", "/items")) == 200
    eventually(lambda: status_of(stack.url("aws", "/_kit/health")) == 200, 30, "the local AWS is back")
    assert stack.pid("aws") != before
    alarms = eventually(
        lambda: stack.aws("cloudwatch").describe_alarms(AlarmTypes=["CompositeAlarm"])["CompositeAlarms"],
        30,
        "the alarms are there again",
    )
    assert "practice-shop-checkout-availability-page-fast" in {a["AlarmName"] for a in alarms}


def test_a_killed_shop_worker_is_replaced(stack: Stack) -> None:
    master = psutil.Process(stack.pid("shop"))
    workers = {w.pid for w in master.children()}
    assert len(workers) == 2
    os.kill(next(iter(workers)), signal.SIGKILL)
    eventually(lambda: len({w.pid for w in master.children()} - workers) == 1, 15, "a new worker")
    eventually(lambda: status_of(stack.url("shop", "/items")) == 200, 10, "the shop answers")


def test_a_second_start_is_one_line_with_the_remedy(stack: Stack) -> None:
    second = stack.kit("up")
    assert second.returncode == 1
    assert "already running here" in second.stderr
    assert "Ctrl-C" in second.stderr
    assert len(second.stderr.strip().splitlines()) == 1


def test_status_shows_every_program_and_the_memory_of_all(stack: Stack) -> None:
    status = eventually(lambda: s if (s := stack.status())["healthy"] else None, 30, "everything answers", every_s=2)
    assert {p["name"] for p in status["programs"]} == {
        *("aws", "canary", "console", "load", "payments", "payments-faults", "shop", "shop-faults"),
    }
    assert 100e6 < status["total_bytes"] < 600e6


def test_a_verb_in_another_terminal_finds_the_stack_on_the_ports_it_was_given(stack: Stack) -> None:
    stack.environ, given = {k: v for k, v in stack.environ.items() if not k.startswith("KIT_PORT_")}, stack.environ
    try:
        assert {p["url"] for p in stack.status()["programs"]} >= {stack.url("shop"), stack.url("console")}
        assert stack.kit("fault", "list").returncode == 0
    finally:
        stack.environ = given


def run_up(folder: Path, environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "kit", "up"],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_taken_port_is_one_line_and_nothing_is_started(stack: Stack, tmp_path: Path) -> None:
    environ = environment(free_ports()) | {"KIT_PORT_SHOP": str(stack.ports.shop)}
    refused = run_up(project(tmp_path), environ)
    assert refused.returncode == 1
    assert f"port {stack.ports.shop} (shop): taken" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    assert not (tmp_path / ".kit" / "supervisord.pid").exists()


@pytest.mark.parametrize("folder", ["alarms", "dashboards"])
def test_unreadable_json_is_one_line_and_nothing_is_started(tmp_path: Path, folder: str) -> None:
    (project(tmp_path) / folder).unlink()
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "broken.json").write_text('{"AlarmName": ')
    refused = run_up(tmp_path, environment(free_ports()))
    assert refused.returncode == 1
    assert f"{folder}/broken.json" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert not (tmp_path / ".kit" / "supervisord.pid").exists()
