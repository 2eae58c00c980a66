"""`kit render cloudformation`: a template that cfn-lint takes and that makes what `kit apply` makes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest

from kit.definitions import AlarmFile, CompositeFile, DashboardFile, Definitions
from kit.deploy.render_cloudformation import INLINE_BYTES, cloudformation, template
from kit.errors import KitError
from kit.settings import Stage

OLD_CLIENTS = os.environ.get("KIT_TEST_OLD_CLIENTS")
# moto knows the Regions that there are, and the tests of other files use up Europe's.
REGIONS = iter(("ap-south-1", "ca-central-1", "sa-east-1", "us-west-2", "ap-northeast-1", "us-east-2"))
Kit = Callable[..., tuple[int, str, str]]
PAGE = "arn:aws:sns:us-east-1:123456789012:page"
TICKET = "arn:aws:sns:us-east-1:123456789012:ticket"
STAGE = Stage(
    "s", "123456789012", "us-east-1", None, "s", "production", {"page": PAGE, "ticket": TICKET}, "refused", False
)


@pytest.fixture
def region() -> str:
    """A Region where no other test has been."""
    return next(REGIONS)


def alarm(name: str, **more: Any) -> AlarmFile:
    return AlarmFile(f"alarms/{name}.json", {"AlarmName": name, "EvaluationPeriods": 1, **more})


def lint(path: Path) -> str:
    """What cfn-lint says of a file; nothing is good."""
    argv = [str(Path(sys.executable).with_name("cfn-lint")), "--", str(path)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


def aws_cli() -> str | None:
    """The real AWS CLI, if there is one here."""
    folder = OLD_CLIENTS
    there = Path(folder, "awscli", "bin", "aws") if folder else None
    return str(there) if there is not None and there.is_file() else shutil.which("aws")


@pytest.mark.parametrize("stage", ["local", "everyday"])
def test_cfn_lint_has_nothing_to_say(kit: Kit, project: Path, tmp_path: Path, stage: str) -> None:
    pytest.importorskip("cfnlint")
    everyday = (project / "stages" / "production.yaml.example").read_text(encoding="utf-8")
    (project / "stages" / "everyday.yaml").write_text(everyday, encoding="utf-8")
    out = tmp_path / "template.json"
    code, _, told = kit("render", "cloudformation", "--stage", stage, "--out", str(out))
    assert code == 0, told
    assert lint(out) == ""


def test_cfn_lint_would_complain_of_a_broken_one(tmp_path: Path) -> None:
    pytest.importorskip("cfnlint")
    document = template(Definitions(alarms=(alarm("a", TreatMissingData="perhaps"),)), STAGE, "us-east-1")
    path = tmp_path / "template.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    assert "'notBreaching'" in lint(path)


def test_the_same_set_gives_the_same_text_and_the_same_ids(kit: Kit) -> None:
    code, first, _ = kit("render", "cloudformation")
    assert code == 0
    assert kit("render", "cloudformation")[1] == first
    few = Definitions(alarms=(alarm("b-c"), alarm("x")))
    more = Definitions(alarms=(alarm("a"), alarm("b-c"), alarm("x")))
    kept = set(template(few, STAGE, "us-east-1")["Resources"])
    assert kept == {"AlarmBC", "AlarmX"}
    assert kept < set(template(more, STAGE, "us-east-1")["Resources"])


def test_names_that_differ_only_in_signs_have_their_own_ids() -> None:
    ids = list(template(Definitions(alarms=(alarm("b-c"), alarm("b_c"))), STAGE, "us-east-1")["Resources"])
    assert len(set(ids)) == 2
    assert all(one.isalnum() and one.startswith("AlarmBC") for one in ids)


def test_a_composite_depends_on_all_it_names() -> None:
    one = CompositeFile(
        "alarms/c.json",
        {
            "AlarmName": "c",
            "AlarmRule": 'ALARM("a") AND NOT ALARM(d)',
            "ActionsSuppressor": "b",
            "ActionsSuppressorWaitPeriod": 60,
            "ActionsSuppressorExtensionPeriod": 60,
        },
    )
    inner = CompositeFile("alarms/d.json", {"AlarmName": "d", "AlarmRule": "ALARM(a)"})
    definitions = Definitions(alarms=(alarm("a"), alarm("b")), composites=(one, inner))
    resources = template(definitions, STAGE, "us-east-1")["Resources"]
    assert resources["AlarmC"]["DependsOn"] == ["AlarmA", "AlarmB", "AlarmD"]
    assert "DependsOn" not in resources["AlarmA"]


def test_topics_are_parameters_of_which_only_those_that_are_told_appear() -> None:
    document = template(Definitions(alarms=(alarm("a", AlarmActions=[PAGE, "arn:other"]),)), STAGE, "us-east-1")
    assert set(document["Parameters"]) == {"PageTopicArn", "Email"}
    assert document["Parameters"]["PageTopicArn"]["Default"] == PAGE
    actions = document["Resources"]["AlarmA"]["Properties"]["AlarmActions"]
    assert actions == [
        {"Fn::If": ["MakesPageTopic", {"Ref": "PageTopic"}, {"Ref": "PageTopicArn"}]},
        "arn:other",
    ]
    assert set(template(Definitions(alarms=(alarm("a"),)), STAGE, "us-east-1")) == {
        "AWSTemplateFormatVersion",
        "Description",
        "Resources",
    }


def test_a_large_set_is_written_compactly_and_says_that_it_needs_s3() -> None:
    small = Definitions(alarms=tuple(alarm(f"a{n}", AlarmDescription="x" * 200) for n in range(20)))
    assert "\n  " in cloudformation(small, STAGE, "us-east-1").text
    large = Definitions(alarms=tuple(alarm(f"a{n}", AlarmDescription="x" * 900) for n in range(60)))
    rendered = cloudformation(large, STAGE, "us-east-1")
    assert rendered.needs_s3
    assert len(rendered.text.encode()) > INLINE_BYTES
    assert rendered.text.count("\n") == 1


@pytest.mark.parametrize(
    ("definitions", "problem"),
    [
        (
            Definitions(alarms=tuple(alarm(f"a{n}") for n in range(500)), dashboards=(DashboardFile("d", "d", {}),)),
            "501",
        ),
        (Definitions(alarms=tuple(alarm(f"a{n}", AlarmDescription="x" * 3000) for n in range(400))), "1000000"),
    ],
    ids=["resources", "bytes"],
)
def test_what_cloudformation_could_not_take_is_refused(definitions: Definitions, problem: str) -> None:
    with pytest.raises(KitError, match=problem):
        cloudformation(definitions, STAGE, "us-east-1")


def test_the_stack_stands_as_apply_would_have_made_it(kit: Kit, endpoint: str, region: str, tmp_path: Path) -> None:
    out = tmp_path / "template.json"
    assert kit("render", "cloudformation", "--out", str(out))[0] == 0
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client: Any = partial(boto3.client, region_name=region, endpoint_url=endpoint, **keys)
    store, cloudformation_client = client("s3"), client("cloudformation")
    # The whole set is more than a request takes.
    store.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": region})
    store.put_object(Bucket="templates", Key="watch.json", Body=out.read_bytes())
    change_set = cloudformation_client.create_change_set(
        StackName="watch", ChangeSetName="c", ChangeSetType="CREATE", TemplateURL=f"{endpoint}/templates/watch.json"
    )
    cloudformation_client.execute_change_set(ChangeSetName=change_set["Id"])
    assert cloudformation_client.describe_stacks(StackName="watch")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    code, told, complaint = kit("apply", "--yes", "--json")
    assert code == 0, complaint
    # only apply's own memory of what it applied is lacking
    assert {change["action"] for change in json.loads(told)["changes"]} <= {"record", "unchanged"}
    cloudformation_client.delete_stack(StackName="watch")
    cloudwatch = client("cloudwatch")
    left = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    assert left["MetricAlarms"] + left["CompositeAlarms"] == []
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []


def test_the_aws_cli_deploys_updates_and_makes_the_topics(kit: Kit, endpoint: str, region: str, tmp_path: Path) -> None:
    aws = aws_cli()
    if aws is None:
        pytest.skip("no AWS CLI here: set KIT_TEST_OLD_CLIENTS, or install it")
    out = tmp_path / "template.json"
    assert kit("render", "cloudformation", "--out", str(out))[0] == 0

    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    client: Any = partial(boto3.client, region_name=region, endpoint_url=endpoint, **keys)

    def deploy(*overrides: str) -> None:
        argv = [aws, "cloudformation", "deploy", "--stack-name", "by-cli", "--template-file", str(out)]
        argv += ["--s3-bucket", "by-cli", *overrides]
        environ = {**os.environ, "AWS_DEFAULT_REGION": region, "AWS_CONFIG_FILE": os.devnull}
        done = subprocess.run(argv, env=environ, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr

    store = client("s3")
    store.create_bucket(Bucket="by-cli", CreateBucketConfiguration={"LocationConstraint": region})
    deploy()
    cloudwatch = client("cloudwatch")
    name = "practice-shop-checkout-availability-page-fast"
    told = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]
    assert told["AlarmActions"] == ["arn:aws:sns:us-east-1:123456789012:page"]
    deploy("--parameter-overrides", "PageTopicArn=", "Email=someone@example.com")
    told = cloudwatch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"][0]
    assert told["AlarmActions"][0].startswith(f"arn:aws:sns:{region}:123456789012:by-cli-PageTopic-")
    subscriptions = client("sns").list_subscriptions()["Subscriptions"]
    assert [(one["Protocol"], one["Endpoint"]) for one in subscriptions] == [("email", "someone@example.com")]
    client("cloudformation").delete_stack(StackName="by-cli")
