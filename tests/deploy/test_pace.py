"""The pace that AWS allows."""

from __future__ import annotations

import pytest

from kit.deploy.apply import Pace
from kit.deploy.stage import _on_this_machine


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_forty_calls_take_thirteen_seconds_at_three_a_second() -> None:
    time = Time()
    pace = Pace(3, time, time.sleep)
    for _ in range(40):
        pace.wait()
    assert time.now == pytest.approx(113)


def test_a_slow_call_is_not_waited_for_again() -> None:
    time = Time()
    pace = Pace(3, time, time.sleep)
    pace.wait()
    time.now += 5
    pace.wait()
    assert time.now == pytest.approx(105)


def test_no_limit_never_waits() -> None:
    time = Time()
    pace = Pace(None, time, time.sleep)
    for _ in range(100):
        pace.wait()
    assert time.now == 100


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:4566", True),
        ("http://localhost:4566", True),
        ("http://[::1]:4566", True),
        ("http://aws.example:4566", False),
        ("https://127.example.org", False),
        (None, False),
    ],
)
def test_only_an_endpoint_on_this_machine_is_spared_the_pace(url: str | None, here: bool) -> None:
    assert _on_this_machine(url) is here
