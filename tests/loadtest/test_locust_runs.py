"""Locust with the project's locustfile, as a user starts it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

Locust = Callable[..., subprocess.Popen[str]]
Results = Callable[[str], tuple[dict[str, dict[str, str]], list[str]]]
ROUTES = {
    "/items",
    "/items/{item_id}",
    "/carts",
    "/carts/{cart_id}",
    "/carts/{cart_id}/lines",
    "/checkout",
    "/orders/{order_id}",
}
VISIT_EVERY_S = 4.5


def run(shop: Any, name: str, *more: str) -> tuple[str, ...]:
    return ("--headless", "--host", shop.url, "--csv", name, "--only-summary", "--stop-timeout", "0", *more)


def test_a_right_shop_has_no_failures_and_a_wrong_one_has(
    open_shop: Callable[..., Any], locust: Locust, results: Results
) -> None:
    shops = {
        "right": open_shop(),
        "slow": open_shop(delay_s=1.5),
        "unwell": open_shop(status=503),
        "greedy": open_shop(overcharge=1),
    }
    running = {name: locust(*run(shop, name, "-t", "8s")) for name, shop in shops.items()}
    codes = {name: process.wait(30) for name, process in running.items()}
    assert codes == {"right": 0, "slow": 0, "unwell": 1, "greedy": 1}

    rows, failures = results("right")
    assert failures == []
    assert set(rows) == ROUTES | {"Aggregated"}
    assert len(shops["right"].customers) == 40
    requests, checkouts = (int(rows[name]["Request Count"]) for name in ("Aggregated", "/checkout"))
    # The first visits are spread over the first round, so it brings half of what the others do.
    assert requests >= 30 * (8 - VISIT_EVERY_S / 2)
    assert checkouts >= 18

    # The customers' clocks don't wait for the shop: a slow one still gets its checkouts, if later.
    slow_rows, failures = results("slow")
    assert failures == []
    assert int(slow_rows["/checkout"]["Request Count"]) >= 10

    rows, failures = results("unwell")
    assert rows["/checkout"]["Failure Count"] == rows["/checkout"]["Request Count"]
    assert any("answered 503, not 201" in failure for failure in failures)
    assert "/orders/{order_id}" not in rows

    rows, failures = results("greedy")
    assert int(rows["/checkout"]["Failure Count"]) > 0
    assert [failure for failure in failures if "the order's total does not add up" not in failure] == []
    assert rows["/carts"]["Failure Count"] == "0"


def test_the_page_starts_forty_users_and_follows_a_change(open_shop: Callable[..., Any], locust: Locust) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page = f"http://127.0.0.1:{port}"
    locust("--host", open_shop().url, "--web-host", "127.0.0.1", "--web-port", str(port), "--autostart")
    assert until(lambda: stats(page)["user_count"] == 40)
    with urlopen(f"{page}/swarm", data=b"user_count=5&spawn_rate=40") as answer:
        assert json.load(answer)["success"] is True
    assert until(lambda: stats(page)["user_count"] == 5)


def test_an_unknown_shape_is_one_line(locust: Locust) -> None:
    process = locust("--headless", "--shape", "moebius")
    _, err = process.communicate(timeout=20)
    assert process.returncode != 0
    assert "invalid choice: 'moebius'" in err
    assert "Traceback" not in err


def stats(page: str) -> Any:
    with urlopen(f"{page}/stats/requests") as answer:
        return json.load(answer)


def until(holds: Callable[[], bool], patience_s: float = 20) -> bool:
    """Wait until it holds; False when patience ends."""
    end = time.monotonic() + patience_s
    while time.monotonic() < end:
        try:
            if holds():
                return True
        except (URLError, ConnectionError):  # not up yet
            pass
        time.sleep(0.2)
    return False
