"""A virtual clock goes on where it stood: what is kept beside it lies at its times."""

from __future__ import annotations

import json
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kit.emulator.clock import ManualClock, SystemClock
from kit.emulator.keeping.database import Database
from kit.emulator.keeping.rows import Put
from kit.emulator.kept_clock import KeptClock
from tests.emulator.keeping.conftest import ACCOUNT, REGION, TEN, Kept, Running

HOUR = 3600
FLAGS = ("--clock", "virtual", "--start", str(TEN))
ALARM: dict[str, Any] = {
    "Namespace": "Shop",
    "MetricName": "Faults",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "ignore",
}

Start = Callable[..., Running]


def ask(running: Running, path: str, body: Any = None) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(running.endpoint + path, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def stands(running: Running) -> float:
    return float(ask(running, "/_kit/clock")["epoch"])


def test_after_a_kill_the_clock_stands_where_its_data_are(start: Start) -> None:
    first = start(flags=FLAGS)
    cloudwatch = first.client("cloudwatch")
    cloudwatch.put_metric_alarm(AlarmName="a", **ALARM)
    ask(first, "/_kit/clock", {"advance_s": 30 * 24 * HOUR})
    there = TEN + 30 * 24 * HOUR
    cloudwatch.put_metric_data(Namespace="Shop", MetricData=[{"MetricName": "Faults", "Value": 5}])
    ask(first, "/_kit/clock", {"advance_s": 90})
    time.sleep(1)
    first.end(signal.SIGKILL)
    assert "virtual clock" not in first.announced

    second = start(flags=FLAGS)
    assert stands(second) == there + 90
    cloudwatch = second.client("cloudwatch")
    assert len(cloudwatch.list_metrics(Namespace="Shop")["Metrics"]) == 1
    alarm = cloudwatch.describe_alarms()["MetricAlarms"][0]
    assert alarm["StateValue"] == "ALARM"
    ask(second, "/_kit/clock", {"advance_s": 60})
    second.end(signal.SIGTERM)
    said = "The virtual clock goes on where it stood, at 2026-12-22T10:01:30Z; --reset begins anew."
    assert said in second.announced.splitlines()

    third = start(flags=FLAGS[:2])  # nor does it begin at now
    assert stands(third) == there + 150


def test_what_is_reset_begins_anew(start: Start, data: Path) -> None:
    first = start(flags=FLAGS)
    first.client("cloudwatch").put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 5}])
    ask(first, "/_kit/clock", {"advance_s": HOUR})
    ask(first, "/_kit/reset", {})
    assert stands(first) == TEN + HOUR  # time does not go back under a running process
    first.end(signal.SIGKILL)

    second = start(flags=FLAGS)
    assert stands(second) == TEN
    ask(second, "/_kit/clock", {"advance_s": HOUR})
    second.end(signal.SIGTERM)

    third = start(flags=(*FLAGS, "--reset"))
    assert stands(third) == TEN
    assert "virtual" not in third.announced


def test_a_clock_that_was_reset_is_kept_again_once_the_emulator_is_used(data: Path) -> None:
    with Kept(data) as kept:
        kept.put("g")
        kept.clock.advance(HOUR)
        kept.engines.reset()
        kept.keeper.reset()
        kept.write()
    with Kept(data) as kept:
        assert kept.clock.now() == TEN
        kept.clock.advance(HOUR)
        kept.engines.reset()
        kept.keeper.reset()
        kept.write("g")
    with Kept(data) as kept:
        assert (kept.clock.now(), kept.clock.resumed) == (TEN + HOUR, True)


def test_engines_are_filled_at_the_clocks_own_time(data: Path) -> None:
    with Kept(data) as kept:
        kept.write("g")
        kept.clock.advance(400 * 24 * HOUR)
        kept.engines.logs(REGION)
    with Kept(data, ManualClock(TEN + 800 * 24 * HOUR)) as kept:  # backwards, too
        assert kept.clock.now() == TEN + 400 * 24 * HOUR
        assert kept.engines.cloudwatch(REGION).next_due() < kept.clock.now() + 12


def test_a_day_on_the_systems_time_leaves_it_as_it_was() -> None:
    rows = [("now", msgspec.msgpack.encode(TEN))]
    on_system_time = KeptClock(SystemClock(), lambda: True)
    assert on_system_time.load(lambda _: rows) == 0
    assert list(on_system_time.changes()) == []
    assert list(on_system_time.everything()) == [Put(*rows[0])]


@pytest.mark.parametrize("body", [b"", b"\xc1", msgspec.msgpack.encode("x"), msgspec.msgpack.encode(float("nan"))])
def test_a_time_that_is_none_is_passed_over_with_a_line(
    body: bytes, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data.mkdir()
    database = Database(data, ACCOUNT)
    with database.transaction():
        database.write("clock", [Put("now", body)])
    database.close()
    with Kept(data) as kept:
        assert kept.clock.now() == TEN
    assert "1 rows of clock can't be read and are passed over" in caplog.text
