"""An alarm as it is stored, and as DescribeAlarms shows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from kit.evaluation.alarm import AlarmDefinition
from kit.evaluation.composite import Rule
from kit.evaluation.state import AlarmState
from kit.evaluation.suppression import FREE, Suppression, Suppressor

AlarmType = Literal["MetricAlarm", "CompositeAlarm"]

ACTION_LISTS = {"OK": "OKActions", "ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
REASON_LIMIT = 1023
REASON_DATA_LIMIT = 4000


def alarm_arn(region: str, account: str, name: str) -> str:
    """The ARN of the alarm with this name."""
    return f"arn:aws:cloudwatch:{region}:{account}:alarm:{name}"


def name_of(reference: str) -> str:
    """The name behind an alarm's name or ARN."""
    return reference.split(":alarm:", 1)[1] if reference.startswith("arn:") and ":alarm:" in reference else reference


@dataclass(slots=True)
class Alarm:
    """What was put, and the state it is in. ``settings`` are the parameters of the Put call without its Tags.

    All times are epoch seconds. ``updated_at`` moves whenever a state is set, ``state.since`` only when it changes.
    """

    type: ClassVar[AlarmType]

    name: str
    arn: str
    settings: dict[str, Any]
    configured_at: float
    state: AlarmState
    updated_at: float
    tags: dict[str, str]
    evaluation_state: str | None = field(default=None, kw_only=True)

    @property
    def actions_enabled(self) -> bool:
        return bool(self.settings.get("ActionsEnabled", True))

    def actions_for(self, state: str) -> list[str]:
        return list(self.settings.get(ACTION_LISTS[state], ()))

    def described(self) -> dict[str, Any]:
        """The alarm in the shape of DescribeAlarms."""
        shown: dict[str, Any] = {"OKActions": [], "AlarmActions": [], "InsufficientDataActions": [], **self.settings}
        shown |= {
            "ActionsEnabled": self.actions_enabled,
            "AlarmArn": self.arn,
            "AlarmConfigurationUpdatedTimestamp": self.configured_at,
            "StateValue": self.state.value,
            "StateReason": self.state.reason[:REASON_LIMIT],
            "StateUpdatedTimestamp": self.updated_at,
            "StateTransitionedTimestamp": self.state.since,
        }
        if self.state.data:
            shown["StateReasonData"] = reason_data_text(self.state.data)
        if self.evaluation_state:
            shown["EvaluationState"] = self.evaluation_state
        return shown


@dataclass(slots=True)
class MetricAlarm(Alarm):
    """An alarm on one metric or one metric math expression."""

    type: ClassVar[AlarmType] = "MetricAlarm"

    definition: AlarmDefinition

    def described(self) -> dict[str, Any]:
        shown = Alarm.described(self)
        if "Metrics" in shown:
            shown["Metrics"] = [{"ReturnData": True, **query} for query in shown["Metrics"]]
        else:
            shown.setdefault("Dimensions", [])
        return shown


@dataclass(slots=True)
class CompositeAlarm(Alarm):
    """An alarm on the states of other alarms; ``stale`` says why its rule must be evaluated, None that it needn't."""

    type: ClassVar[AlarmType] = "CompositeAlarm"

    rule: Rule
    stale: Literal["created", "updated", "child"] | None
    suppressor: Suppressor | None = field(default=None, kw_only=True)
    suppression: Suppression = field(default=FREE, kw_only=True)

    @property
    def children(self) -> frozenset[str]:
        """The names of the alarms its rule refers to."""
        return frozenset(name_of(reference) for reference in self.rule.children)

    def described(self) -> dict[str, Any]:
        shown = Alarm.described(self)
        if self.suppression.by is not None:
            shown["ActionsSuppressedBy"] = self.suppression.by
            shown["ActionsSuppressedReason"] = self.suppression.reason
        return shown


def reason_data_text(data: Mapping[str, Any]) -> str:
    """StateReasonData as the JSON string that AWS shows, within its 4000 characters."""
    text = json.dumps(data, separators=(",", ":"))
    if len(text) > REASON_DATA_LIMIT:
        kept = {key: value for key, value in data.items() if key != "evaluatedDatapoints"}
        text = json.dumps(kept, separators=(",", ":"))
    return text if len(text) <= REASON_DATA_LIMIT else "{}"
