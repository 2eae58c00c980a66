"""What keeps a game day from being played is told in one line with its remedy, and nothing is broken."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree

import pytest
import yaml

from kit.cli import main
from kit.gameday import runs

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-tests-only"


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        number: int = probe.getsockname()[1]
    return number


@pytest.fixture
def project(tmp_path: Path, port: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project whose stage names a shop elsewhere; its fault control would be at ``port``."""
    for folder in ("alarms", "dashboards", "gamedays", "loadtest"):
        copytree(ROOT / folder, tmp_path / folder)
    stage = yaml.safe_load((ROOT / "stages" / "local.yaml").read_text())
    stage |= {"shop_url": "http://127.0.0.1:1", "fault_urls": {"payments": f"http://127.0.0.1:{port}"}}
    (tmp_path / "stages").mkdir()
    (tmp_path / "stages" / "local.yaml").write_text(yaml.safe_dump(stage))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FAULTS_TOKEN", TOKEN)
    return tmp_path


@pytest.fixture
def control(tmp_path: Path, port: int) -> Iterator[None]:
    """The fault control of payments, with a token."""
    environ = {
        "PATH": os.environ["PATH"],
        "FAULTS_ENABLED": "1",
        "FAULTS_TOKEN": TOKEN,
        "FAULTS_BIND": f"127.0.0.1:{port}",
        "FAULTS_STATE": str(tmp_path / "payments.json"),
        "OTEL_SERVICE_NAME": "payments",
    }
    argv = [sys.executable, "-m", "service.failures.control"]
    with subprocess.Popen(argv, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("fault control of payments")
        yield
        process.terminate()


def refused(capsys: pytest.CaptureFixture[str], *argv: str) -> str:
    """The line with which `kit gameday run` ends at once."""
    assert main(["gameday", "run", *argv]) == 1
    told = capsys.readouterr().err
    assert told.count("\n") == 1, told
    assert told.startswith("kit: ")
    return told


def test_an_unknown_scenario(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "payment-error: no such scenario. Did you mean payment-errors" in refused(capsys, "payment-error")


@pytest.mark.parametrize(
    ("text", "told"),
    [("a: [", "gamedays/noop.yaml"), ("name: noop\nname: noop\n", "gamedays/noop.yaml"), ("", "gamedays/noop.yaml")],
)
def test_bad_yaml(project: Path, capsys: pytest.CaptureFixture[str], text: str, told: str) -> None:
    (project / "gamedays" / "noop.yaml").write_text(text)
    assert told in refused(capsys, "noop")


def test_a_service_without_faults_enabled(project: Path, capsys: pytest.CaptureFixture[str], port: int) -> None:
    told = refused(capsys, "payment-errors")
    assert f"payments's fault control http://127.0.0.1:{port}: no answer" in told
    assert "FAULTS_ENABLED=1" in told
    assert not runs.all_runs(project / ".kit")


@pytest.mark.usefixtures("control")
def test_a_wrong_token(project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAULTS_TOKEN", "another-token-than-that")
    told = refused(capsys, "payment-errors")
    assert "the token is not accepted. Set FAULTS_TOKEN to the one it was started with." in told
    assert "another-token" not in told


@pytest.mark.usefixtures("control")
def test_a_fault_that_no_service_knows(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "no service knows the fault cpu-hog. Known are noop, payment-blackhole" in refused(capsys, "cpu-hog")


def test_a_run_that_goes_on_already(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with runs.only_one(project / ".kit"):
        runs.note_holder(project / ".kit", run="20261122T100400Z-blind")
        told = refused(capsys, "noop")
    assert f"a run is going on already: 20261122T100400Z-blind (process {os.getpid()})" in told
    assert "kit gameday stop" in told


def test_a_stage_that_refuses(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = project / "stages" / "local.yaml"
    path.write_text(path.read_text().replace("faults: allowed", "faults: refused"))
    assert "stages/local.yaml: faults: this stage refuses them" in refused(capsys, "noop")
