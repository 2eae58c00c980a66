"""The shipped alarms, each spoilt in one way that a hurried hand would: the check finds it, and names the file."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.definitions.checks import check
from kit.definitions.checks.cost import cost
from kit.definitions.checks.watch import watch_of
from kit.definitions.model import AlarmFile, CompositeFile, DashboardFile, Definitions

ROOT = Path(__file__).parents[2]
FAST, LONG = "shop-checkout-availability-page-fast", "shop-checkout-availability-page-fast-long"
SLOW = "shop-checkout-availability-page-slow"
SUPPRESSION = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
Json = dict[str, Any]


def without(*keys: str) -> Callable[[Json], Json]:
    return lambda request: {key: value for key, value in request.items() if key not in keys}


def written(old: str, new: str) -> Callable[[Json], Json]:
    def change(request: Json) -> Json:
        text = json.dumps(request)
        assert old in text
        changed: Json = json.loads(text.replace(old, new))
        return changed

    return change


@pytest.mark.parametrize(
    ("name", "change", "rule"),
    [
        (LONG, lambda request: {**request, "Threshold": 1.008}, "alarm/never-fires"),
        (LONG, written("IF(total > 21, bad/total, 0)", "bad/total"), "alarm/thin-traffic"),
        (LONG, written("total > 21", "total > 2"), "alarm/thin-traffic"),
        (LONG, written('"MetricName": "Fault"', '"MetricName": "Faults"'), "metric/unknown"),
        (LONG, written('"Name": "Operation"', '"Name": "Route"'), "metric/dimensions"),
        (LONG, written('"Stat": "Sum"', '"Stat": "Sum", "Unit": "Percent"'), "metric/unit"),
        (LONG, written("shop-team", ""), "alarm/owner"),
        (LONG, written(f"docs/runbooks/{FAST}.md", "docs/runbooks/lost.md"), "alarm/runbook-not-there"),
        (FAST, written(f'ALARM(\\"{LONG}\\")', f'OK(\\"{FAST}-short\\")'), "composite/never-true"),
        (FAST, written(f'\\"{LONG}\\"', '\\"lost\\"'), "composite/unknown-alarm"),
        (FAST, without("AlarmActions", "OKActions", "InsufficientDataActions"), "alarm/severity"),
        (SLOW, without(*SUPPRESSION), "set/two-pages"),
    ],
)
def test_a_spoilt_alarm_is_found(tmp_path: Path, name: str, change: Callable[[Json], Json], rule: str) -> None:
    (tmp_path / "alarms").mkdir()
    for path in (ROOT / "alarms").glob("shop-checkout-availability-page*.json"):
        request = json.loads(path.read_text())
        assert path.stem == request["AlarmName"]
        changed = change(request) if path.stem == name else request
        (tmp_path / "alarms" / path.name).write_text(json.dumps(changed))
    found = check([tmp_path], tmp_path, catalogue=ROOT / "service/telemetry/catalogue.json").findings
    assert rule in {finding.rule for finding in found}


BUDGETS = [(93.0, True), (93.05, True), (93.06, False), (99.9, False)]


@pytest.mark.parametrize(("objective", "never"), BUDGETS)
def test_the_fast_page_needs_an_objective_above_93_06_percent(objective: float, never: bool) -> None:
    request = json.loads((ROOT / f"alarms/{LONG}.json").read_text())
    request["Threshold"] = 14.4 * (1 - objective / 100)
    watch = watch_of(AlarmFile("a.json", request), None)
    assert watch is not None
    assert (not watch.breaches(watch.reach.high)) is never


def test_an_alarm_on_missing_data_is_not_said_never_to_fire(tmp_path: Path) -> None:
    request = json.loads((ROOT / f"alarms/{LONG}.json").read_text())
    request |= {"Threshold": 1, "TreatMissingData": "breaching", "Tags": []}
    (tmp_path / "a.json").write_text(json.dumps(request))
    assert "alarm/never-fires" not in {finding.rule for finding in check([tmp_path], tmp_path).findings}


def metric_alarm(period: int, metrics: int = 1, **more: Any) -> AlarmFile:
    stat = {"Metric": {"Namespace": "N", "MetricName": "m"}, "Period": period, "Stat": "Sum"}
    return AlarmFile("a.json", {"Metrics": [{"Id": f"m{n}", "MetricStat": stat} for n in range(metrics)], **more})


def test_alarms_cost_by_metric_resolution_and_kind() -> None:
    rows = [["N", f"m{n}"] for n in range(51)]
    large = {"widgets": [{"type": "metric", "properties": {"metrics": rows}}]}
    boards = [DashboardFile(f"{n}.json", str(n), large if n == 0 else {"widgets": []}) for n in range(5)]
    anomaly = metric_alarm(60, ThresholdMetricId="b")
    promql = AlarmFile("p.json", {"AlarmName": "p", "EvaluationCriteria": {}})
    found = cost(
        Definitions(
            (metric_alarm(60, 2), metric_alarm(300), metric_alarm(10, 3), anomaly, promql),
            (CompositeFile("c.json", {}),),
            tuple(boards),
        )
    )
    standard, fine, composite, dashboards = found.lines
    assert (standard.count, fine.count, composite.count, dashboards.count) == (2 + 1 + 3, 3, 1, 5)
    assert found.total == pytest.approx(0.6 + 0.9 + 0.5 + 15)
    # Ten standard metrics and three dashboards are free; what is above 50 metrics is not among these.
    assert found.after_free_tier == pytest.approx(0.9 + 0.5 + 6)
    assert found.unknown == ("p",)
    assert found.read.count == 52


def test_a_price_is_dated_and_has_its_source() -> None:
    for line in cost(Definitions()).lines:
        assert line.price > 0
        assert line.source.endswith("2026-11-22")
