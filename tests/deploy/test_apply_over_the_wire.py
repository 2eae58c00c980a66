"""``kit apply`` and ``kit alarms`` against a running embedded AWS."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from kit.definitions import AlarmFile, DashboardFile, Definitions, read
from kit.definitions.composite_rules import in_order
from kit.deploy.apply import apply
from kit.deploy.calls import Caller
from kit.deploy.live import Live, Wanted, read_live
from kit.deploy.ownership import Owner
from kit.deploy.plan import Change, plan
from kit.errors import KitError

Kit = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]


def described(cloudwatch: Any) -> dict[str, Any]:
    answer = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return {alarm["AlarmName"]: alarm for alarm in (*answer["MetricAlarms"], *answer["CompositeAlarms"])}


def shown(cloudwatch: Any, definitions: Definitions) -> Live:
    names = frozenset(board.name for board in definitions.dashboards)
    return read_live(cloudwatch, Wanted(definitions.alarm_names, names), Caller())


def test_the_first_run_creates_everything_and_the_second_changes_nothing(kit: Kit, cloudwatch: Any) -> None:
    definitions = read(ROOT)
    code, out, err = kit("apply")
    assert (code, err) == (0, "")
    lines = [line for line in out.splitlines() if " topic " not in line]
    assert all(line.startswith("created") for line in lines)
    names = [line.split()[-1] for line in lines]
    assert names[: len(definitions.alarms)] == [f"practice-{alarm.name}" for alarm in definitions.alarms]
    assert names[-len(definitions.dashboards) :] == [f"practice-{board.name}" for board in definitions.dashboards]
    assert set(described(cloudwatch)) == {f"practice-{name}" for name in definitions.alarm_names}
    code, out, _ = kit("apply")
    assert (code, out) == (0, f"Nothing to do: {len(names)} unchanged.\n")
    assert kit("plan")[0] == 0
    assert kit("drift")[0] == 0


def test_the_local_stage_gets_its_topics(kit: Kit, small: Path, endpoint: str) -> None:
    kit("apply")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    sns = boto3.client("sns", region_name="us-east-1", endpoint_url=endpoint, **keys)
    arns = {topic["TopicArn"] for topic in sns.list_topics()["Topics"]}
    sns.close()
    assert {f"arn:aws:sns:us-east-1:123456789012:{name}" for name in ("page", "ticket")} <= arns


def test_dashboards_name_the_alarms_and_the_region_that_they_stand_in(kit: Kit, cloudwatch: Any, region: str) -> None:
    kit("apply")
    body = cloudwatch.get_dashboard(DashboardName="practice-slo")["DashboardBody"]
    tiles = [widget["properties"] for widget in json.loads(body)["widgets"] if widget["type"] == "alarm"]
    assert {arn for tile in tiles for arn in tile["alarms"]} <= {
        alarm["AlarmArn"] for alarm in described(cloudwatch).values()
    }
    assert "us-east-1" not in body
    assert "production" not in body.replace("production's", "")


def test_a_hand_edit_is_put_right_and_named(kit: Kit, small: Path, cloudwatch: Any) -> None:
    kit("apply")
    live = described(cloudwatch)["practice-shop-maths"]
    edited = {key: live[key] for key in ("AlarmName", "AlarmDescription", "Metrics", "EvaluationPeriods")}
    cloudwatch.put_metric_alarm(**edited, ComparisonOperator="GreaterThanThreshold", Threshold=0.9)
    code, out, _ = kit("apply")
    assert code == 0
    assert "/Threshold: 0.9 -> 0.5" in out
    assert described(cloudwatch)["practice-shop-maths"]["Threshold"] == 0.5
    assert "updated" not in kit("apply")[1]


def test_tags_are_put_right_and_foreign_ones_left(kit: Kit, small: Path, cloudwatch: Any) -> None:
    kit("apply")
    arn = described(cloudwatch)["practice-shop-both"]["AlarmArn"]
    cloudwatch.tag_resource(
        ResourceARN=arn,
        Tags=[{"Key": key, "Value": "x"} for key in ("kit:owner", "kit:old", "cost-centre")],
    )
    out = kit("apply")[1]
    assert '/Tags/kit:owner: "x" -> "a team"' in out
    tags = {tag["Key"]: tag["Value"] for tag in cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]}
    assert tags["kit:owner"] == "a team"
    assert tags["cost-centre"] == "x"
    assert "kit:old" not in tags
    assert "updated" not in kit("apply")[1]


def test_json_tells_the_same(kit: Kit, small: Path) -> None:
    code, out, _ = kit("apply", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["stage"] == "local"
    assert {change["action"] for change in document["changes"]} == {"create"}
    assert document["left"] == []
    assert all(change["warnings"] == [] for change in document["changes"])


@pytest.mark.parametrize("spoilt", ["alarms/shop-checkout-availability-page-fast.json", "dashboards/slo.json"])
def test_one_unreadable_file_and_nothing_is_written(kit: Kit, project: Path, cloudwatch: Any, spoilt: str) -> None:
    (project / spoilt).write_text('{\n  "AlarmName": oops\n}')
    code, out, err = kit("apply")
    assert (code, out) == (1, "")
    assert err == f"kit: {spoilt}: line 2, column 16: Expecting value. Mend the JSON there.\n"
    assert described(cloudwatch) == {}
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []


def test_an_unreachable_endpoint_is_one_line(kit: Kit) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    for verb in ("apply", "alarms"):
        code, out, err = kit(verb, "--endpoint-url", address)
        assert (code, out) == (1, "")
        assert err.startswith(f"kit: {address}: no answer while reading the ")
        assert err.count("\n") == 1


def test_a_stage_that_is_not_local_is_asked_for(
    kit: Kit, stage: Any, small: Path, cloudwatch: Any, region: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, out, err = kit("apply", "--stage", "staging")
    assert (code, out) == (1, "")
    assert "+ composite  shop-both" in err
    assert "account 123456789012" in err
    assert described(cloudwatch) == {}
    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    code, _, _ = kit("apply", "--stage", "staging")
    assert code == 0
    alarm = described(cloudwatch)["shop-plain"]
    assert alarm["Period"] == 60
    assert alarm["Dimensions"] == [{"Name": "Environment", "Value": "staging"}]
    assert alarm["AlarmActions"] == [f"arn:aws:sns:{region}:123456789012:oncall-staging-page"]


def test_a_protected_stage_takes_nothing_less_than_yes(kit: Kit, stage: Any, small: Path, cloudwatch: Any) -> None:
    stage("live", protected=True)
    code, _, err = kit("apply", "--stage", "live")
    assert code == 1
    assert "stages/live.yaml: the stage is protected: nothing was written" in err
    assert described(cloudwatch) == {}
    assert kit("apply", "--stage", "live", "--yes")[0] == 0
    assert len(described(cloudwatch)) == 3
    # Nothing to write: nothing to be asked.
    assert kit("apply", "--stage", "live")[0] == 0


def test_the_files_are_taken_unchanged(cloudwatch: Any) -> None:
    for path in sorted((ROOT / "alarms").glob("*.json")):
        request = json.loads(path.read_text())
        if "AlarmRule" not in request:
            cloudwatch.put_metric_alarm(**request)
    for composite in in_order(read(ROOT).composites):
        cloudwatch.put_composite_alarm(**json.loads((ROOT / composite.file).read_text()))
    for path in (ROOT / "dashboards").glob("*.json"):
        answer = cloudwatch.put_dashboard(DashboardName=path.stem, DashboardBody=path.read_text())
        assert answer.get("DashboardValidationMessages", []) == []
    definitions = read(ROOT)
    owner = Owner("shop", "any", adopts_all=True)
    changes = plan(definitions, shown(cloudwatch, definitions), owner)
    # What was pasted by hand is what the files say; only apply's own tags are lacking.
    assert {change.action for change in changes} == {"record"}


def test_what_put_dashboard_says_is_told(cloudwatch: Any) -> None:
    body = {"widgets": [{"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, "properties": {"metrics": 7}}]}
    change = Change("create", "dashboard", "bad", "dashboards/bad.json", body)
    with pytest.raises(KitError, match=r"dashboards/bad.json: PutDashboard refuses it: /widgets/0"):
        list(apply([change], cloudwatch, Caller()))


def test_alarms_are_shown_with_children_below_their_composite(kit: Kit, small: Path) -> None:
    assert kit("alarms")[1].startswith("There are no alarms.")
    kit("apply")
    code, out, _ = kit("alarms")
    rows = [line.split()[:2] for line in out.splitlines() if not line.startswith(" ")]  # not a folded reason
    assert code == 0
    assert rows[1][0] == "practice-shop-both"
    assert rows[2:4] == [["└", "practice-shop-maths"], ["└", "practice-shop-plain"]]
    assert "Unchecked: Initial alarm creation" in out or "Threshold" in out
    shown = json.loads(kit("alarms", "--json")[1])
    assert [alarm["name"] for alarm in shown] == ["practice-shop-both", "practice-shop-maths", "practice-shop-plain"]
    assert shown[0]["children"] == ["practice-shop-maths", "practice-shop-plain"]
    assert {alarm["type"] for alarm in shown} == {"composite", "metric"}


def test_forty_alarms_and_three_dashboards_are_planned_in_two_seconds(cloudwatch: Any) -> None:
    metric = {"Namespace": "N", "MetricName": "M", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    metric |= {"Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    definitions = Definitions(
        alarms=tuple(AlarmFile(f"alarms/{n}.json", {"AlarmName": f"shop-{n}", **metric}) for n in range(40)),
        dashboards=tuple(DashboardFile(f"dashboards/b{n}.json", f"b{n}", {"widgets": []}) for n in range(3)),
    )
    owner = Owner("shop", "staging")
    list(apply(plan(definitions, Live(), owner), cloudwatch, Caller()))
    began = time.perf_counter()
    changes = plan(definitions, shown(cloudwatch, definitions), owner)
    assert time.perf_counter() - began < 2
    assert {change.action for change in changes} == {"unchanged"}
