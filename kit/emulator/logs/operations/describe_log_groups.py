"""DescribeLogGroups."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine, Group
from kit.emulator.logs.pages import page_after
from kit.emulator.protocol import AwsError, Context

_PAGE = 50
# API Reference, DescribeLogGroups, logGroupClass: who asks for the one gets both.
_TOGETHER = frozenset({"INFREQUENT_ACCESS", "ESSENTIALS"})
# The same, logGroupNamePattern: no more than these is included in the response.
_OF_A_PATTERN = ("arn", "creationTime", "logGroupName")
# The same, logGroupIdentifiers: the only other filter is includeLinkedAccounts.
_BESIDE_IDENTIFIERS = frozenset({"logGroupIdentifiers", "includeLinkedAccounts", "nextToken", "limit"})


def handle(engine: Engine, params: dict[str, Any], context: Context) -> dict[str, Any]:
    """Groups by name, chosen by a prefix or a case-sensitive part of the name, by name or ARN, and by class."""
    _check(params)
    accounts = params.get("accountIdentifiers") if params.get("includeLinkedAccounts") else None
    # no other account is linked to this one
    groups = engine.groups() if not accounts or context.account in accounts else []
    chosen = [(group.name, group) for group in groups if _wanted(group, params)]
    found, token = page_after(chosen, params.get("nextToken"), params.get("limit", _PAGE))
    described = [_described(engine, group) for group in found]
    if params.get("logGroupNamePattern"):
        described = [{key: group[key] for key in _OF_A_PATTERN} for group in described]
    return {"logGroups": described, "nextToken": token}


def _check(params: dict[str, Any]) -> None:
    if "logGroupNamePrefix" in params and "logGroupNamePattern" in params:
        text = "LogGroupNamePrefix and LogGroupNamePattern are mutually exclusive parameters."
        raise AwsError("InvalidParameterException", text)
    others = sorted(params.keys() - _BESIDE_IDENTIFIERS)
    if "logGroupIdentifiers" in params and others:
        raise AwsError("InvalidParameterException", f"logGroupIdentifiers can't be given together with {others[0]}.")


def _wanted(group: Group, params: dict[str, Any]) -> bool:
    asked = params.get("logGroupClass", group.log_class)
    return (
        group.name.startswith(params.get("logGroupNamePrefix", ""))
        and params.get("logGroupNamePattern", "") in group.name
        and (asked == group.log_class or {asked, group.log_class} <= _TOGETHER)
        and (
            "logGroupIdentifiers" not in params or not {group.name, group.arn}.isdisjoint(params["logGroupIdentifiers"])
        )
    )


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
