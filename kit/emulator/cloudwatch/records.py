"""What happened to alarms, as stored facts: the history, the notifications and any later reader read these.

HistoryData follows the CloudWatch API Reference, DescribeAlarmHistory, and the AWS CLI's example of
describe-alarm-history: stateReasonData is a nested object there.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from kit.emulator.cloudwatch.alarms import Alarm, AlarmType
from kit.evaluation.state import AlarmState
from kit.evaluation.suppression import Suppression

Operation = Literal["Create", "Update", "Delete"]

HISTORY_DATA_LIMIT = 4095
HISTORY_SUMMARY_LIMIT = 255

# Members are written in lower camel case there, but for this one.
_LOWERED = {"OKActions": "okactions"}


@dataclass(frozen=True, slots=True)
class Subject:
    """The alarm that a record speaks of, as it was configured then."""

    name: str
    arn: str
    type: AlarmType
    settings: dict[str, Any]
    configured_at: float

    @classmethod
    def of(cls, alarm: Alarm) -> Subject:
        return cls(alarm.name, alarm.arn, alarm.type, alarm.settings, alarm.configured_at)


@dataclass(frozen=True, slots=True)
class Transition:
    """An alarm went from one state to another, or was set to a state; ``at`` in epoch seconds."""

    subject: Subject
    at: float
    old: AlarmState
    new: AlarmState

    item_type = "StateUpdate"

    @property
    def summary(self) -> str:
        return f"Alarm updated from {self.old.value} to {self.new.value}"

    def data(self) -> dict[str, Any]:
        return {"version": "1.0", "oldState": _state(self.old), "newState": _state(self.new)}


@dataclass(frozen=True, slots=True)
class ActionOutcome:
    """One action of one transition was taken; ``error`` says why it failed, None that it did not."""

    transition: Transition
    action: str
    at: float
    error: str | None
    published: str | None

    item_type = "Action"

    @property
    def subject(self) -> Subject:
        return self.transition.subject

    @property
    def summary(self) -> str:
        verb = "Successfully executed" if self.error is None else "Failed to execute"
        return f"{verb} action {self.action}"

    def data(self) -> dict[str, Any]:
        return {
            "actionState": "Succeeded" if self.error is None else "Failed",
            "stateUpdateTimestamp": round(self.transition.at * 1000),
            "notificationResource": self.action,
            "publishedMessage": self.published,
            "error": self.error,
        }


@dataclass(frozen=True, slots=True)
class SuppressionChange:
    """A composite alarm's actions came to be held back by something, or by something else, or by nothing any more."""

    subject: Subject
    at: float
    old: Suppression
    new: Suppression

    item_type = "Action"

    @property
    def summary(self) -> str:
        return self.new.reason or f"Actions no longer suppressed by {self.old.by}"

    def data(self) -> dict[str, Any]:
        shown = {"version": "1.0", "actionsSuppressedBy": self.new.by, "actionsSuppressedReason": self.new.reason}
        return shown | {"actionsSuppressor": self.subject.settings.get("ActionsSuppressor")}


@dataclass(frozen=True, slots=True)
class ConfigurationChange:
    """An alarm was created, updated or deleted; ``previous`` is what it was before an update."""

    subject: Subject
    at: float
    operation: Operation
    state: str
    state_since: float = 0.0
    previous: Subject | None = None

    item_type = "ConfigurationUpdate"

    @property
    def summary(self) -> str:
        return f'Alarm "{self.subject.name}" {self.operation.lower()}d'

    def data(self) -> dict[str, Any]:
        described = {_lower(key): _lower_keys(value) for key, value in self.subject.settings.items()}
        described |= {"alarmArn": self.subject.arn, "stateValue": self.state}
        return {"version": "1.0", "type": self.operation, f"{self.operation.lower()}dAlarm": described}


@dataclass(frozen=True, slots=True)
class Remembered:
    """A record of an earlier run of this emulator, as it is shown; its ``subject`` has no settings any more."""

    subject: Subject
    at: float
    item_type: str
    summary: str
    text: str

    def data(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.text)
        return found


Record = Transition | ActionOutcome | SuppressionChange | ConfigurationChange | Remembered


def history_item(record: Record) -> dict[str, Any]:
    """A record in the shape of an AlarmHistoryItem."""
    return {
        "AlarmName": record.subject.name,
        "AlarmType": record.subject.type,
        "Timestamp": record.at,
        "HistoryItemType": record.item_type,
        "HistorySummary": record.summary[:HISTORY_SUMMARY_LIMIT],
        "HistoryData": _fitted(record.data()),
    }


def _state(state: AlarmState) -> dict[str, Any]:
    shown: dict[str, Any] = {"stateValue": state.value, "stateReason": state.reason}
    if state.data:
        shown["stateReasonData"] = state.data
    return shown


def _lower(key: str) -> str:
    return _LOWERED.get(key, key[:1].lower() + key[1:])


def _lower_keys(value: Any) -> Any:
    if isinstance(value, dict):
        return {_lower(key): _lower_keys(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_lower_keys(inner) for inner in value]
    return value


def _fitted(data: dict[str, Any]) -> str:
    """JSON within the 4095 characters of HistoryData; the longest members go first, so that it stays JSON."""
    text = json.dumps(data, separators=(",", ":"))
    while len(text) > HISTORY_DATA_LIMIT and len(data) > 1:
        longest = max((key for key in data if key != "version"), key=lambda key: len(json.dumps(data[key])))
        inner = data[longest]
        if isinstance(inner, dict) and len(inner) > 1:
            biggest = max(inner, key=lambda key: len(json.dumps(inner[key])))
            data = {**data, longest: {key: value for key, value in inner.items() if key != biggest}}
        else:
            data = {key: value for key, value in data.items() if key != longest}
        text = json.dumps(data, separators=(",", ":"))
    return text
