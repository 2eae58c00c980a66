from __future__ import annotations

import threading
import time

import pytest

from kit.emulator.clock import ManualClock, SystemClock


def test_the_system_clock_waits_until_the_time_has_come() -> None:
    clock = SystemClock()
    due = clock.now() + 0.05
    clock.wait(due, threading.Event())
    assert clock.now() >= due


def test_a_wake_ends_the_wait_and_is_used_up() -> None:
    wake = threading.Event()
    wake.set()
    started = time.monotonic()
    SystemClock().wait(float("inf"), wake)
    assert time.monotonic() - started < 1
    assert not wake.is_set()


def test_a_manual_clock_moves_only_when_told() -> None:
    clock = ManualClock(1000.0)
    assert clock.now() == 1000.0
    assert clock.advance(60) == 1060.0
    assert clock.now() == 1060.0


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_manual_clock_refuses_to_go_back_or_nowhere(seconds: float) -> None:
    with pytest.raises(ValueError, match="can't be moved"):
        ManualClock(0).advance(seconds)


def test_advancing_wakes_who_is_due_and_nobody_else() -> None:
    clock = ManualClock(0)
    returned: list[str] = []

    def sleeper(name: str, until: float) -> threading.Thread:
        wake = threading.Event()

        def sleep() -> None:
            clock.wait(until, wake)
            returned.append(name)

        thread = threading.Thread(target=sleep, daemon=True)
        thread.start()
        return thread

    early, late = sleeper("early", 10), sleeper("late", 100)
    while len(clock._sleepers) < 2:
        time.sleep(0.001)
    clock.advance(10)
    early.join(timeout=5)
    assert returned == ["early"]
    clock.advance(90)
    late.join(timeout=5)
    assert returned == ["early", "late"]
