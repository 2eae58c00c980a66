"""The control as a process: how it starts, what it weighs, and that `kit fault` speaks to it."""

from __future__ import annotations

import contextlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import pytest
import urllib3

from kit.cli import fault, main

TOKEN = "a-token-for-tests-only"
ROOT = Path(__file__).parents[2]
Start = Callable[..., Any]


def ask(method: str, url: str, **more: Any) -> urllib3.BaseHTTPResponse:
    return urllib3.request(method, url, headers={"Authorization": f"Bearer {TOKEN}"}, retries=False, timeout=5, **more)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FAULTS_ENABLED", "0"),
        ("FAULTS_ENABLED", "true"),
        ("FAULTS_TOKEN", ""),
        ("FAULTS_TOKEN", "short"),
        ("FAULTS_BIND", "8090"),
        ("FAULTS_BIND", "127.0.0.1:0"),
        ("FAULTS_STATE", ""),
        ("OTEL_SERVICE_NAME", "somebody-else"),
    ],
)
def test_it_does_not_start_with_a_bad_setting_and_says_why(start_control: Start, name: str, value: str) -> None:
    popen = start_control(**{name: value}).popen
    out, err = popen.communicate(timeout=10)
    assert popen.returncode == 1
    assert out == ""
    assert re.fullmatch(rf"{name}: [^\n]+\n", err)


def test_a_taken_port_is_one_clear_line(start_control: Start) -> None:
    first = start_control()
    second = start_control(FAULTS_BIND=urlsplit(first.url).netloc).popen
    assert second.communicate(timeout=10)[1].startswith("FAULTS_BIND: ")
    assert second.returncode == 1


def test_a_killed_control_leaves_what_was_set_and_the_next_one_can_lift_it(start_control: Start) -> None:
    first = start_control()
    assert ask("PUT", f"{first.url}/v1/faults/payment-errors", json={"percent": 50}).status == 200
    first.popen.kill()
    second = start_control()
    listing = ask("GET", f"{second.url}/v1/faults").json()
    assert [entry["name"] for entry in listing["active"]] == ["payment-errors"]
    assert ask("DELETE", f"{second.url}/v1/faults").status == 204
    assert ask("GET", f"{second.url}/v1/faults").json()["active"] == []


def test_it_ends_cleanly_when_told_to(start_control: Start) -> None:
    popen = start_control().popen
    popen.terminate()
    _, err = popen.communicate(timeout=10)
    assert (popen.returncode, err) == (0, "")


def await_closed(port: int) -> None:
    """Until nobody new is let in."""
    deadline = time.monotonic() + 5
    with contextlib.suppress(ConnectionError):
        while time.monotonic() < deadline:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_whoever_is_asking_when_it_is_told_to_end_is_answered(start_control: Start, number: signal.Signals) -> None:
    control = start_control()
    port = urlsplit(control.url).port
    assert port is not None
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        client.sendall(f"GET /v1/faults HTTP/1.1\r\nAuthorization: Bearer {TOKEN}\r\n".encode())
        control.popen.send_signal(number)
        await_closed(port)
        client.sendall(b"\r\n")
        answer = b"".join(iter(lambda: client.recv(65_536), b""))
    assert answer.startswith(b"HTTP/1.1 200 ")
    _, err = control.popen.communicate(timeout=10)
    assert (control.popen.returncode, err) == (0, "")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
def test_it_weighs_less_than_20_megabytes(start_control: Start) -> None:
    process = start_control()
    for _ in range(20):
        ask("PUT", f"{process.url}/v1/faults/payment-errors", json={"percent": 50})
    status = Path(f"/proc/{process.popen.pid}/status").read_text(encoding="utf-8")
    match = re.search(r"VmRSS:\s+(\d+) kB", status)
    assert match is not None
    assert int(match[1]) < 20_000


def test_an_app_without_faults_enabled_never_loads_their_code(tmp_path: Path) -> None:
    program = (
        "import sys; from service.payments.app import create_app; from service.settings import read_payments\n"
        "import os; create_app(read_payments(os.environ))\n"
        "print(sorted(m for m in sys.modules if m.startswith('service.failures')))"
    )
    environ = {"DATABASE_URL": f"sqlite:///{tmp_path}/p.db", "AWS_REGION": "us-east-1", "OTEL_SERVICE_NAME": "payments"}
    without = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environ, capture_output=True, text=True, check=True, timeout=60
    )
    assert without.stdout.strip() == "[]"
    enabled = environ | {"FAULTS_ENABLED": "1", "FAULTS_STATE": str(tmp_path / "s.json")}
    having = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=enabled, capture_output=True, text=True, check=True, timeout=60
    )
    assert "service.failures.faults.payment_errors" in having.stdout


