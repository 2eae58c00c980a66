"""The console as a process that is killed amid pages, and the verbs beside it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import urllib3

from kit.cli import main
from kit.emulator.server import Emulator
from kit.incidents import Inbox
from kit.settings import load
from tests.incidents.conftest import ROOT, page

Eventually = Callable[[Callable[[], Any]], Any]


def free_port() -> int:
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, emulator: Emulator) -> Path:
    """A project folder of its own, on the running emulator, which has no past."""
    emulator.reset()
    for name in ("alarms", "dashboards", "stages"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{emulator.port}")
    monkeypatch.setenv("KIT_PORT_CONSOLE", str(free_port()))
    return tmp_path


class Console:
    """``kit console`` as a process."""

    def __init__(self, project: Path) -> None:
        self.port = int(os.environ["KIT_PORT_CONSOLE"])
        self._project = project
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kit", "console"],
            cwd=self._project,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        deadline = time.monotonic() + 30
        while True:
            try:
                urllib3.request("GET", f"http://127.0.0.1:{self.port}/healthz", retries=False, timeout=2)
                return
            except urllib3.exceptions.HTTPError:
                assert time.monotonic() < deadline
                time.sleep(0.1)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def console(project: Path) -> Iterator[Console]:
    made = Console(project)
    yield made
    made.kill()


def test_pages_around_a_kill_are_all_there_and_once(
    project: Path, console: Console, emulator: Emulator, eventually: Eventually, capsys: pytest.CaptureFixture[str]
) -> None:
    """What a killed console had not answered SNS sends again; what came in the meantime stands in the history."""
    untyped: Any = boto3
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    url = f"http://127.0.0.1:{emulator.port}"
    cloudwatch, sns = (untyped.client(name, endpoint_url=url, **keys) for name in ("cloudwatch", "sns"))
    for name in ("page", "ticket"):
        sns.create_topic(Name=name)
    assert main(["page", "subscribe"]) == 0
    assert main(["page", "subscribe"]) == 0
    assert capsys.readouterr().out.splitlines() == ["The inbox is subscribed.", "The inbox was subscribed already."]
    names = [f"shop-{number}-{uuid.uuid4()}" for number in range(12)]
    for number, name in enumerate(names):
        topic = load({}, ROOT).stage.actions["page"]
        cloudwatch.put_metric_alarm(
            AlarmName=name, AlarmActions=[topic], Namespace="n", MetricName="m", Statistic="Sum", Period=3600,
            EvaluationPeriods=1, Threshold=1, ComparisonOperator="GreaterThanThreshold",
        )  # fmt: skip
        cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="tried")
        if number == 5:
            console.kill()
    console.start()
    inbox = Inbox(project / ".kit" / "incidents", "local")

    def together() -> bool:
        assert main(["page", "list", "--json"]) == 2
        return sum(each.pages for each in inbox.incidents(time.time())) >= len(names)

    eventually(together)
    (found,) = inbox.incidents(time.time())
    assert found.pages == len(names), "none is lost, and none is counted twice"
    assert set(found.alarms) == set(names)


def test_the_verbs_tell_and_change_what_is_there(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def kit(*argv: str) -> tuple[int, str, str]:
        code = main(["page", *argv])
        told = capsys.readouterr()
        return code, told.out, told.err

    assert kit("list")[:2] == (0, "Nothing is open.\n")
    inbox = Inbox(project / ".kit" / "incidents", "local")
    told = page("shop-[red]hot", time.time() - 40 - 1_800_000_000)
    inbox.receive(told)
    code, out, _ = kit("list")
    assert code == 2
    assert "shop-[red]hot" in out
    assert "open" in out
    code, out, _ = kit("ack", "1", "--as", "Ada")
    assert code == 0
    assert out.startswith("Incident 1 is acknowledged by Ada, 4")
    assert kit("note", "1", "it is\x1b[31m the till", "--as", "Ada")[1] == "Incident 1: noted.\n"
    assert kit("list")[0] == 0
    assert kit("resolve", "1", "--note", "over")[1] == "Incident 1 is resolved.\n"
    assert kit("list")[1] == "Nothing is open.\n"
    (found,) = json.loads(kit("list", "--all", "--json")[1])
    assert found["time_to_acknowledge_s"] == pytest.approx(40, abs=10)
    assert [(entry["kind"], entry["text"]) for entry in found["timeline"]][1:] == [
        ("ack", ""),
        ("note", "it is[31m the till"),
        ("resolve", "over"),
    ]
    assert found["timeline"][3]["actor"] != ""
    assert kit("ack", "1")[0] == 1
    assert "resolved already" in kit("ack", "1")[2]
    assert "none of this number" in kit("ack", "7")[2]
    assert "is empty" in kit("note", "1", " ")[2]


def test_without_an_endpoint_what_came_in_is_listed_and_one_line_says_so(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    Inbox(project / ".kit" / "incidents", "local").receive(page(at=time.time() - 1_800_000_000))
    assert main(["page", "list"]) == 2
    told = capsys.readouterr()
    assert "no answer" in told.err
    assert "shop-checkout-availability-page-fast" in told.out


def test_nothing_is_subscribed_where_nobody_listens(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("kit.cli.page.CONFIRMED_WITHIN_S", 0.3)
    assert main(["page", "subscribe", "--url", "http://127.0.0.1:9"]) == 1
    assert main(["page", "subscribe", "--url", "ftp://x"]) == 1
    told = capsys.readouterr().err
    assert "did not confirm" in told or "NotFound" in told
    assert "not an http(s) address" in told
