"""Limits that metric and composite alarms share, and those of PromQL alarms and evaluation windows.

Source: "Amazon CloudWatch API Reference", PutMetricAlarm, PutCompositeAlarm, WallClockWindow, AlarmTagsPropagation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from zoneinfo import available_timezones

from kit.definitions.structure import Flaw, step

REQUEST_BYTES = 120 * 1024
ACTIONS = ("OKActions", "AlarmActions", "InsufficientDataActions")
NOT_WITH_PROMQL = (
    *("Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic", "Threshold"),
    *("ComparisonOperator", "ThresholdMetricId", "EvaluationPeriods", "DatapointsToAlarm"),
    *("TreatMissingData", "EvaluationWindow"),
)
COMPOSITE_ACTIONS = ("sns", "lambda", "ssm", "ssm-incidents", "aiops")
_EC2 = re.compile(r"arn:[a-z-]+:(automate:[a-z0-9-]+:ec2:|swf:.*EC2)")
_OFFSET = re.compile(r"(?:UTC)?[+-](\d{2}):(\d{2})")


def common_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    """Yield what AWS refuses in any alarm whose structure is sound."""
    size = len(json.dumps(request, ensure_ascii=False).encode("utf-8", "replace"))
    if size > REQUEST_BYTES:
        yield Flaw("", f"is {size} bytes long, AWS takes {REQUEST_BYTES} at most")
    yield from _twice(request.get("Tags", ()), "/Tags", "Key")
    for index, tag in enumerate(request.get("Tags", ())):
        if tag["Key"].lower().startswith("aws:"):
            yield Flaw(f"/Tags/{index}/Key", f"{tag['Key']}: the prefix aws: is AWS's own", "Rename the tag.")
    propagation = request.get("ActionConfiguration", {}).get("AlarmTagsPropagation", {})
    if "IncludedTagKeys" in propagation and "ExcludedTagKeys" in propagation:
        yield Flaw(
            "/ActionConfiguration/AlarmTagsPropagation", "IncludedTagKeys and ExcludedTagKeys cannot stand together"
        )


def dimension_flaws(dimensions: object, pointer: str) -> Iterator[Flaw]:
    """Yield a flaw for each dimension name that stands twice."""
    yield from _twice(dimensions, pointer, "Name")


def promql_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    """Yield what an alarm with EvaluationCriteria may not have beside it, and what it lacks."""
    if "PromQLCriteria" not in request["EvaluationCriteria"]:
        yield Flaw("/EvaluationCriteria", "PromQLCriteria is missing", "Add PromQLCriteria.")
    for key in NOT_WITH_PROMQL:
        if key in request:
            yield Flaw(step("", key), f"{key} cannot stand beside EvaluationCriteria", f"Remove {key}.")
    if "EvaluationInterval" not in request:
        yield Flaw("", "EvaluationInterval is missing beside EvaluationCriteria", "Add EvaluationInterval.")


def window_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    """Yield what is wrong with EvaluationWindow: one kind, and a time zone on a multiple of five minutes."""
    window = request.get("EvaluationWindow")
    if window is None:
        return
    if len(window) != 1:
        yield Flaw("/EvaluationWindow", "needs exactly one of SlidingWindow and WallClockWindow")
    zone = window.get("WallClockWindow", {}).get("Timezone")
    if zone is not None and not _is_zone(zone):
        remedy = "Write for instance Europe/Berlin, +05:30 or UTC+05:30."
        yield Flaw("/EvaluationWindow/WallClockWindow/Timezone", f"{zone} is not a time zone that AWS takes", remedy)


def metric_action_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    """Yield the actions that this kind of metric alarm may not have."""
    for pointer, action in _actions(request):
        if "Metrics" in request and _EC2.match(action):
            yield Flaw(pointer, "a metric math alarm cannot act on an EC2 instance", "Watch one metric, or tell SNS.")
        if "ThresholdMetricId" in request and action.split(":")[2:3] == ["autoscaling"]:
            yield Flaw(pointer, "an anomaly alarm cannot have an Auto Scaling action", "Tell SNS instead.")


def composite_action_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    """Yield the actions that a composite alarm may not have."""
    for pointer, action in _actions(request):
        service = (action.split(":") + [""] * 3)[2]
        if service not in COMPOSITE_ACTIONS:
            remedy = "Tell an SNS topic, or put the action on a metric alarm."
            yield Flaw(
                pointer, f"a composite alarm acts through SNS, Lambda or Systems Manager only, not {service}", remedy
            )


def _actions(request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ACTIONS:
        for index, action in enumerate(request.get(key, ())):
            yield f"/{key}/{index}", action


def _twice(items: Any, pointer: str, key: str) -> Iterator[Flaw]:
    seen = set()
    for index, item in enumerate(items):
        if item[key] in seen:
            yield Flaw(f"{step(pointer, index)}/{key}", f"{item[key]} stands here twice", "Remove one of them.")
        seen.add(item[key])


def _is_zone(text: str) -> bool:
    if match := _OFFSET.fullmatch(text):
        return int(match[1]) <= 14 and int(match[2]) < 60 and int(match[2]) % 5 == 0
    zones = available_timezones()  # none where the machine has no time zone data: then nothing can be said
    return not zones or text in zones
