"""Stacks make real alarms, composite alarms and dashboards, and fail as they do on AWS."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

BODY = json.dumps(
    {"widgets": [{"type": "text", "x": 0, "y": 0, "width": 6, "height": 3, "properties": {"markdown": "x"}}]}
)


@pytest.fixture
def names(request: pytest.FixtureRequest) -> str:
    """What this test's things are named after: one emulator serves all tests."""
    return "cfn-" + "".join(part[:3] for part in request.node.name.split("_"))[:60].replace("[", "").replace("]", "")


@pytest.fixture
def cloudformation(client: Callable[..., Any]) -> Any:
    return client("cloudformation")


@pytest.fixture
def cloudwatch(client: Callable[..., Any]) -> Any:
    return client("cloudwatch")


@pytest.fixture
def deploy(cloudformation: Any, names: str) -> Iterator[Callable[..., str]]:
    """Deploy a template as `aws cloudformation deploy` does, by a change set; the stack's status after it."""
    there: list[str] = []

    def run(template: dict[str, Any], tags: dict[str, str] | None = None, **parameters: str) -> str:
        kind = "UPDATE" if there else "CREATE"
        there.append(kind)
        change_set = cloudformation.create_change_set(
            StackName=names,
            ChangeSetName=f"c{len(there)}",
            ChangeSetType=kind,
            TemplateBody=json.dumps(template),
            Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
            Tags=[{"Key": key, "Value": value} for key, value in (tags or {}).items()],
        )
        cloudformation.execute_change_set(ChangeSetName=change_set["Id"], StackName=names)
        status: str = cloudformation.describe_stacks(StackName=names)["Stacks"][0]["StackStatus"]
        return status

    yield run
    cloudformation.delete_stack(StackName=names)


