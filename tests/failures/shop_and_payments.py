"""The real shop and payments in this process, behind real sockets, with faults set in their state files."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import urllib3
from flask import Flask
from werkzeug.serving import make_server

from service.failures.registry import known
from service.failures.state import Setting, State, save
from service.payments.app import create_app as create_payments
from service.settings import ServiceSettings, ShopSettings
from service.shop.app import create_app as create_shop

CLIENT = "load-1"
SOON = 3.0


@dataclass
class Call:
    headers: dict[str, str] = field(default_factory=dict)

    def status(self, code: int) -> None:
        """Told to telemetry."""


@dataclass
class RememberingTelemetry:
    counts: Counter[str] = field(default_factory=Counter)
    said: dict[str, Any] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)

    def instrument_engine(self, engine: Any) -> None:
        """Told to telemetry."""

    @contextmanager
    def dependency(self, remote: str, *_: Any) -> Iterator[Call]:
        self.calls[remote] += 1
        yield Call()

    def count(self, name: str, n: int = 1) -> None:
        self.counts[name] += n

    def annotate(self, **attributes: Any) -> None:
        self.said |= attributes


@dataclass
class Pair:
    """Shop and payments behind sockets, each with a state file, and one customer."""

    folder: Path
    telemetry: RememberingTelemetry
    shop: Flask
    url: str
    http: urllib3.PoolManager

    @property
    def pool(self) -> Any:
        return self.shop.extensions["shop"].database.engine.pool

    def set(self, name: str, expires_in_s: float = 60, **setting: Any) -> None:
        """Set a fault in the services that know it, and wait until it is seen."""
        for service in ("shop", "payments"):
            if name in known(service):
                faults = {name: Setting(expires_at=time.time() + expires_in_s, **setting)}
                save(self.folder / f"{service}.json", State(faults=faults))
        time.sleep(0.1)

    def lift(self) -> None:
        for service in ("shop", "payments"):
            save(self.folder / f"{service}.json", State())
        time.sleep(0.1)

    def ask(self, method: str, path: str, body: object = None, client: str = CLIENT) -> urllib3.BaseHTTPResponse:
        headers = {"X-Client-Id": client}
        return self.http.request(method, self.url + path, json=body, headers=headers, timeout=10, retries=False)

    def cart(self, **more: Any) -> str:
        cart_id: str = self.ask("POST", "/carts", **more).json()["cart_id"]
        self.ask("POST", f"/carts/{cart_id}/lines", {"item_id": "tamper"}, **more)
        return cart_id

    def checkout(self, cart_id: str | None = None, **more: Any) -> urllib3.BaseHTTPResponse:
        card = {"cart_id": cart_id or self.cart(**more), "card_token": "tok_visa"}
        return self.ask("POST", "/checkout", card, **more)

    def assert_healthy(self) -> None:
        """One purchase that goes well, quickly, and counts no mismatch."""
        before = self.telemetry.counts.copy()
        began = time.monotonic()
        assert self.checkout().status == 201
        assert time.monotonic() - began < 1
        assert self.telemetry.counts == before


Make = Callable[..., Pair]


@contextmanager
def served(app: Any) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def running(folder: Path, telemetry: RememberingTelemetry, **settings: Any) -> Iterator[Pair]:
    payments = create_payments(ServiceSettings(f"sqlite:///{folder}/payments.db", folder / "payments.json"))
    made: list[Flask] = []

    def shop_once_made(*request: Any) -> Any:
        return made[0](*request)

    with served(payments) as payments_url, served(shop_once_made) as url:
        given = {"payments_url": payments_url, "payments_timeout_s": 1.0, "recommender_url": url, **settings}
        shop = create_shop(ShopSettings(f"sqlite:///{folder}/shop.db", folder / "shop.json", **given))
        made.append(shop)
        with urllib3.PoolManager(maxsize=20) as http:
            yield Pair(folder, telemetry, shop, url, http)
        parts = shop.extensions["shop"]
        save(folder / "shop.json", State())
        save(folder / "payments.json", State())
        parts.payments.close()
        parts.recommendations.close()
        time.sleep(0.1)  # for what was held to come back
    for engine in (parts.database.engine, payments.extensions["payments"].database.engine):
        engine.dispose()


def until(true: Callable[[], bool], within_s: float = SOON) -> bool:
    deadline = time.monotonic() + within_s
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def taken(ask: Callable[[], object]) -> float:
    began = time.monotonic()
    ask()
    return time.monotonic() - began
