"""A console over a CloudWatch of canned series."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from flask import Flask
from flask.testing import FlaskClient

from kit.console.app import create_app
from kit.console.bundle import Bundle
from kit.settings import LOCAL_STAGE, Settings, load

ROOT = Path(__file__).parents[2]
ACCOUNT = "123456789012"
REGION = "us-east-1"
NAMESPACE = "Shop"

Curve = Callable[[float], float | None]
"""Epoch seconds -> a value, or None where there is no point."""


def arn(name: str) -> str:
    return f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"


class FakeCloudWatch:
    """``curves`` are series by (metric, stat) or by metric name; expressions take theirs by label."""

    def __init__(self, clock: Callable[[], float], curves: Mapping[Any, Curve] | None = None) -> None:
        self.clock = clock
        self.curves: dict[Any, Curve] = dict(curves or {})
        self.units = {"Latency": "Milliseconds", "Requests": "Count", "Fault": "Count"}
        self.alarms: dict[str, dict[str, Any]] = {}
        self.history: list[dict[str, Any]] = []
        self.bodies: dict[str, str] = {}
        self.calls: list[str] = []
        self.asked: list[dict[str, Any]] = []
        self.services = ["shop", "payments"]
        self.queries: list[dict[str, Any]] = []
        self.query_status = "Complete"
        self.rows: dict[str, list[dict[str, str]]] = {}
        self.down = False

    def put_alarm(self, name: str, state: str = "OK", age_s: float = 600, **definition: Any) -> None:
        since = self._moment(self.clock() - age_s)
        self.alarms[name] = {
            "AlarmName": name,
            "AlarmArn": arn(name),
            "StateValue": state,
            "StateReason": "Threshold Crossed: 1 datapoint was not greater than the threshold.",
            "StateUpdatedTimestamp": since,
            "StateTransitionedTimestamp": since,
            "AlarmConfigurationUpdatedTimestamp": since - timedelta(seconds=60),
            "ActionsEnabled": True,
            **definition,
        }

    def put_metric_alarm(self, name: str, state: str = "OK", age_s: float = 600, **definition: Any) -> None:
        metric = {
            "Namespace": NAMESPACE,
            "MetricName": "Fault",
            "Dimensions": [{"Name": "Service", "Value": "shop"}],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 5,
            "DatapointsToAlarm": 3,
            "Threshold": 14.4,
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
        }
        self.put_alarm(name, state, age_s, **({} if "Metrics" in definition else metric), **definition)

    def change(self, name: str, state: str, reason: str, ago_s: float = 0.0) -> None:
        alarm = self.alarms[name]
        at = self._moment(self.clock() - ago_s)
        data = {
            "version": "1.0",
            "oldState": {"stateValue": alarm["StateValue"], "stateReason": alarm["StateReason"]},
            "newState": {"stateValue": state, "stateReason": reason},
        }
        self.history.insert(
            0,
            {
                "AlarmName": name,
                "Timestamp": at,
                "HistoryItemType": "StateUpdate",
                "HistorySummary": f"Alarm updated from {alarm['StateValue']} to {state}",
                "HistoryData": json.dumps(data),
            },
        )
        alarm.update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=at, StateTransitionedTimestamp=at)

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        self._called("describe_alarms")
        composite = [alarm for alarm in self.alarms.values() if "AlarmRule" in alarm]
        metric = [alarm for alarm in self.alarms.values() if "AlarmRule" not in alarm]
        return {"MetricAlarms": metric, "CompositeAlarms": composite}

    def describe_alarm_history(self, **asked: Any) -> dict[str, Any]:
        self._called("describe_alarm_history")
        items = [
            item
            for item in self.history
            if asked.get("AlarmName") in (None, item["AlarmName"])
            and asked.get("HistoryItemType") in (None, item["HistoryItemType"])
        ]
        return {"AlarmHistoryItems": items}

    def list_dashboards(self, **_: Any) -> dict[str, Any]:
        self._called("list_dashboards")
        moment = self._moment(self.clock() - 3600)
        return {"DashboardEntries": [{"DashboardName": name, "LastModified": moment} for name in self.bodies]}

    def get_dashboard(self, **asked: Any) -> dict[str, Any]:
        self._called("get_dashboard")
        name = asked["DashboardName"]
        if name not in self.bodies:
            answer = {"Error": {"Code": "DashboardNotFoundError", "Message": "no"}}
            raise ClientError(answer, "GetDashboard")  # type: ignore[arg-type]  # the part that is read
        return {"DashboardName": name, "DashboardBody": self.bodies[name]}

    def get_metric_statistics(self, **asked: Any) -> dict[str, Any]:
        self._called("get_metric_statistics")
        unit = self.units.get(asked["MetricName"])
        return {"Datapoints": [{"Unit": unit, "SampleCount": 1.0}] if unit else []}

    def list_metrics(self, **asked: Any) -> dict[str, Any]:
        self._called("list_metrics")
        wanted = {each["Name"] for each in asked["Dimensions"]}
        listed = [
            {
                "Namespace": NAMESPACE,
                "MetricName": "Requests",
                "Dimensions": [{"Name": "Service", "Value": service}, {"Name": "Environment", "Value": "local"}],
            }
            for service in self.services
        ]
        return {"Metrics": listed if wanted == {"Service", "Environment"} else []}

    def start_query(self, **asked: Any) -> dict[str, Any]:
        self._called("start_query")
        if "parse" in asked["queryString"]:
            answer = {
                "Error": {"Code": "MalformedQueryException", "Message": "unexpected parse"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ClientError(answer, "StartQuery")  # type: ignore[arg-type]  # the part that is read
        self.queries.append(asked)
        return {"queryId": str(len(self.queries))}

    def get_query_results(self, **asked: Any) -> dict[str, Any]:
        self._called("get_query_results")
        if self.query_status != "Complete":
            return {"status": self.query_status, "results": []}
        text = self.queries[int(asked["queryId"]) - 1]["queryString"]
        rows = next((rows for word, rows in self.rows.items() if word in text), [])
        results = [[{"field": name, "value": value} for name, value in row.items()] for row in rows]
        return {"status": "Complete", "results": results, "statistics": {"recordsMatched": 700.0}}

    def get_metric_data(self, **asked: Any) -> dict[str, Any]:
        self._called("get_metric_data")
        queries, start, end = asked["MetricDataQueries"], asked["StartTime"], asked["EndTime"]
        self.asked.append({"queries": queries, "start": start, "end": end})
        if any("BROKEN" in query.get("Expression", "") for query in queries):
            answer = {
                "Error": {"Code": "ValidationError", "Message": "Error in expression: BROKEN"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ClientError(answer, "GetMetricData")  # type: ignore[arg-type]  # the part that is read
        periods = [query["MetricStat"]["Period"] for query in queries if "MetricStat" in query]
        results = [
            self._result(query, start.timestamp(), end.timestamp(), min(periods, default=60))
            for query in queries
            if query.get("ReturnData", True)
        ]
        return {"MetricDataResults": results, "Messages": []}

    def _result(self, query: dict[str, Any], start: float, end: float, default: int) -> dict[str, Any]:
        stat = query.get("MetricStat")
        period = stat["Period"] if stat else default
        name = stat["Metric"]["MetricName"] if stat else query["Expression"]
        label = query.get("Label", name)
        keys = ([(name, stat["Stat"])] if stat else []) + [label, name]
        curve = next((self.curves[key] for key in keys if key in self.curves), lambda _: None)
        times = [start // period * period + n * period for n in range(int((end - start) // period) + 2)]
        points = [(at, curve(at)) for at in times if start <= at < end]
        return {
            "Id": query["Id"],
            "Label": label,
            "Timestamps": [self._moment(at) for at, value in points if value is not None],
            "Values": [value for _, value in points if value is not None],
            "StatusCode": "Complete",
        }

    def _called(self, operation: str) -> None:
        self.calls.append(operation)
        if self.down:
            raise EndpointConnectionError(endpoint_url="http://127.0.0.1:4566")

    @staticmethod
    def _moment(seconds: float) -> datetime:
        return datetime.fromtimestamp(seconds, UTC)


class Clock:
    """The tests' time: a real moment, moved by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture(scope="session")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """The chart library, made once for all tests."""
    made = Bundle(tmp_path_factory.mktemp("cache"))
    made.path()
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def fake(clock: Clock) -> FakeCloudWatch:
    """Two alarms, the composite over them, which notifies, and series for Requests, Fault and Latency."""
    made = FakeCloudWatch(clock)
    made.curves.update({"Requests": lambda _: 60.0, "Fault": lambda _: 3.0, "Latency": lambda at: 20 + at % 7})
    made.put_metric_alarm("long")
    made.put_metric_alarm("short")
    made.put_alarm("both", AlarmRule='ALARM("long") AND ALARM("short")', AlarmActions=["arn:aws:sns:::page"])
    return made


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load({}, ROOT, stage=LOCAL_STAGE), root=tmp_path)


@pytest.fixture
def app(settings: Settings, fake: FakeCloudWatch, clock: Clock) -> Flask:
    return create_app(settings, client_for=lambda *_: fake, clock=clock)


@pytest.fixture
def client(app: Flask) -> Iterator[FlaskClient]:
    with app.test_client() as made:
        yield made
