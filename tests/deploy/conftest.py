"""A running embedded AWS, and a project whose local stage is it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest

from kit.cli import main

ROOT = Path(__file__).parents[2]
REGIONS = (f"eu-west-{number}" for number in count(1))


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    """The address of an embedded AWS of this test run's own."""
    argv = (sys.executable, "-m", "kit", "emulate", "--port", "0", "--xray-port", "0")
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
    """A Region where no other test has been: one embedded AWS serves them all."""
    return next(REGIONS)


@pytest.fixture
def cloudwatch(endpoint: str, region: str) -> Iterator[Any]:
    """A boto3 client in this test's Region, and no dashboards: those are of the account, not of a Region."""
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client = boto3.client("cloudwatch", region_name=region, endpoint_url=endpoint, **keys)
    there = [entry["DashboardName"] for entry in client.list_dashboards()["DashboardEntries"]]
    if there:
        client.delete_dashboards(DashboardNames=there)
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
