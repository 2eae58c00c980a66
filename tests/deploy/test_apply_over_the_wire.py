"""``kit apply`` and ``kit alarms`` against a running embedded AWS."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from kit.definitions import read
from kit.deploy.apply import Pace, apply
from kit.deploy.live import read_live
from kit.deploy.plan import Change, needed, plan
from kit.errors import KitError

Kit = Callable[..., tuple[int, str, str]]
ROOT = Path(__file__).parents[2]
PAGE = "practice-shop-checkout-availability-page-fast"
STAGE = """
account: "{account}"
region: us-east-1
environment: staging
scale: production
actions:
  page: arn:aws:sns:us-east-1:123456789012:oncall
protected: {protected}
"""


def described(cloudwatch: Any) -> dict[str, Any]:
    answer = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return {alarm["AlarmName"]: alarm for alarm in (*answer["MetricAlarms"], *answer["CompositeAlarms"])}


def write_stage(project: Path, name: str, *, account: str = "123456789012", protected: bool = False) -> None:
    text = STAGE.format(account=account, protected=str(protected).lower())
    (project / "stages" / f"{name}.yaml").write_text(text)


def test_the_first_run_creates_everything_and_the_second_changes_nothing(kit: Kit, cloudwatch: Any) -> None:
    code, out, err = kit("apply")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert [line.split()[-1] for line in lines if " topic " not in line] == [
        f"{PAGE}-long",
        f"{PAGE}-short",
        PAGE,
        "practice-service",
        "practice-slo",
    ]
    assert all(line.startswith("created") for line in lines)
    assert set(described(cloudwatch)) == {PAGE, f"{PAGE}-long", f"{PAGE}-short"}
    code, out, err = kit("apply")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["unchanged"] * 5


def test_the_local_stage_gets_its_topics(kit: Kit, endpoint: str) -> None:
    kit("apply")
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    sns = boto3.client("sns", region_name="us-east-1", endpoint_url=endpoint, **keys)
    arns = {topic["TopicArn"] for topic in sns.list_topics()["Topics"]}
    sns.close()
    assert {f"arn:aws:sns:us-east-1:123456789012:{name}" for name in ("page", "ticket")} <= arns


def test_dashboards_name_the_alarms_and_the_region_that_they_stand_in(kit: Kit, cloudwatch: Any, region: str) -> None:
    kit("apply")
    body = cloudwatch.get_dashboard(DashboardName="practice-slo")["DashboardBody"]
    (tiles,) = [widget for widget in json.loads(body)["widgets"] if widget["type"] == "alarm"]
    assert set(tiles["properties"]["alarms"]) == {alarm["AlarmArn"] for alarm in described(cloudwatch).values()}
    assert "us-east-1" not in body
    assert "production" not in body.replace("production's", "")


def test_a_hand_edit_is_put_right_and_named(kit: Kit, cloudwatch: Any) -> None:
    kit("apply")
    live = described(cloudwatch)[f"{PAGE}-long"]
    edited = {key: live[key] for key in ("AlarmName", "Metrics", "EvaluationPeriods", "ComparisonOperator")}
    cloudwatch.put_metric_alarm(**edited, Threshold=0.9, TreatMissingData="notBreaching")
    code, out, _ = kit("apply")
    assert code == 0
    assert "/Threshold: 0.9 -> 0.144" in out
    assert described(cloudwatch)[f"{PAGE}-long"]["Threshold"] == 0.144
    assert "updated" not in kit("apply")[1]


def test_tags_are_put_right_and_foreign_ones_left(kit: Kit, cloudwatch: Any) -> None:
    kit("apply")
    arn = described(cloudwatch)[PAGE]["AlarmArn"]
    cloudwatch.tag_resource(
        ResourceARN=arn,
        Tags=[{"Key": key, "Value": "x"} for key in ("kit:owner", "kit:old", "cost-centre")],
    )
    out = kit("apply")[1]
    assert '/Tags/kit:owner: "x" -> "shop-team"' in out
    tags = {tag["Key"]: tag["Value"] for tag in cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]}
    assert tags["kit:owner"] == "shop-team"
    assert tags["cost-centre"] == "x"
    assert "kit:old" not in tags
    assert "updated" not in kit("apply")[1]


def test_json_tells_the_same(kit: Kit) -> None:
    code, out, _ = kit("apply", "--json")
    document = json.loads(out)
    assert code == 0
    assert document["stage"] == "local"
    assert [change["action"] for change in document["changes"]] == ["create"] * 5
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


def test_another_account_than_the_stages_is_refused(kit: Kit, project: Path, cloudwatch: Any) -> None:
    write_stage(project, "staging", account="999999999999")
    code, _, err = kit("apply", "--stage", "staging", "--yes")
    assert code == 1
    assert "the stage names 999999999999, the credentials belong to 123456789012" in err
    assert described(cloudwatch) == {}


def test_a_stage_that_is_not_local_is_asked_for(
    kit: Kit, project: Path, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_stage(project, "staging")
    answers = iter([False, True])

    def confirm(*_: object, **__: object) -> bool:
        if next(answers):
            return True
        import click  # noqa: PLC0415

        raise click.Abort

    monkeypatch.setattr("kit.cli.apply.click.confirm", confirm)
    code, out, err = kit("apply", "--stage", "staging")
    assert (code, out) == (1, "")
    assert "+ composite  shop-checkout-availability-page-fast" in err
    assert "account 123456789012" in err
    assert described(cloudwatch) == {}
    code, _, _ = kit("apply", "--stage", "staging")
    assert code == 0
    alarm = described(cloudwatch)["shop-checkout-availability-page-fast-long"]
    (metric,) = [query["MetricStat"] for query in alarm["Metrics"] if query["Id"] == "bad"]
    assert metric["Period"] == 3600
    assert {"Name": "Environment", "Value": "staging"} in metric["Metric"]["Dimensions"]
    composite = described(cloudwatch)["shop-checkout-availability-page-fast"]
    assert composite["AlarmActions"] == ["arn:aws:sns:us-east-1:123456789012:oncall"]


def test_a_protected_stage_takes_nothing_less_than_yes(kit: Kit, project: Path, cloudwatch: Any) -> None:
    write_stage(project, "live", protected=True)
    code, _, err = kit("apply", "--stage", "live")
    assert code == 1
    assert "stages/live.yaml: the stage is protected: nothing was written" in err
    assert described(cloudwatch) == {}
    assert kit("apply", "--stage", "live", "--yes")[0] == 0
    assert len(described(cloudwatch)) == 3
    # Nothing to write: nothing to be asked.
    assert kit("apply", "--stage", "live")[0] == 0


def test_the_files_are_taken_unchanged(cloudwatch: Any) -> None:
    composite = []
    for path in sorted((ROOT / "alarms").glob("*.json")):
        request = json.loads(path.read_text())
        if "AlarmRule" in request:
            composite.append(request)
        else:
            cloudwatch.put_metric_alarm(**request)
    for request in composite:
        cloudwatch.put_composite_alarm(**request)
    for path in (ROOT / "dashboards").glob("*.json"):
        answer = cloudwatch.put_dashboard(DashboardName=path.stem, DashboardBody=path.read_text())
        assert answer.get("DashboardValidationMessages", []) == []
    definitions = read(ROOT)
    assert needed(plan(definitions, read_live(cloudwatch, definitions))) == ()


class Breaking:
    """A client whose nth writing call fails as a throttled one does."""

    def __init__(self, client: Any, fails_at: int) -> None:
        self._client = client
        self._left = fails_at

    def __getattr__(self, name: str) -> Any:
        if name.startswith("put_"):
            if not self._left:
                raise ClientError({"Error": {"Code": "Throttling", "Message": "Rate exceeded"}}, name)
            self._left -= 1
        return getattr(self._client, name)


@pytest.mark.parametrize("fails_at", range(5))
def test_broken_off_at_any_call_the_next_run_does_the_rest(cloudwatch: Any, fails_at: int) -> None:
    definitions = read(ROOT)
    changes = plan(definitions, read_live(cloudwatch, definitions))
    with pytest.raises(ClientError):
        list(apply(changes, Breaking(cloudwatch, fails_at), Pace(None)))
    left = plan(definitions, read_live(cloudwatch, definitions))
    assert [change.action for change in left] == ["unchanged"] * fails_at + ["create"] * (5 - fails_at)
    list(apply(left, cloudwatch, Pace(None)))
    assert needed(plan(definitions, read_live(cloudwatch, definitions))) == ()


def test_what_put_dashboard_says_is_told(cloudwatch: Any) -> None:
    body = {"widgets": [{"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, "properties": {"metrics": 7}}]}
    change = Change("create", "dashboard", "bad", "dashboards/bad.json", body)
    with pytest.raises(KitError, match=r"dashboards/bad.json: PutDashboard refuses it: /widgets/0"):
        list(apply([change], cloudwatch, Pace(None)))


def test_alarms_are_shown_with_children_below_their_composite(kit: Kit) -> None:
    assert kit("alarms")[1].startswith("There are no alarms.")
    kit("apply")
    code, out, _ = kit("alarms")
    rows = [line.split()[:2] for line in out.splitlines() if not line.startswith(" ")]  # not a folded reason
    assert code == 0
    assert rows[1][0] == PAGE
    assert rows[2] == ["└", f"{PAGE}-long"]
    assert rows[3] == ["└", f"{PAGE}-short"]
    assert "Unchecked: Initial alarm creation" in out or "Threshold" in out
    shown = json.loads(kit("alarms", "--json")[1])
    assert [alarm["name"] for alarm in shown] == [PAGE, f"{PAGE}-long", f"{PAGE}-short"]
    assert shown[0]["children"] == [f"{PAGE}-long", f"{PAGE}-short"]
    assert {alarm["type"] for alarm in shown} == {"composite", "metric"}
