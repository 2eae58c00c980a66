"""A plan tells what differs and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from kit.definitions import AlarmFile, CompositeFile, DashboardFile, Definitions
from kit.deploy.differences import ABSENT, Difference, differences
from kit.deploy.live import Live, LiveDashboard
from kit.deploy.ownership import Owner
from kit.deploy.plan import Change, plan
from kit.deploy.render import change_json, plan_lines, summary

ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"
REQUEST: dict[str, Any] = {
    "AlarmName": "a",
    "Metrics": [
        {"Id": "e", "Expression": "m / 2"},
        {
            "Id": "m",
            "MetricStat": {
                "Metric": {
                    "Namespace": "Shop",
                    "MetricName": "Fault",
                    "Dimensions": [{"Name": "B", "Value": "2"}, {"Name": "A", "Value": "1"}],
                },
                "Period": 60,
                "Stat": "Sum",
            },
            "ReturnData": False,
        },
    ],
    "EvaluationPeriods": 3,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
    "AlarmActions": ["arn:b", "arn:a"],
    "Tags": [{"Key": "kit:set", "Value": "shop"}],
}
# The same alarm as DescribeAlarms shows it: defaults filled in, made members, another order.
SHOWN: dict[str, Any] = {
    "AlarmName": "a",
    "AlarmArn": ARN,
    "StateValue": "OK",
    "StateReason": "because",
    "ActionsEnabled": True,
    "OKActions": [],
    "AlarmActions": ["arn:a", "arn:b"],
    "InsufficientDataActions": [],
    "Metrics": [
        {
            "Id": "m",
            "MetricStat": {
                "Metric": {
                    "Namespace": "Shop",
                    "MetricName": "Fault",
                    "Dimensions": [{"Name": "A", "Value": "1"}, {"Name": "B", "Value": "2"}],
                },
                "Period": 60,
                "Stat": "Sum",
            },
            "ReturnData": False,
        },
        {"Id": "e", "Expression": "m / 2", "ReturnData": True},
    ],
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 3,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "missing",
    "Tags": [{"Key": "kit:set", "Value": "shop"}, {"Key": "cost-centre", "Value": "7"}],
}


OWNER = Owner("shop", "staging", frozenset({"a", "d"}))


def alarm_change(live: dict[str, Any] | None, request: dict[str, Any] = REQUEST) -> Change:
    file = Definitions(alarms=(AlarmFile("alarms/a.json", request),))
    (change,) = plan(file, Live(alarms={"a": live} if live else {}), OWNER)
    return change


def test_an_alarm_that_is_not_there_is_to_be_created() -> None:
    change = alarm_change(None)
    assert (change.action, change.kind, change.name) == ("create", "alarm", "a")
    assert change.wanted == {key: value for key, value in REQUEST.items() if key != "Tags"}
    assert change.tags["kit:set"] == "shop"
    assert change.tags["kit:stage"] == "staging"


def test_what_aws_fills_in_makes_and_reorders_is_no_difference() -> None:
    change = alarm_change(SHOWN)
    assert (change.action, change.differences) == ("record", ())
    on_record = [{"Key": key, "Value": value} for key, value in change.tags.items()]
    assert alarm_change(SHOWN | {"Tags": on_record}).action == "unchanged"


@pytest.mark.parametrize(
    ("edit", "path", "live", "wanted"),
    [
        ({"Threshold": 2.0}, "/Threshold", 2.0, 1),
        ({"TreatMissingData": "ignore"}, "/TreatMissingData", "ignore", "missing"),
        ({"DatapointsToAlarm": 1}, "/DatapointsToAlarm", 1, 3),
        ({"ActionsEnabled": False}, "/ActionsEnabled", False, True),
        ({"AlarmDescription": "x"}, "/AlarmDescription", "x", ABSENT),
        ({"AlarmActions": ["arn:a"]}, "/AlarmActions/1", ABSENT, "arn:b"),
        ({"OKActions": ["arn:a"]}, "/OKActions", ["arn:a"], ABSENT),
        ({"Metrics": [SHOWN["Metrics"][0]]}, "/Metrics/e", ABSENT, {"ReturnData": True} | REQUEST["Metrics"][0]),
        ({"Tags": []}, "/Tags/kit:set", ABSENT, "shop"),
        ({"Tags": [*SHOWN["Tags"], {"Key": "kit:x", "Value": "1"}]}, "/Tags/kit:x", "1", ABSENT),
    ],
)
def test_a_hand_edit_is_told_field_by_field(edit: dict[str, Any], path: str, live: Any, wanted: Any) -> None:
    change = alarm_change(SHOWN | edit)
    assert change.action == "update"
    assert change.differences == (Difference(path, live, wanted),)


def test_composites_come_after_what_they_name_and_dashboards_last() -> None:
    names = {"top": "ALARM(middle)", "middle": "ALARM(a)", "apart": "TRUE"}
    composites = tuple(
        CompositeFile(f"alarms/{name}.json", {"AlarmName": name, "AlarmRule": rule})
        for name, rule in sorted(names.items())
    )
    definitions = Definitions(
        alarms=(AlarmFile("alarms/a.json", REQUEST),),
        composites=composites,
        dashboards=(DashboardFile("dashboards/d.json", "d", {"widgets": []}),),
    )
    order = [change.name for change in plan(definitions, Live())]
    assert order[0] == "a"
    assert order[-1] == "d"
    assert order.index("middle") < order.index("top")


def test_a_dashboard_is_compared_by_what_it_says_not_how_it_is_written() -> None:
    board = DashboardFile("dashboards/d.json", "d", {"start": "-PT3H", "widgets": [{"type": "text"}]})
    definitions = Definitions(dashboards=(board,))

    def change(body: Any) -> Change:
        arn = "arn:aws:cloudwatch::123456789012:dashboard/d"
        live = Live(dashboards={"d": LiveDashboard(arn, body, {"kit:set": "shop"})})
        (found,) = plan(definitions, live, OWNER)
        return found

    assert change({"widgets": [{"type": "text"}], "start": "-PT3H"}).differences == ()
    less = change({"start": "-PT3H", "widgets": []})
    assert less.differences == (Difference("/widgets/0", ABSENT, {"type": "text"}),)
    assert change("not JSON").action == "update"


def test_true_is_not_one() -> None:
    assert list(differences({"a": True}, {"a": 1})) == [Difference("/a", True, 1)]
    assert list(differences({"a": 1.0}, {"a": 1})) == []


def test_a_plan_reads_as_text_and_as_json() -> None:
    changes = (alarm_change(SHOWN | {"Threshold": 2.0, "OKActions": ["arn:a"]}), alarm_change(None))
    assert list(plan_lines(changes)) == [
        "~ alarm      a",
        "      /Threshold: 2.0 -> 1",
        '      /OKActions: ["arn:a"] -> nothing',
        "+ alarm      a",
    ]
    assert summary(changes) == "1 to create, 1 to update"
    assert change_json(changes[0])["differences"] == [
        {"path": "/Threshold", "live": 2.0, "wanted": 1},
        {"path": "/OKActions", "live": ["arn:a"]},
    ]
