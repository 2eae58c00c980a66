"""What stands in alarms/ and dashboards/: sound, pasteable, and true to the promise."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kit.definitions import Definitions, at_practice_scale, read
from kit.definitions.dashboard_rules import GRID

ROOT = Path(__file__).parents[2]
PAGE = "shop-checkout-availability-page-fast"
OBJECTIVE = 0.99
BURN_RATE = 14.4


@pytest.fixture(scope="module")
def shipped() -> Definitions:
    return read(ROOT)


def request(definitions: Definitions, name: str) -> Any:
    (found,) = [one.request for one in (*definitions.alarms, *definitions.composites) if one.name == name]
    return found


def test_each_alarm_stands_in_the_file_of_its_name(shipped: Definitions) -> None:
    for alarm in (*shipped.alarms, *shipped.composites):
        assert alarm.file == f"alarms/{alarm.name}.json"


def test_each_alarm_names_a_runbook_that_exists_and_its_owner(shipped: Definitions) -> None:
    for alarm in (*shipped.alarms, *shipped.composites):
        sentence, runbook = alarm.request["AlarmDescription"].split(" Runbook: ")
        assert sentence.endswith(".")
        assert (ROOT / runbook).is_file()
        tags = {tag["Key"]: tag["Value"] for tag in alarm.request["Tags"]}
        assert {"kit:set", "kit:owner", "kit:severity"} <= set(tags)
        assert tags["kit:severity"] in ("page", "ticket", "info")


@pytest.mark.parametrize(("tier", "period"), [("long", 3600), ("short", 300)])
def test_the_fast_page_watches_the_burn_rate_of_its_window(shipped: Definitions, tier: str, period: int) -> None:
    alarm = request(shipped, f"{PAGE}-{tier}")
    assert alarm["Threshold"] == pytest.approx(BURN_RATE * (1 - OBJECTIVE))
    assert alarm["EvaluationPeriods"] == 1
    assert alarm["TreatMissingData"] == "notBreaching"
    stats = [query["MetricStat"] for query in alarm["Metrics"] if "MetricStat" in query]
    assert {stat["Period"] for stat in stats} == {period}
    guard = re.fullmatch(r"IF\(total > (\d+), bad/total, 0\)", alarm["Metrics"][0]["Expression"])
    assert guard
    # Three failures at the threshold: one alone must not wake anyone.
    assert int(guard[1]) == pytest.approx(3 / alarm["Threshold"], abs=1)
    assert "AlarmActions" not in alarm


def test_only_the_composite_tells_someone_and_tells_the_end_too(shipped: Definitions) -> None:
    composite = request(shipped, PAGE)
    assert composite["AlarmRule"] == f'ALARM("{PAGE}-long") AND ALARM("{PAGE}-short")'
    assert composite["AlarmActions"] == composite["OKActions"] == ["arn:aws:sns:us-east-1:123456789012:page"]


def test_practice_windows_are_two_minutes_and_ten_seconds(shipped: Definitions) -> None:
    practice = at_practice_scale(shipped)
    for tier, period in (("long", 120), ("short", 10)):
        alarm = request(practice, f"practice-{PAGE}-{tier}")
        assert {q["MetricStat"]["Period"] for q in alarm["Metrics"] if "MetricStat" in q} == {period}
        assert alarm["Threshold"] == request(shipped, f"{PAGE}-{tier}")["Threshold"]


def test_the_alarms_watch_metrics_that_the_service_emits(shipped: Definitions) -> None:
    catalogue = json.loads((ROOT / "service/telemetry/catalogue.json").read_text())
    emitted = {
        (catalogue["namespace"], metric["name"], frozenset(dimensions))
        for metric in catalogue["metrics"]
        for dimensions in metric["dimensions"]
    }
    emitted.add((catalogue["namespace"], "CanaryFault", frozenset({"Service", "Environment"})))  # the canary's
    for alarm in shipped.alarms:
        for query in alarm.request.get("Metrics", [{"MetricStat": {"Metric": alarm.request}}]):
            if "MetricStat" in query:
                metric = query["MetricStat"]["Metric"]
                keys = frozenset(dimension["Name"] for dimension in metric["Dimensions"])
                assert (metric["Namespace"], metric["MetricName"], keys) in emitted
    for board in shipped.dashboards:
        for row in metric_rows(board.body):
            assert (row[0], row[1], frozenset(row[2:-1:2])) in emitted, row


def metric_rows(body: Any) -> list[list[Any]]:
    rows = [row for widget in body["widgets"] for row in widget["properties"].get("metrics", ())]
    return [row for row in rows if isinstance(row[0], str)]


def test_the_widgets_lie_side_by_side_without_overlap_or_hole(shipped: Definitions) -> None:
    for board in shipped.dashboards:
        cells = [
            (x, y)
            for widget in board.body["widgets"]
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        ]
        assert len(cells) == len(set(cells))
        height = max(y for _, y in cells) + 1
        assert len(cells) == GRID * height


def test_the_dashboards_titles_tell_their_windows_at_both_scales(shipped: Definitions) -> None:
    units = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
    for definitions in (shipped, at_practice_scale(shipped)):
        (slo,) = [board for board in definitions.dashboards if board.name.endswith("slo")]
        told = 0
        for widget in slo.body["widgets"]:
            properties = widget["properties"]
            for row in properties.get("metrics", ()):
                said = re.search(r"over (\d+) (s|min|h)$", row[-1].get("label", ""))
                if said:
                    assert int(said[1]) * units[said[2]] == row[-1]["period"]
                    told += 1
            said = re.search(r"(?:over|each|in|of) (\d+) (s|min|h|d)\b", properties.get("title", ""))
            if said:
                assert int(said[1]) * units[said[2]] == window_s(properties)
                told += 1
        assert told == 30  # 11 tiers, 3 x 3 other numbers and charts, 10 lines in the charts of the burn rate


def window_s(properties: Any) -> int:
    """The range of a single value, else the period of a chart."""
    if not properties.get("setPeriodToTimeRange"):
        return int(properties["period"])
    match = re.fullmatch(r"-PT?(\d+)([MHD])", properties["start"])
    assert match
    return int(match[1]) * {"M": 60, "H": 3600, "D": 86_400}[match[2]]
