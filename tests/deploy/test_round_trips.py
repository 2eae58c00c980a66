"""plan -> apply -> plan is empty, and drift is silent, for any valid input; the input is made by hypothesis."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.definitions import Definitions
from kit.definitions.alarm_rules import alarm_flaws
from kit.definitions.composite_rules import composite_flaws
from kit.definitions.dashboard_rules import dashboard_flaws
from kit.definitions.members import COMPOSITE_ALARM, METRIC_ALARM
from kit.definitions.structure import flaws
from kit.deploy.apply import apply
from kit.deploy.calls import Caller
from kit.deploy.drift import drift
from kit.deploy.live import Wanted, read_live
from kit.deploy.ownership import Owner
from kit.deploy.plan import needed, plan

_found = importlib.util.spec_from_file_location("made", Path(__file__).parent / "strategies" / "definitions.py")
assert _found is not None
assert _found.loader is not None
made = importlib.util.module_from_spec(_found)
_found.loader.exec_module(made)

OWNER = Owner("shop", "staging")
LOOSE = {"deadline": None, "suppress_health_check": list(HealthCheck)}


def read(cloudwatch: Any, definitions: Definitions) -> Any:
    boards = frozenset(board.name for board in definitions.dashboards)
    return read_live(cloudwatch, Wanted(definitions.alarm_names, boards), Caller())


@settings(max_examples=25, **LOOSE)
@given(before=made.definitions(), after=made.definitions())
def test_whatever_stood_before_the_plan_is_empty_after_apply(
    cloudwatch: Any, before: Definitions, after: Definitions
) -> None:
    for definitions in (before, after, Definitions()):
        for alarm in definitions.alarms:
            assert [*flaws(METRIC_ALARM, alarm.request), *alarm_flaws(alarm.request)] == []
        for one in definitions.composites:
            assert [*flaws(COMPOSITE_ALARM, one.request), *composite_flaws(one.request)] == []
        for board in definitions.dashboards:
            assert list(dashboard_flaws(board.body)) == []
        changes = plan(definitions, read(cloudwatch, definitions), OWNER)
        assert [one.obstacle for one in changes if one.obstacle] == []
        list(apply(changes, cloudwatch, Caller()))
        live = read(cloudwatch, definitions)
        again = plan(definitions, live, OWNER)
        assert needed(again) == ()
        assert tuple(drift(again, live, OWNER, {})) == ()


@settings(max_examples=40, **LOOSE)
@given(definitions=made.definitions(), seed=st.integers(0, 3))
def test_a_plan_never_deletes_what_a_composite_still_names(definitions: Definitions, seed: int) -> None:
    """The order is legal at each step: a composite after what it names, a delete before it."""
    changes = plan(definitions, plan_live(definitions), OWNER)
    position = {change.name: index for index, change in enumerate(changes)}
    for one in definitions.composites:
        assert all(position[one.name] > position[child] for child in one.needs)
    gone = plan(Definitions(), plan_live(definitions), OWNER)
    position = {change.name: index for index, change in enumerate(gone) if change.kind != "dashboard"}
    for one in definitions.composites:
        assert all(position[one.name] < position[child] for child in one.needs)
    assert {change.action for change in gone} <= {"delete"}


def plan_live(definitions: Definitions) -> Any:
    """The set as it would be live."""
    live_module = importlib.import_module("kit.deploy.live")
    tags = [{"Key": "kit:set", "Value": "shop"}]
    shown = {
        one.name: {**one.request, "AlarmArn": f"arn:{one.name}", "Tags": tags}
        for one in (*definitions.alarms, *definitions.composites)
    }
    composites = {one.name: shown[one.name] for one in definitions.composites}
    alarms = {name: alarm for name, alarm in shown.items() if name not in composites}
    return live_module.Live(alarms, composites, {}, composites)
