"""Practice scale: the same promise with every window divided by 30, so that a rehearsal takes minutes.

Thresholds, burn rates, guards and rules stay as they are; only windows, periods, names and the words that tell them
differ. K = 30 keeps the SLO windows legal for CloudWatch (1 h and 5 min become 2 min and 10 s).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from kit.definitions.durations import (
    FINE_DATA_S,
    SHORTEST_WINDOW_S,
    K,
    in_words,
    range_s,
    rounded_range,
    scaled,
    window_range,
)
from kit.definitions.model import AlarmFile, CompositeFile, DashboardFile, Definitions, Json, alarm_name
from kit.evaluation.rule import STATES
from kit.evaluation.rule_tokens import RuleToken, quoted, tokenize

PREFIX = "practice-"
SENTENCE = f"Practice scale: windows of {SHORTEST_WINDOW_S // 60} min and longer are 1/{K} of production's."

_KEYWORDS = frozenset({"AND", "OR", "NOT", "TRUE", "FALSE", "AT_LEAST", *STATES})


def at_practice_scale(definitions: Definitions) -> Definitions:
    """The whole set at practice scale. A set that is at practice scale already stays as it is."""
    names = definitions.alarm_names
    return Definitions(
        alarms=tuple(_alarm(alarm) for alarm in definitions.alarms),
        composites=tuple(_composite(composite, names) for composite in definitions.composites),
        dashboards=tuple(_dashboard(dashboard, names) for dashboard in definitions.dashboards),
    )


def _alarm(alarm: AlarmFile) -> AlarmFile:
    if alarm.name.startswith(PREFIX):
        return alarm
    return replace(alarm, request=_renamed(_shrunk(alarm.request)))


def _composite(composite: CompositeFile, names: frozenset[str]) -> CompositeFile:
    if composite.name.startswith(PREFIX):
        return composite
    request = _renamed(_shrunk(composite.request))
    request["AlarmRule"] = renamed_rule(composite.request["AlarmRule"], lambda name: _known(name, names))
    if "ActionsSuppressor" in request:
        request["ActionsSuppressor"] = _known(request["ActionsSuppressor"], names)
    return replace(composite, request=request)


def _dashboard(dashboard: DashboardFile, names: frozenset[str]) -> DashboardFile:
    if dashboard.name.startswith(PREFIX):
        return dashboard
    body = _shrunk(dashboard.body)
    for widget in body["widgets"]:
        properties = widget["properties"]
        if widget["type"] == "alarm":
            properties["alarms"] = [_known(arn, names) for arn in properties["alarms"]]
        annotations = properties.get("annotations")
        if isinstance(annotations, dict) and "alarms" in annotations:
            annotations["alarms"] = [_known(arn, names) for arn in annotations["alarms"]]
    for widget in body["widgets"]:
        if widget["type"] == "text":
            widget["properties"]["markdown"] += f"\n\n*{SENTENCE}*"
            break
    return replace(dashboard, name=PREFIX + dashboard.name, body=body)


def _renamed(request: dict[str, Any]) -> dict[str, Any]:
    description = request.get("AlarmDescription")
    return {
        **request,
        "AlarmName": PREFIX + request["AlarmName"],
        "AlarmDescription": f"{SENTENCE} {description}" if description else SENTENCE,
    }


def _known(reference: str, names: frozenset[str]) -> str:
    """A name or ARN of an alarm of this set, with the prefix; any other as it is."""
    name = alarm_name(reference)
    return reference.removesuffix(name) + PREFIX + name if name in names else reference


def renamed_rule(rule: str, rename: Callable[[str], str]) -> str:
    """``rule`` with each name or ARN of an alarm in it renamed, and everything else left as it was written.

    Raises RuleError if it isn't one.
    """
    tokens = tokenize(rule)
    parts: list[str] = []
    written = 0
    for index, token in enumerate(tokens):
        if _is_reference(tokens, index) and rename(token.text) != token.text:
            parts += [rule[written : token.position], quoted(rename(token.text))]
            written = token.position + len(rule[token.position : tokens[index + 1].position].rstrip())
    return "".join([*parts, rule[written:]])


def _is_reference(tokens: list[RuleToken], index: int) -> bool:
    token = tokens[index]
    if token.kind != "word":
        return token.kind == "quoted"
    before = [other.text for other in tokens[max(0, index - 2) : index]]
    if before[1:] == ["("] and before[0] in STATES:
        return True
    return token.text not in _KEYWORDS and before != ["AT_LEAST", "("]


def _shrunk(value: Json) -> dict[str, Any]:
    shrunk = {key: _shrunk_member(key, inner) for key, inner in value.items()}
    if value.get("setPeriodToTimeRange") is True and isinstance(value.get("start"), str):
        # One number for the whole range: the range is the window that its title tells.
        shrunk["start"] = window_range(value["start"])
        if type(shrunk.get("period")) is int and range_s(shrunk["start"]) > FINE_DATA_S:
            shrunk["period"] = max(shrunk["period"], 60)
    return shrunk


def _shrunk_member(key: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        return _shrunk(value)
    if isinstance(value, list):
        return [_shrunk_member("", inner) for inner in value]
    shrink = _SHRINK.get(key)
    return shrink(value) if shrink and type(value) is _TYPES[key] else value


def _shrunk_wait(seconds: int) -> int:
    """The first minute of a wait stays, the rest is divided: alarms are evaluated once a minute at either scale."""
    return min(seconds, 60) + -(-max(0, seconds - 60) // K)


_SHRINK: dict[str, Callable[[Any], Any]] = {
    **dict.fromkeys(("Period", "EvaluationInterval", "period"), scaled),
    **dict.fromkeys(
        ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod", "PendingPeriod", "RecoveryPeriod"),
        _shrunk_wait,
    ),
    **dict.fromkeys(("AlarmDescription", "Label", "title", "label", "markdown"), in_words),
    "start": rounded_range,
}
_TYPES = {key: str if shrink in (in_words, rounded_range) else int for key, shrink in _SHRINK.items()}
