"""The AWS calls behind the pages: CloudWatch and Logs Insights, read only."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from kit.aws import readable_errors
from kit.charts.lines import Answer
from kit.charts.logs import LogQuery
from kit.charts.queries import Call
from kit.charts.states import Change
from kit.errors import KitError
from kit.evaluation.request import MetricRef
from kit.settings import Settings

MAX_PAGES = 10
"""Beyond so many pages of an answer a page for people has lost its point."""

_MISSING = {"DashboardNotFoundError", "ResourceNotFound", "ResourceNotFoundException"}
_KINDS = ["MetricAlarm", "CompositeAlarm"]

ClientFor = Callable[[str, str], Any]
"""Region and service ("cloudwatch", "logs") -> a boto3 client."""


class MissingError(KitError):
    """There is no such dashboard or alarm."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A dashboard by name; ``modified`` in epoch seconds."""

    name: str
    modified: float | None


class Cloud:
    """CloudWatch as the pages need it. Every method raises KitError when there is no answer."""

    def __init__(self, settings: Settings, client_for: ClientFor) -> None:
        self._settings = settings
        self._client_for = client_for
        self._clients: dict[tuple[str, str], Any] = {}
        self._making = threading.Lock()  # boto3 sessions are not safe to share while clients are made

    def alarms(self) -> list[Mapping[str, Any]]:
        """Metric and composite alarms as DescribeAlarms gives them."""
        found: list[Mapping[str, Any]] = []
        with self._asking("asking for the alarms"):
            for page in self._pages("describe_alarms", AlarmTypes=_KINDS, MaxRecords=100):
                found += [*page.get("MetricAlarms", ()), *page.get("CompositeAlarms", ())]
        return found

    def changes(self, start: float, end: float, alarm: str | None = None) -> list[Change]:
        """State changes between two epoch seconds, newest first; of one alarm, or of all."""
        asked: dict[str, Any] = {"AlarmName": alarm} if alarm else {}
        asked |= {"HistoryItemType": "StateUpdate", "StartDate": _moment(start), "EndDate": _moment(end)}
        found: list[Change] = []
        with self._asking("asking for the alarms' history"):
            for page in self._pages(
                "describe_alarm_history", AlarmTypes=_KINDS, MaxRecords=100, ScanBy="TimestampDescending", **asked
            ):
                found += [_change(item) for item in page.get("AlarmHistoryItems", ())]
        return found

    def history(self, alarm: str, limit: int = 50) -> list[Mapping[str, Any]]:
        """The newest history items of one alarm, of every type."""
        with self._asking(f"asking for the history of {alarm}"):
            answer = self._client().describe_alarm_history(
                AlarmName=alarm, AlarmTypes=_KINDS, MaxRecords=limit, ScanBy="TimestampDescending"
            )
        return list(answer.get("AlarmHistoryItems", ()))

    def dashboards(self) -> list[Listed]:
        """All dashboards, by name."""
        found: list[Listed] = []
        with self._asking("asking for the dashboards"):
            for page in self._pages("list_dashboards"):
                for entry in page.get("DashboardEntries", ()):
                    modified = entry.get("LastModified")
                    found.append(Listed(entry["DashboardName"], modified.timestamp() if modified else None))
        return sorted(found, key=lambda each: each.name)

    def dashboard_body(self, name: str) -> str:
        """The body as stored. Raises MissingError when there is none of this name."""
        with self._asking(f"asking for the dashboard {name}"):
            try:
                return str(self._client().get_dashboard(DashboardName=name)["DashboardBody"])
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _MISSING:
                    raise
                raise MissingError(
                    "dashboard", f"there is none named {name}", "Put it there with `kit apply`."
                ) from error

    def answers(self, call: Call) -> list[Answer]:
        """One GetMetricData call with its pages; points are sorted oldest first."""
        found: dict[tuple[str, str, int], _Gathered] = {}
        with self._asking("asking for metric data"):
            for page in self._pages(
                "get_metric_data",
                region=call.region,
                MetricDataQueries=list(call.queries),
                StartTime=_moment(call.start),
                EndTime=_moment(call.end),
                ScanBy="TimestampAscending",
            ):
                _gather(page.get("MetricDataResults", ()), found)
        return [gathered.answer(id_, label) for (id_, label, _), gathered in found.items()]

    def metrics(self, namespace: str | None, dimensions: Sequence[str]) -> list[MetricRef]:
        """The metrics that ListMetrics knows: of a namespace, with at least these dimensions."""
        asked: dict[str, Any] = {"Namespace": namespace} if namespace else {}
        found: list[MetricRef] = []
        with self._asking("asking which metrics there are"):
            for page in self._pages("list_metrics", Dimensions=[{"Name": name} for name in dimensions], **asked):
                found += [_metric(metric) for metric in page.get("Metrics", ())]
        return found

    def start_query(self, query: LogQuery, start: float, end: float) -> str:
        """Start a Logs Insights query over two epoch seconds; its id."""
        with self._asking("asking the logs"):
            answer = self._client(query.region, "logs").start_query(
                logGroupNames=list(query.groups),
                startTime=int(start),
                endTime=int(end),
                queryString=query.text,
                limit=query.limit,
            )
        return str(answer["queryId"])

    def query_results(self, query: LogQuery, id_: str) -> Mapping[str, Any]:
        """GetQueryResults as it is."""
        with self._asking("asking the logs"):
            answer: Mapping[str, Any] = self._client(query.region, "logs").get_query_results(queryId=id_)
        return answer

    def unit(self, region: str | None, metric: Mapping[str, Any], now: float) -> str | None:
        """The unit that a metric's latest points carry: GetMetricStatistics tells it, GetMetricData does not."""
        with self._asking("asking for a metric's unit"):
            answer = self._client(region).get_metric_statistics(
                **metric, StartTime=_moment(now - 3600), EndTime=_moment(now), Period=3600, Statistics=["SampleCount"]
            )
        return next((str(point["Unit"]) for point in answer.get("Datapoints", ()) if point.get("Unit")), None)

    def _client(self, region: str | None = None, service: str = "cloudwatch") -> Any:
        key = (region or self._settings.region, service)
        with self._making:
            if key not in self._clients:
                self._clients[key] = self._client_for(*key)
            return self._clients[key]

    def _pages(self, operation: str, region: str | None = None, **asked: Any) -> Iterator[Mapping[str, Any]]:
        method = getattr(self._client(region), operation)
        token: dict[str, str] = {}
        for _ in range(MAX_PAGES):
            page = method(**asked, **token)
            yield page
            if not page.get("NextToken"):
                return
            token = {"NextToken": page["NextToken"]}

    @contextmanager
    def _asking(self, doing: str) -> Iterator[None]:
        with readable_errors(self._settings, doing):
            yield


