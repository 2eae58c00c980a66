"""Both apps as they really run: gunicorn's processes, real sockets, and an AWS that is dead or hangs."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-tests-only"


@dataclass
class App:
    url: str
    popen: subprocess.Popen[str]
    log: Path

    def ask(self, method: str, path: str, body: object = None, retries: Any = False) -> urllib3.BaseHTTPResponse:
        # An idle connection would make gunicorn linger when it is told to end.
        headers = {"Connection": "close"}
        return urllib3.request(method, self.url + path, json=body, headers=headers, retries=retries, timeout=10)

    def checkout(self) -> urllib3.BaseHTTPResponse:
        cart_id = self.ask("POST", "/carts").json()["cart_id"]
        assert self.ask("POST", f"/carts/{cart_id}/lines", {"item_id": "tamper"}).status == 201
        return self.ask("POST", "/checkout", {"cart_id": cart_id, "card_token": "tok_visa"})


@dataclass
class Pair:
    shop: App
    payments: App
    state: Path


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def ready(url: str) -> bool:
    try:
        headers = {"Connection": "close"}
        return urllib3.request("GET", f"{url}/readyz", headers=headers, retries=False, timeout=2).status == 200
    except urllib3.exceptions.HTTPError:
        return False


def launch(service: str, folder: Path, **environ: str) -> App:
    """Start gunicorn with one of the apps on a free port; it need not be ready yet."""
    port = free_port()
    log = folder / f"{service}.log"
    with log.open("w") as out:
        popen = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn_conf", f"service.{service}.wsgi:app"],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "PORT": str(port),
                "DATABASE_URL": f"sqlite:///{folder}/{service}.db",
                "OTEL_SERVICE_NAME": service,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
                "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{free_port()}",
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "TELEMETRY_CLOSE_SECONDS": "1",
                "TELEMETRY_SPILL_DIR": str(folder),
                **environ,
            },
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )
    return App(f"http://127.0.0.1:{port}", popen, log)


def until_ready(*apps: App) -> None:
    deadline = time.monotonic() + 30
    for app in apps:
        while not ready(app.url):
            assert app.popen.poll() is None, app.log.read_text()
            assert time.monotonic() < deadline, app.log.read_text()
            time.sleep(0.05)


def end(*apps: App) -> list[int]:
    for app in apps:
        app.popen.terminate()
    return [app.popen.wait(20) for app in apps]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Both services, for the tests that leave them whole; payments obeys a fault control."""
    folder = tmp_path_factory.mktemp("pair")
    state = folder / "state.json"
    payments = launch("payments", folder, FAULTS_ENABLED="1", FAULTS_STATE=str(state))
    shop = launch("shop", folder, PAYMENTS_URL=payments.url)
    until_ready(payments, shop)
    yield Pair(shop, payments, state)
    end(shop, payments)


def both_workers(app: App, other_than: set[int]) -> set[int]:
    """The process ids of the two workers, once they are two and not those."""
    children = Path(f"/proc/{app.popen.pid}/task/{app.popen.pid}/children")
    deadline = time.monotonic() + 10
    found: set[int] = set()
    while (len(found) != 2 or found == other_than) and time.monotonic() < deadline:
        time.sleep(0.05)
        found = {int(pid) for pid in children.read_text(encoding="ascii").split()}
    assert len(found) == 2
    assert found != other_than
    return found


def test_a_checkout_goes_through_both_services_and_both_end_cleanly(tmp_path: Path) -> None:
    payments = launch("payments", tmp_path)
    shop = launch("shop", tmp_path, PAYMENTS_URL=payments.url)
    until_ready(payments, shop)
    assert shop.checkout().status == 201
    assert end(payments) == [0]
    refused = shop.checkout()
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert shop.ask("GET", "/items").status == 200
    assert end(shop) == [0]
    assert "Traceback" not in payments.log.read_text() + shop.log.read_text()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="a process's children are read from /proc")
def test_a_worker_that_is_killed_is_replaced_and_the_shop_answers_on(pair: Pair) -> None:
    before = both_workers(pair.shop, other_than=set())
    os.kill(next(iter(before)), signal.SIGKILL)
    for _ in range(20):
        assert pair.shop.ask("GET", "/items", retries=urllib3.Retry(3, backoff_factor=0.1)).status == 200
    both_workers(pair.shop, other_than=before)
    assert ready(pair.shop.url)


def test_the_shop_starts_and_serves_while_aws_accepts_and_never_answers(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        shop = launch("shop", tmp_path, AWS_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
        until_ready(shop)
        began = time.monotonic()
        for _ in range(10):
            assert shop.ask("GET", "/items").status == 200
        assert time.monotonic() - began < 5
        assert end(shop) == [0]


def test_a_fault_is_obeyed_within_a_second_lifted_as_quickly_and_ended_by_the_workers_themselves(pair: Pair) -> None:
    port = free_port()
    control = subprocess.Popen(
        [sys.executable, "-m", "service.failures.control"],
        cwd=ROOT,
        env={
            "FAULTS_ENABLED": "1",
            "FAULTS_STATE": str(pair.state),
            "FAULTS_TOKEN": TOKEN,
            "FAULTS_BIND": f"127.0.0.1:{port}",
            "OTEL_SERVICE_NAME": "payments",
        },
        stdout=subprocess.PIPE,
        text=True,
    )

    def ask(method: str, path: str, **more: Any) -> int:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"http://127.0.0.1:{port}/v1{path}"
        return urllib3.request(method, url, headers=headers, retries=False, timeout=5, **more).status

    try:
        assert control.stdout is not None
        assert control.stdout.readline().startswith("fault control of payments")
        assert ask("PUT", "/faults/payment-errors", json={"percent": 100}) == 200
        time.sleep(1)
        assert {pair.shop.checkout().status for _ in range(6)} == {503}
        assert ask("DELETE", "/faults") == 204
        time.sleep(1)
        assert {pair.shop.checkout().status for _ in range(6)} == {201}
        # When the control dies there are no more heartbeats, and no process is left but the workers to end the fault.
        assert ask("PUT", "/faults/payment-errors", json={"run": "r1"}) == 200
        assert ask("POST", "/heartbeat", json={"run": "r1", "ttl_s": 2}) == 200
        control.kill()
        time.sleep(0.5)
        assert pair.shop.checkout().status == 503
        time.sleep(2)
        assert pair.shop.checkout().status == 201
    finally:
        control.kill()
        control.communicate()


def test_an_oversized_body_is_refused_and_the_connection_goes_on(pair: Pair) -> None:
    headers = {"Content-Type": "application/json"}
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        for body in (b"x" * 40_000, iter([b"x" * 10_000] * 4)):
            answer = pool.request("POST", f"{pair.shop.url}/checkout", body=body, headers=headers)
            assert (answer.status, answer.headers["Content-Type"]) == (413, "application/problem+json")
            assert pool.request("GET", f"{pair.shop.url}/items").status == 200


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("DATABASE_URL", "postgresql+nodriver://u:p@h/d"),
        ("TELEMETRY_CLOSE_SECONDS", "soon"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line(tmp_path: Path, name: str, value: str) -> None:
    app = launch("shop", tmp_path, **{name: value})
    assert app.popen.wait(20) == 1
    lines = [line for line in app.log.read_text().splitlines() if not re.match(r"\[[-\d: +]+\] \[\d+\] \[INFO\]", line)]
    assert len(lines) == 1
    assert lines[0].startswith(name)
