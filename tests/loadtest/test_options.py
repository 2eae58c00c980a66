"""Our options and the scenario file, read without a Locust process."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from locust.stats import RequestStats

from loadtest import clients, objectives, options, scenario, shapes
from loadtest.objectives import Objective
from loadtest.scenario import ScenarioError

NOTHING = {
    "run_dir": None,
    "run_id": None,
    "scenario": None,
    "fault_url": None,
    "fault_token_file": None,
    "slo": None,
    "blind": False,
}


@pytest.mark.parametrize(
    ("given_", "said"),
    [
        ({"scenario": "none.yaml"}, "none.yaml: cannot be read: No such file"),
        ({"fault_url": ["127.0.0.1:8090"]}, "--fault-url: not an address"),
        ({"fault_url": ["http://user:pw@host:1"]}, "--fault-url: not an address"),
        ({"fault_url": ["http://127.0.0.1:99999"]}, "--fault-url: not an address"),
        ({"fault_url": ["http://127.0.0.1:1"]}, "FAULTS_TOKEN: no token there"),
        ({"fault_url": ["http://127.0.0.1:1"], "fault_token_file": "none"}, "--fault-token-file none: cannot be read"),
        ({"slo": "latency=99"}, "--slo: latency=99: write it as latency=99:300ms"),
        ({"slo": "availability=101"}, "--slo: '101' is not a percentage"),
        ({"slo": "speed=1"}, "--slo: 'speed' is no objective"),
        ({"run_id": "a b"}, "--run-id: use up to 100 letters"),
        ({"run_dir": "/dev/null/x"}, "--run-dir /dev/null/x: "),
    ],
)
def test_what_is_wrong_with_an_option_is_said_in_a_line(given_: dict[str, Any], said: str) -> None:
    with pytest.raises(options.OptionError) as error:
        options.read(Namespace(**NOTHING | given_), {}, [])
    assert str(error.value).startswith(said)
    assert "\n" not in str(error.value)


def test_a_blind_round_refuses_a_command_line_that_tells(tmp_path: Path) -> None:
    path = tmp_path / "next.yaml"
    path.write_text("name: quiet\nschedule: [{at: 0, fault: payment-errors}]\n")
    parsed = Namespace(**NOTHING | {"scenario": str(path), "blind": True})
    assert options.read(parsed, {}, ["locust", "--scenario", "next.yaml"]).blind
    for told in ("runs/payment-errors", "--run-id=quiet-1"):
        with pytest.raises(options.OptionError, match="the command line tells"):
            options.read(parsed, {}, ["locust", told])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: [\n", "line 2: is not YAML"),
        ("- 1\n", "Expected `object`, got `array`"),
        ("name: Ünfug\n", "at `$.name`"),
        ("name: a\nload: {shape: moebius}\n", "no shape 'moebius', there are compressed-day, ramp, soak"),
        ("name: a\nschedule: [{at: 1}]\n", "exactly one of fault, lift, load, client, stop and end: true"),
        ("name: a\nschedule: [{at: 1, fault: a, lift: b}]\n", "exactly one of"),
        ("name: a\nschedule: [{at: 1, lift: a, percent: 3}]\n", "lift has no percent"),
        ("name: a\nschedule: [{at: -1, end: true}]\n", "at `$.schedule[0].at`"),
        ("name: a\nschedule: [{at: 1, fault: a, percent: 101}]\n", "at `$.schedule[0].percent`"),
        ("name: a\nschedule: [{at: 1, client: martians}]\n", "no client 'martians', there are bot-flood, slow-body"),
        ("name: a\nschedule: [{at: 1, fault: a, per_cent: 3}]\n", "unknown field `per_cent`"),
    ],
)
def test_what_is_wrong_with_a_scenario_is_said_in_a_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text, "utf-8")
    with pytest.raises(ScenarioError) as error:
        scenario.read(path)
    assert str(error.value).startswith(str(path))
    assert said in str(error.value)
    assert "\n" not in str(error.value)


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_no_file_breaks_the_reader(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        said = scenario.read(path).name
    except ScenarioError as error:
        said = str(error)
    assert "\n" not in said


def test_every_scenario_of_the_project_can_be_read() -> None:
    paths = sorted((Path(__file__).parents[2] / "gamedays").glob("*.yaml"))
    assert {path.stem for path in paths} == {scenario.read(path).name for path in paths}


def test_a_fault_outlives_its_planned_end_by_a_minute_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(
        "name: a\nschedule: [{at: 400, end: true}, {at: 100, lift: x}, {at: 10, fault: x}, {at: 110, fault: x},"
        " {at: 20, fault: z, expires: 5}]\n"
    )
    wanted = scenario.read(path)
    assert [step.at for step in wanted.schedule] == [10, 20, 100, 110, 400]
    assert [wanted.expires_in_s(step) for step in wanted.faults()] == [150, 5, 350]


def test_objectives_are_counted_from_the_customers_checkouts() -> None:
    stats = RequestStats()
    wanted = objectives.parse("availability=90, latency=80:300ms")
    assert wanted == (Objective("availability", 90), Objective("latency", 80, 300))
    assert [kept for kept, _ in objectives.judge(wanted, stats)] == [False, False]
    for ms in (10, 20, 30, 40, 50, 60, 70, 299, 400, 500):
        stats.log_request("POST", "/checkout", ms, 10)
        stats.log_request("POST", "/checkout (others)", 9_000, 10)
    assert [kept for kept, _ in objectives.judge(wanted, stats)] == [True, True]
    stats.log_request("POST", "/checkout", 9_000, 10)
    stats.log_error("POST", "/checkout", "answered 503, not 201")
    assert objectives.judge(wanted, stats) == [
        (True, "slo availability: 90.9 % of 11 checkouts, 90 % right asked: kept"),
        (False, "slo latency: 72.72 % of 11 checkouts, 80 % within 300 ms asked: missed"),
    ]


@pytest.mark.parametrize(
    ("name", "users"),
    [
        ("steady", {0: 40, 9_999: 40}),
        ("ramp", {0: 1, 150: 20, 300: 40, 9_999: 40}),
        ("spike", {0: 40, 59: 40, 60: 200, 179: 200, 180: 40}),
        ("soak", {0: 1, 30: 20, 60: 40, 14_399: 40, 14_400: None}),
        ("compressed-day", {0: 12, 480: 4, 2_400: 40, 2_340: 38, 2_880: 12}),
    ],
)
def test_each_shape_has_its_crowd(monkeypatch: pytest.MonkeyPatch, name: str, users: dict[int, int | None]) -> None:
    parsed = Namespace(num_users=40, spawn_rate=20, run_time=None)
    shape = shapes.find(name, parsed)
    for elapsed_s, expected in users.items():
        monkeypatch.setattr(shape, "get_run_time", lambda elapsed_s=elapsed_s: elapsed_s)
        assert shape.tick() == (None if expected is None else (expected, 20))
    parsed.run_time = 10
    assert shape.tick() is None
    parsed.run_time, parsed.num_users = None, 0
    monkeypatch.setattr(shape, "get_run_time", lambda: 5)
    assert shape.tick() == (0, 20)


def test_every_shape_and_client_is_found_by_its_name() -> None:
    assert shapes.names() == ["compressed-day", "ramp", "soak", "spike", "steady"]
    assert clients.names() == ["bot-flood", "slow-body"]
    for name in clients.names():
        run, rate = clients.find(name)
        assert callable(run)
        assert rate > 0
