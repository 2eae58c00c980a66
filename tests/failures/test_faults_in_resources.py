"""Faults of what there is only so much of, threads, connections, locks, memory, CPU: it runs short, and comes back."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait

import psutil
import pytest

from service.failures.faults import cpu_hog
from service.failures.state import Scope
from service.telemetry.aws import Caller, CallError

from .shop_and_payments import Make, Pair, taken, until


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


def test_too_many_charges_at_once_are_shed_and_the_rest_of_the_shop_is_free(make_pair: Make) -> None:
    with make_pair(payments_at_once=2, payments_timeout_s=0.5) as pair:  # type: ignore[attr-defined]  # a context manager
        carts = [pair.cart() for _ in range(6)]
        pair.set("payment-blackhole")
        with ThreadPoolExecutor(6) as pool:
            statuses = Counter(answer.status for answer in pool.map(pair.checkout, carts))
        assert statuses == {504: 2, 503: 4}
        assert pair.telemetry.said["shed"] is True


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
