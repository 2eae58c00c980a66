"""Carry out a plan, one call at a time, at a pace that AWS allows."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from kit.deploy.plan import Change
from kit.errors import KitError

CALLS_A_SECOND = 3
"""PutMetricAlarm and its kin are limited to 3 calls a second ("CloudWatch service quotas")."""


class Pace:
    """Lets through at most ``per_second`` calls a second; None means at once."""

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0.0

    def wait(self) -> None:
        """Return when the next call may be made."""
        now = self._clock()
        if now < self._free_at:
            self._sleep(self._free_at - now)
        self._free_at = max(now, self._free_at) + self._gap


@dataclass(frozen=True, slots=True)
class Done:
    """A change that was carried out, and the warnings that PutDashboard answered ("/widgets/0: text")."""

    change: Change
    warnings: tuple[str, ...] = ()


def apply(changes: Iterable[Change], cloudwatch: Any, pace: Pace) -> Iterator[Done]:
    """Carry out ``changes`` in their order, yielding each when it is done; the unchanged ones cost no call.

    Stops at the first that fails, with what botocore raises, or a KitError that holds PutDashboard's complaints. What
    was done stays done: the same command again does the rest.
    """
    for change in changes:
        if change.action == "unchanged":
            yield Done(change)
        elif change.kind == "dashboard":
            pace.wait()
            yield Done(change, _put_dashboard(change, cloudwatch))
        else:
            _put_alarm(change, cloudwatch, pace)
            yield Done(change)


def _put_alarm(change: Change, cloudwatch: Any, pace: Pace) -> None:
    if change.action == "create" or any(not one.path.startswith("/Tags") for one in change.differences):
        pace.wait()
        put = cloudwatch.put_composite_alarm if change.kind == "composite" else cloudwatch.put_metric_alarm
        put(**change.wanted)
    # Put ignores the Tags of an alarm that is there already.
    if change.arn and any(one.path.startswith("/Tags") for one in change.differences):
        if change.wanted.get("Tags"):
            pace.wait()
            cloudwatch.tag_resource(ResourceARN=change.arn, Tags=change.wanted["Tags"])
        if change.stale_tags:
            pace.wait()
            cloudwatch.untag_resource(ResourceARN=change.arn, TagKeys=list(change.stale_tags))


def _put_dashboard(change: Change, cloudwatch: Any) -> tuple[str, ...]:
    try:
        answer = cloudwatch.put_dashboard(
            DashboardName=change.name, DashboardBody=json.dumps(change.wanted, ensure_ascii=False)
        )
    except ClientError as error:
        refusal: Mapping[str, Any] = error.response
        complaints = _messages(refusal.get("dashboardValidationMessages"))
        if not complaints:
            raise
        raise KitError(change.file, f"PutDashboard refuses it: {'; '.join(complaints)}", "Mend the widget.") from error
    return _messages(answer.get("DashboardValidationMessages"))


def _messages(found: Iterable[Any] | None) -> tuple[str, ...]:
    return tuple(f"{one.get('DataPath') or '/'}: {one.get('Message')}" for one in found or ())
