"""The fast page tier at practice scale: two windows on the error ratio and their composite."""

from __future__ import annotations

import pytest

from .conftest import TOPIC, World

# Long window 120 s and short window 10 s at burn rate 14.4 of a 1 % budget. Time to page at error ratio e is at most
# 120 * 0.144 / e (how long the long window needs) + 60 (its tick) + 10 (the short window's tick) + 5 (the flush).
THRESHOLD = 0.144
CHECKOUTS_PER_S = 6
FLUSH_S = 5
CLEAN_S = 180


def bound(error_ratio: float) -> float:
    return 120 * THRESHOLD / error_ratio + 60 + 10 + 5


def watch(world: World, name: str, period: int) -> None:
    def counted(metric: str) -> dict[str, object]:
        return {"Metric": {"Namespace": "Shop", "MetricName": metric}, "Period": period, "Stat": "Sum"}

    world.alarm(
        name,
        Threshold=THRESHOLD,
        TreatMissingData="notBreaching",
        Metrics=[
            {"Id": "ratio", "Expression": "IF(total > 21, bad/total, 0)", "ReturnData": True},
            {"Id": "bad", "MetricStat": counted("Fault"), "ReturnData": False},
            {"Id": "total", "MetricStat": counted("Requests"), "ReturnData": False},
        ],
    )


def fast_page(world: World) -> None:
    watch(world, "long", 120)
    watch(world, "short", 10)
    world("PutCompositeAlarm", AlarmName="page", AlarmRule='ALARM("long") AND ALARM("short")', AlarmActions=[TOPIC])


def traffic(world: World, seconds: int, fault: range, error_ratio: float) -> None:
    """Checkouts at a steady rate, flushed on whole multiples of FLUSH_S with that moment as timestamp."""
    for flush in range(FLUSH_S, seconds + 1, FLUSH_S):
        world.until(flush)
        failing = sum(second in fault for second in range(flush - FLUSH_S, flush))
        world.record("Requests", CHECKOUTS_PER_S * FLUSH_S, flush, 1)
        world.record("Fault", CHECKOUTS_PER_S * failing * error_ratio, flush, 1)


@pytest.mark.parametrize("phase", range(60))
@pytest.mark.parametrize("error_ratio", [1.0, 0.3])
def test_an_outage_pages_once_within_the_bound_whenever_it_begins(world: World, phase: int, error_ratio: float) -> None:
    fast_page(world)
    began = CLEAN_S + phase
    ends = began + int(bound(error_ratio)) + 20
    traffic(world, ends, range(began, ends), error_ratio)
    alarms = [at for at, state in world.states("page") if state == "ALARM"]
    assert len(alarms) == 1
    assert began < alarms[0] <= began + bound(error_ratio)
    assert [subject for _, subject, _ in world.published] == ['ALARM: "page" in EU (Ireland)']


def test_the_page_ends_soon_after_the_fault_is_lifted(world: World) -> None:
    fast_page(world)
    traffic(world, 400, range(180, 300), 1.0)
    assert [state for _, state in world.states("page")] == ["OK", "ALARM", "OK"]
    lifted = world.states("page")[-1][0]
    assert 300 < lifted <= 300 + 10 + 10 + FLUSH_S + 1


def test_clean_traffic_never_pages(world: World) -> None:
    fast_page(world)
    traffic(world, 3600, range(0), 1.0)
    assert world.states("page") == [(1, "OK")]
    assert world.published == []


def test_a_few_failures_in_thin_traffic_never_page(world: World) -> None:
    fast_page(world)
    for flush in range(FLUSH_S, 1800, FLUSH_S):
        world.until(flush)
        world.record("Requests", 1, flush, 1)  # 2 in 10 s, 24 in 120 s
        world.record("Fault", 1 if flush % 600 == 0 else 0, flush, 1)
    assert "ALARM" not in [state for _, state in world.states("page")]
