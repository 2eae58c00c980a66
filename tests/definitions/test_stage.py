"""A stage replaces the stand-ins, and only them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.definitions import AlarmFile, CompositeFile, DashboardFile, Definitions, for_stage
from kit.errors import KitError
from kit.settings import Stage

STAGE = Stage(
    name="live",
    account="111122223333",
    region="eu-west-1",
    endpoint_url=None,
    environment="eu",
    scale="production",
    actions={"page": "arn:aws:sns:eu-west-1:111122223333:oncall", "ticket": "arn:aws:sns:eu-west-1:444455556666:t"},
    faults="refused",
    protected=True,
)
ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:a"


def fitted(body: Any, stage: Stage = STAGE, region: str = "eu-west-1") -> Any:
    board = DashboardFile("dashboards/d.json", "d", body)
    return for_stage(Definitions(dashboards=(board,)), stage, region).dashboards[0].body


@pytest.mark.parametrize(
    ("stands", "becomes"),
    [
        ({"Name": "Environment", "Value": "production"}, {"Name": "Environment", "Value": "eu"}),
        ({"Name": "Service", "Value": "production"}, {"Name": "Service", "Value": "production"}),
        ({"AlarmActions": ["arn:aws:sns:us-east-1:123456789012:page"]}, {"AlarmActions": [STAGE.actions["page"]]}),
        ({"OKActions": ["arn:aws:sns:us-east-1:123456789012:ticket"]}, {"OKActions": [STAGE.actions["ticket"]]}),
        (
            {"AlarmActions": ["arn:aws:sns:us-east-1:123456789012:page-me"]},
            {"AlarmActions": ["arn:aws:sns:eu-west-1:111122223333:page-me"]},
        ),
        ({"role": "arn:aws:iam::123456789012:role/r"}, {"role": "arn:aws:iam::111122223333:role/r"}),
        ({"AlarmRule": f'ALARM("{ARN}")'}, {"AlarmRule": 'ALARM("arn:aws:cloudwatch:eu-west-1:111122223333:alarm:a")'}),
        ({"region": "us-east-1"}, {"region": "eu-west-1"}),
        ({"title": "us-east-1 and production"}, {"title": "us-east-1 and production"}),
        ({"accountId": "123456789012"}, {"accountId": "111122223333"}),
        (
            {"metrics": [["Shop", "Fault", "Environment", "production", {"region": "us-east-1"}]]},
            {"metrics": [["Shop", "Fault", "Environment", "eu", {"region": "eu-west-1"}]]},
        ),
        ({"metrics": [["...", "production"]]}, {"metrics": [["...", "eu"]]}),
        ({"metrics": [["Shop", "production", "Service", "production"]]}, None),
        (
            {"metrics": [[{"expression": "SEARCH('Environment=\"production\" Fault', 'Sum')"}]]},
            {"metrics": [[{"expression": "SEARCH('Environment=\"eu\" Fault', 'Sum')"}]]},
        ),
        ({"query": "SOURCE '/shop/production/shop/logs'"}, {"query": "SOURCE '/shop/eu/shop/logs'"}),
        (
            {"variables": [{"property": "Environment", "defaultValue": "production"}]},
            {"variables": [{"property": "Environment", "defaultValue": "eu"}]},
        ),
        (
            {"variables": [{"property": "Environment", "values": [{"value": "production", "label": "production"}]}]},
            {"variables": [{"property": "Environment", "values": [{"value": "eu", "label": "eu"}]}]},
        ),
        (
            {"variables": [{"pattern": r"\bproduction\b", "defaultValue": "production"}]},
            {"variables": [{"pattern": r"\beu\b", "defaultValue": "eu"}]},
        ),
        (
            {"variables": [{"pattern": "/production/", "search": 'Environment="production"'}]},
            {"variables": [{"pattern": "/eu/", "search": 'Environment="eu"'}]},
        ),
        ({"variables": [{"property": "Service", "defaultValue": "production"}]}, None),
        ({"variables": [{"pattern": "production-a", "defaultValue": "production"}, 3, None]}, None),
        (
            {"variables": [{"property": "Environment", "values": [7, {"value": "staging"}], "pattern": 8}]},
            None,
        ),
    ],
)
def test_stand_ins_are_replaced_and_nothing_else(stands: Any, becomes: Any) -> None:
    assert fitted(stands) == (stands if becomes is None else becomes)


def test_another_partition_has_its_own_arns() -> None:
    assert fitted({"a": ARN}, region="cn-north-1") == {"a": "arn:aws-cn:cloudwatch:cn-north-1:111122223333:alarm:a"}
    assert fitted({"a": ARN}, region="us-gov-west-1")["a"].startswith("arn:aws-us-gov:cloudwatch:us-gov-west-1:")


def test_a_topic_that_the_stage_lacks_is_told() -> None:
    composite = CompositeFile("alarms/c.json", {"AlarmActions": ["arn:aws:sns:us-east-1:123456789012:ticket"]})
    stage = replace(STAGE, actions={"page": STAGE.actions["page"]})
    with pytest.raises(KitError, match=r"stages/live.yaml: actions: ticket is missing"):
        for_stage(Definitions(composites=(composite,)), stage, "eu-west-1")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from(["production", "us-east-1", "123456789012", ARN, "arn:aws:sns:us-east-1:123456789012:page", "x"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["Name", "Value", "region", "metrics", "query", "variables", "a"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["widgets", "region", "Dimensions"]), json_values, max_size=3))
def test_fitting_twice_is_fitting_once(body: dict[str, Any]) -> None:
    assert fitted(fitted(body)) == fitted(body)


@given(json_values)
def test_the_own_stand_ins_fit_themselves(value: Any) -> None:
    local = replace(
        STAGE,
        account="123456789012",
        environment="production",
        actions={"page": "arn:aws:sns:us-east-1:123456789012:page"},
    )
    body = {"widgets": value}
    assert json.dumps(fitted(body, local, "us-east-1")) == json.dumps(body)


def test_an_alarm_keeps_its_file() -> None:
    alarm = AlarmFile("alarms/a.json", {"AlarmName": "a"})
    assert for_stage(Definitions(alarms=(alarm,)), STAGE, "eu-west-1").alarms == (alarm,)
