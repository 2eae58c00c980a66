"""The shipped set at practice scale: the same alarms on shorter windows, each of them legal for CloudWatch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.definitions import Definitions, at_practice_scale, read
from kit.definitions.alarm_rules import alarm_flaws, is_alarm_period
from kit.definitions.composite_rules import composite_flaws, family_complaints
from kit.definitions.dashboard_rules import dashboard_flaws
from kit.definitions.practice import PREFIX, SENTENCE

ROOT = Path(__file__).parents[2]
WINDOWS = {"Period", "period", "start", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod"}
WORDS = {"AlarmDescription", "Label", "label", "title", "markdown"}
NAMES = {"AlarmName", "AlarmRule", "ActionsSuppressor", "alarms"}


@pytest.fixture(scope="module")
def shipped() -> Definitions:
    return read(ROOT)


@pytest.fixture(scope="module")
def practice(shipped: Definitions) -> Definitions:
    return at_practice_scale(shipped)


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, str(index)))
    else:
        yield path, value


def all_of(definitions: Definitions) -> list[Any]:
    alarms = [alarm.request for alarm in definitions.alarms]
    return [
        *alarms,
        *(one.request for one in definitions.composites),
        *(board.body for board in definitions.dashboards),
    ]


def test_only_windows_periods_names_and_words_differ(shipped: Definitions, practice: Definitions) -> None:
    differing = set()
    for before, after in zip(all_of(shipped), all_of(practice), strict=True):
        was, now = dict(leaves(before)), dict(leaves(after))
        assert was.keys() == now.keys()
        differing |= {
            next(key for key in reversed(path) if not key.isdigit()) for path in was if was[path] != now[path]
        }
    assert differing <= WINDOWS | WORDS | NAMES
    assert {"Period", "AlarmName", "AlarmDescription", "ActionsSuppressor"} <= differing


def test_the_scale_shows_in_every_name_and_description(practice: Definitions) -> None:
    for alarm in (*practice.alarms, *practice.composites):
        assert alarm.name.startswith(PREFIX)
        assert str(alarm.request["AlarmDescription"]).startswith(SENTENCE)


def test_aws_takes_every_alarm_and_dashboard(practice: Definitions) -> None:
    for alarm in practice.alarms:
        assert list(alarm_flaws(alarm.request)) == []
        for path, value in leaves(alarm.request):
            assert path[-1] != "Period" or is_alarm_period(value)
    for composite in practice.composites:
        assert list(composite_flaws(composite.request)) == []
    assert list(family_complaints(practice.composites, practice.alarm_names)) == []
    for board in practice.dashboards:
        assert list(dashboard_flaws(board.body)) == []


def test_windows_below_a_minute_watch_metrics_of_high_resolution_only(practice: Definitions) -> None:
    catalogue = json.loads((ROOT / "service/telemetry/catalogue.json").read_text())
    fine = {metric["name"] for metric in catalogue["metrics"] if metric["sli_resolution"] == 1}
    found = 0
    for alarm in practice.alarms:
        for query in alarm.request.get("Metrics", [{"MetricStat": {"Metric": alarm.request, **alarm.request}}]):
            stat = query.get("MetricStat")
            if stat and stat["Period"] < 60:
                found += 1
                names = {dimension["Name"] for dimension in stat["Metric"]["Dimensions"]}
                metric = stat["Metric"]["MetricName"]
                assert (metric in fine and "Operation" in names) or metric == "CanaryFault", alarm.name
    assert found == 6
