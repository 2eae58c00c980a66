"""What the runner stands on: alarms' history, vitals, the steady load, the fault controls, the lock, the guardian."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psutil
import pytest

from kit.definitions.gamedays import Scenario
from kit.errors import KitError
from kit.gameday import preflight, runs
from kit.gameday.controls import Control, controls
from kit.gameday.journal import NAME, Journal, read
from kit.gameday.locust import Locust, end_orphan
from kit.gameday.rollback import take_back
from kit.gameday.steady import SteadyLoad
from kit.gameday.vitals import Vitals, read_vitals
from kit.gameday.watch import AlarmWatch, Change, Sent
from kit.settings import Settings, load

PAGE = "arn:aws:sns:us-east-1:123456789012:page"
AT = 1_800_000_000.0


class Paged:
    """A client whose paginators give what they were given."""

    def __init__(self, **answers: list[dict[str, Any]]) -> None:
        self.answers = answers
        self.asked: list[dict[str, Any]] = []

    def get_paginator(self, name: str) -> Paged:
        return self

    def paginate(self, **given: Any) -> list[dict[str, Any]]:
        self.asked.append(given)
        return [{"AlarmHistoryItems": self.answers.get(given["HistoryItemType"], [])}]


def item(at: float, alarm: str, summary: str, data: dict[str, Any] | None = None) -> dict[str, Any]:
    when = datetime.fromtimestamp(AT + at, UTC)
    return {"AlarmName": alarm, "Timestamp": when, "HistorySummary": summary, "HistoryData": json.dumps(data or {})}


def test_the_history_is_told_once_in_order_and_of_our_alarms_only() -> None:
    states = {"oldState": {"stateValue": "OK"}, "newState": {"stateValue": "ALARM", "stateReason": "too many"}}
    client = Paged(
        StateUpdate=[item(20, "a", "Alarm updated from OK to ALARM", states), item(5, "theirs", "x", states)],
        Action=[
            item(21, "a", f"Successfully executed action {PAGE}"),
            item(22, "a", "Successfully executed action arn:aws:sns:us-east-1:123456789012:elsewhere"),
            item(23, "a", f"Failed to execute action {PAGE}"),
            item(24, "a", "Actions are suppressed by b"),
        ],
    )
    watch = AlarmWatch(client, ["a"], {"page": PAGE}, AT)
    assert watch.news(AT + 30) == [Change(AT + 20, "a", "OK", "ALARM", "too many"), Sent(AT + 21, "a", "page")]
    client.answers["StateUpdate"].append(item(19, "a", "Alarm updated from ALARM to OK"))
    assert watch.news(AT + 33) == [Change(AT + 19, "a", "ALARM", "OK", "")]
    assert watch.news(AT + 100) == []
    assert client.asked[0]["AlarmTypes"] == ["MetricAlarm", "CompositeAlarm"]
    assert client.asked[-1]["StartDate"] == datetime.fromtimestamp(AT, UTC)


class Metrics:
    def __init__(self, **series: dict[float, float]) -> None:
        self.series = series

    def get_metric_data(self, **given: Any) -> dict[str, Any]:
        return {
            "MetricDataResults": [
                {
                    "Id": query["Id"],
                    "Timestamps": [datetime.fromtimestamp(AT + at, UTC) for at in self.series.get(query["Id"], {})],
                    "Values": list(self.series.get(query["Id"], {}).values()),
                }
                for query in given["MetricDataQueries"]
            ]
        }


def test_vitals_are_those_of_the_last_whole_minute() -> None:
    minute = {float(at): 70.0 for at in range(-60, 0, 10)}
    found = read_vitals(
        Metrics(all={at: value * 7 for at, value in minute.items()} | {0.0: 9.0}, requests=minute, fault={-10.0: 42.0}),
        "local",
        AT + 4,
    )
    assert found == Vitals(rate=49, checkouts=420, failed=0.1, slow=0, age=0)


def test_without_requests_there_is_no_share_and_no_age() -> None:
    assert read_vitals(Metrics(all={-100.0: 0.0}), "local", AT) == Vitals(0, 0, None, None, None)


@pytest.mark.parametrize(
    ("vitals", "fresh", "steady"),
    [
        (Vitals(47, 400, 0.0, 0.01, 4), True, True),
        (Vitals(47, 400, 0.05, 0.0, 4), True, False),
        (Vitals(47, 400, 0.0, 0.05, 4), True, False),
        (Vitals(47, 20, 0.0, 0.0, 4), True, False),
        (Vitals(47, 400, 0.0, 0.0, 40), False, True),
        (Vitals(0, 0, None, None, None), False, False),
    ],
)
def test_preflight_wants_fresh_telemetry_and_kept_promises(vitals: Vitals, fresh: bool, steady: bool) -> None:
    assert preflight.telemetry_fresh(vitals).good is fresh
    assert preflight.steady(vitals).good is steady


def test_preflight_wants_the_expected_alarms_and_pages_quiet_but_lets_another_ticket_be_open(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looked(**states: str) -> tuple[bool, str]:
        standing = {f"practice-{name}": state for name, state in states.items()}
        monkeypatch.setattr(preflight, "states_now", lambda _: standing)
        page, ticket = {"practice-page"}, {"practice-page", "practice-ticket"}
        there, quiet = preflight.alarms_there(None, scenario, "practice-", page, ticket)
        return there.good and quiet.good, f"{there.found}; {quiet.found}"

    calm = {"fast": "OK", "slow": "OK", "other": "OK", "page": "OK", "ticket": "OK"}
    assert looked(**calm) == (True, "all are there; none fires")
    assert looked(**calm | {"ticket": "ALARM"}) == (
        True,
        "all are there; none that matters fires; open: practice-ticket",
    )
    assert looked(**calm | {"page": "ALARM"}) == (False, "all are there; in ALARM: practice-page")
    assert looked(**calm | {"fast": "ALARM"}) == (False, "all are there; in ALARM: practice-fast")
    assert looked(**calm | {"slow": "INSUFFICIENT_DATA"}) == (False, "all are there; without data: practice-slow")
    assert looked(fast="OK", slow="OK") == (False, "missing: practice-other; none fires")


def test_preflight_waits_for_what_is_not_well_yet_and_no_longer() -> None:
    clock = [0.0]

    def sleep(seconds: float) -> None:
        clock[0] += seconds

    def settled(good_after: float) -> bool:
        clock[0] = 0
        checks = preflight.settle(
            lambda: [preflight.Check("x", clock[0] >= good_after, "so")],
            within_s=60,
            now=lambda: clock[0],
            sleep=sleep,
            stopped=lambda: False,
        )
        return all(check.good for check in checks)

    assert settled(50)
    assert not settled(70)
    with pytest.raises(KitError, match="preflight, x: so"):
        preflight.require_good([preflight.Check("x", False, "so", "Do this.")])


class Far(BaseHTTPRequestHandler):
    """A fault control and a Locust in one."""

    def _answer(self, status: int, body: Any = None) -> None:
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self) -> None:
        state: Any = self.server
        if self.path == "/gameday/state":
            word = "spawning" if state.users else "stopped"
            self._answer(200, {"state": word, "users": 0, "target_users": state.users})
        elif self.headers.get("Authorization") != "Bearer right":
            self._answer(401, {})
        else:
            known = [{"name": "payment-errors"}]
            self._answer(200, {"service": "shop", "known": known, "active": [{"name": n} for n in state.active]})

    def do_POST(self) -> None:
        state: Any = self.server
        if self.path == "/stop":
            state.users = 0
            self._answer(200, {"success": True})
            return
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        state.users = int(form["user_count"][0])
        self._answer(200, {"success": True})

    def do_DELETE(self) -> None:
        state: Any = self.server
        state.active.clear()
        self._answer(204)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def far() -> Iterator[Any]:
    server: Any = ThreadingHTTPServer(("127.0.0.1", 0), Far)
    server.active, server.users = ["payment-errors"], 40
    server.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_everything_is_taken_back_and_twice_is_once(far: Any) -> None:
    steady = SteadyLoad(far.url, "http://127.0.0.1:1")
    assert steady.pause() == 40
    assert steady.users() == 0
    shop, gone = Control("shop", far.url, "right"), Control("payments", "http://127.0.0.1:1", "right")
    for _ in range(2):
        done = take_back([gone, shop], steady, 40)
        assert (done["lifted"], done["left"], done["resumed"]) == (["shop"], [], 40)
        assert "no answer" in done["unreachable"][0]
    assert far.active == []
    assert far.users == 40


def test_a_load_that_somebody_stopped_stays_stopped(far: Any) -> None:
    far.users = 0
    assert SteadyLoad(far.url, "").pause() == 0
    assert SteadyLoad("http://127.0.0.1:1", "").pause() == 0
    assert not SteadyLoad("http://127.0.0.1:1", "").resume(40)


def test_a_wrong_token_and_an_unknown_fault_are_one_line(far: Any, scenario: Scenario) -> None:
    with pytest.raises(KitError, match="the token is not accepted"):
        preflight.require_faults(scenario, [Control("shop", far.url, "wrong")])
    preflight.require_faults(scenario, [Control("shop", far.url, "right")])
    assert preflight.no_fault([Control("shop", far.url, "right")]).found == "payment-errors"


STAGE = """
account: "123456789012"
region: us-east-1
environment: local
scale: {scale}
faults: {faults}
protected: {protected}
shop_url: http://127.0.0.1:1
fault_urls: {{shop: {url}}}
"""


def settings_of(root: Path, url: str = "http://127.0.0.1:1", **changes: str) -> Settings:
    (root / "stages").mkdir(exist_ok=True)
    usual = {"scale": "practice", "faults": "allowed", "protected": "false"}
    (root / "stages" / "local.yaml").write_text(STAGE.format(url=url, **usual | changes))
    return load({"FAULTS_TOKEN": "right"}, root)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"faults": "refused"}, "faults: this stage refuses them"),
        ({"protected": "true"}, "the stage is protected"),
        ({"scale": "production"}, "scale: production: the scenarios are timed for practice scale"),
    ],
)
def test_a_stage_that_is_no_place_for_it_is_refused(tmp_path: Path, changes: dict[str, str], told: str) -> None:
    with pytest.raises(KitError, match=told):
        preflight.require_playable(settings_of(tmp_path, **changes))


def test_the_stage_may_name_the_addresses(tmp_path: Path) -> None:
    (control,) = controls(settings_of(tmp_path, "http://10.0.0.5:8090/"))
    assert (control.service, control.url) == ("shop", "http://10.0.0.5:8090")
    with pytest.raises(KitError, match="fault_urls/shop: 'here' is not an"):
        settings_of(tmp_path, "here")


def test_one_run_at_a_time_and_the_lock_ends_with_its_process(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from kit.gameday import runs\n"
        "with runs.only_one(Path(sys.argv[1])):\n"
        "    runs.note_holder(Path(sys.argv[1]), run='r1', paused=40); print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert runs.going_on(tmp_path)
        with (
            pytest.raises(KitError, match=rf"a run is going on already: r1 \(process {other.pid}\)"),
            runs.only_one(tmp_path),
        ):
            pass
        os.kill(other.pid, signal.SIGKILL)
    assert not runs.going_on(tmp_path)
    assert runs.holder(tmp_path)["paused"] == 40
    with runs.only_one(tmp_path):
        assert runs.holder(tmp_path)["pid"] == os.getpid()


def test_a_run_is_found_by_name_by_scenario_and_as_the_latest(tmp_path: Path, scenario: Scenario) -> None:
    with pytest.raises(KitError, match="there are no runs here"):
        runs.find_run(tmp_path, "latest")
    first = runs.new_run(tmp_path, scenario, AT, blind=False)
    blind = runs.new_run(tmp_path, scenario, AT + 5, blind=True)
    for folder in (first, blind):
        Journal(folder, folder.name).write("run.started", AT, {})
    assert (first.name, blind.name) == ("20270115T080000Z-brownout", "20270115T080005Z-blind")
    assert runs.find_run(tmp_path, "latest") == blind
    assert runs.find_run(tmp_path, "brownout") == first
    assert runs.find_run(tmp_path, first.name) == first
    assert runs.scenario_of(first).name == "brownout"
    with pytest.raises(KitError, match=f"Did you mean {first.name}"):
        runs.find_run(tmp_path, "20270115T080000Z-brownou")


RUNNER = """
import sys, time
from pathlib import Path
from kit.definitions.gamedays_reading import read_scenario
from kit.gameday.locust import Locust
from kit.settings import load
root, folder = Path(sys.argv[1]), Path(sys.argv[2])
settings = load({"FAULTS_TOKEN": "right"}, root)
scenario = read_scenario(folder / "scenario.yaml", "x", copied=True)
Locust(settings, scenario, folder, blind=False, load=True).start(40)
print("started", flush=True)
time.sleep(60)
"""
LOCUSTFILE = "from time import sleep\nsleep(60)\n"


def until(look: Any, within_s: float = 20.0) -> Any:
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.1)
    return found


@pytest.fixture
def begun(tmp_path: Path, far: Any, scenario: Scenario) -> Iterator[tuple[Any, Path, psutil.Process, psutil.Process]]:
    """A runner in a process of its own, its guardian, and a Locust that lasts."""
    settings_of(tmp_path, far.url)
    (tmp_path / "loadtest").mkdir()
    (tmp_path / "loadtest" / "locustfile.py").write_text(LOCUSTFILE)
    folder = runs.new_run(tmp_path / ".kit", scenario, time.time(), blind=False)
    environ = os.environ | {"KIT_PORT_LOCUST": str(far.server_port), "FAULTS_TOKEN": "right"}
    argv = [sys.executable, "-c", RUNNER, str(tmp_path), str(folder)]
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE) as runner:
        assert runner.stdout is not None
        runner.stdout.readline()
        locust = psutil.Process(int(until(lambda: (f := folder / "locust.pid").exists() and f.read_text())))
        guardian = locust.parent()
        assert guardian is not None
        yield runner, folder, guardian, locust
        for one in (guardian, locust, psutil.Process(runner.pid)):
            if one.is_running():
                one.kill()


def test_a_runner_killed_outright_is_taken_back_by_its_guardian(begun: Any, far: Any) -> None:
    runner, folder, guardian, locust = begun
    far.users = 0
    os.kill(runner.pid, signal.SIGKILL)
    until(lambda: not guardian.is_running() or guardian.status() == psutil.STATUS_ZOMBIE)
    assert not locust.is_running()
    assert far.active == []
    assert far.users == 40
    assert [(line.kind, line.actor) for line in read(folder / NAME)] == [
        ("rollback", "guardian"),
        ("run.ended", "guardian"),
    ]


def test_a_locust_whose_guardian_was_killed_is_found_by_the_run_and_by_stop(begun: Any) -> None:
    _, folder, guardian, locust = begun
    guardian.kill()
    assert locust.is_running()
    end_orphan(folder)
    until(lambda: not locust.is_running() or locust.status() == psutil.STATUS_ZOMBIE)


def test_half_a_line_of_locust_waits_for_its_end(tmp_path: Path, scenario: Scenario) -> None:
    locust = Locust(settings_of(tmp_path), scenario, tmp_path, blind=False, load=True)
    assert locust.events() == []
    file = tmp_path / "locust.jsonl"
    line = '{"t": "2027-01-15T08:00:00.000Z", "kind": "fault.set", "data": {"fault": "noop"}}\n'
    file.write_text(line + line[:20])
    assert [event.kind for event in locust.events()] == ["fault.set"]
    assert locust.events() == []
    file.write_text(line + line + "rubbish\n")
    assert [event.t for event in locust.events()] == [AT]
