"""`kit up --stage sandbox`: the shop here, its telemetry in the account; a second embedded AWS poses as the account."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml

from kit.cli import main
from kit.errors import KitError
from kit.settings import Ports, load
from kit.stack.account import account_environ, require_may_run
from kit.stack.ports import require_free
from kit.stack.processes import processes

ROOT = Path(__file__).parents[2]
KEYS = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
SHOP_GROUP = "/shop/sandbox/shop/emf"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a sandbox stage, its service and load generator those of this one."""
    for folder in ("alarms", "dashboards", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for folder in ("service", "loadtest"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    return tmp_path


@pytest.fixture
def sandbox(project: Path) -> Callable[..., Path]:
    """Fill in stages/sandbox.yaml from its example, some keys otherwise."""

    def write(**otherwise: Any) -> Path:
        text = (project / "stages" / "sandbox.yaml.example").read_text(encoding="utf-8")
        stage = yaml.safe_load(text.replace("111122223333", "123456789012"))
        (project / "stages" / "sandbox.yaml").write_text(yaml.safe_dump({**stage, **otherwise}), encoding="utf-8")
        return project

    return write


@pytest.fixture
def account() -> Iterator[str]:
    """The address of an embedded AWS that poses as the account."""
    argv = (sys.executable, "-m", "kit", "emulate", "--port", "0", "--xray-port", "0", "--ephemeral")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "KIT_"))}
    with subprocess.Popen(argv, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://[\d.:]+\d", process.stdout.readline())
        assert found, "the embedded AWS did not announce itself"
        yield found.group()
        process.terminate()
        process.wait(10)


def free_ports() -> dict[str, str]:
    sockets = [socket.socket() for _ in fields(Ports)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    numbers = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return {f"KIT_PORT_{key.upper()}": str(value) for key, value in asdict(Ports(*numbers)).items()}


@pytest.mark.e2e
def test_the_shops_telemetry_arrives_in_the_account_and_nothing_else_is_written(
    sandbox: Callable[..., Path], account: str
) -> None:
    project = sandbox(endpoint_url=account)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "KIT_"))} | free_ports()
    environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_CONFIG_FILE": os.devnull}
    environ["PYTHONPATH"] = str(ROOT)
    argv = (sys.executable, "-m", "kit", "up", "--stage", "sandbox")
    with (project / "up.out").open("w") as out:
        up = subprocess.Popen(argv, cwd=project, env=environ, stdout=out, stderr=subprocess.STDOUT)

    def said() -> str:
        return (project / "up.out").read_text(encoding="utf-8")

    client: Any = partial(boto3.client, region_name="us-east-1", endpoint_url=account, **KEYS)
    try:
        logs = client("logs")
        assert _within(60, lambda: logs.describe_log_groups(logGroupNamePrefix=SHOP_GROUP)["logGroups"]), said()
        assert _within(60, lambda: "kit apply --stage sandbox" in said()), said()
        cloudwatch = client("cloudwatch")
        assert _within(30, lambda: _requests(cloudwatch)), said()
        xray = client("xray")
        assert _within(30, lambda: _traces(xray)), said()
        assert cloudwatch.describe_alarms()["MetricAlarms"] == []
        assert "local AWS" not in said()
    finally:
        up.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            up.wait(40)
        up.kill()
    assert up.returncode == 0, said()


@pytest.mark.parametrize(
    ("otherwise", "problem"),
    [
        ({"protected": True}, "protected"),
        ({"environment": "production"}, "would count as the real one"),
    ],
)
def test_a_stage_whose_figures_matter_is_refused(
    sandbox: Callable[..., Path], otherwise: dict[str, Any], problem: str
) -> None:
    settings = load({}, sandbox(**otherwise), stage="sandbox")
    with pytest.raises(KitError, match=problem):
        require_may_run(settings)


@pytest.mark.parametrize(
    ("otherwise", "argv", "problem"),
    [
        ({"account": "999999999999"}, (), "the credentials belong to 123456789012"),
        ({}, ("--fresh",), "empties the local AWS"),
        ({"region": "eu-west-1"}, (), "the topic"),
    ],
    ids=["another-account", "fresh", "topics-of-another-region"],
)
def test_nothing_is_started_on_the_wrong_account(
    sandbox: Callable[..., Path],
    account: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    otherwise: dict[str, Any],
    argv: tuple[str, ...],
    problem: str,
) -> None:
    project = sandbox(endpoint_url=account, **otherwise)
    monkeypatch.chdir(project)
    for name in [name for name in os.environ if name.startswith(("AWS_", "KIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    assert main(["up", "--stage", "sandbox", *argv]) == 1
    assert problem in capsys.readouterr().err
    assert not (project / ".kit" / "ports.json").exists()


def test_without_leave_for_faults_there_is_no_fault_control(sandbox: Callable[..., Path]) -> None:
    settings = load({}, sandbox(faults="refused"), stage="sandbox")
    programs = {one.name: one for one in processes(settings, "s3cret")}
    assert not {"aws", "shop-faults", "payments-faults"} & programs.keys()
    assert "FAULTS_ENABLED" not in programs["shop"].environ
    assert programs["console"].argv[-2:] == ("--stage", "sandbox")


def test_the_processes_get_the_callers_credentials_and_the_stages_region(sandbox: Callable[..., Path]) -> None:
    shell = {"AWS_PROFILE": "mine", "AWS_ENDPOINT_URL": "http://127.0.0.1:1", "OTEL_SERVICE_NAME": "x", "PATH": "/bin"}
    settings = load({"AWS_PROFILE": "mine"}, sandbox(), stage="sandbox")
    environ = account_environ(settings, shell)
    assert environ["AWS_PROFILE"] == "mine"
    assert environ["AWS_REGION"] == "us-east-1"
    assert environ["AWS_XRAY_DAEMON_ADDRESS"] == "127.0.0.1:2000"
    assert environ.keys().isdisjoint({"AWS_ENDPOINT_URL", "OTEL_SERVICE_NAME"})


def test_the_ports_of_a_local_aws_need_not_be_free() -> None:
    ports = Ports(*(int(number) for number in free_ports().values()))
    with socket.socket() as daemon:
        daemon.bind(("127.0.0.1", ports.xray))
        daemon.listen()
        require_free(ports, ("aws", "xray"))


def _traces(xray: Any) -> list[Any]:
    now = time.time()
    found: list[Any] = xray.get_trace_summaries(StartTime=now - 300, EndTime=now)["TraceSummaries"]
    return found


def _requests(cloudwatch: Any) -> list[Any]:
    found: list[Any] = cloudwatch.list_metrics(Namespace="Shop", MetricName="Requests")["Metrics"]
    return [one for one in found if {"Name": "Environment", "Value": "sandbox"} in one["Dimensions"]]


def _within(seconds: float, look: Callable[[], Any]) -> bool:
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.3)
    return True
