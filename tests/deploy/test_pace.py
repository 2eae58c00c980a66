"""The pace that AWS allows, and the patience with which it is kept."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from kit.definitions import AlarmFile, DashboardFile, Definitions
from kit.deploy.apply import apply, calls_of
from kit.deploy.calls import CALLS_A_SECOND, Caller, Pace
from kit.deploy.live import Live
from kit.deploy.plan import plan
from kit.deploy.stage import _on_this_machine


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Recording:
    """A client that takes everything, and notes when."""

    def __init__(self, time: Time) -> None:
        self.at: list[float] = []
        self._time = time

    def __getattr__(self, name: str) -> Any:
        def call(**_: Any) -> dict[str, Any]:
            self.at.append(self._time())
            return {}

        return call


def throttled(code: str = "Throttling") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "Rate exceeded"}}, "PutMetricAlarm")


def test_forty_alarms_and_three_dashboards_go_at_three_a_second_and_the_time_left_is_known() -> None:
    time = Time()
    client = Recording(time)
    definitions = Definitions(
        alarms=tuple(AlarmFile(f"alarms/{n}.json", {"AlarmName": str(n)}) for n in range(40)),
        dashboards=tuple(DashboardFile(f"dashboards/{n}.json", str(n), {"widgets": []}) for n in range(3)),
    )
    changes = plan(definitions, Live())
    pace = Pace(CALLS_A_SECOND, time, time.sleep)
    left = [sum(map(calls_of, changes)) * pace.gap]
    for index, _ in enumerate(apply(changes, client, Caller(pace, 90, time, time.sleep)), 1):
        left.append(sum(map(calls_of, changes[index:])) * pace.gap)
    assert len(client.at) == 43
    assert time.now - 100 == pytest.approx(42 / 3)
    assert all(len([t for t in client.at if start <= t < start + 0.999]) <= 3 for start in client.at)
    assert left[0] == pytest.approx(43 / 3)
    assert left == sorted(left, reverse=True)
    assert left[-1] == 0


def test_a_slow_call_is_not_waited_for_again() -> None:
    time = Time()
    pace = Pace(3, time, time.sleep)
    pace.wait()
    time.now += 5
    pace.wait()
    assert time.now == pytest.approx(105)


def test_throttling_slows_the_pace_and_calm_brings_it_back() -> None:
    time = Time()
    pace = Pace(3, time, time.sleep)
    call = Caller(pace, 90, time, time.sleep, lambda: 1.0)
    fails = iter([True, True, False])

    def operation() -> str:
        if next(fails, False):
            raise throttled()
        return "done"

    assert call.write(operation) == "done"
    assert pace.gap > 1 / 3
    for _ in range(10):
        call.write(lambda: None)
    assert pace.gap == pytest.approx(1 / 3)


@pytest.mark.parametrize("code", ["Throttling", "ThrottlingException", "ConcurrentModificationException"])
def test_patience_ends(code: str) -> None:
    time = Time()
    call = Caller(Pace(None), 30, time, time.sleep, lambda: 0.5)
    calls = []

    def operation() -> None:
        calls.append(time())
        raise throttled(code)

    with pytest.raises(ClientError):
        call.read(operation)
    assert 5 < len(calls) < 40
    assert time.now - 100 <= 30


@pytest.mark.parametrize("error", [throttled("AccessDenied"), EndpointConnectionError(endpoint_url="http://x")])
def test_what_does_not_pass_by_is_not_tried_again(error: Exception) -> None:
    calls = []

    def operation() -> None:
        calls.append(1)
        raise error

    with pytest.raises(type(error)):
        Caller(sleep=lambda _: None).write(operation)
    assert len(calls) == 1


def test_two_that_were_refused_together_do_not_come_back_together() -> None:
    waits = []
    for part in (0.1, 0.9):
        time = Time()
        fails = iter([True, False])

        def operation(fails: Any = fails) -> None:
            if next(fails):
                raise throttled()

        Caller(Pace(None), 30, time, time.sleep, lambda part=part: part).read(operation)
        waits.append(time.now)
    assert waits[0] < waits[1]


@pytest.mark.parametrize(
    ("address", "here"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("http://[::1]:4566", True),
        ("http://aws.example:4566", False),
        ("https://127.example.org", False),
        (None, False),
    ],
)
def test_only_an_address_on_this_machine_needs_no_pace(address: str | None, here: bool) -> None:
    assert _on_this_machine(address) is here
