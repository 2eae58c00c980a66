"""`kit explain` against a running embedded AWS, over the wire; time is moved by hand."""

from __future__ import annotations

import json
import math
import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

from kit.cli import main
from kit.cli.explain import moment
from kit.emulator.clock import ManualClock
from kit.emulator.server import Binding, Emulator
from kit.errors import KitError

ROOT = Path(__file__).parents[2]
MINUTES = 12
FAULTS: dict[str, Any] = {
    "AlarmName": "faults",
    "Namespace": "App",
    "MetricName": "Faults",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 5,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "breaching",
}


@dataclass
class World:
    """An embedded AWS whose clock is moved by hand up to now; ``start`` is a whole minute, twelve before it."""

    emulator: Emulator
    clock: ManualClock
    cloudwatch: Any
    start: int

    def put(self, minute: float, metric: str, *values: float) -> None:
        data = [
            {
                "MetricName": metric,
                "Timestamp": datetime.fromtimestamp(self.start + 60 * minute, UTC),
                "Values": list(values),
            }
        ]
        self.cloudwatch.put_metric_data(Namespace="App", MetricData=data)

    def until(self, minute: float) -> None:
        """Move the clock there, an evaluation at a time."""
        (engine,) = self.emulator.engines.alarm_engines()
        while (now := self.clock.now()) < self.start + 60 * minute + 2:
            self.clock.advance((now - 2) // 10 * 10 + 12 - now)
            engine.run_due(self.clock.now())


@pytest.fixture
def world() -> Iterator[World]:
    start = math.floor(time.time() / 60 - MINUTES) * 60
    clock = ManualClock(start)
    emulator = Emulator(Binding(port=0, xray_port=0), clock=clock)
    emulator.start()
    untyped: Any = boto3
    cloudwatch = untyped.client(
        "cloudwatch",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{emulator.port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    yield World(emulator, clock, cloudwatch, start)
    cloudwatch.close()
    emulator.stop()


@pytest.fixture
def kit(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.chdir(ROOT)
    for name in [name for name in os.environ if name.startswith(("AWS_", "KIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    def run(*argv: str) -> tuple[int, str, str]:
        code = main(["explain", *argv, "--endpoint-url", f"http://127.0.0.1:{world.emulator.port}"])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def at(world: World, minute: float) -> str:
    return datetime.fromtimestamp(world.start + 60 * minute + 5, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def explained(kit: Any, *argv: str) -> dict[str, Any]:
    code, out, err = kit(*argv, "--json")
    assert (code, err) == (0, "")
    document: dict[str, Any] = json.loads(out)
    return document


def test_the_datapoints_are_shown_with_which_were_filled_and_how(world: World, kit: Any) -> None:
    world.cloudwatch.put_metric_alarm(**FAULTS)
    for minute, value in enumerate([0, 0, 9]):
        world.put(minute, "Faults", value)
    world.until(7)
    found = explained(kit, "faults", "--at", at(world, 6))
    assert (found["reported"]["state"], found["evaluated"], found["differs"]) == ("ALARM", "ALARM", False)
    points = found["evaluation"]["datapoints"]
    assert [point["value"] for point in points] == [0, 9, None, None, None]
    assert [point["role"] for point in points] == ["evaluated", "evaluated", "not needed", "not needed", "filled"]
    assert points[-1]["filled_as"] == "breaching"
    assert points[1]["timestamp"] == datetime.fromtimestamp(world.start + 120, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert (points[1]["samples"], points[1]["breaching"]) == (1, True)
    assert found["why"] == (
        "1 of 2 evaluated datapoints are greater than 5.0, 1 missing and counted as breaching; 2 needed: ALARM"
    )
    code, out, _ = kit("faults", "--at", at(world, 6))
    assert code == 0
    assert re.search(r"^faults  ALARM  since .* UTC$", out, re.MULTILINE)
    assert "Sum of App/Faults > 5 in 2 of 3 periods of 60 s, missing data: breaching" in out
    assert "missing, TreatMissingData breaching" in out
    assert "CloudWatch says: Threshold Crossed" in out
    assert "differs" not in out


def test_without_a_time_it_is_about_now(world: World, kit: Any) -> None:
    world.cloudwatch.put_metric_alarm(**FAULTS)
    for minute in range(MINUTES + 2):
        world.put(minute, "Faults", 1)
    world.until(MINUTES)
    found = explained(kit, "faults")
    assert (found["reported"]["state"], found["evaluated"], found["differs"]) == ("OK", "OK", False)
    evaluated = datetime.fromisoformat(found["evaluation"]["at"]).timestamp()
    assert 0 <= time.time() - evaluated < 65


def test_a_time_in_the_past_tells_the_state_of_then(world: World, kit: Any) -> None:
    world.cloudwatch.put_metric_alarm(**FAULTS | {"TreatMissingData": "missing"})
    for minute, value in enumerate([0, 0, 0, 9, 9, 9, 0, 0, 0, 0]):
        world.put(minute, "Faults", value)
        world.until(minute + 1)
    states = {}
    for minute in (4, 5, 7, 8, 9):
        found = explained(kit, "faults", "--at", at(world, minute))
        assert not found["differs"], found
        states[minute] = found["evaluated"]
    assert states == {4: "OK", 5: "ALARM", 7: "ALARM", 8: "OK", 9: "OK"}
    found = explained(kit, "faults", "--at", "-1h")
    assert found["evaluated"] == "INSUFFICIENT_DATA"


def test_it_says_when_the_service_reports_something_else(world: World, kit: Any) -> None:
    world.cloudwatch.put_metric_alarm(**FAULTS)
    for minute in range(6):
        world.put(minute, "Faults", 0)
    world.until(6)
    world.cloudwatch.set_alarm_state(AlarmName="faults", StateValue="ALARM", StateReason="a drill")
    found = explained(kit, "faults", "--at", at(world, 6))
    assert (found["reported"]["state"], found["evaluated"], found["differs"]) == ("ALARM", "OK", True)
    code, out, _ = kit("faults", "--at", at(world, 6))
    assert code == 0
    assert "differs: CloudWatch reports ALARM, evaluated again it is OK" in out
    assert "CloudWatch says: a drill" in out


def test_a_composite_shows_its_rule_and_every_child_down_to_the_datapoints(world: World, kit: Any) -> None:
    quick = FAULTS | {"AlarmName": "quick", "MetricName": "Quick", "Period": 10, "EvaluationPeriods": 1}
    quick |= {"DatapointsToAlarm": 1, "TreatMissingData": "notBreaching"}
    world.cloudwatch.put_metric_alarm(**FAULTS)
    world.cloudwatch.put_metric_alarm(**quick)
    arn = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:quick"
    world.cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule=f'ALARM(faults) AND ALARM("{arn}")')
    world.cloudwatch.put_composite_alarm(AlarmName="page", AlarmRule="ALARM(both) OR NOT OK(quick)")
    for minute in range(6):
        world.put(minute, "Faults", 9)
    world.until(6)
    found = explained(kit, "page", "--at", at(world, 6))
    assert (found["evaluated"], found["differs"]) == ("OK", False)
    assert found["why"] == "with both in OK, quick in OK, the rule does not hold: OK"
    both, below = found["children"]
    assert [child["alarm"] for child in both["children"]] == ["faults", "quick"]
    assert both["why"] == "with faults in ALARM, quick in OK, the rule does not hold: OK"
    assert [child["evaluated"] for child in both["children"]] == ["ALARM", "OK"]
    assert below["evaluation"]["period_s"] == 10
    _, out, _ = kit("page", "--at", at(world, 6))
    assert re.search(r"^        faults  ALARM", out, re.MULTILINE)
    assert re.search(r"^    quick  OK", out, re.MULTILINE)


def test_metric_math_shows_every_query(world: World, kit: Any) -> None:
    def stat(name: str) -> dict[str, Any]:
        metric = {"Namespace": "App", "MetricName": name}
        return {"Id": name.lower(), "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False}

    shared = {key: FAULTS[key] for key in ("AlarmName", "EvaluationPeriods", "ComparisonOperator", "Threshold")}
    queries = [{"Id": "share", "Expression": "100 * faults / requests"}, stat("Faults"), stat("Requests")]
    world.cloudwatch.put_metric_alarm(**shared, Metrics=queries)
    for minute in range(6):
        world.put(minute, "Faults", 1)
        world.put(minute, "Requests", 10)
    world.until(6)
    found = explained(kit, "faults", "--at", at(world, 6))
    assert (found["reported"]["state"], found["evaluated"]) == ("ALARM", "ALARM")
    assert found["evaluation"]["datapoints"][-1]["queries"] == {"share": 10, "faults": 1, "requests": 10}
    assert found["evaluation"]["condition"].startswith("100 * faults / requests > 5 in 3 of 3 periods of 60 s")


def test_a_period_of_twenty_seconds_is_put_together_from_ten(world: World, kit: Any) -> None:
    """Its window ends at any ten seconds, while GetMetricData begins at whole periods only."""
    mean = FAULTS | {"Period": 20, "EvaluationPeriods": 1, "DatapointsToAlarm": 1, "Statistic": "Average"}
    world.cloudwatch.put_metric_alarm(**mean)
    for second, value in enumerate([0, 0, 0, 4, 8, 9]):
        datum = {"MetricName": "Faults", "Value": value, "StorageResolution": 1}
        moment = datetime.fromtimestamp(world.start + 10 * second, UTC)
        world.cloudwatch.put_metric_data(Namespace="App", MetricData=[datum | {"Timestamp": moment}])
    world.until(1)
    for second, average, state in [(40, 2, "OK"), (50, 6, "ALARM"), (60, 8.5, "ALARM")]:
        found = explained(kit, "faults", "--at", at(world, second / 60))
        assert found["evaluation"]["datapoints"][-1]["value"] == average
        assert (found["evaluated"], found["differs"]) == (state, False)


def test_a_new_alarm_is_told_as_such(world: World, kit: Any) -> None:
    world.cloudwatch.put_metric_alarm(**FAULTS)
    found = explained(kit, "faults")
    assert found["reported"]["state"] == "INSUFFICIENT_DATA"
    assert found["why"] == "no datapoint in the last 5 periods; TreatMissingData breaching: ALARM"
    assert found["notes"] == ["CloudWatch has not evaluated it since it was created"]


def test_an_unknown_alarm_is_one_line_with_near_names(world: World, kit: Any) -> None:
    assert kit("fault")[2] == "kit: fault: there is no such alarm. There are no alarms; try `kit apply`.\n"
    world.cloudwatch.put_metric_alarm(**FAULTS)
    code, out, err = kit("fault")
    assert (code, out, err) == (1, "", "kit: fault: there is no such alarm. Did you mean faults?\n")
    assert kit("zzz")[2] == "kit: zzz: there is no such alarm. `kit alarms` lists them.\n"


def test_composites_that_name_each_other_come_to_an_end(world: World, kit: Any) -> None:
    for name, rule in [("a", "TRUE"), ("b", "ALARM(a)"), ("a", "ALARM(b)")]:
        world.cloudwatch.put_composite_alarm(AlarmName=name, AlarmRule=rule)
    found = explained(kit, "a")
    ((again,),) = [child["children"] for child in found["children"]]
    assert again["why"] == "it stands below itself: a -> b -> a"


def test_a_suppressor_is_named(world: World, kit: Any) -> None:
    world.cloudwatch.put_metric_alarm(**FAULTS)
    world.cloudwatch.put_metric_alarm(**FAULTS | {"AlarmName": "deploy"})
    world.cloudwatch.put_composite_alarm(
        AlarmName="page",
        AlarmRule="ALARM(faults)",
        ActionsSuppressor="deploy",
        ActionsSuppressorWaitPeriod=60,
        ActionsSuppressorExtensionPeriod=60,
    )
    assert explained(kit, "page")["notes"][0].startswith("its actions can be suppressed by deploy")


def test_no_answer_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], free_port: int
) -> None:
    monkeypatch.chdir(ROOT)
    assert main(["explain", "faults", "--endpoint-url", f"http://127.0.0.1:{free_port}"]) == 1
    assert "no answer while explaining the alarm" in capsys.readouterr().err


@pytest.fixture
def free_port() -> int:
    import socket  # noqa: PLC0415  # only here

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("-10m", 999_400),
        ("-90s", 999_910),
        ("-1h", 996_400),
        ("-9d", 222_400),
        ("1970-01-01T00:16:40Z", 1000),
        ("1970-01-01T01:16:40+01:00", 1000),
    ],
)
def test_a_moment_is_rfc_3339_or_relative(text: str, seconds: float) -> None:
    assert moment(text, 1_000_000) == seconds


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("yesterday", "'yesterday' is no moment. Write 2026-11-22T10:05:00Z, or -10m"),
        ("-10", "is no moment"),
        ("2026-11-22T10:05:00", "says no time zone. Add Z for UTC."),
        ("2999-01-01T00:00:00Z", "is in the future"),
    ],
)
def test_what_is_no_moment_is_one_line(text: str, told: str) -> None:
    with pytest.raises(KitError) as caught:
        moment(text, 1_000_000)
    assert told in str(caught.value)
