"""The guard that the remedy names is one that the check then takes, whichever way the share is written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from kit.definitions.checks import check


def share(expression: str, threshold: float, operator: str = "GreaterThanThreshold", **more: Any) -> dict[str, Any]:
    stats = [
        {
            "Id": name,
            "ReturnData": False,
            "MetricStat": {"Metric": {"Namespace": "AWS/X", "MetricName": name}, "Period": 60, "Stat": "Sum"},
        }
        for name in ("bad", "good", "total")
        if re.search(rf"\b{name}\b", expression)
    ]
    return {
        "AlarmName": "a",
        "Metrics": [{"Id": "e", "Expression": expression}, *stats],
        "EvaluationPeriods": 1,
        "Threshold": threshold,
        "ComparisonOperator": operator,
        "AlarmActions": ["arn:aws:sns:us-east-1:111122223333:t"],
        **more,
    }


def found(folder: Path, alarm: dict[str, Any]) -> list[str]:
    (folder / "a.json").write_text(json.dumps(alarm))
    report = check([folder], folder)
    assert all(finding.rule == "alarm/thin-traffic" for finding in report.findings)
    return [finding.remedy for finding in report.findings]


@pytest.mark.parametrize(
    ("expression", "threshold", "operator", "guard"),
    [
        ("bad/total", 0.144, "GreaterThanThreshold", "IF(total > 20, …, 0)"),
        ("100*bad/total", 5, "GreaterThanOrEqualToThreshold", "IF(total > 60, …, 0)"),
        ("100*(1 - bad/total)", 99, "LessThanThreshold", "IF(total > 300, …, 100)"),
        ("good/total", 0.9, "LessThanThreshold", "IF(total > 30, …, 1)"),
        ("bad/(bad + good)", 0.1, "GreaterThanThreshold", "IF(good > 29, …, 0)"),
    ],
)
def test_a_share_without_a_guard_is_told_one_that_does(
    tmp_path: Path, expression: str, threshold: float, operator: str, guard: str
) -> None:
    (remedy,) = found(tmp_path, share(expression, threshold, operator))
    assert abs(int(re.findall(r"> (\d+)", remedy)[0]) - int(re.findall(r"> (\d+)", guard)[0])) <= 1
    written = re.findall(r"IF\(.*?\)(?=,)", remedy)[0]
    assert written.rpartition(",")[2] == guard.rpartition(",")[2]
    assert found(tmp_path, share(written.replace("…", expression), threshold, operator)) == []


@pytest.mark.parametrize(
    "expression",
    [
        "IF(total < 21, 0, bad/total)",
        "IF(21 < total, bad/total, 0)",
        "(total > 21)*bad/total",
        "IF(total > 5 AND total > 21, bad/total, 0)",
        "bad/MAX([total, TIME_SERIES(21)])",
    ],
)
def test_a_guard_is_known_by_what_it_does(tmp_path: Path, expression: str) -> None:
    assert found(tmp_path, share(expression, 0.144)) == []


def test_two_datapoints_take_more_than_one_failure(tmp_path: Path) -> None:
    assert found(tmp_path, share("bad/total", 0.1, EvaluationPeriods=3, DatapointsToAlarm=2)) == []
    assert found(tmp_path, share("bad/total", 0.1, EvaluationPeriods=3, DatapointsToAlarm=1)) != []


def test_a_size_by_the_number_of_requests_is_no_share(tmp_path: Path) -> None:
    assert found(tmp_path, share("bad/total", 5000)) == []
