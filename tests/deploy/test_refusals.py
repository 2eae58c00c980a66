"""What is refused: each is one clear line, exit code 1, and nothing was changed."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kit.deploy import calls
from kit.deploy import stage as stage_module

Kit = Callable[..., tuple[int, str, str]]
READS = ("GetCallerIdentity", "DescribeAlarms", "ListDashboards", "ListTagsForResource", "GetDashboard")
WRITES = (
    *("PutMetricAlarm", "PutCompositeAlarm", "PutDashboard", "DeleteAlarms", "DeleteDashboards"),
    *("TagResource", "UntagResource"),
)


def standing(cloudwatch: Any) -> Any:
    """All that apply could change, as JSON."""
    found = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    boards = [entry["DashboardName"] for entry in cloudwatch.list_dashboards()["DashboardEntries"]]
    alarms = [*found["MetricAlarms"], *found["CompositeAlarms"]]
    arns = [*(a["AlarmArn"] for a in alarms), *(f"arn:aws:cloudwatch::123456789012:dashboard/{b}" for b in boards)]
    return json.dumps(
        [
            [alarm["AlarmConfigurationUpdatedTimestamp"].isoformat() for alarm in alarms],
            [cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"] for name in boards],
            [cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"] for arn in arns],
        ]
    )


def refused(kit: Kit, *argv: str) -> str:
    code, out, err = kit("apply", "--stage", "staging", "--yes", *argv)
    assert (code, out) == (1, "")
    lines = [line for line in err.splitlines() if line.startswith("kit: ")]
    assert len(lines) == 1, err
    assert "Traceback" not in err
    return lines[0]


@pytest.fixture
def scene(kit: Kit, stage: Any, small: Path, cloudwatch: Any) -> Path:
    """A stage on which apply would put, update, tag, untag and delete something of each kind."""
    stage()
    extra = {"AlarmName": "shop-more", "AlarmRule": "ALARM(shop-both)", "Tags": [{"Key": "kit:set", "Value": "shop"}]}
    (small / "alarms" / "shop-more.json").write_text(json.dumps(extra))
    (small / "dashboards" / "gone.json").write_text('{"widgets": []}')
    assert kit("apply", "--stage", "staging", "--yes")[0] == 0
    (small / "alarms" / "shop-more.json").unlink()
    (small / "dashboards" / "gone.json").unlink()
    for name, old, new in (("shop-plain", '"Threshold": 1', '"Threshold": 2'), ("shop-both", " AND ", " OR ")):
        path = small / "alarms" / f"{name}.json"
        path.write_text(path.read_text().replace(old, new).replace("kit:owner", "kit:team"))
    board = small / "dashboards" / "board.json"
    board.write_text(board.read_text().replace("hello", "good day"))
    return small


def test_a_missing_permission_is_named_with_its_statement_and_nothing_is_changed(
    kit: Kit, scene: Path, cloudwatch: Any, proxy: Any
) -> None:
    before = standing(cloudwatch)
    for operation in (*READS, *WRITES, "GetTopicAttributes"):
        proxy.rule = lambda asked, _, operation=operation: "AccessDenied" if asked == operation else None
        line = refused(kit, "--endpoint-url", proxy.url)
        service = {"GetCallerIdentity": "sts", "GetTopicAttributes": "sns"}.get(operation, "cloudwatch")
        assert f"the credentials may not call {service}:{operation}" in line
        assert f'{{"Effect": "Allow", "Action": "{service}:{operation}"' in line
        assert standing(cloudwatch) == before, operation


def test_a_read_only_role_is_told_all_that_it_lacks_at_once(kit: Kit, scene: Path, cloudwatch: Any, proxy: Any) -> None:
    before = standing(cloudwatch)
    proxy.rule = lambda asked, _: "AccessDeniedException" if asked in WRITES else None
    line = refused(kit, "--endpoint-url", proxy.url)
    assert all(f"cloudwatch:{operation}" in line for operation in WRITES)
    assert standing(cloudwatch) == before
    assert kit("plan", "--stage", "staging", "--endpoint-url", proxy.url)[0] == 2


def test_expired_unknown_and_throttled_credentials(
    kit: Kit, scene: Path, cloudwatch: Any, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage_module, "PATIENCE_S", 0.2)
    before = standing(cloudwatch)
    for code, words in (
        ("ExpiredToken", "the credentials have expired"),
        ("InvalidClientTokenId", "AWS doesn't know the credentials"),
    ):
        proxy.rule = lambda asked, _, code=code: code
        assert words in refused(kit, "--endpoint-url", proxy.url)
    proxy.rule = lambda asked, _: "Throttling" if asked == "DescribeAlarms" else None
    assert "still throttled after many tries" in refused(kit, "--endpoint-url", proxy.url)
    assert standing(cloudwatch) == before
    # Once the work has begun, it says how far it came.
    proxy.calls.clear()
    proxy.rule = lambda asked, _: "ExpiredToken" if proxy.calls.count("PutDashboard") == 2 else None
    code, out, err = kit("apply", "--stage", "staging", "--yes", "--endpoint-url", proxy.url)
    assert code == 1
    assert "the credentials have expired" in err
    assert "changes are done, not yet board" in err
    assert "updated    alarm      shop-plain" in out
    assert kit("apply", "--stage", "staging", "--yes")[0] == 0


def test_throttling_and_lost_answers_are_survived(
    kit: Kit, scene: Path, proxy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "FIRST_WAIT_S", 0.02)
    monkeypatch.setattr(calls, "SLOWEST_GAP_S", 0.05)

    def now_and_then(_operation: str, before: int) -> str | None:
        return "Throttling" if before % 5 == 1 else "hang up" if before % 7 == 3 and before > 3 else None

    proxy.rule = now_and_then
    code, _, err = kit("apply", "--stage", "staging", "--yes", "--endpoint-url", proxy.url)
    assert code == 0, err
    assert kit("plan", "--stage", "staging")[0] == 0


def test_the_wrong_account_and_the_wrong_region(
    kit: Kit, stage: Any, small: Path, cloudwatch: Any, region: str
) -> None:
    stage(account="999999999999")
    assert "the stage names 999999999999, the credentials belong to 123456789012" in refused(kit)
    stage()
    elsewhere = "us-west-2" if region != "us-west-2" else "us-west-1"
    line = refused(kit, "--region", elsewhere)
    assert f"region: the stage is in {region}, --region or AWS_REGION says {elsewhere}" in line
    path = small / "stages" / "staging.yaml"
    path.write_text(path.read_text().replace(f"sns:{region}", f"sns:{elsewhere}", 1))
    assert f"actions: the topic page is in {elsewhere}, the stage in {region}" in refused(kit)
    assert cloudwatch.describe_alarms()["MetricAlarms"] == []


def test_topics_that_lack_are_one_line_and_are_made_when_asked_for(
    kit: Kit, stage: Any, small: Path, cloudwatch: Any, region: str, endpoint: str, proxy: Any
) -> None:
    import boto3  # noqa: PLC0415

    stage("fresh", topics=False)
    argv = ("apply", "--stage", "fresh", "--yes")
    code, _, err = kit(*argv)
    assert code == 1
    assert f"the topic arn:aws:sns:{region}:123456789012:oncall-fresh-page does not exist" in err
    for operation in ("CreateTopic", "Subscribe"):
        proxy.rule = lambda asked, _, operation=operation: "AuthorizationError" if asked == operation else None
        code, _, err = kit(*argv, "--create-topics", "--email", "a@example.org", "--endpoint-url", proxy.url)
        assert code == 1
        assert f"sns:{operation}" in err
        assert cloudwatch.describe_alarms()["MetricAlarms"] == []
    code, out, err = kit(*argv, "--create-topics", "--email", "nobody")
    assert (code, err.count("\n")) == (1, 1)
    code, out, err = kit(*argv, "--create-topics", "--email", "a@example.org")
    assert code == 0, err
    assert out.count("created    topic") == 2
    assert out.count("asked      a@example.org to confirm") == 2
    assert "asked" not in kit(*argv, "--create-topics", "--email", "a@example.org")[1]
    sns = boto3.client(
        "sns", region_name=region, endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test"
    )
    arn = f"arn:aws:sns:{region}:123456789012:oncall-fresh-page"
    policy = json.loads(sns.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"])
    assert policy["Statement"][0]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert kit("destroy", "--stage", "fresh", "--yes", "--topics")[0] == 0
    assert arn not in {topic["TopicArn"] for topic in sns.list_topics()["Topics"]}
    sns.close()


def test_what_is_not_ours_is_never_touched(kit: Kit, stage: Any, small: Path, cloudwatch: Any) -> None:
    stage()
    metric = {"Namespace": "N", "MetricName": "M", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1}
    metric |= {"Threshold": 1, "ComparisonOperator": "GreaterThanThreshold"}
    theirs = [{"Key": "kit:set", "Value": "theirs"}]
    cloudwatch.put_metric_alarm(AlarmName="shop-plain", **metric, Tags=theirs)
    cloudwatch.put_metric_alarm(AlarmName="someone-else", **metric)
    before = standing(cloudwatch)
    line = refused(kit)
    assert "shop-plain: stands there already, and belongs to the set theirs. Rename yours, or take it over:" in line
    assert "--adopt shop-plain" in line
    assert standing(cloudwatch) == before
    assert "cannot be updated" in kit("plan", "--stage", "staging", "--markdown")[1]
    assert kit("apply", "--stage", "staging", "--yes", "--adopt", "shop-plain")[0] == 0
    assert kit("plan", "--stage", "staging")[0] == 0
    # A composite of someone else holds what is to be deleted.
    cloudwatch.put_composite_alarm(AlarmName="their-composite", AlarmRule="ALARM(shop-maths)")
    (small / "alarms" / "shop-maths.json").unlink()
    (small / "alarms" / "shop-both.json").unlink()
    line = refused(kit)
    assert "shop-maths: cannot be deleted: the composite alarm their-composite, which is not ours, names it" in line
    cloudwatch.delete_alarms(AlarmNames=["their-composite"])
    assert kit("apply", "--stage", "staging", "--yes")[0] == 0
    assert kit("destroy", "--stage", "staging", "--yes")[0] == 0
    assert [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]] == ["someone-else"]
    assert kit("destroy", "--stage", "staging", "--yes")[1] == "Nothing here is ours.\n"


def test_another_stage_of_the_same_account_is_not_ours(kit: Kit, stage: Any, small: Path, cloudwatch: Any) -> None:
    stage()
    assert kit("apply", "--stage", "staging", "--yes")[0] == 0
    stage("other")
    code, _, err = kit("apply", "--stage", "other", "--yes")
    assert code == 1
    assert "belongs to the stage staging" in err
    assert kit("destroy", "--stage", "other", "--yes")[1] == "Nothing here is ours.\n"


def test_more_change_than_the_stage_allows_is_refused(kit: Kit, stage: Any, small: Path, cloudwatch: Any) -> None:
    stage(max_change=30)
    alarm = json.loads((small / "alarms" / "shop-maths.json").read_text())
    for number in range(8):
        (small / "alarms" / f"{number}.json").write_text(json.dumps(alarm | {"AlarmName": f"shop-{number}"}))
    assert kit("apply", "--stage", "staging", "--yes")[0] == 0
    for number in range(4):
        (small / "alarms" / f"{number}.json").unlink()
    line = refused(kit)
    assert "4 of 12 would be updated or deleted, 33 %; the stage allows 30 %" in line
    assert "--max-change 34" in line
    assert kit("apply", "--stage", "staging", "--yes", "--max-change", "34")[0] == 0


def test_a_plan_file_is_applied_as_read_or_not_at_all(
    kit: Kit, stage: Any, small: Path, cloudwatch: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage(protected=True)
    file = str(tmp_path / "plan.json")
    assert kit("plan", "--stage", "staging", "--out", file)[0] == 2
    path = small / "alarms" / "shop-maths.json"
    before = path.read_text()
    path.write_text(before.replace("half", "a half"))
    code, _, err = kit("apply", "--stage", "staging", "--plan", file)
    assert code == 1
    assert err.splitlines()[-1].endswith("the files have changed since it was made: nothing was written. Plan again.")
    path.write_text(before)
    assert kit("apply", "--stage", "staging", "--plan", file)[0] == 0
    code, _, err = kit("apply", "--stage", "staging", "--plan", file)
    assert code == 1
    assert "have changed since it was made" in err
    (tmp_path / "bad.json").write_text("[]")
    code, _, err = kit("apply", "--stage", "staging", "--plan", str(tmp_path / "bad.json"))
    assert (code, err.count("\n")) == (1, 1)
    # Destroying what is protected takes its name, whatever else is said.
    monkeypatch.setattr("sys.stdin", io.StringIO("other\n"))
    code, _, err = kit("destroy", "--stage", "staging", "--yes")
    assert code == 1
    assert "its name was not typed: nothing was deleted" in err
    assert len(cloudwatch.describe_alarms()["MetricAlarms"]) == 2
