"""A set of definitions as one CloudFormation template, in JSON.

An alarm's file has the keys of AWS::CloudWatch::Alarm already, so it goes in as it stands; a dashboard's body goes in
as a string ("AWS CloudFormation Template Reference", AWS::CloudWatch::Dashboard). Topics are parameters: one that is
left empty is made by the stack, and its e-mail address subscribed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from kit.definitions import CompositeFile, Definitions
from kit.deploy.ownership import Owner, set_name, tagged
from kit.errors import KitError
from kit.settings import Stage

INLINE_BYTES = 51_200
"""What fits into a request ("CloudFormation quotas", Template body size in a request); more goes by way of S3."""
S3_BYTES = 1_000_000
"""What a template in S3 may have (same page, 1 MB)."""
MOST_RESOURCES = 500
LOGICAL_ID_LENGTH = 255

ACTION_LISTS = ("AlarmActions", "OKActions", "InsufficientDataActions")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A template's text, and whether it is too large to be sent without S3."""

    text: str
    needs_s3: bool


def cloudformation(definitions: Definitions, stage: Stage, region: str) -> Rendered:
    """The template of ``definitions``, which are fit for ``stage`` already; the same set gives the same text.

    It is indented where that fits into a request, compact where it doesn't. Raises KitError where CloudFormation
    could not take it at all.
    """
    document = template(definitions, stage, region)
    count = len(document["Resources"])
    if count > MOST_RESOURCES:
        problem = f"{count} resources; a CloudFormation template holds {MOST_RESOURCES}"
        raise KitError("alarms/ and dashboards/", problem, "Use kit apply, or part them into two projects.")
    text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
    if _size(text) > INLINE_BYTES:
        text = json.dumps(document, separators=(",", ":"), ensure_ascii=False) + "\n"
    if _size(text) > S3_BYTES:
        problem = f"the template would have {_size(text)} bytes; CloudFormation takes {S3_BYTES}, even from S3"
        raise KitError("alarms/ and dashboards/", problem, "Use kit apply, or part them into two projects.")
    return Rendered(text, _size(text) > INLINE_BYTES)


def template(definitions: Definitions, stage: Stage, region: str) -> dict[str, Any]:
    """The template as data."""
    topics = _Topics(stage, definitions)
    owner = Owner(set_name(definitions), stage.name)
    ids = _logical_ids(definitions)
    resources: dict[str, Any] = {}
    for alarm in definitions.alarms:
        resources[ids["alarm", alarm.name]] = {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {**topics.as_parameters(alarm.request), "Tags": tagged(alarm.request, owner)},
        }
    for composite in definitions.composites:
        properties = {**topics.as_parameters(composite.request), "Tags": tagged(composite.request, owner)}
        resources[ids["alarm", composite.name]] = {
            "Type": "AWS::CloudWatch::CompositeAlarm",
            **_depends_on(composite, ids),
            "Properties": properties,
        }
    for dashboard in definitions.dashboards:
        resources[ids["dashboard", dashboard.name]] = {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {
                "DashboardName": dashboard.name,
                "DashboardBody": json.dumps(dashboard.body, separators=(",", ":"), ensure_ascii=False),
                "Tags": tagged({}, owner),
            },
        }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Alarms and dashboards of stage {stage.name}, for account {stage.account} in {region}.",
        **topics.declarations(),
        "Resources": resources | topics.resources(),
    }


def _depends_on(composite: CompositeFile, ids: Mapping[tuple[str, str], str]) -> dict[str, list[str]]:
    """PutCompositeAlarm wants what a rule names to be there, and a rule names it by name only: hence DependsOn."""
    needs = sorted(ids["alarm", name] for name in composite.needs if ("alarm", name) in ids)
    return {"DependsOn": needs} if needs else {}


class _Topics:
    """The stage's topics as parameters: each with its ARN for default, left empty the stack makes one."""

    def __init__(self, stage: Stage, definitions: Definitions) -> None:
        told = {
            arn
            for request in (one.request for alarms in (definitions.alarms, definitions.composites) for one in alarms)
            for key in ACTION_LISTS
            for arn in request.get(key, ())
        }
        # Two names may stand for one topic: the first is its parameter.
        self._names: dict[str, str] = {}
        for name, arn in sorted(stage.actions.items()):
            if arn in told:
                self._names.setdefault(arn, name.capitalize())

    def as_parameters(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """``request`` with its topics' ARNs replaced."""
        return {
            key: [self._reference(arn) for arn in value] if key in ACTION_LISTS else value
            for key, value in request.items()
        }

    def _reference(self, arn: str) -> Any:
        name = self._names.get(arn)
        if name is None:
            return arn
        return {"Fn::If": [f"Makes{name}Topic", {"Ref": f"{name}Topic"}, {"Ref": f"{name}TopicArn"}]}

    def declarations(self) -> dict[str, Any]:
        """Parameters and conditions; none where nobody is told."""
        if not self._names:
            return {}
        parameters: dict[str, Any] = {}
        conditions: dict[str, Any] = {}
        for arn, name in self._names.items():
            parameters[f"{name}TopicArn"] = {
                "Type": "String",
                "Default": arn,
                "Description": f"Topic that a {name.lower()} goes to. Left empty, the stack makes one.",
            }
            conditions[f"Makes{name}Topic"] = {"Fn::Equals": [{"Ref": f"{name}TopicArn"}, ""]}
            conditions[f"Subscribes{name}Topic"] = {
                "Fn::And": [{"Condition": f"Makes{name}Topic"}, {"Fn::Not": [{"Fn::Equals": [{"Ref": "Email"}, ""]}]}]
            }
        parameters["Email"] = {
            "Type": "String",
            "Default": "",
            "Description": "Address to subscribe to the topics that the stack makes. Left empty, nobody is subscribed.",
        }
        return {"Parameters": parameters, "Conditions": conditions}

    def resources(self) -> dict[str, Any]:
        """The topics that the stack may make, and their subscriptions."""
        made: dict[str, Any] = {}
        for name in self._names.values():
            made[f"{name}Topic"] = {"Type": "AWS::SNS::Topic", "Condition": f"Makes{name}Topic"}
            made[f"{name}Subscription"] = {
                "Type": "AWS::SNS::Subscription",
                "Condition": f"Subscribes{name}Topic",
                "Properties": {
                    "TopicArn": {"Ref": f"{name}Topic"},
                    "Protocol": "email",
                    "Endpoint": {"Ref": "Email"},
                },
            }
        return made


def _logical_ids(definitions: Definitions) -> dict[tuple[str, str], str]:
    """(kind, name) -> logical id: letters and digits only, and the same for as long as the name is.

    Where two names would give one id, each gets a digest of its name: it does not depend on which of them came first.
    """
    names = [("alarm", name) for name in sorted(definitions.alarm_names)]
    names += [("dashboard", one.name) for one in definitions.dashboards]
    plain = {(kind, name): kind.capitalize() + _camel(name) for kind, name in names}
    taken = list(plain.values())
    return {
        key: found if taken.count(found) == 1 and len(found) <= LOGICAL_ID_LENGTH else _digested(found, key[1])
        for key, found in plain.items()
    }


def _camel(name: str) -> str:
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


def _digested(found: str, name: str) -> str:
    return found[: LOGICAL_ID_LENGTH - 12] + sha256(name.encode()).hexdigest()[:12]


def _size(text: str) -> int:
    return len(text.encode())
