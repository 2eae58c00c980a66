"""What PutMetricAlarm and PutCompositeAlarm refuse, in the service's words.

The rules that bear on evaluation are kit.evaluation's; here stand those that the service words in a known way, or that
concern names, actions and tags. Source: API Reference of both operations.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from kit.emulator.cloudwatch.alarms import ACTION_LISTS
from kit.emulator.protocol import AwsError
from kit.evaluation.alarm import AlarmDefinition, AlarmError
from kit.evaluation.composite import Rule, RuleError, parse_rule
from kit.evaluation.suppression import Suppressor

CHILDREN_A_RULE = 100
PARENTS_A_CHILD = 150
# API Reference, PutCompositeAlarm: SNS, Lambda, Systems Manager and investigations; no EC2 or Auto Scaling actions.
_NOT_OF_COMPOSITES = frozenset({"automate", "swf", "autoscaling", "ec2"})
_ONE_METRIC = ("MetricName", "Namespace", "Dimensions", "Period", "Unit", "Statistic", "ExtendedStatistic")


def metric_alarm(params: Mapping[str, Any]) -> AlarmDefinition:
    """The definition in PutMetricAlarm's parameters; AwsError if the service would refuse them."""
    _named(params)
    _actions(params)
    if params.get("Metrics"):
        _metrics(params)
    elif "Statistic" in params and "ExtendedStatistic" in params:
        text = "The parameters Statistic and ExtendedStatistic are mutually exclusive and you have specified both."
        raise AwsError("InvalidParameterCombination", text)
    for key in ("EvaluationPeriods", "ComparisonOperator"):
        if key not in params:
            raise _invalid(f"{key} must be specified.")
    if "EvaluateLowSampleCountPercentile" in params and "ExtendedStatistic" not in params:
        raise _invalid("EvaluateLowSampleCountPercentile can only be used with a percentile as ExtendedStatistic.")
    try:
        definition = AlarmDefinition.from_api(params)
    except AlarmError as error:
        raise _invalid(str(error)) from None
    return definition


def composite_alarm(params: Mapping[str, Any]) -> Rule:
    """The rule in PutCompositeAlarm's parameters; AwsError if the service would refuse them."""
    _named(params)
    _actions(params)
    for arn in (arn for key in ACTION_LISTS.values() for arn in params.get(key, ())):
        if arn.split(":")[2] in _NOT_OF_COMPOSITES:
            raise _invalid(f"Invalid action for a composite alarm: {arn}")
    text = params["AlarmRule"]
    if text != text.strip():
        raise _invalid("AlarmRule must not contain leading or trailing whitespace or be null")
    try:
        rule = parse_rule(text)
    except RuleError as error:
        raise _invalid(f"Error in AlarmRule: {error}") from None
    if len(rule.children) > CHILDREN_A_RULE:
        raise _invalid(f"AlarmRule refers to {len(rule.children)} alarms; the limit is {CHILDREN_A_RULE}.")
    return rule


def suppressor(params: Mapping[str, Any]) -> Suppressor | None:
    """The suppressor in PutCompositeAlarm's parameters; AwsError if it is incomplete."""
    wait, extension = (params.get(f"ActionsSuppressor{name}Period") for name in ("Wait", "Extension"))
    if "ActionsSuppressor" not in params:
        if wait is not None or extension is not None:
            raise _invalid("ActionsSuppressor is required with ActionsSuppressorWaitPeriod or -ExtensionPeriod.")
        return None
    if wait is None or extension is None:
        text = "ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod are required with ActionsSuppressor."
        raise _invalid(text)
    if min(wait, extension) < 0:
        raise _invalid("ActionsSuppressorWaitPeriod and ActionsSuppressorExtensionPeriod must be 0 seconds or more.")
    return Suppressor(params["ActionsSuppressor"], wait, extension)


def suppressor_exists(suppressor: Suppressor | None, existing: Collection[str]) -> None:
    """AwsError if the suppressing alarm does not exist; ``existing`` has names and ARNs."""
    if suppressor is not None and suppressor.alarm not in existing:
        text = f"Could not save the composite alarm as the actions suppressor {suppressor.alarm} does not exist"
        raise _invalid(text)


def children_exist(references: Collection[str], existing: Collection[str]) -> None:
    """AwsError if a rule refers, by name or ARN, to alarms that do not exist; ``existing`` has names and ARNs."""
    missing = sorted(set(references) - set(existing))
    if missing:
        raise _invalid(
            f"Could not save the composite alarm as alarms [{', '.join(missing)}] in the alarm rule do not exist"
        )


def parents_within_limit(child: str, others: Collection[str]) -> None:
    """AwsError if an alarm would be in one composite alarm too many; ``others`` are those that it is in already."""
    if len(others) >= PARENTS_A_CHILD:
        text = f"The alarm {child} is in the rules of {PARENTS_A_CHILD} composite alarms, which is the limit."
        raise AwsError("LimitExceeded", text)


def _named(params: Mapping[str, Any]) -> None:
    if any(ord(character) < 32 or ord(character) == 127 for character in params["AlarmName"]):
        raise _invalid("AlarmName must not contain ASCII control characters.")


def _actions(params: Mapping[str, Any]) -> None:
    for key in ACTION_LISTS.values():
        arns = params.get(key, ())
        for arn in arns:
            if not arn.startswith("arn:") or arn.count(":") < 5:
                raise _invalid(f"Invalid arn syntax: {arn}")
        if len(set(arns)) < len(arns):
            raise _invalid(f"{key} must not contain an action twice.")


def _metrics(params: Mapping[str, Any]) -> None:
    for key in _ONE_METRIC:
        if params.get(key):
            text = f"The parameters Metrics and {key} are mutually exclusive and you have specified both."
            raise AwsError("InvalidParameterCombination", text)


def _invalid(text: str) -> AwsError:
    return AwsError("ValidationError", text)