@pytest.fixture
def stack(controls: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Both controls, with nothing set, where `kit` looks for them."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("FAULTS_TOKEN", TOKEN)
    for service, control in controls.items():
        monkeypatch.setenv(f"KIT_PORT_{service.upper()}_FAULTS", control.url.rpartition(":")[2])
        assert ask("DELETE", f"{control.url}/v1/faults").status == 204
    return controls


def test_kit_sets_lists_and_lifts_a_fault_where_it_is_known(stack: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fault", "set", "payment-errors", "--percent", "30", "--operation", "POST /charges"]) == 0
    assert (
        capsys.readouterr().out == "payment-errors is set in payments: 30 %, operation POST /charges, ends in 600 s.\n"
    )
    assert ask("GET", f"{stack['shop'].url}/v1/faults").json()["active"] == []
    assert main(["fault", "list"]) == 0
    assert "30 %, operation POST /charges" in capsys.readouterr().out
    assert main(["fault", "lift", "payment-errors"]) == 0
    assert ask("GET", f"{stack['payments'].url}/v1/faults").json()["active"] == []


def test_kit_turns_every_dial(stack: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fault", "set", "memory-leak", "--mb", "20", "--ms", "60000"]) == 0
    assert capsys.readouterr().out == "memory-leak is set in shop: 60000 ms, 20 MiB, ends in 600 s.\n"
    assert main(["fault", "set", "canary-bug", "--n", "20", "--percent", "5"]) == 0
    assert "5 %, n = 20, ends" in capsys.readouterr().out
    assert main(["fault", "set", "memory-leak", "--mb", "600"]) == 1
    assert "mb goes from 1 to 512" in capsys.readouterr().err


def test_the_shell_completes_the_names_of_faults(stack: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    argument = next(p for p in fault.command.commands["set"].params if p.name == "name")
    context = click.Context(fault.command.commands["set"])
    assert [item.value for item in argument.shell_complete(context, "payment-e")] == ["payment-errors"]
    assert {"noop", "db-lock"} <= {item.value for item in argument.shell_complete(context, "")}
    monkeypatch.setenv("KIT_PORT_SHOP_FAULTS", "1")
    assert argument.shell_complete(context, "") == []


def test_kit_lifts_everything_everywhere(stack: Any) -> None:
    assert main(["fault", "set", "noop"]) == 0
    assert main(["fault", "set", "payment-errors"]) == 0
    assert main(["fault", "lift", "--all"]) == 0
    for control in stack.values():
        assert ask("GET", f"{control.url}/v1/faults").json()["active"] == []


def test_kit_lifts_what_it_can_reach_and_then_complains(
    stack: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["fault", "set", "payment-errors"])
    monkeypatch.setenv("KIT_PORT_SHOP_FAULTS", "1")
    assert main(["fault", "lift", "--all"]) == 1
    assert "shop's fault control" in capsys.readouterr().err
    assert ask("GET", f"{stack['payments'].url}/v1/faults").json()["active"] == []


@pytest.mark.parametrize(
    ("argv", "environ", "said"),
    [
        (["set", "unheard-of"], {}, "no service knows this fault"),
        (["set", "payment-errors", "--ms", "5"], {}, "has no dial ms"),
        (["list"], {"FAULTS_TOKEN": "wrong-but-long-enough"}, "token is not accepted"),
        (["list"], {"FAULTS_TOKEN": "ü"}, "not a token"),
        (["list"], {"KIT_PORT_SHOP_FAULTS": "1"}, "no answer"),
        (["lift"], {}, "--all"),
        (["lift", "noop", "--all"], {}, "--all"),
    ],
)
def test_kit_complains_in_one_line(
    stack: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    argv: list[str],
    environ: dict[str, str],
    said: str,
) -> None:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    assert main(["fault", *argv]) == 1
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_kit_refuses_where_the_stage_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    (tmp_path / "stages").mkdir()
    example = (ROOT / "stages" / "production.yaml.example").read_text(encoding="utf-8")
    (tmp_path / "stages" / "production.yaml").write_text(example, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["fault", "set", "noop", "--stage", "production"]) == 1
    assert "this stage refuses them" in capsys.readouterr().err


def test_kit_without_a_running_stack_says_how_to_start_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    (tmp_path / "stages").mkdir()
    local = (ROOT / "stages" / "local.yaml").read_text(encoding="utf-8")
    (tmp_path / "stages" / "local.yaml").write_text(local, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FAULTS_TOKEN", raising=False)
    assert main(["fault", "list"]) == 1
    assert "make up" in capsys.readouterr().err
