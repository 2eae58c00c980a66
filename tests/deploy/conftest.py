"""A running embedded AWS, and a project whose local stage is it."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import boto3
import pytest

from kit.cli import main

ROOT = Path(__file__).parents[2]
REGIONS = cycle(boto3.Session().get_available_regions("sns"))


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The address of an embedded AWS of this test run's own."""
    argv = (sys.executable, "-m", "kit", "emulate", "--port", "0", "--xray-port", "0", "--ephemeral")
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "KIT_"))}
    with subprocess.Popen(argv, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://[\d.:]+\d", process.stdout.readline())
            assert found, "the embedded AWS did not announce itself"
            yield found.group()
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture
def region() -> str:
    """Not always the same one: nothing may depend on it."""
    return next(REGIONS)


@pytest.fixture
def cloudwatch(endpoint: str, region: str) -> Iterator[Any]:
    """A boto3 client in this test's Region, with nothing in the account that another test has left."""
    reset = Request(f"{endpoint}/_kit/reset", b"{}", {"Content-Type": "application/json"})
    urlopen(reset, timeout=20).close()
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client("cloudwatch", region_name=region, endpoint_url=endpoint, **keys)
    yield client
    client.close()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of what this project defines, to be changed."""
    for folder in ("alarms", "dashboards", "stages"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    return tmp_path


@pytest.fixture
def kit(
    project: Path,
    endpoint: str,
    region: str,
    cloudwatch: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., tuple[int, str, str]]:
    """Run a verb in the project, in this test's Region; its exit code, output and complaints."""
    monkeypatch.chdir(project)
    for name in [name for name in os.environ if name.startswith(("AWS_", "KIT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_REGION", region)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    def run(*argv: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(argv)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


STAGE = """
account: "{account}"
region: {region}
environment: {environment}
scale: production
actions:
  page: arn:aws:sns:{region}:123456789012:oncall-{name}-page
  ticket: arn:aws:sns:{region}:123456789012:oncall-{name}-ticket
protected: {protected}
max_change: {max_change}
"""


@pytest.fixture
def stage(project: Path, region: str, endpoint: str) -> Callable[..., str]:
    """Write a stage that is not local, in this test's Region; its topics are there unless ``topics`` is false."""

    def write(
        name: str = "staging",
        *,
        account: str = "123456789012",
        protected: bool = False,
        topics: bool = True,
        max_change: int = 100,
        environment: str = "staging",
    ) -> str:
        text = STAGE.format(
            name=name,
            account=account,
            region=region,
            protected=str(protected).lower(),
            max_change=max_change,
            environment=environment,
        )
        (project / "stages" / f"{name}.yaml").write_text(text)
        if topics:
            keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
            sns = boto3.client("sns", region_name=region, endpoint_url=endpoint, **keys)
            for topic in ("page", "ticket"):
                sns.create_topic(Name=f"oncall-{name}-{topic}")
            sns.close()
        return name

    return write


@pytest.fixture
def small(project: Path) -> Path:
    """The project with a metric alarm, a math alarm, a composite and a dashboard only."""
    for path in (*(project / "alarms").glob("*.json"), *(project / "dashboards").glob("*.json")):
        path.unlink()
    for name, request in SMALL.items():
        (project / "alarms" / f"{name}.json").write_text(json.dumps(request))
    (project / "dashboards" / "board.json").write_text(json.dumps(BOARD))
    return project


TAGS = [{"Key": "kit:set", "Value": "shop"}, {"Key": "kit:owner", "Value": "a team"}]
FAULTS = {"Namespace": "Shop", "MetricName": "Fault", "Dimensions": [{"Name": "Environment", "Value": "production"}]}
SMALL: dict[str, dict[str, Any]] = {
    "shop-plain": {
        "AlarmName": "shop-plain",
        "AlarmDescription": "d",
        "ActionsEnabled": False,
        "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:page"],
        "OKActions": ["arn:aws:sns:us-east-1:123456789012:ticket"],
        "InsufficientDataActions": ["arn:aws:sns:us-east-1:123456789012:ticket"],
        **FAULTS,
        "ExtendedStatistic": "p99",
        "EvaluateLowSampleCountPercentile": "ignore",
        "Period": 60,
        "Unit": "Count",
        "EvaluationPeriods": 3,
        "DatapointsToAlarm": 2,
        "Threshold": 1,
        "ComparisonOperator": "GreaterThanThreshold",
        "TreatMissingData": "notBreaching",
        "Tags": TAGS,
    },
    "shop-maths": {
        "AlarmName": "shop-maths",
        "Metrics": [
            {"Id": "e", "Expression": "m / 2", "Label": "half"},
            {"Id": "m", "MetricStat": {"Metric": FAULTS, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
        ],
        "EvaluationPeriods": 3,
        "Threshold": 0.5,
        "ComparisonOperator": "GreaterThanThreshold",
        "Tags": TAGS,
    },
    "shop-both": {
        "AlarmName": "shop-both",
        "AlarmRule": "ALARM(shop-plain) AND ALARM(shop-maths)",
        "ActionsSuppressor": "shop-plain",
        "ActionsSuppressorWaitPeriod": 60,
        "ActionsSuppressorExtensionPeriod": 60,
        "AlarmActions": ["arn:aws:sns:us-east-1:123456789012:page"],
        "Tags": TAGS,
    },
}
BOARD: dict[str, Any] = {
    "start": "-PT3H",
    "widgets": [
        {"type": "text", "x": 0, "y": 0, "width": 6, "height": 2, "properties": {"markdown": "# hello"}},
        {
            "type": "metric",
            "x": 6,
            "y": 0,
            "width": 6,
            "height": 6,
            "properties": {
                "region": "us-east-1",
                "title": "faults",
                "metrics": [["Shop", "Fault", "Environment", "production", {"stat": "Sum"}]],
            },
        },
        {
            "type": "alarm",
            "x": 0,
            "y": 6,
            "width": 6,
            "height": 2,
            "properties": {"alarms": ["arn:aws:cloudwatch:us-east-1:123456789012:alarm:shop-both"]},
        },
    ],
}


@pytest.fixture
def proxy(endpoint: str) -> Iterator[Any]:
    """The embedded AWS behind a proxy that can break calls."""
    module = importlib.util.spec_from_file_location("fault_proxy", Path(__file__).parent / "fault_proxy.py")
    assert module is not None
    assert module.loader is not None
    loaded = importlib.util.module_from_spec(module)
    module.loader.exec_module(loaded)
    found = loaded.FaultProxy(endpoint)
    yield found
    found.close()
