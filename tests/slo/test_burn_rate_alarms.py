"""From a promise to its alarms: the arithmetic, the suppression, and what AWS takes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.definitions import AlarmFile, CompositeFile, Definitions, at_practice_scale
from kit.definitions.alarm_rules import alarm_flaws
from kit.definitions.composite_rules import composite_flaws, family_complaints
from kit.definitions.dashboard_rules import GRID, dashboard_flaws
from kit.definitions.layout import json_text
from kit.definitions.members import COMPOSITE_ALARM, METRIC_ALARM
from kit.definitions.structure import flaws
from kit.slo import Slo, generated, read_slos

ROOT = Path(__file__).parents[2]
SHIPPED = read_slos(ROOT / "slos", ROOT)
AVAILABILITY = SHIPPED[0]


def alarms(slos: tuple[Slo, ...]) -> dict[str, Any]:
    made = generated(slos)
    return {value["AlarmName"]: value for file, value in made.items() if file.startswith("alarms/")}


@pytest.mark.parametrize(
    ("tier", "windows", "threshold", "guard"),
    [
        ("page-fast", (3600, 300), 0.144, 21),
        ("page-slow", (21_600, 1800), 0.06, 50),
        ("ticket", (86_400, 7200), 0.03, 100),
        ("ticket-slow", (259_200, 21_600), 0.01, 300),
    ],
)
def test_each_tier_watches_its_burn_rate_over_its_two_windows(
    tier: str, windows: tuple[int, int], threshold: float, guard: int
) -> None:
    made = alarms(SHIPPED)
    for name, window in zip(("long", "short"), windows, strict=True):
        child = made[f"shop-checkout-availability-{tier}-{name}"]
        assert child["Threshold"] == threshold
        assert child["Metrics"][0]["Expression"] == f"IF(total > {guard}, bad/total, 0)"
        assert {q["MetricStat"]["Period"] for q in child["Metrics"] if "MetricStat" in q} == {window}
        assert "AlarmActions" not in child


def test_the_suppressors_form_a_chain_in_which_everything_more_urgent_holds_back() -> None:
    made = alarms(SHIPPED)
    name = "shop-checkout-availability"
    assert "ActionsSuppressor" not in made[f"{name}-page-fast"]
    assert made[f"{name}-page-slow"]["ActionsSuppressor"] == f"{name}-page-fast"
    rule = made[made[f"{name}-ticket-slow"]["ActionsSuppressor"]]["AlarmRule"]
    assert rule == f'ALARM("{name}-page-fast") OR ALARM("{name}-page-slow") OR ALARM("{name}-ticket")'
    assert made["shop-checkout-latency-page-fast"]["ActionsSuppressor"] == f"{name}-page-fast"


def test_a_shorter_period_scales_the_burn_rate_and_keeps_the_share_of_the_budget() -> None:
    week = replace(AVAILABILITY, period_s=7 * 86_400)
    policy = week.policies[0]
    assert week.burn_rate(policy) == Fraction("14.4") * 7 / 30
    assert week.spent(policy) == AVAILABILITY.spent(policy) == Fraction(2, 100)


def test_a_good_metric_instead_of_a_bad_one_gives_the_same_ratio() -> None:
    good = replace(AVAILABILITY, counts_good=True, policies=AVAILABILITY.policies[:1])
    child = alarms((good,))[f"{AVAILABILITY.name}-page-fast-long"]
    assert child["Metrics"][0]["Expression"] == "IF(total > 21, 1 - good/total, 0)"
    assert [query["Id"] for query in child["Metrics"]] == ["ratio", "good", "total"]


@st.composite
def objectives(draw: st.DrawFn) -> Slo:
    windows = sorted(draw(st.lists(st.integers(2, 168), min_size=1, max_size=5, unique=True)))
    policies = tuple(
        replace(
            AVAILABILITY.policies[0],
            name=f"tier{index}",
            long_s=hours * 3600,
            short_s=draw(st.integers(1, hours - 1)) * 3600,
            burn_rate=Fraction(draw(st.integers(1, 400)), 10),
            guard=draw(st.integers(1, 5)),
        )
        for index, hours in enumerate(windows)
    )
    target = Fraction(draw(st.integers(9500, 9999)), 10_000)
    days = draw(st.sampled_from([7, 28, 30, 90]))
    slo = replace(AVAILABILITY, target=target, period_s=days * 86_400, policies=policies)
    return replace(slo, policies=tuple(policy for policy in policies if slo.threshold(policy) < 1))


@given(objectives().filter(lambda slo: bool(slo.policies)))
def test_aws_takes_what_is_made_at_both_scales(slo: Slo) -> None:
    made = alarms((slo,))
    definitions = Definitions(
        tuple(AlarmFile(name, one) for name, one in made.items() if "AlarmRule" not in one),
        tuple(CompositeFile(name, one) for name, one in made.items() if "AlarmRule" in one),
    )
    for scaled in (definitions, at_practice_scale(definitions)):
        for alarm in scaled.alarms:
            assert [*flaws(METRIC_ALARM, alarm.request), *alarm_flaws(alarm.request)] == []
        for composite in scaled.composites:
            assert [*flaws(COMPOSITE_ALARM, composite.request), *composite_flaws(composite.request)] == []
        assert list(family_complaints(scaled.composites, scaled.alarm_names)) == []


@given(objectives().filter(lambda slo: bool(slo.policies)))
def test_fewer_bad_events_than_the_guard_says_are_never_above_the_line(slo: Slo) -> None:
    for policy in slo.policies:
        total = slo.least_total(policy) + 1
        assert (policy.guard - 1) / total <= slo.threshold(policy)
        assert slo.least_total(policy) == math.ceil(policy.guard / slo.threshold(policy))


def test_the_dashboard_keeps_to_the_limits_and_fills_the_grid() -> None:
    body = generated(SHIPPED)["dashboards/slo.json"]
    assert list(dashboard_flaws(body)) == []
    widgets = body["widgets"]
    metrics = [len(widget["properties"].get("metrics", ())) for widget in widgets]
    assert len(widgets) <= 500
    assert max(metrics) <= 500
    assert sum(metrics) <= 2500
    cells = [
        (x, y)
        for widget in widgets
        for x in range(widget["x"], widget["x"] + widget["width"])
        for y in range(widget["y"], widget["y"] + widget["height"])
    ]
    assert len(cells) == len(set(cells)) == GRID * (max(y for _, y in cells) + 1)


scalars = st.none() | st.booleans() | st.integers() | st.text(max_size=60)
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner))


@settings(max_examples=30)
@given(values)
def test_the_layout_changes_nothing_but_the_layout(value: Any) -> None:
    assert json.loads(json_text(value)) == value
