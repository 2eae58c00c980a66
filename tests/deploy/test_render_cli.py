"""`kit render cli`: a script that makes what `kit apply` makes, and nothing on another account."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.definitions import AlarmFile, DashboardFile, Definitions
from kit.deploy.render_cli import cli_script
from kit.settings import Stage

Kit = Callable[..., tuple[int, str, str]]
Run = Callable[[str], subprocess.CompletedProcess[str]]
STAGE = Stage("s", "123456789012", "us-east-1", None, "s", "production", {}, "refused", False)
OLD_CLIENTS = os.environ.get("KIT_TEST_OLD_CLIENTS")
HERE = Path(__file__).parent


@pytest.fixture
def run(tmp_path: Path, region: str, endpoint: str) -> Run:
    """Run a script with the AWS CLI, or with what stands in for it, against this test's Region."""
    folder = OLD_CLIENTS
    real = Path(folder, "awscli", "bin", "aws") if folder else None
    bin_dir = tmp_path / "bin"
    bin_dir.mkdir()
    stand_in = bin_dir / "aws"
    if real is not None and real.is_file():
        stand_in.symlink_to(real.resolve())
    else:
        stand_in.write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / "boto3_aws.py"} "$@"\n', encoding="utf-8")
        stand_in.chmod(stat.S_IRWXU)

    def run(script: str) -> subprocess.CompletedProcess[str]:
        path = tmp_path / "script.sh"
        path.write_text(script, encoding="utf-8")
        environ = {
            "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_CONFIG_FILE": os.devnull,
            "LC_ALL": "C",
        }
        return subprocess.run(["sh", str(path)], env=environ, capture_output=True, text=True, check=False, timeout=120)

    return run


@pytest.fixture
def small_project(project: Path) -> Path:
    """One composite with its children and one dashboard: the CLI takes most of a second for a call."""
    for path in (project / "alarms").glob("*.json"):
        if not path.name.startswith("shop-checkout-availability-page-fast"):
            path.unlink()
    for path in (project / "dashboards").glob("*.json"):
        path.unlink()
    board = {"widgets": [{"type": "text", "properties": {"markdown": "# Watch"}}]}
    (project / "dashboards" / "watch.json").write_text(json.dumps(board), encoding="utf-8")
    return project


@pytest.mark.usefixtures("small_project")
def test_the_script_makes_what_apply_would_and_may_run_again(kit: Kit, run: Run) -> None:
    code, script, complaint = kit("render", "cli")
    assert code == 0, complaint
    for _ in range(2):
        done = run(script)
        assert done.returncode == 0, done.stderr
    _, told, _ = kit("apply", "--yes", "--json")
    # only apply's own memory of what it applied is lacking
    assert {change["action"] for change in json.loads(told)["changes"]} <= {"record", "unchanged"}


def test_another_account_is_refused_before_anything_is_written(run: Run, cloudwatch: Any) -> None:
    stage = Stage("s", "999999999999", "us-east-1", None, "s", "production", {}, "refused", False)
    alarm = AlarmFile("a", {"AlarmName": "a"})
    done = run(cli_script(Definitions(alarms=(alarm,)), stage, "us-east-1"))
    assert done.returncode == 1
    assert "this script is for 999999999999" in done.stderr
    assert cloudwatch.describe_alarms(AlarmNames=["a"])["MetricAlarms"] == []


def test_nothing_in_a_name_or_text_is_read_by_the_shell(run: Run, cloudwatch: Any, region: str) -> None:
    text = 'it\'s $HOME `id` \\ "quoted" ${x}\nEND_OF_JSON\nä €'
    alarm = AlarmFile(
        "a",
        {
            "AlarmName": "a'b $(id)",
            "AlarmDescription": text,
            "Namespace": "N",
            "MetricName": "M",
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 1,
            "ComparisonOperator": "GreaterThanThreshold",
            "Tags": [{"Key": "k", "Value": "it's"}],
        },
    )
    widget = {"type": "text", "properties": {"markdown": text}}
    board = DashboardFile("d", "plain", {"widgets": [widget]})
    done = run(cli_script(Definitions(alarms=(alarm,), dashboards=(board,)), STAGE, region))
    assert done.returncode == 0, done.stderr
    shown = cloudwatch.describe_alarms(AlarmNames=["a'b $(id)"])["MetricAlarms"][0]
    assert shown["AlarmDescription"] == text
    assert {"Key": "k", "Value": "it's"} in cloudwatch.list_tags_for_resource(ResourceARN=shown["AlarmArn"])["Tags"]
    body = json.loads(cloudwatch.get_dashboard(DashboardName="plain")["DashboardBody"])
    assert body["widgets"][0]["properties"]["markdown"] == text


def test_a_refused_call_ends_the_script(run: Run, cloudwatch: Any, region: str) -> None:
    bad, good = AlarmFile("a", {"AlarmName": "a", "EvaluationPeriods": 0}), AlarmFile("b", {"AlarmName": "b"})
    done = run(cli_script(Definitions(alarms=(bad, good)), STAGE, region))
    assert done.returncode != 0
    assert done.stderr
    assert cloudwatch.describe_alarms(AlarmNames=["b"])["MetricAlarms"] == []


def test_the_script_is_sound_for_the_shell(kit: Kit, tmp_path: Path) -> None:
    path = tmp_path / "script.sh"
    code, _, _ = kit("render", "cli", "--out", str(path))
    assert code == 0
    assert subprocess.run(["sh", "-n", str(path)], check=False).returncode == 0
    if (shellcheck := shutil.which("shellcheck")) is not None:
        assert subprocess.run([shellcheck, str(path)], check=False).returncode == 0
