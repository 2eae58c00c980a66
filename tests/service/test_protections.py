"""What the shop does to save itself: it sheds load, asks again within a budget, and says so."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from service import problem_handlers, shedding
from service.settings import Retries, SettingsError, ShopSettings, read_payments, read_shop
from service.shop.retries import Budget, pause


class HandClock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_passes_and_a_lasting_overload_is_shed_until_half_of_it_has_drained() -> None:
    clock = HandClock()
    load = shedding.Load(above=4, clock=clock)
    assert not any(load.enter() for _ in range(6))
    clock.now += 0.9
    assert not load.enter()
    clock.now += 0.2
    assert load.enter()
    for _ in range(5):
        load.leave()
    assert load.in_flight == 3
    assert not load.enter()  # not above the limit, but not drained either:
    assert load.enter()
    for _ in range(3):
        load.leave()
    assert load.in_flight == 2
    assert not any(load.enter() for _ in range(4))


def test_what_is_too_much_is_answered_at_once_with_503_and_health_is_not(
    telemetry: Any, serve: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(shedding, "PATIENCE_S", 0.0)
    go_on = threading.Event()
    app = Flask("small")
    problem_handlers.install(app)
    shedding.install(app, telemetry, above=2)
    app.add_url_rule("/wait", view_func=lambda: str(go_on.wait(5)))
    app.add_url_rule("/healthz", "healthz", view_func=lambda: "up")
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(app.test_client().get, "/wait") for _ in range(2)]
        while sum(future.running() for future in waiting) < 2:
            pass
        threading.Event().wait(0.2)
        shed = app.test_client().get("/wait")
        assert app.test_client().get("/healthz").status_code == 200
        go_on.set()
        assert [future.result().status_code for future in waiting] == [200, 200]
    assert (shed.status_code, shed.mimetype) == (503, "application/problem+json")
    assert int(shed.headers["Retry-After"]) > 0
    assert {"shed": True} in telemetry.annotations
    assert [record.levelno for record in caplog.records if getattr(record, "shed", False)] == [logging.WARNING]
    assert app.test_client().get("/wait").status_code == 200


def test_a_budget_grows_with_the_charges_and_is_spent_by_retries() -> None:
    budget = Budget(50)
    assert sum(budget.spend() for _ in range(20)) == 10
    for _ in range(3):
        budget.pay_in()
    assert [budget.spend(), budget.spend()] == [True, False]


def test_a_budget_of_nothing_allows_no_retry_and_none_at_all_any() -> None:
    none = Budget(0)
    none.pay_in()
    assert not none.spend()
    assert all(Budget(None).spend() for _ in range(1000))


def test_a_pause_is_random_and_its_bound_doubles() -> None:
    retries = Retries(most=3, pause_s=0.1)
    first, third = [pause(retries, 1) for _ in range(500)], [pause(retries, 3) for _ in range(500)]
    assert 0.07 < max(first) < 0.1
    assert 0.28 < max(third) < 0.4
    assert min(first) < 0.03


def test_the_protections_are_settings() -> None:
    shop = read_shop(
        {
            "PAYMENTS_AT_ONCE": "3",
            "PAYMENTS_RETRIES": "2",
            "PAYMENTS_RETRY_BUDGET": "10",
            "PAYMENTS_RETRY_PAUSE_S": "0.2",
            "DB_POOL_SIZE": "7",
            "DB_POOL_TIMEOUT_S": "0.5",
            "SHED_ABOVE": "9",
            "PORT": "8123",
            "RECOMMENDER_TIMEOUT_S": "1",
            "RECOMMENDER_FALLBACK": "0",
        }
    )
    assert shop.retries == Retries(most=2, budget=10, pause_s=0.2)
    assert (shop.payments_at_once, shop.pool_size, shop.pool_timeout_s, shop.shed_above) == (3, 7, 0.5, 9)
    assert (shop.recommender_url, shop.recommender_timeout_s, shop.fallback) == ("http://127.0.0.1:8123", 1.0, False)
    assert read_payments({"DB_POOL_SIZE": "7"}).pool_size == 7


def test_by_default_nothing_is_tried_again_and_the_fallback_is_there() -> None:
    shop = read_shop({})
    assert shop.retries == Retries(most=0, budget=None)
    assert (shop.pool_size, shop.shed_above, shop.payments_at_once, shop.fallback) == (10, 20, 0, True)
    assert ShopSettings("sqlite:///x").recommender_url == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PAYMENTS_RETRIES", "6"),
        ("PAYMENTS_RETRY_BUDGET", "many"),
        ("PAYMENTS_AT_ONCE", "-1"),
        ("DB_POOL_SIZE", "0"),
        ("DB_POOL_TIMEOUT_S", "0"),
        ("SHED_ABOVE", "x"),
        ("RECOMMENDER_FALLBACK", "yes"),
        ("RECOMMENDER_URL", "here"),
    ],
)
def test_a_protection_that_is_set_wrongly_is_named_in_one_line(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"^{name}: [^\n]+$"):
        read_shop({name: value})
