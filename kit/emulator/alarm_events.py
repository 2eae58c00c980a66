"""What CloudWatch tells EventBridge of its alarms.

Source: Amazon CloudWatch User Guide, "Alarm events and EventBridge": one event when an alarm changes its state, one
when its configuration changes. In both a metric's dimensions are a map, and reasonData is a text.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from kit.emulator.cloudwatch.alarms import reason_data_text
from kit.emulator.cloudwatch.records import ConfigurationChange, Subject, Transition
from kit.evaluation.state import AlarmState
from kit.evaluation.suppression import FREE, Suppression

SOURCE = "aws.cloudwatch"

_ACTIONS = {
    "OKActions": "okActions",
    "AlarmActions": "alarmActions",
    "InsufficientDataActions": "insufficientDataActions",
}
_COMPOSITE = {
    "AlarmRule": "alarmRule",
    "ActionsSuppressor": "actionsSuppressor",
    "ActionsSuppressorWaitPeriod": "actionsSuppressorWaitPeriod",
    "ActionsSuppressorExtensionPeriod": "actionsSuppressorExtensionPeriod",
}
_METRIC = {
    "EvaluationPeriods": "evaluationPeriods",
    "DatapointsToAlarm": "datapointsToAlarm",
    "Threshold": "threshold",
    "ThresholdMetricId": "thresholdMetricId",
    "ComparisonOperator": "comparisonOperator",
    "TreatMissingData": "treatMissingData",
    "EvaluateLowSampleCountPercentile": "evaluateLowSampleCountPercentile",
}


def state_change(transition: Transition, suppression: Suppression = FREE) -> dict[str, Any]:
    """``CloudWatch Alarm State Change``. ``suppression`` is what holds back a composite alarm's actions now."""
    subject = transition.subject
    state = _state(transition.new, transition.at)
    if suppression.by is not None:
        state |= {"actionsSuppressedBy": suppression.by, "actionsSuppressedReason": suppression.reason}
    detail = {
        "alarmName": subject.name,
        "configuration": _described(subject),
        "previousState": _state(transition.old, transition.old.since),
        "state": state,
    }
    return _event("CloudWatch Alarm State Change", subject, transition.at, detail)


def configuration_change(change: ConfigurationChange) -> dict[str, Any]:
    """``CloudWatch Alarm Configuration Change``."""
    detail: dict[str, Any] = {
        "alarmName": change.subject.name,
        "operation": change.operation.lower(),
        "configuration": _configuration(change.subject),
        "state": {"value": change.state, "timestamp": _timestamp(change.state_since)},
    }
    if change.previous is not None:
        detail["previousConfiguration"] = _configuration(change.previous)
    return _event("CloudWatch Alarm Configuration Change", change.subject, change.at, detail)


def _event(kind: str, subject: Subject, moment: float, detail: Mapping[str, Any]) -> dict[str, Any]:
    region, account = subject.arn.split(":")[3:5]
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": kind,
        "source": SOURCE,
        "account": account,
        "time": datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [subject.arn],
        "detail": detail,
    }


def _configuration(subject: Subject) -> dict[str, Any]:
    settings = subject.settings
    shown: dict[str, Any] = {
        "alarmName": subject.name,
        "actionsEnabled": bool(settings.get("ActionsEnabled", True)),
        "timestamp": _timestamp(subject.configured_at),
        **{member: list(settings.get(setting, ())) for setting, member in _ACTIONS.items()},
    }
    shown |= {member: settings[setting] for setting, member in _METRIC.items() if setting in settings}
    return shown | _described(subject)


def _described(subject: Subject) -> dict[str, Any]:
    """What both kinds of event say of the configuration."""
    settings = subject.settings
    shown: dict[str, Any] = {}
    if "AlarmDescription" in settings:
        shown["description"] = settings["AlarmDescription"]
    if subject.type == "CompositeAlarm":
        return shown | {member: settings[setting] for setting, member in _COMPOSITE.items() if setting in settings}
    if "Metrics" in settings:
        return shown | {"metrics": [_query(query) for query in settings["Metrics"]]}
    metric = {
        # CloudWatch gives the one metric an id of its own; here the same one for as long as the alarm exists
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, subject.arn)),
        "metricStat": _metric_stat(settings, settings, settings.get("ExtendedStatistic") or settings.get("Statistic")),
        "returnData": True,
    }
    return shown | {"metrics": [metric]}


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": query["Id"], "returnData": query.get("ReturnData", True)}
    members = {"Expression": "expression", "Label": "label", "Period": "period", "AccountId": "accountId"}
    shown |= {member: query[key] for key, member in members.items() if key in query}
    if "MetricStat" in query:
        stat = query["MetricStat"]
        shown["metricStat"] = _metric_stat(stat["Metric"], stat, stat["Stat"])
    return shown


def _metric_stat(metric: Mapping[str, Any], settings: Mapping[str, Any], statistic: str | None) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "metric": {
            "namespace": metric.get("Namespace"),
            "name": metric.get("MetricName"),
            "dimensions": {pair["Name"]: pair["Value"] for pair in metric.get("Dimensions") or ()},
        },
        "period": settings.get("Period"),
        "stat": statistic,
    }
    if settings.get("Unit"):
        shown["unit"] = settings["Unit"]
    return shown


def _state(state: AlarmState, moment: float) -> dict[str, Any]:
    shown = {"value": state.value, "reason": state.reason, "timestamp": _timestamp(moment)}
    if state.data:
        shown["reasonData"] = reason_data_text(state.data)
    return shown


def _timestamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "+0000")
