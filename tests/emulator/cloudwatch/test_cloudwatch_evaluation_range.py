"""How far an alarm looks back is not documented, so it can be set; and how punctual it is can be read."""

from __future__ import annotations

from click.testing import CliRunner

from kit.cli.emulate import command
from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.cloudwatch.store import Datum
from kit.emulator.server import Emulator

from .conftest import ACCOUNT, REGION, TEN, World


def _leaves_alarm_after(world: World, extra: int) -> float:
    """Seconds for which an alarm keeps its state after the one breaching minute, with missing data as missing."""
    clock = ManualClock(TEN)
    world.engine = Engine(REGION, ACCOUNT, clock, world.publish, background=False, evaluation_range_extra=extra)
    world.clock = clock
    world.alarm("a")
    world.engine.record([Datum("Shop", "Fault", (), TEN, None, 60, (20.0,), (1.0,))])
    world.until(900)
    (alarmed, _), (left, state) = world.states("a")[-2:]
    assert state == "INSUFFICIENT_DATA"
    return left - alarmed


def test_a_point_counts_until_it_leaves_the_evaluation_range(world: World) -> None:
    assert [_leaves_alarm_after(world, extra) for extra in (0, 2, 5)] == [60, 180, 360]


def test_the_command_hands_the_evaluation_range_on() -> None:
    assert "--evaluation-range-extra" in CliRunner().invoke(command, ["--help"]).output
    assert Emulator(evaluation_range_extra=4).engines.cloudwatch("us-east-1")._ticker._extra == 4


def test_ticks_tell_how_late_they_were(world: World) -> None:
    world.alarm("a")
    world.until(11)
    world.clock.advance(10.25)
    world.engine.run_due(world.clock.now())
    world.clock.advance(30)
    world.engine.run_due(world.clock.now())
    counts = world.engine.counts()
    assert counts["alarms"] == 1
    assert (counts["ticks"], counts["ticks_left_out"]) == (4, 2)
    assert (counts["late_p99_us"], counts["late_max_us"]) == (250_000, 250_000)
    assert counts["took_max_us"] == 0
