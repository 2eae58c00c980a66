"""Faults in gunicorn's workers: whatever is killed in their course, none outlives its end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import urllib3

from service.failures.state import Setting, State, save

ROOT = Path(__file__).parents[2]
TOKEN = "a-token-for-tests-only"


@dataclass
class Shop:
    """The shop under gunicorn, two workers with four connections each, and the file that says what fails."""

    url: str
    popen: subprocess.Popen[str]
    state: Path
    log: Path

    def ask(self, method: str, path: str, within_s: float = 10) -> int:
        """The status; 0 when the connection broke off."""
        try:
            answer = urllib3.request(
                method, self.url + path, headers={"Connection": "close"}, retries=False, timeout=within_s
            )
        except urllib3.exceptions.HTTPError:
            return 0
        return answer.status

    def set(self, expires_in_s: float = 60, **settings: dict[str, Any]) -> None:
        until = time.time() + expires_in_s
        faults = {name.replace("_", "-"): Setting(expires_at=until, **dials) for name, dials in settings.items()}
        save(self.state, State(faults=faults))

    def lift(self) -> None:
        save(self.state, State())

    def access_lines(self) -> list[dict[str, Any]]:
        """What the shop has said of the requests that it saw, oldest first."""
        lines = (json.loads(line) for line in self.log.read_text().splitlines() if line.startswith("{"))
        return [line for line in lines if line["logger"] == "access"]

    def workers(self) -> dict[int, psutil.Process]:
        return {child.pid: child for child in psutil.Process(self.popen.pid).children()}

    def healthy(self) -> bool:
        """Whether readers and writers are served at once, several in a row."""
        began = time.monotonic()
        fine = all(self.ask("GET", "/items", 1) == 200 and self.ask("POST", "/carts", 1) == 201 for _ in range(4))
        return fine and time.monotonic() - began < 1


def until(true: Callable[[], bool], within_s: float = 5) -> bool:
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def launch(folder: Path, **environ: str) -> Shop:
    port, log, state = free_port(), folder / "shop.log", folder / "state.json"
    with log.open("w") as out:
        popen = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn_conf", "service.shop.wsgi:app"],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "TMPDIR": str(folder),
                "PORT": str(port),
                "DATABASE_URL": f"sqlite:///{folder}/shop.db",
                "DB_POOL_SIZE": "4",
                "DB_POOL_TIMEOUT_S": "0.3",
                "FAULTS_ENABLED": "1",
                "FAULTS_STATE": str(state),
                "OTEL_SERVICE_NAME": "shop",
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
    shop = Shop(f"http://127.0.0.1:{port}", popen, state, log)
    # One answers while gunicorn has yet to fork the other.
    assert until(lambda: len(shop.workers()) == 2 and shop.ask("GET", "/readyz") == 200, 30), log.read_text()
    return shop


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    launched = launch(tmp_path_factory.mktemp("shop"))
    yield launched
    launched.popen.terminate()
    launched.popen.wait(20)


@pytest.fixture(autouse=True)
def nothing_is_left(shop: Shop) -> Iterator[None]:
    yield
    shop.lift()
    assert until(lambda: len(shop.workers()) == 2 and shop.healthy()), shop.log.read_text()[-3000:]


def test_a_worker_crashes_and_no_sooner_again_than_its_dial_says(shop: Shop) -> None:
    first = set(shop.workers())
    shop.set(worker_crash={"n": 2})
    seen: set[int] = set(first)
    began = time.monotonic()
    broken = 0
    while time.monotonic() - began < 3.5:
        broken += shop.ask("GET", "/items") == 0
        seen |= set(shop.workers())
        time.sleep(0.02)
    turns = 1 + (time.monotonic() - began) // 2  # two, but for a machine that stood still
    assert 1 <= broken <= turns
    assert 1 <= len(seen - first) <= turns


def test_a_killed_worker_takes_its_lock_and_its_connections_with_it(shop: Shop) -> None:
    shop.set(db_lock={"ms": 30_000}, db_pool_leak={"ms": 0, "n": 4})
    assert until(lambda: not shop.healthy())
    for pid in shop.workers():
        os.kill(pid, signal.SIGKILL)
    shop.lift()
    assert until(shop.healthy)


def test_a_worker_that_is_killed_is_no_way_round_an_expiry(shop: Shop) -> None:
    shop.set(expires_in_s=2.5, db_pool_leak={"ms": 0})
    expires = time.monotonic() + 2.5
    assert until(lambda: shop.ask("GET", "/items") == 503)
    os.kill(next(iter(shop.workers())), signal.SIGKILL)
    # The new worker falls ill as the other does, and both get well by themselves.
    assert until(lambda: shop.ask("GET", "/items") == 503)
    time.sleep(max(0.0, expires + 1 - time.monotonic()))
    assert shop.healthy()


def test_a_killed_control_lifts_what_its_run_had_set_within_the_heartbeat(shop: Shop) -> None:
    port = free_port()
    environ = {"FAULTS_ENABLED": "1", "FAULTS_STATE": str(shop.state), "FAULTS_TOKEN": TOKEN}
    control = subprocess.Popen(
        [sys.executable, "-m", "service.failures.control"],
        cwd=ROOT,
        env={**environ, "FAULTS_BIND": f"127.0.0.1:{port}", "OTEL_SERVICE_NAME": "shop"},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert control.stdout is not None
        assert control.stdout.readline().startswith("fault control of shop")
        for method, path, body in (
            ("PUT", "faults/db-pool-leak", {"ms": 0, "run": "r1"}),
            ("POST", "heartbeat", {"run": "r1", "ttl_s": 1.5}),
        ):
            headers = {"Authorization": f"Bearer {TOKEN}"}
            url = f"http://127.0.0.1:{port}/v1/{path}"
            assert urllib3.request(method, url, json=body, headers=headers, retries=False, timeout=5).status == 200
        silent_from = time.monotonic()
    finally:
        control.kill()
        control.communicate()
    assert until(lambda: shop.ask("GET", "/items") == 503)
    time.sleep(max(0.0, silent_from + 2.5 - time.monotonic()))
    assert shop.healthy()


def test_lost_requests_end_without_an_answer_and_nobody_has_seen_them(shop: Shop) -> None:
    assert shop.ask("GET", "/items") == 200
    assert until(lambda: len(shop.access_lines()) > 0)
    shop.set(unreachable={})
    time.sleep(1)  # for both workers to see it, and for the last lines to be written
    said = shop.log.read_text()
    seen = len(shop.access_lines())
    for _ in range(20):
        assert shop.ask("GET", "/items") == shop.ask("POST", "/carts") == 0
    assert (shop.ask("GET", "/healthz"), shop.ask("GET", "/readyz")) == (200, 200)
    time.sleep(0.3)
    assert len(shop.access_lines()) == seen
    # Neither gunicorn nor the app says anything of it; what cannot be sent to AWS is told as always.
    assert not [line for line in shop.log.read_text().removeprefix(said).splitlines() if "telemetry" not in line]


def test_a_share_of_requests_gets_lost_and_no_health_check(shop: Shop) -> None:
    shop.set(unreachable={"percent": 50})
    time.sleep(0.5)
    statuses = Counter(shop.ask("GET", "/items") for _ in range(60))
    assert statuses.keys() == {0, 200}
    assert 12 < statuses[0] < 48
    assert {shop.ask("GET", path) for path in ("/healthz", "/readyz") for _ in range(10)} == {200}


def test_access_lines_tell_which_version_served(shop: Shop) -> None:
    def told(version: int | None) -> bool:
        shop.ask("GET", "/carts/none")
        lines = shop.access_lines()
        return bool(lines) and (lines[-1]["operation"], lines[-1].get("version")) == ("GET /carts/{cart_id}", version)

    shop.set(n_plus_one={"percent": 100, "ms": 0})
    assert until(lambda: told(2))
    shop.lift()
    assert until(lambda: told(None))


def test_a_worker_that_has_grown_too_large_is_recycled_and_the_next_starts_small(shop: Shop) -> None:
    before = shop.workers()
    usual = max(worker.memory_info().rss for worker in before.values())
    shop.set(memory_leak={"mb": 40, "ms": 1_000})
    assert until(lambda: max(w.memory_info().rss for w in before.values()) > usual + 30 * 2**20, 3)
    assert until(lambda: not set(before) & set(shop.workers()), 8)
    shop.lift()
    assert until(lambda: all(w.memory_info().rss < usual + 15 * 2**20 for w in shop.workers().values()))
    assert "worker is recycled" in shop.log.read_text()


def test_the_shop_ends_cleanly_in_the_middle_of_its_faults(tmp_path: Path) -> None:
    shop = launch(tmp_path)
    shop.set(db_lock={}, db_pool_leak={"ms": 0}, memory_leak={}, telemetry_hang={}, cpu_hog={"percent": 100})
    time.sleep(1)
    shop.popen.terminate()
    assert shop.popen.wait(15) == 0
    assert "Traceback" not in shop.log.read_text()
