"""What stands on the account: ours, and what may stand in the way of it. Read only.

The calls are DescribeAlarms and ListDashboards over everything (a deleted file leaves an alarm that no name leads to,
and another team's composite may hold an alarm that is to go), then ListTagsForResource and GetDashboard of those that
can be ours, several at a time.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from kit.deploy.calls import Caller
from kit.deploy.normalise import pairs

AT_ONCE = 8
"""Reading calls in flight; below the ten connections that a client keeps."""

STRANGERS = 200
"""So many alarms, or dashboards, of other names are asked for their tags. With more of them only those are whose name
begins as the set's does: each costs a call, and a large account has thousands."""

GONE = frozenset({"ResourceNotFound", "ResourceNotFoundException", "DashboardNotFoundError"})


@dataclass(frozen=True, slots=True)
class LiveDashboard:
    """A dashboard: ``body`` as read, text if it is not JSON; ``tags`` as a mapping."""

    arn: str
    body: Any
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Live:
    """Alarms as DescribeAlarms shows them, with their Tags; ``rules`` are the AlarmRules of all live composites.

    ``passed_over`` counts the strangers that were not asked for their tags; ``prefixes`` is how names of the set begin.
    """

    alarms: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    composites: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    dashboards: Mapping[str, LiveDashboard] = field(default_factory=dict)
    rules: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    passed_over: int = 0
    prefixes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wanted:
    """The names to look for, and how other names of the set begin (``shop-``)."""

    alarms: frozenset[str] = frozenset()
    dashboards: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()


def read_live(cloudwatch: Any, wanted: Wanted, call: Caller) -> Live:
    """Read from ``cloudwatch``, a boto3 client. Raises what botocore raises when ``call`` loses its patience."""
    metric: dict[str, Mapping[str, Any]] = {}
    composite: dict[str, Mapping[str, Any]] = {}
    for page in _pages(call, cloudwatch.describe_alarms, AlarmTypes=["MetricAlarm", "CompositeAlarm"], MaxRecords=100):
        metric |= {alarm["AlarmName"]: alarm for alarm in page.get("MetricAlarms", ())}
        composite |= {alarm["AlarmName"]: alarm for alarm in page.get("CompositeAlarms", ())}
    boards = {
        entry["DashboardName"]: entry["DashboardArn"]
        for page in _pages(call, cloudwatch.list_dashboards)
        for entry in page.get("DashboardEntries", ())
    }
    alarms = {**metric, **composite}
    asked, passed_over = _candidates(alarms, wanted.alarms, wanted.prefixes)
    asked_boards, passed_over_boards = _candidates(boards, wanted.dashboards, wanted.prefixes)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        tagged = pool.map(lambda name: _tags(cloudwatch, call, alarms[name]["AlarmArn"]), asked)
        shown = pool.map(lambda name: _dashboard(cloudwatch, call, name, boards[name]), asked_boards)
        with_tags = {
            name: {**alarms[name], "Tags": tags} for name, tags in zip(asked, tagged, strict=True) if tags is not None
        }
        dashboards = {name: board for name, board in zip(asked_boards, shown, strict=True) if board is not None}
    return Live(
        alarms={name: alarm for name, alarm in with_tags.items() if name in metric},
        composites={name: alarm for name, alarm in with_tags.items() if name in composite},
        dashboards=dashboards,
        rules=composite,
        passed_over=passed_over + passed_over_boards,
        prefixes=wanted.prefixes,
    )


def tags_of(live: Mapping[str, Any] | LiveDashboard) -> dict[str, str]:
    """The tags of a live alarm or dashboard."""
    return dict(live.tags) if isinstance(live, LiveDashboard) else pairs(live["Tags"], "Key")


def _candidates(names: Iterable[str], ours: frozenset[str], prefixes: tuple[str, ...]) -> tuple[list[str], int]:
    known = [name for name in names if name in ours or name.startswith(prefixes)]
    strangers = [name for name in names if name not in ours and not name.startswith(prefixes)]
    if len(strangers) > STRANGERS:
        return sorted(known), len(strangers)
    return sorted([*known, *strangers]), 0


def _pages(call: Caller, operation: Callable[..., Any], **parameters: Any) -> Iterator[Mapping[str, Any]]:
    token = None
    while True:
        page = call.read(operation, **parameters, **({"NextToken": token} if token else {}))
        yield page
        token = page.get("NextToken")
        if not token:
            return


def _tags(cloudwatch: Any, call: Caller, arn: str) -> list[dict[str, str]] | None:
    """The tags of something, or None when it went away meanwhile."""
    try:
        found: list[dict[str, str]] = call.read(cloudwatch.list_tags_for_resource, ResourceARN=arn)["Tags"]
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            return None
        raise
    return found


def _dashboard(cloudwatch: Any, call: Caller, name: str, arn: str) -> LiveDashboard | None:
    tags = _tags(cloudwatch, call, arn)
    try:
        text = call.read(cloudwatch.get_dashboard, DashboardName=name)["DashboardBody"]
    except ClientError as error:
        if error.response["Error"]["Code"] in GONE:
            return None
        raise
    if tags is None:
        return None
    try:
        return LiveDashboard(arn, json.loads(text), pairs(tags, "Key"))
    except ValueError:
        return LiveDashboard(arn, text, pairs(tags, "Key"))
