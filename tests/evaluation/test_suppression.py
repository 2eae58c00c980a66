"""Action suppression, by the examples of the User Guide, "Suppressing composite alarm actions"."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

import pytest

from kit.evaluation.suppression import FREE, Suppression, Suppressor, replaced, step

# in the page's examples WaitPeriod is 2 time units and ExtensionPeriod 3
SUPPRESSOR = Suppressor("deploying", wait_s=2, extension_s=3)


@dataclass(frozen=True)
class Example:
    """``composite`` and ``suppressor`` are their states at t0, t1, …: X is ALARM, 0 is OK."""

    title: str
    composite: str
    suppressor: str
    suppressed_by: str
    acts: dict[int, str]


EXAMPLES = [
    Example("Example 1: Actions are not suppressed after WaitPeriod", "00XXXXXX", "00000000", "--WW----", {4: "X"}),
    Example(
        "Example 2: Actions are suppressed by alarm before WaitPeriod expires", "00XXXXXX", "000XXXXX", "--WAAAAA", {}
    ),
    Example(
        "Example 3: State transition when actions are suppressed by WaitPeriod",
        "00X00000",
        "00000000",
        "--WWW---",
        {5: "0"},
    ),
    Example("Example 4: State transition when actions are suppressed by alarm", "00XXXX", "0XXXXX", "-AAAAA", {}),
    Example(
        "Example 5: Actions are not suppressed after ExtensionPeriod",
        "00XXXXXXXXX",
        "000XXX00000",
        "--WAAAEEE--",
        {9: "X"},
    ),
    Example(
        "Example 6: State transition when actions are suppressed by ExtensionPeriod",
        "00XXXXX0000",
        "000XXX00000",
        "--WAAAEWW--",
        {9: "0"},
    ),
    # the page's first two pictures, with the 6 units they show cut to the 2 and 3 of the examples
    Example("a suppressor that alarms at the very end of a WaitPeriod", "00XXXX", "0000XX", "--WWAA", {}),
    Example("a composite that recovers in the ExtensionPeriod", "XX000000", "X0000000", "AEWW----", {4: "0"}),
    Example("a change while the suppressor alarms", "0XX00000000", "X0000000000", "AWWWW------", {5: "0"}),
]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.title)
def test_the_documented_examples_of_suppression(example: Example) -> None:
    shown, acts = _run(example.composite, example.suppressor)
    assert shown == example.suppressed_by
    assert acts == example.acts


def _run(composite: str, suppressor: str) -> tuple[str, dict[int, str]]:
    now, acts, shown = FREE, {}, ""
    for t, (state, held) in enumerate(zip(composite, suppressor, strict=True)):
        changed = t > 0 and state != composite[t - 1]
        now, act = step(SUPPRESSOR, now, t, suppressor_alarms=held == "X", changed=changed)
        shown += {"WaitPeriod": "W", "ExtensionPeriod": "E", "Alarm": "A", None: "-"}[now.by]
        if act:
            acts[t] = state
    return shown, acts


def test_without_a_suppressor_actions_are_taken_at_once() -> None:
    assert step(None, FREE, 7, suppressor_alarms=False, changed=True) == (FREE, True)
    assert step(None, FREE, 7, suppressor_alarms=False, changed=False) == (FREE, False)


def test_replacing_the_suppressor_drops_the_timer_and_takes_what_it_held_back() -> None:
    waiting, _ = step(SUPPRESSOR, FREE, 10, suppressor_alarms=False, changed=True)
    assert waiting == Suppression("WaitPeriod", 12, withheld=True)
    assert step(SUPPRESSOR, replaced(waiting), 11, suppressor_alarms=False, changed=False) == (FREE, True)


def test_a_new_suppressor_in_alarm_goes_on_holding_back() -> None:
    waiting, _ = step(SUPPRESSOR, FREE, 10, suppressor_alarms=False, changed=True)
    held, act = step(SUPPRESSOR, replaced(waiting), 11, suppressor_alarms=True, changed=False)
    assert (held, act) == (Suppression("Alarm", math.inf, withheld=True), False)


def test_a_suppressor_that_came_and_went_without_a_change_leaves_nothing_to_do() -> None:
    assert _run("XXXXXXXX", "00XX0000") == ("--AAEEE-", {})


def test_periods_of_0_seconds_hold_nothing_back() -> None:
    at_once = Suppressor("deploying", 0, 0)
    assert step(at_once, FREE, 1, suppressor_alarms=False, changed=True) == (FREE, True)
    held, _ = step(at_once, FREE, 1, suppressor_alarms=True, changed=True)
    assert step(at_once, held, 2, suppressor_alarms=False, changed=False) == (FREE, True)


def test_actions_are_never_taken_while_the_suppressor_alarms_and_never_forgotten_once_it_is_quiet() -> None:
    dice = random.Random(9)
    for _ in range(2000):
        length = dice.randint(2, 30)
        composite = "".join(dice.choice("0X") for _ in range(length)) + "0" * 7
        suppressor = "".join(dice.choice("000X") for _ in range(length)) + "0" * 7
        composite = composite[:length] + composite[length - 1] * 7
        shown, acts = _run(composite, suppressor)
        assert all(suppressor[t] == "0" and shown[t] == "-" for t in acts)
        changes = [t for t in range(1, len(composite)) if composite[t] != composite[t - 1]]
        if changes:
            assert max(acts) >= changes[-1]
            assert acts[max(acts)] == composite[-1]
        else:
            assert acts == {}


def test_the_reason_is_worded_as_in_published_events() -> None:
    assert Suppression("WaitPeriod", 5).reason == "Actions suppressed by WaitPeriod"
    assert FREE.reason == ""
