"""The page beside Locust's: what it shows, what it changes, for whom, and what it hides in a blind round."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

TOKEN = "test-token-0123456789"
SECRET = "payment-errors"
SCENARIO = "name: payment-errors\nschedule: [{at: 0.5, fault: payment-errors, percent: 30}, {at: 90, end: true}]\n"
OURS = {"X-Gameday": "1", "Content-Type": "application/json"}


def test_faults_are_set_and_lifted_from_the_page_and_from_nowhere_else(
    tmp_path: Path,
    open_shop: Callable[..., Any],
    open_control: Callable[..., Any],
    locust: Callable[..., subprocess.Popen[str]],
    a_free_port: Callable[[], int],
) -> None:
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    control, port = open_control(), a_free_port()
    page = f"http://127.0.0.1:{port}/gameday"
    process = locust(
        *("--host", open_shop().url, "--web-host", "127.0.0.1", "--web-port", str(port)),
        *("--fault-url", control.url, "--fault-token-file", "token", "--run-id", "by-hand", "--run-dir", "run"),
    )
    when_up(page)

    (service,) = json.loads(ask(f"{page}/state")[1])["services"]
    assert [fault["name"] for fault in service["known"]] == ["noop", SECRET]
    assert service["known"][0]["summary"] == "<b>noop</b>"  # put into the page as text, by its script
    status, said = ask(f"{page}/set", {"fault": SECRET, "percent": 40, "expires_in_s": 30}, OURS)
    assert status == 200
    assert control.of("PUT") == [(f"faults/{SECRET}", {"percent": 40.0, "expires_in_s": 30.0, "run": "by-hand"})]
    assert json.loads(said)["services"][0]["active"][0]["percent"] == 40

    own = f"http://127.0.0.1:{port}"
    for headers in (
        {"Content-Type": "application/json"},
        OURS | {"Origin": "http://elsewhere.example"},
        OURS | {"Origin": "null"},
        OURS | {"Sec-Fetch-Site": "cross-site"},
    ):
        assert ask(f"{page}/lift", {"fault": "all"}, headers)[0] == 403
    assert ask(f"{page}/state", headers={"Host": f"rebound.example:{port}"})[0] == 421
    assert ask(f"{page}/set", headers=OURS)[0] == 405
    assert ask(f"{page}/set", {"fault": "meteor"}, OURS) == (
        422,
        '{\n  "detail": "no fault \'meteor\'; there are noop, payment-errors"\n}\n',
    )
    assert ask(f"{page}/set", {"fault": "noop", "ms": 5}, OURS)[0] == 422
    assert ask(f"{page}/set", {"fault": "../../x"}, OURS)[0] == 422
    assert ask(f"{page}/set", {"nonsense": 1}, OURS)[0] == 422
    assert control.of("DELETE") == []
    # Locust lets every site read its pages; not these.
    for path in ("", "/state", "/static/gameday.js"):
        with urlopen(Request(page + path, headers={"Origin": "http://elsewhere.example"})) as answer:
            assert answer.headers["Access-Control-Allow-Origin"] == own
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert TOKEN not in answer.read().decode()

    # Whoever reaches Locust's own page can change its options; the token goes nowhere else for that.
    thief = open_control()
    form = f"user_count=1&spawn_rate=1&fault_url={thief.url}"
    with urlopen(f"{own}/swarm", data=form.encode()) as answer:
        assert answer.status == 200
    assert ask(f"{page}/lift", {"fault": SECRET}, OURS | {"Origin": own})[0] == 200
    assert control.of("DELETE") == [(f"faults/{SECRET}", None)]
    assert ask(f"{page}/set", {"fault": "noop"}, OURS)[0] == 200
    process.terminate()
    _, errors = process.communicate(timeout=20)
    assert control.active == {}
    assert thief.asked == []
    assert TOKEN not in errors


def test_a_blind_round_tells_neither_the_fault_nor_its_time(
    tmp_path: Path,
    open_shop: Callable[..., Any],
    open_control: Callable[..., Any],
    locust: Callable[..., subprocess.Popen[str]],
    a_free_port: Callable[[], int],
) -> None:
    (tmp_path / "payment-errors.yaml").write_text(SCENARIO)
    control, port = open_control(), a_free_port()
    process = locust(
        *("--host", open_shop().url, "--web-host", "127.0.0.1", "--web-port", str(port), "--autostart"),
        FAULTS_TOKEN=TOKEN,
        LOADTEST_BLIND="1",
        LOADTEST_SCENARIO="payment-errors.yaml",
        LOADTEST_FAULT_URL=control.url,
        LOADTEST_RUN_ID="r1",
        LOADTEST_RUN_DIR=str(tmp_path / "run-payment-errors"),
    )
    own = f"http://127.0.0.1:{port}"
    when_up(own)
    end = time.monotonic() + 15
    while not control.of("PUT"):
        assert time.monotonic() < end
        time.sleep(0.1)

    assert SECRET not in Path(f"/proc/{process.pid}/cmdline").read_text() if Path("/proc").exists() else True
    paths = ("/", "/gameday", "/gameday/state", "/stats/requests", "/stats/report", "/logs", "/tasks", "/exceptions")
    for path in paths:
        status, said = ask(own + path)
        assert status == 200
        assert SECRET not in said
        assert TOKEN not in said
    state = json.loads(ask(f"{own}/gameday/state")[1])
    assert set(state) == {"blind", "elapsed_s", "state", "target_users", "users"}
    assert state["elapsed_s"] > 0
    for change in ("set", "lift"):
        assert ask(f"{own}/gameday/{change}", {"fault": SECRET}, OURS)[0] == 403
    process.terminate()
    _, errors = process.communicate(timeout=20)
    assert SECRET not in errors
    assert "schedule: step 1 of 2" in errors
    assert control.active == {}
    # The facilitator's own file has it all.
    journal = tmp_path / "run-payment-errors" / "locust.jsonl"
    assert SECRET in journal.read_text()
    assert journal.stat().st_mode & 0o077 == 0


def ask(url: str, body: Any = None, headers: dict[str, str] | None = None) -> tuple[int, str]:
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(url, data=data, headers=headers or {}), timeout=10) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        with error:
            return error.code, error.read().decode()


def when_up(url: str, patience_s: float = 20) -> None:
    end = time.monotonic() + patience_s
    while True:
        try:
            ask(url)
        except (URLError, ConnectionError):
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            return


def test_the_page_of_another_locust_keeps_a_blind_rounds_faults_to_itself(
    open_shop: Callable[..., Any],
    open_control: Callable[..., Any],
    locust: Callable[..., subprocess.Popen[str]],
    a_free_port: Callable[[], int],
) -> None:
    control, port = open_control(), a_free_port()
    control.active[SECRET] = {"name": SECRET, "run": "20261122T100400Z-blind", "expires_in_s": 9.0}
    locust(
        *("--host", open_shop().url, "--web-host", "127.0.0.1", "--web-port", str(port)),
        FAULTS_TOKEN=TOKEN,
        LOADTEST_FAULT_URL=control.url,
    )
    own = f"http://127.0.0.1:{port}"
    when_up(own)
    end = time.monotonic() + 15
    while not (state := json.loads(ask(f"{own}/gameday/state")[1]))["blind"]:
        assert time.monotonic() < end, state
        time.sleep(0.1)
    assert set(state) == {"blind", "elapsed_s", "state", "target_users", "users"}
    control.active[SECRET] = control.active[SECRET] | {"run": "20261122T100400Z-payment-errors"}
    while (state := json.loads(ask(f"{own}/gameday/state")[1]))["blind"]:
        assert time.monotonic() < end, state
        time.sleep(0.1)
    assert state["services"][0]["active"][0]["name"] == SECRET
