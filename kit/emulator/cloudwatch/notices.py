"""What CloudWatch publishes to an SNS topic when an alarm changes state.

Shapes from the User Guide ("Notifying users on alarm changes") and payloads seen in public: the Region is a display
name, the statistic is upper-case, dimension keys are lower-case.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from kit.emulator.cloudwatch.alarms import ACTION_LISTS
from kit.emulator.cloudwatch.records import Transition

# SNS cuts a subject off at 100 characters.
SUBJECT_LIMIT = 100


def subject_line(transition: Transition, region: str) -> str:
    """``ALARM: "name" in EU (Ireland)``."""
    text = f'{transition.new.value}: "{transition.subject.name}" in {region_display_name(region)}'
    return text if len(text) <= SUBJECT_LIMIT else text[: SUBJECT_LIMIT - 3] + "..."


def message(transition: Transition, region: str, account: str) -> str:
    """The JSON body."""
    subject = transition.subject
    settings = subject.settings
    body: dict[str, Any] = {
        "AlarmName": subject.name,
        "AlarmDescription": settings.get("AlarmDescription"),
        "AWSAccountId": account,
        "AlarmConfigurationUpdatedTimestamp": _timestamp(subject.configured_at),
        "NewStateValue": transition.new.value,
        "NewStateReason": transition.new.reason,
        "StateChangeTime": _timestamp(transition.at),
        "Region": region_display_name(region),
        "AlarmArn": subject.arn,
        "OldStateValue": transition.old.value,
    }
    body |= {key: list(settings.get(key, ())) for key in ACTION_LISTS.values()}
    if subject.type == "MetricAlarm":
        body["Trigger"] = _trigger(settings)
    else:
        body["AlarmRule"] = settings["AlarmRule"]
        body["TriggeringChildren"] = _children(transition)
    return json.dumps(body, separators=(",", ":"))


class _Region(msgspec.Struct):
    description: str


class _Partition(msgspec.Struct):
    regions: dict[str, _Region]


class _Endpoints(msgspec.Struct):
    partitions: list[_Partition]


@cache
def region_display_name(region: str) -> str:
    """``EU (Ireland)`` for eu-west-1; alarm notifications say EU where newer lists say Europe."""
    spec = find_spec("botocore")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        endpoints = msgspec.json.decode((Path(folder) / "data" / "endpoints.json").read_bytes(), type=_Endpoints)
        for partition in endpoints.partitions:
            if region in partition.regions:
                return partition.regions[region].description.replace("Europe (", "EU (")
    return region


def _trigger(settings: dict[str, Any]) -> dict[str, Any]:
    trigger: dict[str, Any] = {}
    if "Metrics" in settings:
        trigger["Metrics"] = [_query(query) for query in settings["Metrics"]]
    else:
        trigger |= {
            "MetricName": settings["MetricName"],
            "Namespace": settings["Namespace"],
            **_statistic(settings),
            "Unit": settings.get("Unit"),
            "Dimensions": _dimensions(settings.get("Dimensions", ())),
        }
    return trigger | {
        "Period": settings.get("Period", _period_of_metrics(settings)),
        "EvaluationPeriods": settings["EvaluationPeriods"],
        "DatapointsToAlarm": settings.get("DatapointsToAlarm", settings["EvaluationPeriods"]),
        "ComparisonOperator": settings["ComparisonOperator"],
        "Threshold": settings["Threshold"],
        "TreatMissingData": settings.get("TreatMissingData", "missing"),
        "EvaluateLowSampleCountPercentile": settings.get("EvaluateLowSampleCountPercentile", ""),
    }


def _statistic(settings: dict[str, Any]) -> dict[str, Any]:
    if "ExtendedStatistic" in settings:
        return {"StatisticType": "ExtendedStatistic", "ExtendedStatistic": settings["ExtendedStatistic"]}
    return {"StatisticType": "Statistic", "Statistic": settings["Statistic"].upper()}


def _query(query: dict[str, Any]) -> dict[str, Any]:
    shown: dict[str, Any] = {key: query[key] for key in ("Expression", "Id", "Label", "Period") if key in query}
    if "MetricStat" in query:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        shown["MetricStat"] = {
            "Metric": {
                "Dimensions": _dimensions(metric.get("Dimensions", ())),
                "MetricName": metric.get("MetricName"),
                "Namespace": metric.get("Namespace"),
            },
            "Period": stat["Period"],
            "Stat": stat["Stat"],
        }
        if "Unit" in stat:
            shown["MetricStat"]["Unit"] = stat["Unit"]
    shown["ReturnData"] = query.get("ReturnData", True)
    return shown


def _dimensions(dimensions: Any) -> list[dict[str, str]]:
    return [{"value": dimension["Value"], "name": dimension["Name"]} for dimension in dimensions]


def _period_of_metrics(settings: dict[str, Any]) -> int | None:
    for query in settings.get("Metrics", ()):
        if "MetricStat" in query:
            return int(query["MetricStat"]["Period"])
    return None


def _children(transition: Transition) -> list[dict[str, Any]]:
    triggering = (transition.new.data or {}).get("triggeringAlarms", ())
    return [
        {
            "Arn": child["arn"],
            "State": {"Value": child["state"]["value"], "Timestamp": child["state"].get("timestamp")},
        }
        for child in triggering
    ]


def _timestamp(moment: float) -> str:
    text = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "+0000")
