"""Faults of what the shop calls and of its releases, over real sockets: each strikes, is measured, and ends."""

from __future__ import annotations

import logging
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import event

from service.failures.faults import payment_flapping
from service.failures.state import Scope, Setting, State, save
from service.settings import Retries, ShopSettings
from service.shop.app import create_app as create_shop

from .shop_and_payments import CLIENT, Make, Pair, RememberingTelemetry, taken


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


def test_without_faults_there_is_nothing_to_ask(tmp_path: Path, telemetry: RememberingTelemetry) -> None:
    app = create_shop(ShopSettings(f"sqlite:///{tmp_path}/shop.db"))
    assert app.extensions["shop"].points is None
    assert "points" not in app.extensions
    app.extensions["shop"].database.engine.dispose()
