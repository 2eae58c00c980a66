"""A folder with alarms of one's own, and nothing else of this project, to try cases in."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from kit.backtest.outcome import Outcome, run_case
from kit.definitions.cases import CaseFile
from kit.definitions.cases_alarms import AlarmReader
from kit.definitions.cases_reading import read_cases

TOPIC = "arn:aws:sns:eu-west-3:999988887777:oncall"
ERRORS: dict[str, Any] = {
    "AlarmName": "errors",
    "Namespace": "App",
    "MetricName": "Errors",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 5,
    "ComparisonOperator": "GreaterThanThreshold",
    "AlarmActions": [TOPIC],
}


@pytest.fixture
def errors() -> dict[str, Any]:
    """An alarm: more than 5 errors in a minute."""
    return json.loads(json.dumps(ERRORS))  # type: ignore[no-any-return]


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., CaseFile | list[str]]:
    """Write alarms and cases, read them; the file of cases or the complaints as lines."""

    def written(alarms: Sequence[dict[str, Any]], cases: Any) -> CaseFile | list[str]:
        for alarm in alarms:
            (tmp_path / f"{alarm['AlarmName']}.json").write_text(json.dumps(alarm), encoding="utf-8")
        path = tmp_path / "cases.yaml"
        document = cases if isinstance(cases, dict) else {"alarms": ["*.json"], "cases": cases}
        text = cases if isinstance(cases, str) else yaml.safe_dump(document)
        path.write_text(text, encoding="utf-8")
        found = read_cases(path, AlarmReader(tmp_path))
        return found if isinstance(found, CaseFile) else [str(complaint) for complaint in found]

    return written


@pytest.fixture
def outcome(read: Callable[..., Any]) -> Callable[..., Outcome]:
    """Run one case on the alarms: ``outcome(alarms, series, expect, **more)``."""

    def run(alarms: Sequence[dict[str, Any]], series: Any, expect: Any, **more: Any) -> Outcome:
        file = read(alarms, [{"name": "a case", "series": series, "expect": expect, **more}])
        assert isinstance(file, CaseFile), file
        return run_case(file, file.cases[0])

    return run


@pytest.fixture
def complaints(read: Callable[..., Any]) -> Callable[..., list[str]]:
    """The complaints about alarms and cases; there must be some."""

    def found(alarms: Sequence[dict[str, Any]], cases: Any) -> list[str]:
        result = read(alarms, cases)
        assert not isinstance(result, CaseFile)
        return list(result)

    return found
