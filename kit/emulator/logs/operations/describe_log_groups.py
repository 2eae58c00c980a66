"""DescribeLogGroups."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine, Group
from kit.emulator.logs.pages import page
from kit.emulator.protocol import AwsError, Context

_PAGE = 50


def handle(engine: Engine, params: dict[str, Any], _context: Context) -> dict[str, Any]:
    """Groups by name, chosen by a prefix or a case-sensitive part of the name."""
    prefix, part = params.get("logGroupNamePrefix"), params.get("logGroupNamePattern")
    if prefix is not None and part is not None:
        text = "LogGroupNamePrefix and LogGroupNamePattern are mutually exclusive parameters."
        raise AwsError("InvalidParameterException", text)
    chosen = [
        group
        for group in engine.groups()
        if group.name.startswith(prefix or "")
        and (part or "") in group.name
        and group.log_class == params.get("logGroupClass", group.log_class)
    ]
    groups, token = page(chosen, params.get("nextToken"), params.get("limit", _PAGE))
    return {"logGroups": [_described(engine, group) for group in groups], "nextToken": token}


def _described(engine: Engine, group: Group) -> dict[str, Any]:
    return {
        "logGroupName": group.name,
        "creationTime": group.created,
        "retentionInDays": group.retention_days,
        "metricFilterCount": len(group.metric_filters),
        "arn": f"{group.arn}:*",
        "logGroupArn": group.arn,
        "storedBytes": engine.stored_bytes(group),
        "logGroupClass": group.log_class,
    }
