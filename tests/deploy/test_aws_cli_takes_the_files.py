"""The AWS CLI takes each alarm and dashboard file as it stands."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kit.definitions import read
from kit.definitions.composite_rules import in_order
from tests.emulator.conformance.old_clients import interpreter

ROOT = Path(__file__).parents[2]
FOLDER = os.environ.get("KIT_TEST_OLD_CLIENTS")


@pytest.fixture
def region() -> str:
    """The one that stands in the files."""
    return "us-east-1"


@pytest.mark.skipif(not FOLDER, reason="no AWS CLI: KIT_TEST_OLD_CLIENTS names no folder that has it")
def test_the_aws_cli_takes_each_file_unchanged(endpoint: str, cloudwatch: Any) -> None:
    definitions = read(ROOT)
    files = [one.file for one in (*definitions.alarms, *in_order(definitions.composites), *definitions.dashboards)]
    script = Path(__file__).with_name("aws_cli_puts.py")
    python = str(interpreter(Path(FOLDER or ""), "awscli"))
    argv = [python, str(script), endpoint, *(str(ROOT / file) for file in files)]
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=120)
    assert json.loads(done.stdout) == {}

    standing = [
        *cloudwatch.get_paginator("describe_alarms")
        .paginate(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
        .search("[MetricAlarms[].AlarmName, CompositeAlarms[].AlarmName][]")
    ]
    assert sorted(standing) == sorted(definitions.alarm_names)
    boards = [entry["DashboardName"] for entry in cloudwatch.list_dashboards()["DashboardEntries"]]
    assert sorted(boards) == sorted(one.name for one in definitions.dashboards)
