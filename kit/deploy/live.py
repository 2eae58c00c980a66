"""What stands on the account of the definitions we have: read only."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from kit.definitions import Definitions

NAMES_A_CALL = 100
"""DescribeAlarms takes so many AlarmNames."""

NO_DASHBOARD = ("ResourceNotFound", "DashboardNotFoundError")


@dataclass(frozen=True, slots=True)
class Live:
    """Live alarms as DescribeAlarms shows them, with their Tags; dashboard bodies as read (text if not JSON)."""

    alarms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    composites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dashboards: Mapping[str, Any] = field(default_factory=dict)


def read_live(cloudwatch: Any, definitions: Definitions) -> Live:
    """Read from ``cloudwatch``, a boto3 client, what has the name of one of ``definitions``.

    Raises what botocore raises.
    """
    alarms: dict[str, Mapping[str, Any]] = {}
    composites: dict[str, Mapping[str, Any]] = {}
    names = sorted(definitions.alarm_names)
    for start in range(0, len(names), NAMES_A_CALL):
        pages = cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNames=names[start : start + NAMES_A_CALL], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
        )
        for page in pages:
            alarms |= _tagged(cloudwatch, page.get("MetricAlarms", ()))
            composites |= _tagged(cloudwatch, page.get("CompositeAlarms", ()))
    dashboards = {one.name: _body(cloudwatch, one.name) for one in definitions.dashboards}
    return Live(alarms, composites, {name: body for name, body in dashboards.items() if body is not None})


def _tagged(cloudwatch: Any, alarms: Iterable[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {
        alarm["AlarmName"]: {
            **alarm,
            "Tags": cloudwatch.list_tags_for_resource(ResourceARN=alarm["AlarmArn"])["Tags"],
        }
        for alarm in alarms
    }


def _body(cloudwatch: Any, name: str) -> Any:
    try:
        text = cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
    except ClientError as error:
        if error.response["Error"]["Code"] in NO_DASHBOARD:
            return None
        raise
    try:
        return json.loads(text)
    except ValueError:
        return text
