"""Each fault in the real shop and payments, over real sockets: it strikes, its effect is measured, it ends."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
import urllib3
from flask import Flask
from sqlalchemy import event
from werkzeug.serving import make_server

from service import skeleton
from service.failures import holding, state
from service.failures.faults import cpu_hog, payment_flapping
from service.failures.registry import known
from service.failures.state import Scope, Setting, State, save
from service.payments.app import create_app as create_payments
from service.settings import Retries, ServiceSettings, ShopSettings
from service.shop.app import create_app as create_shop
from service.telemetry.aws import Caller, CallError

SOON = 3.0
CLIENT = "load-1"


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


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> RememberingTelemetry:
    remembering = RememberingTelemetry()
    monkeypatch.setattr(skeleton, "instrument", lambda *_, **__: remembering)
    monkeypatch.setattr(state, "LOOK_EVERY_S", 0.02)
    monkeypatch.setattr(holding, "STEP_S", 0.02)
    return remembering


@pytest.fixture
def make_pair(tmp_path: Path, telemetry: RememberingTelemetry) -> Callable[..., Any]:
    return lambda **settings: running(tmp_path, telemetry, **settings)


@pytest.fixture
def pair(make_pair: Any) -> Iterator[Pair]:
    with make_pair() as made:
        yield made


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


def test_the_control_round_changes_nothing(pair: Pair) -> None:
    pair.set("noop")
    for _ in range(5):
        pair.assert_healthy()
    assert not pair.telemetry.said.keys() - {"order_id"}


def test_payment_errors_hit_their_client_alone_until_they_expire(pair: Pair) -> None:
    pair.set("payment-errors", expires_in_s=1.0, scope=Scope(client="vip"))
    assert pair.checkout(client="vip").status == 503
    assert pair.checkout().status == 201
    assert pair.ask("GET", "/items", client="vip").status == 200
    time.sleep(1)
    assert pair.checkout(client="vip").status == 201


def test_payment_slow_takes_so_much_longer_and_no_error_comes_of_it(pair: Pair) -> None:
    cart = pair.cart()
    pair.set("payment-slow", ms=400)
    began = time.monotonic()
    assert pair.checkout(cart).status == 201
    assert 0.4 <= time.monotonic() - began < 1
    pair.lift()
    pair.assert_healthy()


def test_a_slow_charge_does_not_wait_beyond_the_lifting(pair: Pair) -> None:
    cart = pair.cart()
    pair.set("payment-slow", ms=900)
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(pair.checkout, cart)
        time.sleep(0.1)
        began = time.monotonic()
        pair.lift()
        assert answer.result().status == 201
    assert time.monotonic() - began < 0.5


def test_a_blackhole_costs_the_timeout_and_its_threads_come_free_when_it_is_lifted(make_pair: Make) -> None:
    with make_pair(payments_timeout_s=0.3) as pair:  # type: ignore[attr-defined]  # a context manager
        carts = [pair.cart() for _ in range(4)]
        pair.set("payment-blackhole")
        before = threading.active_count()
        with ThreadPoolExecutor(4) as pool:
            began = time.monotonic()
            assert {answer.status for answer in pool.map(pair.checkout, carts)} == {504}
        assert 0.3 <= time.monotonic() - began < 1.5
        pair.lift()
        assert until(lambda: threading.active_count() <= before)
        pair.assert_healthy()


def test_flapping_is_bad_in_the_first_half_of_a_cycle() -> None:
    assert payment_flapping.in_bad_half(1000.0, 20_000)
    assert payment_flapping.in_bad_half(1009.9, 20_000)
    assert not payment_flapping.in_bad_half(1010.0, 20_000)


def test_flapping_makes_the_shop_call_thrice_and_is_soon_well_again(
    pair: Pair, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cart = pair.cart()
    monkeypatch.setattr(payment_flapping, "in_bad_half", lambda *_: True)
    pair.set("payment-flapping")
    before = pair.telemetry.calls["payments"]
    assert pair.checkout(cart).status == 503
    assert pair.telemetry.calls["payments"] - before == 3
    assert pair.telemetry.said["attempt"] == 3
    assert [getattr(r, "attempt", None) for r in caplog.records if r.getMessage() == "payments failed"] == [1, 2, 3]
    monkeypatch.setattr(payment_flapping, "in_bad_half", lambda *_: False)
    pair.assert_healthy()
    assert pair.telemetry.calls["payments"] - before == 4


def test_a_retry_budget_ends_the_storm(make_pair: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payment_flapping, "in_bad_half", lambda *_: True)
    with make_pair(retries=Retries(budget=10)) as pair:  # type: ignore[attr-defined]  # a context manager
        pair.set("payment-flapping")
        for _ in range(20):
            assert pair.checkout().status == 503
        # 20 charges, 10 retries that were saved up, and one that the charges earned (the first found the purse full).
        assert pair.telemetry.calls["payments"] == 31


def test_retries_with_a_pause_get_an_error_over(make_pair: Make) -> None:
    with make_pair(retries=Retries(most=5, pause_s=0.001)) as pair:  # type: ignore[attr-defined]  # a context manager
        pair.set("payment-errors", percent=30)
        assert {pair.checkout().status for _ in range(20)} == {201}


def test_an_n_plus_one_release_asks_two_dozen_times_and_takes_its_time(pair: Pair) -> None:
    statements: list[str] = []
    engine = pair.shop.extensions["shop"].database.engine
    event.listen(engine, "before_cursor_execute", lambda _c, _k, text, *_: statements.append(text))
    cart = pair.cart()
    statements.clear()
    quick = taken(lambda: pair.ask("GET", f"/carts/{cart}"))
    without = Counter(statements)
    pair.set("n-plus-one", percent=100, ms=10)
    statements.clear()
    slow = taken(lambda: pair.ask("GET", f"/carts/{cart}"))
    assert max(without.values()) <= 1
    assert max(Counter(statements).values()) == 24
    assert slow - quick > 0.2
    assert pair.telemetry.said["version"] == 2
    assert pair.checkout(cart).status == 201
    pair.lift()
    statements.clear()
    pair.assert_healthy()
    assert max(Counter(statements).values()) < 5


def test_an_n_plus_one_release_holds_no_lock_while_it_reads(pair: Pair) -> None:
    carts = [pair.cart() for _ in range(2)]
    pair.set("n-plus-one", percent=100, ms=20, scope=Scope(client=CLIENT))
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(pair.checkout, carts[0])
        time.sleep(0.1)
        assert taken(lambda: pair.checkout(carts[1], client="other")) < 0.3
        assert not slow.done()
        assert slow.result().status == 201


def test_a_wrong_total_is_a_201_that_the_shop_itself_finds_out(pair: Pair) -> None:
    pair.set("wrong-total", percent=100, n=100)
    answer = pair.checkout()
    assert (answer.status, answer.json()["total_cents"]) == (201, 2650 + 100)
    assert pair.telemetry.counts["CheckoutMismatch"] == 1
    assert (pair.telemetry.said["expected_cents"], pair.telemetry.said["charged_cents"]) == (2650, 2750)
    pair.lift()
    pair.assert_healthy()


def test_a_wrong_total_stays_the_same_when_a_checkout_is_sent_again(pair: Pair) -> None:
    cart = pair.cart()
    pair.set("wrong-total", percent=100)
    save(pair.folder / "payments.json", State(faults={"payment-errors": Setting(time.time() + 60)}))
    time.sleep(0.1)
    assert pair.checkout(cart).status == 503
    save(pair.folder / "payments.json", State())
    time.sleep(0.1)
    assert pair.checkout(cart).json()["total_cents"] == 2750


def test_without_the_recommender_a_cart_is_shown_all_the_same_and_said_to_be_degraded(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    cart = pair.cart()
    assert pair.ask("GET", f"/carts/{cart}").json()["recommended"] == ["knock-box", "cleaning-tabs", "house-blend-250"]
    pair.set("recommender-down")
    answer = pair.ask("GET", f"/carts/{cart}")
    assert (answer.status, answer.json()["recommended"]) == (200, ["house-blend-250", "paper-filters", "gift-card"])
    assert pair.telemetry.said["degraded"] is True
    assert [r.levelname for r in caplog.records if getattr(r, "degraded", False)] == ["WARNING"]
    pair.lift()
    assert "knock-box" in pair.ask("GET", f"/carts/{cart}").json()["recommended"]


def test_a_slow_recommender_costs_no_more_than_its_timeout(make_pair: Make) -> None:
    with make_pair(recommender_timeout_s=0.2) as pair:  # type: ignore[attr-defined]  # a context manager
        cart = pair.cart()
        pair.set("recommender-down", ms=5_000)
        assert taken(lambda: pair.ask("GET", f"/carts/{cart}")) < 0.6


def test_without_the_fallback_the_optional_dependency_is_none(make_pair: Make) -> None:
    with make_pair(fallback=False) as pair:  # type: ignore[attr-defined]  # a context manager
        cart = pair.cart()
        pair.set("recommender-down")
        assert pair.ask("GET", f"/carts/{cart}").status == 503
        assert pair.checkout(cart).status == 201


def test_version_2_fails_for_its_customers_alone_and_leaves_a_stack_trace(
    pair: Pair, caplog: pytest.LogCaptureFixture
) -> None:
    pair.set("canary-bug", percent=100, n=50)
    failed = {n for n in range(12) if pair.checkout(client=f"c-{n}").status == 500}
    assert 2 < len(failed) < 10
    assert failed == {n for n in range(12) if pair.checkout(client=f"c-{n}").status == 500}
    told = [r for r in caplog.records if r.exc_info]
    assert told[0].exc_info is not None
    assert "version2.py" in "".join(logging.Formatter().formatException(told[0].exc_info))
    assert not [r for r in caplog.records if "canary-bug" in r.getMessage() or "failures" in r.name]
    assert pair.telemetry.said["version"] == 2
    pair.lift()
    assert {pair.checkout(client=f"c-{n}").status for n in failed} == {201}


def test_a_match_of_the_cpu_hog_is_bounded_and_burns_what_it_should() -> None:
    began = time.thread_time()
    longest = cpu_hog.burn(0.2)
    assert longest <= 0.2
    assert 0.05 < time.thread_time() - began < 0.4


def test_the_cpu_hog_slows_every_route_of_its_client(pair: Pair) -> None:
    pair.set("cpu-hog", percent=100, scope=Scope(client="slow"))
    cpu = time.process_time()
    pair.ask("GET", "/items", client="slow")
    pair.ask("GET", "/items/tamper", client="slow")
    assert time.process_time() - cpu > 0.1
    cpu = time.process_time()
    pair.ask("GET", "/items")
    assert time.process_time() - cpu < 0.1


def test_the_cpu_hog_says_what_it_matched_and_how_long(pair: Pair, caplog: pytest.LogCaptureFixture) -> None:
    pair.set("cpu-hog", percent=100)
    pair.ask("GET", "/items")
    told = next(record for record in caplog.records if record.getMessage() == "a match took long")
    assert told.pattern == cpu_hog.PATHOLOGICAL.pattern  # type: ignore[attr-defined]  # an extra
    assert told.took_ms > 20  # type: ignore[attr-defined]  # likewise


def test_leaked_connections_fill_the_pool_and_come_back_without_a_request(make_pair: Make) -> None:
    with make_pair(pool_size=4, pool_timeout_s=0.3) as pair:  # type: ignore[attr-defined]  # a context manager
        pair.assert_healthy()
        pair.set("db-pool-leak", expires_in_s=1.5, ms=0)
        assert until(lambda: pair.pool.checkedout() == 4)
        answer = pair.ask("GET", "/items")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "5")
        assert until(lambda: pair.pool.checkedout() == 0)
        pair.assert_healthy()
        time.sleep(0.5)  # a connection that was still being asked for would come now
        assert pair.pool.checkedout() == 0


def test_connections_leak_one_after_another(pair: Pair) -> None:
    pair.set("db-pool-leak", n=3, ms=150)
    assert until(lambda: pair.pool.checkedout() == 1)
    assert until(lambda: pair.pool.checkedout() == 3)
    time.sleep(0.3)
    assert pair.pool.checkedout() == 3
    pair.lift()
    assert until(lambda: pair.pool.checkedout() == 0, 1)


def test_a_wait_for_a_connection_is_told(make_pair: Make, caplog: pytest.LogCaptureFixture) -> None:
    with make_pair(pool_size=1, pool_timeout_s=0.2) as pair:  # type: ignore[attr-defined]  # a context manager
        pair.assert_healthy()
        pair.set("db-pool-leak", ms=0)
        assert until(lambda: pair.pool.checkedout() == 1)
        assert pair.ask("GET", "/items").status == 503
    waits = [r.waited_ms for r in caplog.records if r.getMessage() == "waited for a database connection"]  # type: ignore[attr-defined]  # an extra
    assert max(waits) >= 200


def test_a_held_lock_slows_writers_and_spares_readers_until_it_is_lifted(pair: Pair) -> None:
    pair.assert_healthy()
    pair.set("db-lock", ms=20_000)
    with ThreadPoolExecutor(1) as pool:
        # At the end of a cycle nobody holds it: try until one request hangs.
        until_then = time.monotonic() + 20
        writer = pool.submit(pair.ask, "POST", "/carts")
        while not wait([writer], 0.5).not_done and time.monotonic() < until_then:
            time.sleep(0.03)
            writer = pool.submit(pair.ask, "POST", "/carts")
        assert not writer.done()
        # Whoever waited for the lock would wait each time.
        assert min(taken(lambda: pair.ask("GET", "/items")) for _ in range(3)) < 0.5
        began = time.monotonic()
        pair.lift()
        assert writer.result().status == 201
        assert time.monotonic() - began < 1
    pair.assert_healthy()


def test_a_lock_lets_writers_through_now_and_then(pair: Pair) -> None:
    pair.assert_healthy()
    pair.set("db-lock", ms=300)
    times: list[float] = []
    assert until(lambda: times.append(taken(lambda: pair.ask("POST", "/carts"))) or max(times) > 0.1)
    assert max(times) < 2


def test_leaked_memory_is_real_and_given_back(pair: Pair) -> None:
    process = psutil.Process()
    pair.assert_healthy()
    before = process.memory_info().rss
    pair.set("memory-leak", expires_in_s=2.0, mb=60, ms=1_000)
    assert until(lambda: process.memory_info().rss - before > 50 * 2**20)
    pair.assert_healthy()
    time.sleep(0.3)
    assert process.memory_info().rss - before < 80 * 2**20  # it goes no further than its limit
    assert until(lambda: process.memory_info().rss - before < 20 * 2**20)


def test_the_sender_of_telemetry_hangs_and_goes_on(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    calls = Caller("logs", "us-east-1", pair.url)

    def send() -> None:
        with pytest.raises(CallError, match="404"):
            calls.call("/", {}, b"{}")

    pair.set("telemetry-hang")
    with ThreadPoolExecutor(1) as pool:
        sent = pool.submit(send)
        time.sleep(0.5)
        assert not sent.done()
        pair.assert_healthy()
        pair.lift()
        sent.result(timeout=2)
    calls.close()


def test_too_many_charges_at_once_are_shed_and_the_rest_of_the_shop_is_free(make_pair: Make) -> None:
    with make_pair(payments_at_once=2, payments_timeout_s=0.5) as pair:  # type: ignore[attr-defined]  # a context manager
        carts = [pair.cart() for _ in range(6)]
        pair.set("payment-blackhole")
        with ThreadPoolExecutor(6) as pool:
            statuses = Counter(answer.status for answer in pool.map(pair.checkout, carts))
        assert statuses == {504: 2, 503: 4}
        assert pair.telemetry.said["shed"] is True


def test_without_faults_there_is_nothing_to_ask(tmp_path: Path, telemetry: RememberingTelemetry) -> None:
    app = create_shop(ShopSettings(f"sqlite:///{tmp_path}/shop.db"))
    assert app.extensions["shop"].points is None
    assert "points" not in app.extensions
    app.extensions["shop"].database.engine.dispose()
