"""A shop of a few lines, right or wrong as a test asks, and Locust as its own process: it patches what it touches."""

from __future__ import annotations

import csv
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest

# Locust patches the standard library when it is imported. Not here: the tests that read its parts need it unpatched.
with pytest.MonkeyPatch.context() as unpatched:
    unpatched.setenv("LOCUST_SKIP_MONKEY_PATCH", "1")
    import locust as _  # noqa: F401  # imported once, it stays so

ROOT = Path(__file__).parents[2]
PRICES = {"mug": 1450, "pot": 3290, "tea": 790}


@dataclass
class TinyShop:
    """How it misbehaves: ``overcharge`` in cents on each order, ``status`` of each checkout, ``delay_s`` of it."""

    overcharge: int = 0
    status: int = 201
    delay_s: float = 0
    url: str = ""
    carts: dict[str, dict[str, int]] = field(default_factory=dict)
    customers: set[str] = field(default_factory=set)
    checkouts: list[str] = field(default_factory=list)
    strangers: set[str] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)

    def check_told(self, rows: Sequence[Mapping[str, str]]) -> None:
        """That these rows of requests.csv have each checkout that came, once.

        What else they have was under way when the run ended, and may never have left.
        """
        ids, came = [row["request_id"] for row in rows], set(self.checkouts)
        assert len(ids) == len(set(ids))
        assert len(came) == len(self.checkouts)
        assert came <= set(ids)
        assert [row for row in rows if row["request_id"] not in came and row["ok"] != ""] == []

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        """As the real one does, it refuses what makes no sense."""
        try:
            return self.understand(method, path, body)
        except KeyError:
            return 404, {}

    def understand(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        answer: tuple[int, Any] = (404, {})
        match method, path.strip("/").split("/"):
            case "GET", ["items"]:
                answer = 200, {"items": [{"item_id": i, "price_cents": p} for i, p in PRICES.items()]}
            case "GET", ["items", item]:
                answer = 200, {"item_id": item, "price_cents": PRICES[item]}
            case "POST", ["carts"]:
                answer = 201, self.view(self.open_cart())
            case "POST", ["carts", cart, "lines"]:
                lines = self.carts[cart]
                lines[body["item_id"]] = lines.get(body["item_id"], 0) + body["quantity"]
                answer = 201, self.view(cart)
            case "GET", ["carts", cart]:
                answer = 200, self.view(cart)
            case "POST", ["checkout"]:
                answer = self.check_out(body["cart_id"], body["card_token"])
            case "GET", ["orders", order]:
                answer = 200, self.order(order.removeprefix("o"))
        return answer

    def open_cart(self) -> str:
        with self.lock:
            cart = f"c{len(self.carts)}"
            self.carts[cart] = {}
        return cart

    def check_out(self, cart: str, card: str) -> tuple[int, Any]:
        time.sleep(self.delay_s)
        if self.status != 201:
            return self.status, {"title": "no"}
        return (402, {}) if card.startswith("tok_declined") else (201, self.order(cart))

    def order(self, cart: str) -> dict[str, Any]:
        total = self.view(cart)["total_cents"] + self.overcharge
        return {"order_id": f"o{cart}", "status": "paid", "total_cents": total}

    def view(self, cart: str) -> dict[str, Any]:
        lines = self.carts[cart]
        total = sum(PRICES[item] * quantity for item, quantity in lines.items())
        return {"cart_id": cart, "lines": [{"item_id": item} for item in lines], "total_cents": total}


def handler_of(shop: TinyShop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def reply(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = json.loads(self.rfile.read(length) or "{}")
            client = self.headers["X-Client-Id"] or ""
            (shop.customers if client.startswith("load-") else shop.strangers).add(client)
            if self.path == "/checkout":
                shop.checkouts.append(self.headers["X-Request-Id"])
            status, document = shop.answer(self.command, self.path, body)
            data = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.send_header("X-Request-Id", self.headers["X-Request-Id"] or "none")
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = reply  # noqa: N815  # the server looks for these names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_: object) -> None:
        """Locust hangs up on what it no longer needs."""


@pytest.fixture
def open_shop() -> Iterator[Callable[..., TinyShop]]:
    """Open a shop that answers at ``.url`` until the test ends."""
    servers: list[ThreadingHTTPServer] = []

    def opened(**wrong: Any) -> TinyShop:
        shop = TinyShop(**wrong)
        server = QuietServer(("127.0.0.1", 0), handler_of(shop))
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        shop.url = f"http://127.0.0.1:{server.server_port}"
        return shop

    yield opened
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def locust(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start Locust on the project's locustfile; it is stopped when the test ends."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[str]:
        argv = (sys.executable, "-m", "locust", "-f", str(ROOT / "loadtest" / "locustfile.py"), *arguments)
        environ = {k: v for k, v in os.environ.items() if not k.startswith(("LOCUST_", "LOADTEST_", "FAULTS_"))}
        process = subprocess.Popen(
            argv,
            cwd=tmp_path,
            env=environ | environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.terminate()
        process.communicate(timeout=20)


@dataclass
class FakeControl:
    """A fault control that notes what it is asked for. It knows noop, and by ``name`` a fault of its service."""

    service: str
    name: str
    url: str = ""
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    active: dict[str, dict[str, Any]] = field(default_factory=dict)

    def answer(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        if path != "/v1/faults":
            self.asked.append((method, path.removeprefix("/v1/"), body))
        name = path.rpartition("/")[2]
        match method:
            case "PUT":
                self.active[name] = {"percent": None, "ms": None, "scope": {}, **body, "name": name}
                return 200, self.active[name]
            case "DELETE":
                self.active.pop(name, None)
                return 204, None
            case "POST":
                return 200, {}
        known = [
            {"name": known, "summary": f"<b>{known}</b>", "operation": None, "percent": 100, "ms": None}
            for known in ("noop", self.name)
        ]
        return 200, {"service": self.service, "known": known, "active": list(self.active.values())}

    def of(self, method: str) -> list[tuple[str, Any]]:
        """The paths and bodies of what was asked by this method."""
        return [(path, body) for asked, path, body in self.asked if asked == method]


TOKEN = "test-token-0123456789"


def control_handler_of(control: FakeControl) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or "null")
            right = self.headers["Authorization"] == f"Bearer {TOKEN}"
            status, document = control.answer(self.command, self.path, body) if right else (401, {"detail": "no"})
            self.send_response(status)
            self.end_headers()
            if document is not None:
                self.wfile.write(json.dumps(document).encode())

        do_GET = do_POST = do_PUT = do_DELETE = reply  # noqa: N815  # the server looks for these names

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    return Handler


@pytest.fixture
def open_control() -> Iterator[Callable[..., FakeControl]]:
    """Open a fake fault control that answers at ``.url`` until the test ends."""
    servers: list[ThreadingHTTPServer] = []

    def opened(service: str = "payments", name: str = "payment-errors") -> FakeControl:
        control = FakeControl(service, name)
        server = QuietServer(("127.0.0.1", 0), control_handler_of(control))
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        servers.append(server)
        control.url = f"http://127.0.0.1:{server.server_port}"
        return control

    yield opened
    for server in servers:
        server.shutdown()
        server.server_close()


def free_port() -> int:
    """A port that nobody had a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def a_free_port() -> Callable[[], int]:
    """Name a free port."""
    return free_port


@pytest.fixture
def results(tmp_path: Path) -> Callable[[str], tuple[dict[str, dict[str, str]], list[str]]]:
    """Read what ``--csv NAME`` wrote: the rows by route, and the kinds of failure."""

    def read(name: str) -> tuple[dict[str, dict[str, str]], list[str]]:
        with (tmp_path / f"{name}_stats.csv").open() as file:
            rows = {row["Name"]: row for row in csv.DictReader(file)}
        with (tmp_path / f"{name}_failures.csv").open() as file:
            return rows, [row["Error"] for row in csv.DictReader(file)]

    return read
