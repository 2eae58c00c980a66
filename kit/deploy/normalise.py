"""Bring a definition and a live one into the same shape, so that a comparison shows real differences only.

What AWS made is stripped, what it fills in is filled in on both sides, and order that means nothing is removed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kit.definitions.members import OUTPUT_ONLY
from kit.definitions.model import alarm_name
from kit.deploy.ownership import OWN_TAGS, is_bookkeeping

ACTION_LISTS = ("OKActions", "AlarmActions", "InsufficientDataActions")


def comparable_alarm(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """A PutMetricAlarm input, or a MetricAlarm of DescribeAlarms, in the shape for comparing. Tags stay aside."""
    shape = _common(alarm)
    if "Metrics" in alarm:
        shape["Metrics"] = {query["Id"]: _query(query) for query in alarm["Metrics"]}
    if "MetricName" in alarm:
        shape["Dimensions"] = pairs(alarm.get("Dimensions", ()), "Name")
    if "EvaluationCriteria" not in alarm:
        shape.setdefault("DatapointsToAlarm", alarm.get("EvaluationPeriods"))
        shape.setdefault("TreatMissingData", "missing")
        shape.setdefault("EvaluateLowSampleCountPercentile", "evaluate")
        shape.setdefault("EvaluationWindow", {"SlidingWindow": {}})
    return {key: value for key, value in shape.items() if value not in (None, [])}


def comparable_composite(alarm: Mapping[str, Any]) -> dict[str, Any]:
    """The same for a PutCompositeAlarm input, or a CompositeAlarm of DescribeAlarms."""
    shape = _common(alarm)
    shape["AlarmRule"] = alarm["AlarmRule"].strip()
    if "ActionsSuppressor" in alarm:
        shape["ActionsSuppressor"] = alarm_name(alarm["ActionsSuppressor"])
    return {key: value for key, value in shape.items() if value not in (None, [])}


def comparable_tags(tags: Mapping[str, str], managed: Iterable[str]) -> dict[str, str]:
    """The tags that a file answers for: those that it names, and any of the kit's own but apply's bookkeeping."""
    keys = frozenset(managed)
    return {
        key: value
        for key, value in tags.items()
        if key in keys or (key.startswith(OWN_TAGS) and not is_bookkeeping(key))
    }


def pairs(items: Iterable[Mapping[str, str]], key: str) -> dict[str, str]:
    """A list of ``{key: …, "Value": …}`` as a mapping: tags, dimensions."""
    return {item[key]: item["Value"] for item in items}


def _common(alarm: Mapping[str, Any]) -> dict[str, Any]:
    shape = {key: value for key, value in alarm.items() if key not in OUTPUT_ONLY and key != "Tags"}
    shape.setdefault("ActionsEnabled", True)
    # An empty description and none are the same to AWS.
    shape["AlarmDescription"] = alarm.get("AlarmDescription") or None
    return shape | {key: sorted(alarm.get(key, ())) for key in ACTION_LISTS}


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    shape = {"ReturnData": True, **query}
    if "MetricStat" in query:
        metric = query["MetricStat"]["Metric"]
        dimensions = pairs(metric.get("Dimensions", ()), "Name")
        shape["MetricStat"] = {**query["MetricStat"], "Metric": {**metric, "Dimensions": dimensions}}
    return shape
