"""A project folder with one good alarm, to be spoilt."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.definitions import DefinitionsError, read

ALARM: dict[str, Any] = {
    "AlarmName": "heartbeat",
    "Namespace": "Shop",
    "MetricName": "Heartbeat",
    "Dimensions": [{"Name": "Service", "Value": "shop"}],
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 5,
    "Threshold": 1,
    "ComparisonOperator": "LessThanThreshold",
}
DASHBOARD: dict[str, Any] = {"widgets": [{"type": "text", "properties": {"markdown": "Hello"}}]}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A root with empty alarms/ and dashboards/."""
    (tmp_path / "alarms").mkdir()
    (tmp_path / "dashboards").mkdir()
    return tmp_path


@pytest.fixture
def complaints(project: Path) -> Callable[..., list[str]]:
    """Write the files given as ``{"alarms/a.json": value or text}``, read them, and return the complaints as lines."""

    def written(files: dict[str, Any]) -> list[str]:
        for name, content in files.items():
            text = content if isinstance(content, str) else json.dumps(content)
            (project / name).write_text(text, encoding="utf-8")
        try:
            read(project)
        except DefinitionsError as error:
            return [str(complaint) for complaint in error.complaints]
        return []

    return written


@pytest.fixture
def alarm() -> dict[str, Any]:
    """A good PutMetricAlarm input."""
    return json.loads(json.dumps(ALARM))


@pytest.fixture
def dashboard() -> dict[str, Any]:
    """A good dashboard body."""
    return json.loads(json.dumps(DASHBOARD))
