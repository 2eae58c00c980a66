"""Ask for every permission that a plan needs before its first write, so that none is missing halfway.

AWS judges permission before it judges the input. So each operation is called with an input that it must refuse, or
that names nothing: AccessDenied tells that the permission is missing, any other refusal that it is there. The name is
that of the first change and a suffix: a policy may be bound to how names begin, and nothing that stands may be hit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from botocore.exceptions import ClientError

from kit.aws import DENIED
from kit.deploy.apply import puts
from kit.deploy.calls import Caller
from kit.deploy.plan import Change

PROBE = "-kit-probe"
"""What names nothing ends in this."""

Probe = tuple[Callable[..., Any], dict[str, Any]]


def missing_permissions(changes: Sequence[Change], cloudwatch: Any, call: Caller) -> tuple[ClientError, ...]:
    """The refusals of those operations that ``changes`` need and the credentials may not call. Writes nothing.

    Raises what botocore raises besides refusals: expired credentials, no answer.
    """
    return _refused(_probes(changes, cloudwatch), call)


def missing_topic_permissions(
    sns: Any, arn: str, call: Caller, *, creates: bool, subscribes: bool
) -> tuple[ClientError, ...]:
    """The same for the topics of a stage, of which ``arn`` is one."""
    probes: list[Probe] = []
    if creates:
        # Begins like the topic's, for a policy that is bound to its name, and has a sign that no name may have.
        probes.append((sns.create_topic, {"Name": f"{arn.rsplit(':', 1)[1]}{PROBE}!"}))
    if subscribes:
        probes.append((sns.subscribe, {"TopicArn": f"{arn}{PROBE}", "Protocol": "email"}))
    return _refused(probes, call)


def missing_deletion_permission(sns: Any, arns: Sequence[str], call: Caller) -> tuple[ClientError, ...]:
    """The same for deleting topics."""
    return _refused([(sns.delete_topic, {"TopicArn": f"{arns[0]}{PROBE}"})], call)


def _refused(probes: Iterable[Probe], call: Caller) -> tuple[ClientError, ...]:
    refused: list[ClientError] = []
    for operation, parameters in probes:
        try:
            call.write(operation, **parameters)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code in DENIED:
                refused.append(error)
            elif code not in _HARMLESS:
                raise
    return tuple(refused)


# What the operations answer to inputs that they must refuse ("CloudWatch API Reference", the operations' Errors).
_HARMLESS = frozenset(
    {
        "ValidationError",
        "ValidationException",
        "InvalidParameter",
        "InvalidParameterValue",
        "NotFound",
        "InvalidParameterValueException",
        "InvalidParameterCombination",
        "InvalidParameterInput",
        "MissingParameter",
        "MissingRequiredParameterException",
        "DashboardInvalidInputError",
        "DashboardNotFoundError",
        "ResourceNotFound",
        "ResourceNotFoundException",
    }
)


def _probes(changes: Sequence[Change], cloudwatch: Any) -> Iterator[Probe]:
    by_kind = {kind: [one for one in changes if one.kind == kind] for kind in ("alarm", "composite", "dashboard")}
    for kind, members in by_kind.items():
        for one in [change for change in members if puts(change)][:1]:
            yield _refused_put(kind, _probe_name(one), cloudwatch)
        for one in [change for change in members if change.action == "delete"][:1]:
            if kind == "dashboard":
                yield cloudwatch.delete_dashboards, {"DashboardNames": [_probe_name(one)]}
            else:
                yield cloudwatch.delete_alarms, {"AlarmNames": [_probe_name(one)]}
    tagged = [one for one in changes if one.action in ("update", "record")]
    for one in tagged[:1]:
        yield cloudwatch.tag_resource, {"ResourceARN": f"{one.arn}{PROBE}", "Tags": [{"Key": "kit:set", "Value": ""}]}
    for one in [change for change in tagged if change.stale_tags][:1]:
        yield cloudwatch.untag_resource, {"ResourceARN": f"{one.arn}{PROBE}", "TagKeys": ["kit:set"]}


def _probe_name(change: Change) -> str:
    return change.name[: 255 - len(PROBE)] + PROBE


def _refused_put(kind: str, name: str, cloudwatch: Any) -> Probe:
    """A Put that cannot succeed: no metric and no threshold, a rule that is none, a body that is not JSON."""
    if kind == "dashboard":
        return cloudwatch.put_dashboard, {"DashboardName": name, "DashboardBody": "not JSON"}
    if kind == "composite":
        return cloudwatch.put_composite_alarm, {"AlarmName": name, "AlarmRule": "("}
    return cloudwatch.put_metric_alarm, {"AlarmName": name, "EvaluationPeriods": 1, "DatapointsToAlarm": 2}