def alarm(name: str, threshold: Any = 1, **more: Any) -> dict[str, Any]:
    properties = {
        "AlarmName": name,
        "Namespace": "N",
        "MetricName": "M",
        "Statistic": "Sum",
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": threshold,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    return {"Type": "AWS::CloudWatch::Alarm", "Properties": {**properties, **more}}


def composite(name: str, rule: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": {"AlarmName": name, "AlarmRule": rule}, **more}


def dashboard(name: str, body: str = BODY) -> dict[str, Any]:
    return {"Type": "AWS::CloudWatch::Dashboard", "Properties": {"DashboardName": name, "DashboardBody": body}}


def found(cloudwatch: Any, *names: str) -> list[str]:
    answer = cloudwatch.describe_alarms(AlarmNames=list(names), AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return sorted(one["AlarmName"] for kind in ("MetricAlarms", "CompositeAlarms") for one in answer[kind])


def reasons(cloudformation: Any, stack: str, status: str) -> list[tuple[str, str]]:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return [
        (one["LogicalResourceId"], one.get("ResourceStatusReason", ""))
        for one in events
        if one["ResourceStatus"] == status
    ]


def test_a_stack_makes_an_alarm_a_composite_and_a_dashboard(
    deploy: Callable[..., str], cloudformation: Any, cloudwatch: Any, names: str
) -> None:
    # The composite stands first: what it needs is made before it all the same.
    template = {
        "Resources": {
            "Both": composite(f"{names}-both", {"Fn::Sub": 'ALARM("${One}")'}),
            "One": alarm(f"{names}-one", Tags=[{"Key": "owner", "Value": "me"}]),
            "Board": dashboard(names),
        },
        "Outputs": {"Arn": {"Value": {"Fn::GetAtt": ["Both", "Arn"]}}, "Name": {"Value": {"Ref": "Board"}}},
    }
    assert deploy(template, tags={"team": "shop"}) == "CREATE_COMPLETE"
    assert found(cloudwatch, f"{names}-both", f"{names}-one") == [f"{names}-both", f"{names}-one"]
    assert cloudwatch.get_dashboard(DashboardName=names)["DashboardBody"] == BODY
    described = cloudformation.describe_stacks(StackName=names)["Stacks"][0]
    outputs = {one["OutputKey"]: one["OutputValue"] for one in described["Outputs"]}
    arn = f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{names}-one"
    assert outputs == {"Arn": arn.removesuffix("one") + "both", "Name": names}
    tags = cloudwatch.list_tags_for_resource(ResourceARN=arn)["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "owner": "me",
        "team": "shop",
        "aws:cloudformation:stack-name": names,
        "aws:cloudformation:stack-id": described["StackId"],
        "aws:cloudformation:logical-id": "One",
    }
    ids = {
        one["PhysicalResourceId"] for one in cloudformation.describe_stack_resources(StackName=names)["StackResources"]
    }
    assert ids == {f"{names}-both", f"{names}-one", names}


def test_a_stacks_alarm_changes_state_like_any_other(deploy: Callable[..., str], cloudwatch: Any, names: str) -> None:
    deploy({"Resources": {"One": alarm(names)}})
    cloudwatch.set_alarm_state(AlarmName=names, StateValue="ALARM", StateReason="asked")
    deploy({"Resources": {"One": alarm(names, 2)}})
    shown = cloudwatch.describe_alarms(AlarmNames=[names])["MetricAlarms"][0]
    assert (shown["Threshold"], shown["StateValue"]) == (2.0, "ALARM")


def test_an_update_changes_adds_and_removes(deploy: Callable[..., str], cloudwatch: Any, names: str) -> None:
    deploy(
        {
            "Resources": {
                "Old": alarm(f"{names}-old"),
                "One": alarm(f"{names}-one", Tags=[{"Key": "a", "Value": "1"}]),
                # It no longer names Old after the update, in which Old goes: Old must go after that.
                "Both": composite(f"{names}-both", f'ALARM("{names}-old")', DependsOn="Old"),
            }
        }
    )
    status = deploy(
        {
            "Resources": {
                "One": alarm(f"{names}-one", "7.5", Tags=[{"Key": "b", "Value": "2"}]),
                "Both": composite(f"{names}-both", f'ALARM("{names}-new")', DependsOn=["New"]),
                "New": alarm(f"{names}-new"),
            }
        }
    )
    assert status == "UPDATE_COMPLETE"
    all_names = [f"{names}-{end}" for end in ("both", "new", "old", "one")]
    assert found(cloudwatch, *all_names) == [name for name in all_names if not name.endswith("old")]
    shown = cloudwatch.describe_alarms(AlarmNames=[f"{names}-one"])["MetricAlarms"][0]
    assert shown["Threshold"] == 7.5
    tags = cloudwatch.list_tags_for_resource(ResourceARN=shown["AlarmArn"])["Tags"]
    assert [tag for tag in tags if not tag["Key"].startswith("aws:")] == [{"Key": "b", "Value": "2"}]


def test_another_name_makes_another_alarm_and_deletes_the_first(
    deploy: Callable[..., str], cloudwatch: Any, names: str
) -> None:
    deploy({"Resources": {"One": alarm(f"{names}-a")}})
    assert deploy({"Resources": {"One": alarm(f"{names}-b")}}) == "UPDATE_COMPLETE"
    assert found(cloudwatch, f"{names}-a", f"{names}-b") == [f"{names}-b"]


def test_an_alarm_without_a_name_gets_one_and_keeps_it(
    deploy: Callable[..., str], cloudformation: Any, cloudwatch: Any, names: str
) -> None:
    unnamed = alarm("")
    del unnamed["Properties"]["AlarmName"]
    deploy({"Resources": {"One": unnamed}})
    first = cloudformation.describe_stack_resources(StackName=names)["StackResources"][0]["PhysicalResourceId"]
    assert first.startswith(f"{names}-One-")
    unnamed["Properties"]["Threshold"] = 3
    deploy({"Resources": {"One": unnamed}})
    assert cloudwatch.describe_alarms(AlarmNames=[first])["MetricAlarms"][0]["Threshold"] == 3


def test_a_parameter_alone_may_change_a_resource_or_make_it(
    deploy: Callable[..., str], cloudwatch: Any, names: str
) -> None:
    template = {
        "Parameters": {"Limit": {"Type": "Number", "Default": "5"}, "More": {"Type": "String", "Default": "no"}},
        "Conditions": {"HasMore": {"Fn::Equals": [{"Ref": "More"}, "yes"]}},
        "Resources": {
            "One": alarm(f"{names}-one", {"Ref": "Limit"}),
            "Two": {**alarm(f"{names}-two"), "Condition": "HasMore"},
        },
    }
    deploy(template)
    assert found(cloudwatch, f"{names}-one", f"{names}-two") == [f"{names}-one"]
    assert deploy(template, Limit="9", More="yes") == "UPDATE_COMPLETE"
    assert found(cloudwatch, f"{names}-one", f"{names}-two") == [f"{names}-one", f"{names}-two"]
    assert cloudwatch.describe_alarms(AlarmNames=[f"{names}-one"])["MetricAlarms"][0]["Threshold"] == 9
    assert deploy(template, Limit="9", More="no") == "UPDATE_COMPLETE"
    assert found(cloudwatch, f"{names}-one", f"{names}-two") == [f"{names}-one"]


@pytest.mark.parametrize(
    ("broken", "reason"),
    [
        (alarm("x", Period=7), "HandlerErrorCode: InvalidRequest"),
        (alarm("x", Bogus=1), "extraneous key [Bogus] is not permitted"),
        (composite("x", "ALARM(nobody)"), "HandlerErrorCode: InvalidRequest"),
        (dashboard("x", '{"widgets": [{"type": "metric"}]}'), "The dashboard body is invalid"),
        ({"Type": "AWS::CloudWatch::AnomalyDetector"}, "does not make resources of type"),
        ({"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "g"}}, "does not make resources of type"),
    ],
    ids=["period", "unknown-key", "missing-child", "dashboard-body", "no-such-type", "a-type-nobody-would-see"],
)
def test_a_resource_that_cannot_be_made_rolls_the_stack_back(
    deploy: Callable[..., str], cloudformation: Any, cloudwatch: Any, names: str, broken: dict[str, Any], reason: str
) -> None:
    good = alarm(f"{names}-good")
    status = deploy({"Resources": {"Good": good, "Broken": {**broken, "DependsOn": "Good"}}})
    assert status == "ROLLBACK_COMPLETE"
    assert found(cloudwatch, f"{names}-good") == []
    ((logical, told),) = reasons(cloudformation, names, "CREATE_FAILED")
    assert logical == "Broken"
    assert reason in told
    assert reasons(cloudformation, names, "ROLLBACK_IN_PROGRESS")[0][1].startswith(
        "The following resource(s) failed to create: [Broken]"
    )
    assert cloudformation.describe_stack_resources(StackName=names)["StackResources"] == []
    assert found(cloudwatch, f"{names}-good") == []


def test_a_failed_update_takes_back_what_it_did(
    deploy: Callable[..., str], cloudformation: Any, cloudwatch: Any, names: str
) -> None:
    before = {"One": alarm(f"{names}-one", 1), "Name": alarm(f"{names}-a")}
    deploy({"Resources": before})
    after = {
        "One": alarm(f"{names}-one", 2),
        "Name": alarm(f"{names}-b"),
        "New": alarm(f"{names}-new"),
        "Broken": {**alarm("x", Period=7), "DependsOn": ["One", "Name", "New"]},
    }
    assert deploy({"Resources": after}) == "UPDATE_ROLLBACK_COMPLETE"
    all_names = [f"{names}-{end}" for end in ("a", "b", "new", "one")]
    assert found(cloudwatch, *all_names) == [f"{names}-a", f"{names}-one"]
    assert cloudwatch.describe_alarms(AlarmNames=[f"{names}-one"])["MetricAlarms"][0]["Threshold"] == 1
    assert reasons(cloudformation, names, "UPDATE_ROLLBACK_IN_PROGRESS")
    # and the stack can be updated from there
    del after["Broken"]
    assert deploy({"Resources": after}) == "UPDATE_COMPLETE"
    assert found(cloudwatch, *all_names) == [f"{names}-b", f"{names}-new", f"{names}-one"]


def test_what_is_there_already_is_not_taken_over(
    deploy: Callable[..., str], cloudformation: Any, cloudwatch: Any, names: str
) -> None:
    one = alarm(names)["Properties"]
    cloudwatch.put_metric_alarm(**one)
    assert deploy({"Resources": {"One": alarm(names, 99)}}) == "ROLLBACK_COMPLETE"
    assert "already exists" in reasons(cloudformation, names, "CREATE_FAILED")[0][1]
    assert cloudwatch.describe_alarms(AlarmNames=[names])["MetricAlarms"][0]["Threshold"] == 1


def test_a_deleted_stack_leaves_nothing_but_what_is_retained(
    deploy: Callable[..., str], cloudformation: Any, cloudwatch: Any, names: str
) -> None:
    resources = {
        "Both": composite(f"{names}-both", f'ALARM("{names}-one")', DependsOn="One"),
        "One": alarm(f"{names}-one"),
        "Kept": {**alarm(f"{names}-kept"), "DeletionPolicy": "Retain"},
        "Board": dashboard(names),
    }
    deploy({"Resources": resources})
    stack = cloudformation.describe_stacks(StackName=names)["Stacks"][0]["StackId"]
    cloudwatch.delete_dashboards(DashboardNames=[names])  # by hand; the stack has no complaint
    cloudformation.delete_stack(StackName=names)
    assert found(cloudwatch, f"{names}-both", f"{names}-one", f"{names}-kept") == [f"{names}-kept"]
    gone = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    assert gone["StackStatus"] == "DELETE_COMPLETE"
    with pytest.raises(ClientError, match="does not exist"):
        cloudformation.describe_stacks(StackName=names)


def test_an_alarm_that_another_still_needs_keeps_its_stack(
    deploy: Callable[..., str], cloudformation: Any, cloudwatch: Any, names: str
) -> None:
    deploy({"Resources": {"One": alarm(f"{names}-one")}})
    cloudwatch.put_composite_alarm(AlarmName=f"{names}-by-hand", AlarmRule=f'ALARM("{names}-one")')
    cloudformation.delete_stack(StackName=names)
    assert cloudformation.describe_stacks(StackName=names)["Stacks"][0]["StackStatus"] == "DELETE_FAILED"
    assert "depending on it" in reasons(cloudformation, names, "DELETE_FAILED")[-1][1]
    cloudwatch.delete_alarms(AlarmNames=[f"{names}-by-hand"])
    cloudformation.delete_stack(StackName=names)
    assert found(cloudwatch, f"{names}-one") == []


def test_resources_that_wait_for_each_other_are_refused(cloudformation: Any, names: str) -> None:
    one, two = {**alarm("a"), "DependsOn": "Two"}, {**alarm("b"), "DependsOn": "One"}
    template = json.dumps({"Resources": {"One": one, "Two": two}})
    with pytest.raises(ClientError, match="Circular dependency between resources"):
        cloudformation.create_stack(StackName=names, TemplateBody=template)


def test_a_template_over_the_limit_of_a_request_is_refused(cloudformation: Any, names: str) -> None:
    template = json.dumps({"Resources": {"One": alarm("a", AlarmDescription="x" * 51_200)}})
    with pytest.raises(ClientError, match="51200"):
        cloudformation.create_stack(StackName=names, TemplateBody=template)


def test_create_stack_and_update_stack_do_the_same_without_a_change_set(
    cloudformation: Any, cloudwatch: Any, names: str
) -> None:
    cloudformation.create_stack(StackName=names, TemplateBody=json.dumps({"Resources": {"One": alarm(names)}}))
    cloudformation.update_stack(StackName=names, TemplateBody=json.dumps({"Resources": {"One": alarm(names, 4)}}))
    assert cloudwatch.describe_alarms(AlarmNames=[names])["MetricAlarms"][0]["Threshold"] == 4
    cloudformation.delete_stack(StackName=names)
    assert found(cloudwatch, names) == []


def test_a_stacks_topic_is_told_by_its_alarm(
    deploy: Callable[..., str], client: Callable[..., Any], names: str
) -> None:
    template = {
        "Resources": {
            "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": names}},
            "One": alarm(names, AlarmActions=[{"Ref": "Topic"}]),
        }
    }
    assert deploy(template) == "CREATE_COMPLETE"
    shown = client("cloudwatch").describe_alarms(AlarmNames=[names])["MetricAlarms"][0]
    assert shown["AlarmActions"] == [f"arn:aws:sns:us-east-1:123456789012:{names}"]


def test_an_update_that_lacks_a_parameter_leaves_the_stack_alone(
    deploy: Callable[..., str], cloudformation: Any, names: str
) -> None:
    deploy({"Resources": {"One": alarm(names)}})
    asking = {"Parameters": {"Limit": {"Type": "Number"}}, "Resources": {"One": alarm(names, {"Ref": "Limit"})}}
    with pytest.raises(ClientError, match="Limit"):
        deploy(asking)
    assert cloudformation.describe_stacks(StackName=names)["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    assert deploy(asking, Limit="3") == "UPDATE_COMPLETE"


@contextmanager
def emulating(data: Path) -> Iterator[Callable[..., Any]]:
    """Clients of an emulator in a process of its own: moto's state is its process's."""
    argv = (sys.executable, "-m", "kit", "emulate", "--port", "0", "--xray-port", "0", "--data", str(data))
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "KIT_"))}
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://[\d.:]+\d", process.stdout.readline())
        assert found, "the embedded AWS did not announce itself"
        made: Callable[..., Any] = partial(boto3.client, endpoint_url=found.group(), **keys)
        try:
            yield made
        finally:  # what fails within must not wait for it for ever
            process.terminate()
            process.wait(10)


def test_after_a_restart_the_stack_is_there_and_what_it_made_is_as_it_was_left(tmp_path: Path) -> None:
    with emulating(tmp_path) as client:
        template = json.dumps({"Resources": {"One": alarm("one"), "Two": alarm("two")}})
        client("cloudformation").create_stack(StackName="kept", TemplateBody=template)
        client("cloudwatch").put_metric_alarm(**{**alarm("one")["Properties"], "Threshold": 42})
        client("cloudwatch").delete_alarms(AlarmNames=["two"])
    with emulating(tmp_path) as client:
        assert client("cloudformation").describe_stacks()["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
        shown = client("cloudwatch").describe_alarms()["MetricAlarms"]
        assert [(one["AlarmName"], one["Threshold"]) for one in shown] == [("one", 42)]
        client("cloudformation").delete_stack(StackName="kept")
        assert client("cloudwatch").describe_alarms()["MetricAlarms"] == []
