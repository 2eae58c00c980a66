"""Tags of log groups, over the wire."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kit.emulator.server import Binding, Emulator
from tests.emulator.test_emulator_reset import client as client_of

Logs = Any
ARN = "arn:aws:logs:us-east-1:123456789012:log-group:"


@pytest.fixture
def logs(client: Callable[..., Any]) -> Logs:
    return client("logs")


@pytest.fixture
def group(logs: Logs) -> str:
    name = f"/tagged/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name, tags={"team": "shop", "Umgebung": "für Übung"})
    return name


def refused(call: Callable[..., Any], **arguments: Any) -> ClientError:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return raised.value


def tags(logs: Logs, group: str) -> dict[str, str]:
    found: dict[str, str] = logs.list_tags_for_resource(resourceArn=ARN + group)["tags"]
    assert logs.list_tags_log_group(logGroupName=group)["tags"] == found
    return found


def test_a_group_has_the_tags_that_it_was_made_with(logs: Logs, group: str) -> None:
    assert tags(logs, group) == {"team": "shop", "Umgebung": "für Übung"}
    logs.create_log_group(logGroupName=f"{group}/plain")
    assert tags(logs, f"{group}/plain") == {}


def test_tags_are_added_replaced_and_taken_away(logs: Logs, group: str) -> None:
    logs.tag_resource(resourceArn=ARN + group, tags={"team": "", "tier": "1"})
    logs.untag_resource(resourceArn=ARN + group, tagKeys=["Umgebung", "nobody's"])
    assert tags(logs, group) == {"team": "", "tier": "1"}
    logs.tag_log_group(logGroupName=group, tags={"team": "pay", "old": "way"})
    logs.untag_log_group(logGroupName=group, tags=["tier"])
    assert tags(logs, group) == {"team": "pay", "old": "way"}


def test_a_group_made_anew_has_no_tags_of_the_former(logs: Logs, group: str) -> None:
    logs.delete_log_group(logGroupName=group)
    assert refused(tags, logs=logs, group=group).response["Error"]["Code"] == "ResourceNotFoundException"
    logs.create_log_group(logGroupName=group)
    assert tags(logs, group) == {}


def test_more_than_fifty_tags_are_too_many_and_none_is_added(logs: Logs, group: str) -> None:
    fifty = {f"k{n}": "v" for n in range(49)}
    error = refused(logs.tag_resource, resourceArn=ARN + group, tags=fifty)
    assert error.response["Error"]["Code"] == "TooManyTagsException"
    assert error.response["resourceName"] == ARN + group
    error = refused(logs.tag_log_group, logGroupName=group, tags=fifty)
    assert error.response["Error"]["Code"] == "InvalidParameterException"
    assert len(tags(logs, group)) == 2
    del fifty["k0"]
    logs.tag_resource(resourceArn=ARN + group, tags=fifty)
    assert len(tags(logs, group)) == 50


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"aws:cloudformation:stack-name": "s"},
        {"": "v"},
        {"k" * 129: "v"},
        {"k": "v" * 257},
        {"k*": "v"},
        {"k": "\n"},
        {f"k{n}": "v" for n in range(51)},
    ],
)
def test_tags_that_aws_does_not_take_are_refused_everywhere(given: dict[str, str], logs: Logs, group: str) -> None:
    for call, where in (
        (logs.create_log_group, {"logGroupName": f"{group}/new"}),
        (logs.tag_resource, {"resourceArn": ARN + group}),
        (logs.tag_log_group, {"logGroupName": group}),
    ):
        error = refused(call, **where, tags=given)
        assert error.response["Error"]["Code"] == "InvalidParameterException"
    assert tags(logs, group) == {"team": "shop", "Umgebung": "für Übung"}
    assert refused(tags, logs=logs, group=f"{group}/new").response["Error"]["Code"] == "ResourceNotFoundException"


@pytest.mark.parametrize("kind", ["another account", "another Region", "a destination", "no ARN", "a star"])
def test_an_arn_of_something_else_is_refused(kind: str, logs: Logs, group: str) -> None:
    arn = {
        "another account": (ARN + group).replace("123456789012", "210987654321"),
        "another Region": (ARN + group).replace("us-east-1", "eu-west-1"),
        "a destination": f"arn:aws:logs:us-east-1:123456789012:destination:{group}",
        "no ARN": group,
        "a star": f"{ARN}{group}:*",
    }[kind]
    code = "InvalidParameterException" if kind == "a star" else "ResourceNotFoundException"
    for call, more in (
        (logs.list_tags_for_resource, {}),
        (logs.tag_resource, {"tags": {"k": "v"}}),
        (logs.untag_resource, {"tagKeys": ["team"]}),
    ):
        assert refused(call, resourceArn=arn, **more).response["Error"]["Code"] == code


def test_tags_survive_a_restart(tmp_path: Path) -> None:
    for turn in range(3):
        emulator = Emulator(Binding(port=0, xray_port=0), data_dir=tmp_path)
        emulator.start()
        try:
            logs = client_of("logs", emulator)
            if turn == 0:
                logs.create_log_group(logGroupName="g", tags={"team": "shop"})
            else:
                assert tags(logs, "g") == {"team": "shop"} | ({"tier": "1"} if turn == 2 else {})
            if turn == 1:
                logs.tag_resource(resourceArn=f"{ARN}g", tags={"tier": "1"})
        finally:
            emulator.stop()
            client_of.cache_clear()
