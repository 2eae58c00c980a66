"""Apps with a telemetry that remembers, on an SQLite file; payments behind a real socket."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

from service import skeleton
from service.payments.app import create_app as create_payments
from service.settings import ServiceSettings, ShopSettings
from service.shop.app import create_app as create_shop


@dataclass
class Call:
    headers: dict[str, str] = field(default_factory=lambda: {"traceparent": f"00-{'a' * 32}-{'b' * 16}-01"})
    statuses: list[int] = field(default_factory=list)

    def status(self, code: int) -> None:
        self.statuses.append(code)


@dataclass
class RememberingTelemetry:
    counts: Counter[str] = field(default_factory=Counter)
    annotations: list[dict[str, Any]] = field(default_factory=list)
    calls: list[tuple[str, str, str]] = field(default_factory=list)
    call: Call = field(default_factory=Call)

    def instrument_engine(self, engine: Any) -> None:
        self.engine = engine

    @contextmanager
    def dependency(self, remote: str, method: str, route: str, url: str | None = None) -> Iterator[Call]:
        self.calls.append((remote, method, route))
        yield self.call

    def count(self, name: str, n: int = 1) -> None:
        self.counts[name] += n

    def annotate(self, **attributes: Any) -> None:
        self.annotations.append(attributes)


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> RememberingTelemetry:
    remembering = RememberingTelemetry()

    def instrument(app: Flask, **_: Any) -> RememberingTelemetry:
        app.extensions["telemetry"] = remembering
        return remembering

    monkeypatch.setattr(skeleton, "instrument", instrument)
    return remembering


@pytest.fixture
def payments_app(telemetry: RememberingTelemetry, tmp_path: Path) -> Iterator[Flask]:
    app = create_payments(ServiceSettings(f"sqlite:///{tmp_path}/payments.db"))
    yield app
    app.extensions["payments"].database.engine.dispose()


@contextmanager
def served(app: Any) -> Iterator[str]:
    """Serve a WSGI app on a free port; yields its URL."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def serve() -> Callable[[Any], Any]:
    return served


@pytest.fixture
def payments_url(payments_app: Flask) -> Iterator[str]:
    with served(payments_app) as url:
        yield url


@pytest.fixture
def make_shop(telemetry: RememberingTelemetry, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    made: list[Flask] = []

    def make(payments_url: str = "http://127.0.0.1:9", timeout_s: float = 2.0) -> Flask:
        app = create_shop(
            ShopSettings(f"sqlite:///{tmp_path}/shop.db", payments_url=payments_url, payments_timeout_s=timeout_s)
        )
        made.append(app)
        return app

    yield make
    for app in made:
        app.extensions["shop"].payments.close()
        app.extensions["shop"].database.engine.dispose()


@pytest.fixture
def shop(make_shop: Callable[..., Flask], payments_url: str) -> Flask:
    return make_shop(payments_url)
