"""A clock that is set by hand, the fault control as a WSGI app and as a process, and the services that it strikes."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
from werkzeug.test import Client, TestResponse

from service import skeleton
from service.failures import holding
from service.failures import state as state_file
from service.failures.api import Api
from service.failures.registry import known

from .shop_and_payments import Pair, RememberingTelemetry, running

TOKEN = "a-token-for-tests-only"
ROOT = Path(__file__).parents[2]


@dataclass
class HandClock:
    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Control:
    """The API of payments' faults, asked as the right person."""

    client: Client
    path: Path

    def ask(self, method: str, path: str, json: object = None, token: str | None = TOKEN, **more: Any) -> TestResponse:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        sent: dict[str, Any] = {} if json is None else {"json": json}
        return self.client.open(path, method=method, headers=headers, **sent, **more)

    def set(self, name: str = "payment-errors", **body: Any) -> TestResponse:
        answer = self.ask("PUT", f"/v1/faults/{name}", body)
        assert answer.status_code == 200, answer.text
        return answer

    def active(self) -> list[str]:
        return [entry["name"] for entry in self.ask("GET", "/v1/faults").json["active"]]  # type: ignore[index]  # JSON


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "faults" / "payments.json"


@pytest.fixture
def control(clock: HandClock, state: Path) -> Control:
    return Control(Client(Api("payments", known("payments"), state, TOKEN, clock)), state)


@pytest.fixture
def shop_control(clock: HandClock, tmp_path: Path) -> Control:
    path = tmp_path / "faults" / "shop.json"
    return Control(Client(Api("shop", known("shop"), path, TOKEN, clock)), path)


@dataclass
class Process:
    url: str
    popen: subprocess.Popen[str]


def launch(folder: Path, service: str = "payments", **environ: str) -> Process:
    """Start the real control process of a service on a free port; it need not have come up."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    popen = subprocess.Popen(
        [sys.executable, "-m", "service.failures.control"],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "FAULTS_ENABLED": "1",
            "FAULTS_TOKEN": TOKEN,
            "FAULTS_BIND": f"127.0.0.1:{port}",
            "FAULTS_STATE": str(folder / f"{service}.json"),
            "OTEL_SERVICE_NAME": service,
            **environ,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    url = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + 20
    while popen.poll() is None and time.monotonic() < deadline:
        try:
            urllib3.request("GET", f"{url}/v1/faults", retries=False, timeout=2)
            break
        except urllib3.exceptions.HTTPError:
            time.sleep(0.02)
    return Process(url, popen)


def end(*processes: Process) -> None:
    for process in processes:
        process.popen.terminate()
    for process in processes:
        process.popen.communicate(timeout=10)


@pytest.fixture
def start_control(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    started: list[Process] = []

    def start(service: str = "payments", **environ: str) -> Process:
        started.append(launch(tmp_path, service, **environ))
        return started[-1]

    yield start
    end(*started)


@pytest.fixture(scope="module")
def controls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Process]]:
    """The controls of both services, for the tests that leave them running."""
    folder = tmp_path_factory.mktemp("controls")
    started = {service: launch(folder, service) for service in ("shop", "payments")}
    yield started
    end(*started.values())


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> RememberingTelemetry:
    remembering = RememberingTelemetry()
    monkeypatch.setattr(skeleton, "instrument", lambda *_, **__: remembering)
    monkeypatch.setattr(state_file, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(holding, "STEP_S", 0.02)
    return remembering


@pytest.fixture
def make_pair(tmp_path: Path, telemetry: RememberingTelemetry) -> Callable[..., Any]:
    return lambda **settings: running(tmp_path, telemetry, **settings)


@pytest.fixture
def pair(make_pair: Any) -> Iterator[Pair]:
    with make_pair() as made:
        yield made
