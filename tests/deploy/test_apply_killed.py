"""A real `kit apply`, ended by SIGKILL at each of its writing calls, and run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.definitions.members import OUTPUT_ONLY

Kit = Callable[..., tuple[int, str, str]]


class Nursery:
    """The quick births of ``nursery.py``."""

    def __init__(self) -> None:
        argv = (sys.executable, str(Path(__file__).parent / "nursery.py"))
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def run(self, proxy: Any, *argv: str) -> int:
        """The exit code; minus the signal if it was killed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        environ = {**os.environ, "AWS_ENDPOINT_URL": proxy.url}
        self.process.stdin.write(json.dumps({"argv": argv, "cwd": str(Path.cwd()), "environ": environ}) + "\n")
        self.process.stdin.flush()
        proxy.victim = int(self.process.stdout.readline())
        proxy.born.set()
        return int(self.process.stdout.readline())


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    found = Nursery()
    yield found
    assert found.process.stdin is not None
    found.process.stdin.close()
    found.process.wait(10)
    assert found.process.stdout is not None
    found.process.stdout.close()


def set_the_scene(kit: Kit, project: Path, cloudwatch: Any) -> None:
    """Live is an older state: one alarm and one dashboard to update, a family to delete, the rest to create."""
    assert kit("apply", "--stage", "staging", "--yes")[0] == 0
    arn = "arn:aws:cloudwatch::123456789012:dashboard/board"
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["kit:applied"])
    for name in ("old-child", "old-parent"):
        request: dict[str, Any] = {"AlarmName": f"shop-{name}", "Tags": [{"Key": "kit:set", "Value": "shop"}]}
        if name == "old-child":
            metric = {"Namespace": "N", "MetricName": "M", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
            metric |= {"Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
            cloudwatch.put_metric_alarm(**request, **metric)
        else:
            cloudwatch.put_composite_alarm(**request, AlarmRule="ALARM(shop-old-child)")
    path = project / "alarms" / "shop-plain.json"
    alarm = json.loads(path.read_text())
    path.write_text(json.dumps(alarm | {"Threshold": 7, "Tags": alarm["Tags"][:1]}))
    cloudwatch.delete_alarms(AlarmNames=["shop-both"])


def snapshot(cloudwatch: Any) -> list[dict[str, Any]]:
    """Every alarm as its Put would take it, children first."""
    found = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return [
        {key: value for key, value in alarm.items() if key not in OUTPUT_ONLY}
        | {"Tags": cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"]}
        for alarm in (*found["MetricAlarms"], *found["CompositeAlarms"])
    ]


def restore(cloudwatch: Any, alarms: list[dict[str, Any]]) -> None:
    standing = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    for alarm in (*standing["CompositeAlarms"], *standing["MetricAlarms"]):
        cloudwatch.delete_alarms(AlarmNames=[alarm["AlarmName"]])
    for alarm in alarms:
        put = cloudwatch.put_composite_alarm if "AlarmRule" in alarm else cloudwatch.put_metric_alarm
        put(**alarm)
    arn = "arn:aws:cloudwatch::123456789012:dashboard/board"
    cloudwatch.untag_resource(ResourceARN=arn, TagKeys=["kit:applied"])


def test_killed_at_each_call_and_run_again_it_ends_right(
    kit: Kit, stage: Any, small: Path, cloudwatch: Any, proxy: Any, nursery: Nursery
) -> None:
    stage()
    set_the_scene(kit, small, cloudwatch)
    before = snapshot(cloudwatch)
    assert nursery.run(proxy, "apply", "--stage", "staging", "--yes") == 0
    writes = proxy.writes()
    # Seven permissions are asked for, then come the changes.
    assert writes[:7] == [
        "PutMetricAlarm",
        "DeleteAlarms",
        "PutCompositeAlarm",
        "DeleteAlarms",
        "TagResource",
        "UntagResource",
        "PutMetricAlarm",
    ]
    assert writes.count("DeleteAlarms") == 4
    assert "PutDashboard" not in writes, "only its record is to be written"
    after = snapshot(cloudwatch)
    assert {alarm["AlarmName"] for alarm in after} == {"shop-plain", "shop-maths", "shop-both"}
    for last in range(6, len(writes) + 1):
        restore(cloudwatch, before)
        proxy.calls.clear()
        proxy.born.clear()
        proxy.rule = lambda _operation, _before, last=last: "kill after" if len(proxy.writes()) == last else None
        assert nursery.run(proxy, "apply", "--stage", "staging", "--yes") == -signal.SIGKILL, last
        code, _, err = kit("apply", "--stage", "staging", "--yes")
        assert code == 0, (last, err)
        assert sorted(map(str, snapshot(cloudwatch))) == sorted(map(str, after)), last
    assert kit("plan", "--stage", "staging")[0] == 0
    assert kit("drift", "--stage", "staging")[0] == 0


def test_destroy_killed_halfway_ends_when_run_again(
    kit: Kit, stage: Any, small: Path, cloudwatch: Any, proxy: Any, nursery: Nursery
) -> None:
    stage()
    assert kit("apply", "--stage", "staging", "--yes")[0] == 0
    proxy.rule = lambda _operation, _before: "kill after" if proxy.writes().count("DeleteAlarms") == 4 else None
    assert nursery.run(proxy, "destroy", "--stage", "staging", "--yes") == -signal.SIGKILL
    assert len(cloudwatch.describe_alarms()["MetricAlarms"]) == 1
    assert kit("destroy", "--stage", "staging", "--yes")[0] == 0
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []
