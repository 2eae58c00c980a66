"""What AWS is asked for a write-up. Every method raises KitError or botocore's errors; ``gather`` tells them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from kit.gameday.postmortem.model import Change, Metric, Series
from kit.gameday.postmortem.stories import Line
from kit.incidents.history import states

MOST_SERIES = 300
"""Of the metrics that are there; a first signal is looked for among so many."""

_A_CALL = 100
_MOST_PAGES = 50
_MOST_LINES = 10_000
_TYPES = ["MetricAlarm", "CompositeAlarm"]
_PATTERN = '{ ($.level = "ERROR") || ($.level = "WARNING") || ($.level = "CRITICAL") }'
_PLAIN_PATTERN = "?ERROR ?WARN ?CRITICAL ?Exception"
_HOURS_OF_SUMMARIES = 6 * 3600
"""GetTraceSummaries takes no longer range (AWS X-Ray API Reference)."""


class ClientFor(Protocol):
    """Makes a boto3 client for a service."""

    def __call__(self, service: str) -> Any: ...


@dataclass(frozen=True, slots=True)
class Example:
    """One trace: its id, why it was chosen, and its documents."""

    id: str
    chosen: str
    documents: tuple[Mapping[str, Any], ...]


class Telemetry:
    """CloudWatch, its Logs and X-Ray of one stage; ``actions`` maps page and ticket to topic ARNs."""

    def __init__(self, client_for: ClientFor, actions: Mapping[str, str]) -> None:
        self._client_for = client_for
        self._actions = actions

    def series(self, metrics: Sequence[Metric], start: float, end: float, period: int) -> list[Series]:
        """A series a metric, in their order; whole periods around [start, end)."""
        first, last = math.floor(start / period) * period, math.ceil(end / period) * period
        found: list[dict[int, float]] = [{} for _ in metrics]
        numbered = list(enumerate(metrics))
        for begin in range(0, len(numbered), _A_CALL):
            queries = [_query(number, metric, period) for number, metric in numbered[begin : begin + _A_CALL]]
            pages = self._client_for("cloudwatch").get_paginator("get_metric_data")
            for page in pages.paginate(MetricDataQueries=queries, StartTime=_date(first), EndTime=_date(last)):
                for result in page["MetricDataResults"]:
                    points = zip(result["Timestamps"], result["Values"], strict=True)
                    found[int(result["Id"][1:])] |= {round(at.timestamp()): value for at, value in points}
        return [Series(metric, period, points) for metric, points in zip(metrics, found, strict=True)]

    def metrics(self, namespace: str, dimensions: Iterable[tuple[str, str]]) -> list[Metric]:
        """The metrics of a namespace that have these dimensions, by name."""
        asked = [{"Name": name, "Value": value} for name, value in dimensions]
        found = []
        pages = self._client_for("cloudwatch").get_paginator("list_metrics")
        for page in pages.paginate(Namespace=namespace, Dimensions=asked):
            for metric in page["Metrics"]:
                pairs = tuple(sorted((each["Name"], each["Value"]) for each in metric["Dimensions"]))
                found.append(Metric(namespace, metric["MetricName"], pairs))
            if len(found) >= MOST_SERIES:
                break
        return sorted(found, key=lambda each: (each.name, each.dimensions))[:MOST_SERIES]

    def changes(self, start: float, end: float) -> list[Change]:
        """What all alarms did between two moments, oldest first."""
        cloudwatch = self._client_for("cloudwatch")
        severities = self._severities(cloudwatch)
        pages = cloudwatch.get_paginator("describe_alarm_history").paginate(
            AlarmTypes=_TYPES,
            HistoryItemType="StateUpdate",
            StartDate=_date(start),
            EndDate=_date(end),
            ScanBy="TimestampAscending",
        )
        found = []
        for page in pages:
            for item in page["AlarmHistoryItems"]:
                name = str(item["AlarmName"])
                found.append(Change(item["Timestamp"].timestamp(), name, *states(item), severities.get(name, "")))
        return sorted(found, key=lambda change: change.at)

    def log_lines(self, groups: Sequence[str], start: float, end: float) -> list[Line]:
        """Warnings and worse of these log groups, of structured lines or plain ones."""
        found: list[Line] = []
        for group in groups:
            lines = list(self._filtered(group, _PATTERN, start, end))
            found += lines or list(self._filtered(group, _PLAIN_PATTERN, start, end))
        return found

    def log_groups(self, prefix: str, containing: str) -> list[str]:
        """Names of log groups that begin so and have this in them, without those of metrics."""
        pages = self._client_for("logs").get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
        names = [str(group["logGroupName"]) for page in pages for group in page["logGroups"]]
        return [name for name in names if containing in name and not name.endswith("/emf")]

    def example(self, operation: str | None, start: float, end: float) -> Example | None:
        """A trace of the operation that failed between two moments; without one the slowest, or none at all."""
        only = f'annotation.operation = "{operation}"' if operation and '"' not in operation else ""
        wishes = [(f"{only} AND fault" if only else "fault", "it failed"), (only, "it was the slowest")]
        for expression, chosen in wishes:
            summaries = self._summaries(expression, start, end)
            if summaries:
                best = max(summaries, key=lambda each: float(each.get("Duration") or 0))
                return Example(str(best["Id"]), chosen, tuple(self._documents(str(best["Id"]))))
        return None

    def _severities(self, cloudwatch: Any) -> dict[str, str]:
        found: dict[str, str] = {}
        for page in cloudwatch.get_paginator("describe_alarms").paginate(AlarmTypes=_TYPES):
            for alarm in (*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())):
                told = alarm.get("AlarmActions", ())
                severity = next((name for name in ("page", "ticket") if self._actions.get(name) in told), "")
                found[str(alarm["AlarmName"])] = severity
        return found

    def _filtered(self, group: str, pattern: str, start: float, end: float) -> Iterator[Line]:
        pages = (
            self._client_for("logs")
            .get_paginator("filter_log_events")
            .paginate(
                logGroupName=group,
                startTime=round(start * 1000),
                endTime=round(end * 1000),
                filterPattern=pattern,
                PaginationConfig={"MaxItems": _MOST_LINES},
            )
        )
        for page in pages:
            for event in page["events"]:
                yield Line(event["timestamp"] / 1000, group, str(event["message"]))

    def _summaries(self, expression: str, start: float, end: float) -> list[Mapping[str, Any]]:
        xray = self._client_for("xray")
        asked: dict[str, Any] = {"FilterExpression": expression} if expression else {}
        pages = xray.get_paginator("get_trace_summaries").paginate(
            StartTime=_date(max(start, end - _HOURS_OF_SUMMARIES)),
            EndTime=_date(end),
            PaginationConfig={"MaxItems": _MOST_PAGES * _A_CALL},
            **asked,
        )
        return [summary for page in pages for summary in page["TraceSummaries"]]

    def _documents(self, id_: str) -> Iterator[Mapping[str, Any]]:
        for page in self._client_for("xray").get_paginator("batch_get_traces").paginate(TraceIds=[id_]):
            for trace in page["Traces"]:
                for segment in trace["Segments"]:
                    yield json.loads(segment["Document"])


def _query(number: int, metric: Metric, period: int) -> dict[str, Any]:
    dimensions = [{"Name": name, "Value": value} for name, value in metric.dimensions]
    named = {"Namespace": metric.namespace, "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": f"m{number}", "MetricStat": {"Metric": named, "Period": period, "Stat": metric.stat}}


def _date(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, UTC)
