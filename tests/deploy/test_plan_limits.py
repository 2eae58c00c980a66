"""What a plan refuses before AWS would, and how far it looks."""

from __future__ import annotations

from typing import Any

import pytest

from kit.definitions import AlarmFile, CompositeFile, Definitions
from kit.deploy.calls import Caller
from kit.deploy.deletes import deletable_order
from kit.deploy.live import STRANGERS, Live, Wanted, read_live
from kit.deploy.ownership import Owner, set_name
from kit.deploy.plan import plan
from kit.errors import KitError

OWNER = Owner("shop", "staging")
SET = {"Key": "kit:set", "Value": "shop"}


class Crowded:
    """An account with many alarms of other people, and one of ours that no file names."""

    def __init__(self, strangers: int) -> None:
        self.asked: list[str] = []
        self._names = [*(f"other-{number}" for number in range(strangers)), "shop-left-over"]

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        return {"MetricAlarms": [{"AlarmName": name, "AlarmArn": name} for name in self._names]}

    def list_dashboards(self, **_: Any) -> dict[str, Any]:
        return {"DashboardEntries": []}

    def list_tags_for_resource(self, **asked: str) -> dict[str, Any]:
        self.asked.append(asked["ResourceARN"])
        return {"Tags": [SET] if asked["ResourceARN"].startswith("shop-") else []}


@pytest.mark.parametrize(("strangers", "asked"), [(STRANGERS, STRANGERS + 1), (STRANGERS + 1, 1)])
def test_a_large_account_is_not_asked_for_each_tag(strangers: int, asked: int) -> None:
    client = Crowded(strangers)
    live = read_live(client, Wanted(prefixes=("shop-",)), Caller())
    assert len(client.asked) == asked
    assert live.passed_over == (0 if asked > 1 else strangers)
    assert [change.name for change in plan(Definitions(), live, OWNER)] == ["shop-left-over"]


def test_an_alarm_cannot_become_a_composite() -> None:
    file = Definitions(composites=(CompositeFile("alarms/a.json", {"AlarmName": "a", "AlarmRule": "TRUE"}),))
    live = Live(alarms={"a": {"AlarmName": "a", "AlarmArn": "arn", "Tags": [SET]}})
    (change,) = plan(file, live, OWNER)
    assert change.obstacle is not None
    assert "stands there as a metric alarm" in change.obstacle.problem


def test_more_tags_than_aws_takes_are_refused() -> None:
    tags = [{"Key": f"k{number}", "Value": ""} for number in range(48)]
    (change,) = plan(Definitions(alarms=(AlarmFile("alarms/a.json", {"AlarmName": "a", "Tags": tags}),)), Live(), OWNER)
    assert change.obstacle is not None
    assert "would carry 51 tags" in change.obstacle.problem


def test_a_ring_of_live_composites_is_named() -> None:
    ring = {"a": {"AlarmRule": "ALARM(b)"}, "b": {"AlarmRule": "ALARM(a)"}}
    with pytest.raises(KitError, match="name each other in a ring"):
        deletable_order(ring)


def test_what_a_stack_made_is_not_ours() -> None:
    tags = {"kit:set": "shop", "aws:cloudformation:stack-name": "watch"}
    assert not OWNER.owns(tags)
    assert OWNER.whose(tags) == "belongs to the CloudFormation stack watch"


def test_files_of_two_sets_are_refused() -> None:
    files = tuple(
        AlarmFile(f"alarms/{name}.json", {"AlarmName": name, "Tags": [{"Key": "kit:set", "Value": name}]})
        for name in ("a", "b")
    )
    with pytest.raises(KitError, match="kit:set has several values: a in alarms"):
        set_name(Definitions(alarms=files))
