"""The scenarios in gamedays/: all there, playable by the load generator, held to the bounds of the SLO arithmetic."""

from __future__ import annotations

import json
import subprocess
import sys
from fractions import Fraction
from math import ceil
from pathlib import Path

import pytest

from kit.definitions import at_practice_scale, read
from kit.definitions.durations import K, scaled
from kit.definitions.gamedays import Scenario
from kit.definitions.gamedays_bounds import bound
from kit.definitions.gamedays_reading import read_gamedays
from kit.definitions.practice import PREFIX
from kit.slo.reading import read_slos
from service.failures.registry import known

ROOT = Path(__file__).parents[2]
SCENARIOS = {one.name: one for one in read_gamedays(ROOT)}
TIERS = {slo.alarm(policy): (slo, policy) for slo in read_slos(ROOT / "slos", ROOT) for policy in slo.policies}
PRACTICE = at_practice_scale(read(ROOT))
FIRING = [(one, each) for one in SCENARIOS.values() for each in one.expect if each.fires_within]

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)


def test_there_are_the_eighteen() -> None:
    assert sorted(SCENARIOS) == [
        *("bot-flood", "canary-bug", "cpu-hog", "db-lock", "db-pool-leak", "flapping", "memory-leak", "n-plus-one"),
        *("noop", "payment-blackhole", "payment-errors", "payment-slow", "recommender-down", "retry-storm"),
        *("silent-outage", "telemetry-loss", "traffic-spike", "wrong-total"),
    ]


@pytest.mark.parametrize(("scenario", "expected"), FIRING, ids=[f"{one.name} {each.alarm}" for one, each in FIRING])
def test_fires_within_is_the_bound_of_the_alarms_own_definition(scenario: Scenario, expected) -> None:
    found = bound(PRACTICE, PREFIX + expected.alarm, expected.error_ratio)
    assert found is not None
    assert expected.fires_within == found.whole, found.sum


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [pair for pair in FIRING if pair[1].alarm in TIERS],
    ids=[f"{one.name} {each.alarm}" for one, each in FIRING if each.alarm in TIERS],
)
def test_the_bound_of_a_tier_follows_from_its_objective_and_policy(scenario: Scenario, expected) -> None:
    slo, policy = TIERS[expected.alarm]
    # Practice scale divides the windows and keeps B·b; the short window's tick counts where it is below a minute.
    fill = Fraction(policy.long_s, K) * slo.threshold(policy) / Fraction(str(expected.error_ratio))
    short_tick = 10 if scaled(policy.short_s) < 60 else 0
    assert expected.fires_within == ceil(fill + 60 + short_tick + 5)


LOAD_READS = """
import json, sys
from pathlib import Path
from loadtest.scenario import read
found = {path: read(Path(path)) for path in sys.argv[1:]}
print(json.dumps({one.name: [one.load.users, [step.at for step in one.schedule]] for one in found.values()}))
"""


def test_the_load_generator_reads_the_same_schedules() -> None:
    # In a process of its own: Locust patches the whole process that imports it.
    files = [str(one.path) for one in SCENARIOS.values()]
    done = subprocess.run([sys.executable, "-c", LOAD_READS, *files], cwd=ROOT, capture_output=True, check=True)
    ours = {one.name: [one.load["users"], [step.at for step in one.schedule]] for one in SCENARIOS.values()}
    assert json.loads(done.stdout) == ours


@every_scenario
def test_a_service_knows_each_fault(scenario: Scenario) -> None:
    assert set(scenario.faults) <= known("shop").keys() | known("payments").keys()


@every_scenario
def test_the_trouble_lasts_until_the_slowest_alarm_must_have_told(scenario: Scenario) -> None:
    fires = [each for each in scenario.expect if each.fires_within and not each.held_back]
    bounds = [bound(PRACTICE, PREFIX + each.alarm, each.error_ratio) for each in fires]
    assert scenario.over - scenario.trouble.at >= max((one.told for one in bounds if one), default=0)


@every_scenario
def test_a_shop_at_rest_is_seen_before_the_trouble_and_after_it(scenario: Scenario) -> None:
    assert scenario.trouble.at >= 30
    assert scenario.lasts - scenario.over >= 30


@every_scenario
def test_no_hint_tells_the_fault_by_its_name(scenario: Scenario) -> None:
    for hint in scenario.hints:
        assert not any(name in hint.text for name in (*scenario.faults, scenario.name))
    assert [hint.cost for hint in scenario.hints] == sorted(hint.cost for hint in scenario.hints)