@dataclass(slots=True)
class _Gathered:
    """One series, put together from its pages."""

    points: dict[float, float] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    complete: bool = False
    page: Any = None

    def take(self, result: Mapping[str, Any], page: object) -> None:
        """Add what one page tells of it."""
        self.page = page
        self.complete = result.get("StatusCode") == "Complete"
        times = (moment.timestamp() for moment in result.get("Timestamps", ()))
        self.points.update(zip(times, result.get("Values", ()), strict=False))
        self.messages = tuple(str(message.get("Value", "")) for message in result.get("Messages", ()))

    def answer(self, id_: str, label: str) -> Answer:
        times = tuple(sorted(self.points))
        return Answer(id_, label, times, tuple(self.points[time] for time in times), self.messages)


def _gather(results: Sequence[Mapping[str, Any]], found: dict[tuple[str, str, int], _Gathered]) -> None:
    """Add a page's results to their series.

    One query may give several series, even of one label, and a series may go on over pages: those that are complete
    are not named again, so the n-th of a label on a page is the n-th that was not complete before.
    """
    seen: Counter[tuple[str, str]] = Counter()
    for result in results:
        name = (result["Id"], result.get("Label", ""))
        while (own := found.setdefault((*name, seen[name]), _Gathered())).complete or own.page is results:
            seen[name] += 1
        own.take(result, results)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _metric(metric: Mapping[str, Any]) -> MetricRef:
    pairs = sorted((each["Name"], each["Value"]) for each in metric.get("Dimensions", ()))
    return MetricRef(metric["Namespace"], metric["MetricName"], tuple(pairs))


def _change(item: Mapping[str, Any]) -> Change:
    """A StateUpdate item; its HistoryData says more than its summary, but is only text."""
    try:
        data = json.loads(item.get("HistoryData") or "{}")
        before, after = data["oldState"], data["newState"]
        states = (str(before["stateValue"]), str(after["stateValue"]), str(after.get("stateReason", "")))
    except (ValueError, KeyError, TypeError, AttributeError):
        words = str(item.get("HistorySummary", "")).split()
        known = [word for word in words if word in ("OK", "ALARM", "INSUFFICIENT_DATA")]
        states = (known[0], known[-1], "") if len(known) > 1 else ("INSUFFICIENT_DATA", "INSUFFICIENT_DATA", "")
    return Change(str(item.get("AlarmName", "")), item["Timestamp"].timestamp(), *states)
