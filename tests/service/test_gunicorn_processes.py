"""Both apps as they really run: gunicorn's processes, real sockets, and an AWS that is dead or hangs."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
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

    def post(self, path: str, body: object = None) -> urllib3.BaseHTTPResponse:
        return urllib3.request("POST", self.url + path, json=body, retries=False, timeout=10)

    def checkout(self) -> urllib3.BaseHTTPResponse:
        cart_id = self.post("/carts").json()["cart_id"]
        assert self.post(f"/carts/{cart_id}/lines", {"item_id": "tamper"}).status == 201
        return self.post("/checkout", {"cart_id": cart_id, "card_token": "tok_visa"})


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def ready(url: str) -> bool:
    try:
        return urllib3.request("GET", f"{url}/readyz", retries=False, timeout=2).status == 200
    except urllib3.exceptions.HTTPError:
        return False


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., App]]:
    """Start gunicorn with one of the apps on a free port."""
    apps: list[App] = []

    def start(service: str, **environ: str) -> App:
        port = free_port()
        log = tmp_path / f"{service}.log"
        with log.open("w") as out:
            popen = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn_conf", f"service.{service}.wsgi:app"],
                cwd=ROOT,
                env={
                    "PATH": os.environ["PATH"],
                    "PORT": str(port),
                    "DATABASE_URL": f"sqlite:///{tmp_path}/{service}.db",
                    "OTEL_SERVICE_NAME": service,
                    "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}",
                    "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{free_port()}",
                    "AWS_ACCESS_KEY_ID": "test",
                    "AWS_SECRET_ACCESS_KEY": "test",
                    "TELEMETRY_CLOSE_SECONDS": "1",
                    **environ,
                },
                stdout=out,
                stderr=subprocess.STDOUT,
                text=True,
            )
        app = App(f"http://127.0.0.1:{port}", popen, log)
        apps.append(app)
        deadline = time.monotonic() + 30
        while popen.poll() is None and not ready(app.url) and time.monotonic() < deadline:
            time.sleep(0.05)
        return app

    yield start
    for app in apps:
        app.popen.terminate()
    for app in apps:
        app.popen.wait(20)


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


def test_a_checkout_goes_through_both_services_and_both_end_cleanly(start: Any) -> None:
    payments = start("payments")
    shop = start("shop", PAYMENTS_URL=payments.url)
    assert shop.checkout().status == 201
    payments.popen.terminate()
    payments.popen.wait(20)
    refused = shop.checkout()
    assert refused.status == 503
    assert int(refused.headers["Retry-After"]) > 0
    assert urllib3.request("GET", f"{shop.url}/items", retries=False, timeout=5).status == 200
    shop.popen.terminate()
    assert (payments.popen.returncode, shop.popen.wait(20)) == (0, 0)
    assert "Traceback" not in payments.log.read_text() + shop.log.read_text()


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="a process's children are read from /proc")
def test_a_worker_that_is_killed_is_replaced_and_the_shop_answers_on(start: Any) -> None:
    shop = start("shop")
    before = both_workers(shop, other_than=set())
    os.kill(next(iter(before)), signal.SIGKILL)
    for _ in range(20):
        answer = urllib3.request("GET", f"{shop.url}/items", retries=urllib3.Retry(3, backoff_factor=0.1), timeout=5)
        assert answer.status == 200
    both_workers(shop, other_than=before)
    assert ready(shop.url)


def test_the_shop_starts_and_serves_while_aws_accepts_and_never_answers(start: Any) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent:
        began = time.monotonic()
        shop = start("shop", AWS_ENDPOINT_URL=f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert ready(shop.url)
        assert time.monotonic() - began < 20
        began = time.monotonic()
        for _ in range(10):
            assert urllib3.request("GET", f"{shop.url}/items", retries=False, timeout=5).status == 200
        assert time.monotonic() - began < 5
        shop.popen.terminate()
        assert shop.popen.wait(20) == 0


def test_a_fault_set_by_the_control_is_obeyed_within_a_second_and_lifted_as_quickly(start: Any, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    payments = start("payments", FAULTS_ENABLED="1", FAULTS_STATE=str(state))
    shop = start("shop", PAYMENTS_URL=payments.url)
    port = free_port()
    environ = {
        "FAULTS_ENABLED": "1",
        "FAULTS_STATE": str(state),
        "FAULTS_TOKEN": TOKEN,
        "OTEL_SERVICE_NAME": "payments",
    }
    control = subprocess.Popen(
        [sys.executable, "-m", "service.failures.control"],
        cwd=ROOT,
        env={**environ, "FAULTS_BIND": f"127.0.0.1:{port}", "OTEL_SERVICE_NAME": "payments"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert control.stdout is not None
    assert control.stdout.readline().startswith("fault control of payments")

    def ask(method: str, path: str, **more: Any) -> int:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        url = f"http://127.0.0.1:{port}/v1{path}"
        return urllib3.request(method, url, headers=headers, retries=False, timeout=5, **more).status

    try:
        assert ask("PUT", "/faults/payment-errors", json={"percent": 100}) == 200
        time.sleep(1)
        assert {shop.checkout().status for _ in range(8)} == {503}
        assert ask("DELETE", "/faults") == 204
        time.sleep(1)
        assert {shop.checkout().status for _ in range(8)} == {201}
        # A control that dies leaves its fault to the heartbeat: the workers themselves end it.
        assert ask("PUT", "/faults/payment-errors", json={"run": "r1"}) == 200
        assert ask("POST", "/heartbeat", json={"run": "r1", "ttl_s": 2}) == 200
        control.kill()
        time.sleep(0.5)
        assert shop.checkout().status == 503
        time.sleep(2)
        assert shop.checkout().status == 201
    finally:
        control.kill()
        control.communicate()


def test_workers_that_start_at_once_on_an_empty_database_all_get_ready(start: Any, tmp_path: Path) -> None:
    apps: list[App] = []
    shared = f"sqlite:///{tmp_path}/shared.db"
    threads = [threading.Thread(target=lambda: apps.append(start("shop", DATABASE_URL=shared))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for app in apps:
        answers = [urllib3.request("GET", f"{app.url}/items", retries=False, timeout=5) for _ in range(6)]
        assert {answer.status for answer in answers} == {200}
        assert {len(answer.json()["items"]) for answer in answers} == {24}
        assert "Traceback" not in app.log.read_text()


def test_an_oversized_body_is_refused_and_the_connection_goes_on(start: Any) -> None:
    shop = start("shop")
    pool = urllib3.PoolManager(retries=False, timeout=5)
    for body in (b"x" * 40_000, iter([b"x" * 10_000] * 4)):
        answer = pool.request("POST", f"{shop.url}/checkout", body=body, headers={"Content-Type": "application/json"})
        assert (answer.status, answer.headers["Content-Type"]) == (413, "application/problem+json")
        assert pool.request("GET", f"{shop.url}/items").status == 200
    pool.clear()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "http"),
        ("WEB_WORKERS", "0"),
        ("PAYMENTS_URL", "payments"),
        ("DATABASE_URL", "shop.db"),
        ("DATABASE_URL", "oracle+nodriver://x/y"),
        ("FAULTS_ENABLED", "yes"),
        ("TELEMETRY_CLOSE_SECONDS", "soon"),
        ("OTEL_TRACES_SAMPLER", "now_and_then"),
    ],
)
def test_a_bad_setting_stops_the_start_with_one_line(start: Any, name: str, value: str) -> None:
    app = start("shop", **{name: value})
    assert app.popen.wait(20) == 1
    lines = [line for line in app.log.read_text().splitlines() if not re.match(r"\[[-\d: +]+\] \[\d+\] \[INFO\]", line)]
    assert len(lines) == 1
    assert lines[0].startswith(name)
