"""Carry out a plan, one change at a time."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from kit.deploy.calls import Caller
from kit.deploy.live import GONE
from kit.deploy.plan import Change
from kit.errors import KitError


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was carried out, and the warnings that PutDashboard answered ("/widgets/0: text")."""

    change: Change
    warnings: tuple[str, ...] = ()


def apply(changes: Iterable[Change], cloudwatch: Any, call: Caller) -> Iterator[Done]:
    """Carry out ``changes`` in their order, yielding each when it is done; the unchanged ones cost no call.

    Stops at the first that fails, with what botocore raises, or a KitError that holds PutDashboard's complaints. What
    was done stays done: the same command again does the rest.
    """
    for change in changes:
        match change.action:
            case "unchanged":
                yield Done(change)
            case "delete":
                _delete(change, cloudwatch, call)
                yield Done(change)
            case _:
                warnings = _put(change, cloudwatch, call) if puts(change) else ()
                # Put ignores the Tags of what is there already. They come second: a record of what was applied that
                # stood there before it was applied would tell every field as edited by hand.
                if change.arn is not None:
                    _tag(change, change.arn, cloudwatch, call)
                yield Done(change, warnings)


def puts(change: Change) -> bool:
    """Whether the change needs a Put, and not only tags."""
    if change.action == "create":
        return True
    return change.action == "update" and any(not one.path.startswith("/Tags/") for one in change.differences)


def calls_of(change: Change) -> int:
    """How many writing calls the change takes."""
    if change.action in ("unchanged", "delete"):
        return int(change.action == "delete")
    return int(puts(change)) + (change.arn is not None) * (1 + bool(change.stale_tags))


def _put(change: Change, cloudwatch: Any, call: Caller) -> tuple[str, ...]:
    tags = _listed(change.tags)
    if change.kind == "dashboard":
        return _put_dashboard(change, tags, cloudwatch, call)
    put = cloudwatch.put_composite_alarm if change.kind == "composite" else cloudwatch.put_metric_alarm
    call.write(put, **change.wanted, **({"Tags": tags} if change.arn is None and tags else {}))
    return ()


def _put_dashboard(change: Change, tags: list[dict[str, str]], cloudwatch: Any, call: Caller) -> tuple[str, ...]:
    body = json.dumps(change.wanted, ensure_ascii=False)
    with_tags = {"Tags": tags} if change.arn is None and tags else {}
    try:
        answer = call.write(cloudwatch.put_dashboard, DashboardName=change.name, DashboardBody=body, **with_tags)
    except ClientError as error:
        refusal: Mapping[str, Any] = error.response
        complaints = _messages(refusal.get("dashboardValidationMessages"))
        if not complaints:
            raise
        raise KitError(change.file, f"PutDashboard refuses it: {'; '.join(complaints)}", "Mend the widget.") from error
    return _messages(answer.get("DashboardValidationMessages"))


def _tag(change: Change, arn: str, cloudwatch: Any, call: Caller) -> None:
    # Stale ones first: with them there might be more than a resource may carry.
    if change.stale_tags:
        call.write(cloudwatch.untag_resource, ResourceARN=arn, TagKeys=list(change.stale_tags))
    if change.tags:
        call.write(cloudwatch.tag_resource, ResourceARN=arn, Tags=_listed(change.tags))


def _delete(change: Change, cloudwatch: Any, call: Caller) -> None:
    try:
        if change.kind == "dashboard":
            call.write(cloudwatch.delete_dashboards, DashboardNames=[change.name])
        else:
            call.write(cloudwatch.delete_alarms, AlarmNames=[change.name])
    except ClientError as error:
        # Gone is what was wanted: someone was faster, or the answer to an earlier try was lost.
        if error.response["Error"]["Code"] not in GONE:
            raise


def _listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _messages(found: Iterable[Any] | None) -> tuple[str, ...]:
    return tuple(f"{one.get('DataPath') or '/'}: {one.get('Message')}" for one in found or ())
