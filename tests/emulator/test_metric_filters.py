"""Metric filters, over the wire and on a clock of our own."""

from __future__ import annotations

import json
import math
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kit.emulator.clock import ManualClock
from kit.emulator.cloudwatch.store import Datum
from kit.emulator.logs.engine import Engine
from kit.emulator.logs.metric_filters import MetricFilter
from kit.emulator.logs.patterns import parse_pattern

Logs = Any
NOON = 1_795_348_800.0


@pytest.fixture
def logs(client: Callable[..., Any]) -> Logs:
    return client("logs")


@pytest.fixture
def group(logs: Logs) -> str:
    name = f"/filters/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name)
    logs.create_log_stream(logGroupName=name, logStreamName="one")
    return name


def transformation(name: str = "Errors", **more: Any) -> dict[str, Any]:
    return {"metricName": name, "metricNamespace": "Filtered", "metricValue": "1", **more}


def put_filter(logs: Logs, group: str, pattern: str = "ERROR", name: str = "f", **more: Any) -> None:
    logs.put_metric_filter(
        logGroupName=group,
        filterName=name,
        filterPattern=pattern,
        metricTransformations=[transformation(**more)],
    )


def refused(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(*arguments, **named)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_matching_events_are_counted_as_a_metric(logs: Logs, group: str, client: Callable[..., Any]) -> None:
    metric = f"Errors-{uuid.uuid4()}"
    put_filter(logs, group, '{ $.level = "ERROR" }', name="errors")
    put_filter(
        logs,
        group,
        "{ $.ms = * && $.route = * }",
        name="latency",
        **transformation(metric, metricValue="$.ms", unit="Milliseconds", dimensions={"Route": "$.route"}),
    )
    now = int(time.time() * 1000)
    events = [{"level": "ERROR", "ms": n, "route": "/a"} for n in (10, 20, 30)]
    events += [{"level": "INFO", "ms": 5, "route": "/b"}, {"ms": "none", "route": "/a"}]
    listed = [{"timestamp": now, "message": json.dumps(event)} for event in events]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=listed)
    answer = client("cloudwatch").get_metric_statistics(
        Namespace="Filtered",
        MetricName=metric,
        Dimensions=[{"Name": "Route", "Value": "/a"}],
        StartTime=now / 1000 - 120,
        EndTime=now / 1000 + 120,
        Period=3600,
        Statistics=["Sum", "SampleCount", "Maximum"],
    )
    (point,) = answer["Datapoints"]
    assert (point["Sum"], point["SampleCount"], point["Maximum"], point["Unit"]) == (60, 3, 30, "Milliseconds")


def test_filters_are_described_and_deleted(logs: Logs, group: str) -> None:
    put_filter(logs, group, "ERROR", name="a", defaultValue=0)
    put_filter(logs, group, "WARN", name="b", **transformation("Warnings"))
    put_filter(logs, group, "FATAL", name="a", defaultValue=0)
    described = logs.describe_metric_filters(logGroupName=group)["metricFilters"]
    assert [(f["filterName"], f["filterPattern"]) for f in described] == [("a", "FATAL"), ("b", "WARN")]
    assert described[0]["metricTransformations"] == [transformation(defaultValue=0)]
    first = logs.describe_metric_filters(logGroupName=group, limit=1)
    rest = logs.describe_metric_filters(logGroupName=group, limit=1, nextToken=first["nextToken"])
    assert [f["filterName"] for f in first["metricFilters"] + rest["metricFilters"]] == ["a", "b"]
    assert len(logs.describe_metric_filters(logGroupName=group, filterNamePrefix="b")["metricFilters"]) == 1
    by_metric = logs.describe_metric_filters(logGroupName=group, metricName="Warnings", metricNamespace="Filtered")
    assert [f["filterName"] for f in by_metric["metricFilters"]] == ["b"]
    (shown,) = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert shown["metricFilterCount"] == 2
    logs.delete_metric_filter(logGroupName=group, filterName="a")
    assert refused(logs.delete_metric_filter, logGroupName=group, filterName="a")[0] == "ResourceNotFoundException"


def test_a_filter_can_be_tried_on_messages(logs: Logs) -> None:
    answer = logs.test_metric_filter(
        filterPattern="[ip, user, status = 5*, bytes]",
        logEventMessages=["10.0.0.1 ann 200 12", "10.0.0.1 ann 503 0", "10.0.0.1 ann 500 -"],
    )
    assert [match["eventNumber"] for match in answer["matches"]] == [2, 3]
    assert answer["matches"][0]["extractedValues"] == {
        "$ip": "10.0.0.1",
        "$user": "ann",
        "$status": "503",
        "$bytes": "0",
    }


@pytest.mark.parametrize(
    ("pattern", "more", "said"),
    [
        ("ERROR", {"metricValue": "$.ms"}, "neither a number nor a field"),
        ("{ $.a = 1 }", {"metricValue": "$.ms"}, "neither a number nor a field"),
        ("ERROR", {"metricValue": "one"}, "neither a number nor a field"),
        ("{ $.a = * }", {"dimensions": {"A": "$.a"}, "defaultValue": 0}, "mutually exclusive"),
        ("{ $.a = * }", {"dimensions": {"A": "a"}}, "not a field"),
        ("[a, b, c, d]", {"dimensions": {n: f"${n}" for n in "abcd"}}, "up to 3 dimensions"),
        ("{ $.a = }", {}, "Invalid filter pattern"),
    ],
)
def test_what_does_not_fit_is_refused(logs: Logs, group: str, pattern: str, more: dict[str, Any], said: str) -> None:
    code, message = refused(put_filter, logs, group, pattern, **more)
    assert code == "InvalidParameterException"
    assert said in message


def test_a_group_takes_a_hundred_filters_and_five_with_regular_expressions(logs: Logs, group: str) -> None:
    for n in range(5):
        put_filter(logs, group, f"%x{n}%", name=f"r{n}")
    assert refused(put_filter, logs, group, "%y%", "r5")[0] == "LimitExceededException"
    put_filter(logs, group, "%y%", "r4")
    for n in range(95):
        put_filter(logs, group, "x", name=f"f{n}")
    assert refused(put_filter, logs, group, "x", "one-more")[0] == "LimitExceededException"


def test_only_groups_of_the_standard_class_have_metric_filters(logs: Logs) -> None:
    name = f"/filters/{uuid.uuid4()}"
    logs.create_log_group(logGroupName=name, logGroupClass="INFREQUENT_ACCESS")
    assert refused(put_filter, logs, name)[0] == "InvalidOperationException"


class Region:
    """Logs on a clock of our own, and what they gave to CloudWatch."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOON + 30)
        self.data: list[Datum] = []
        self.logs = Engine("us-east-1", "123456789012", self.clock, self.take)
        self.logs.create_group("g", "STANDARD")
        self.group = self.logs.group("g")
        self.logs.create_stream(self.group, "s")

    def take(self, data: Sequence[Datum]) -> None:
        self.data += data

    def filter(self, pattern: str, **more: Any) -> None:
        settings = {"metricTransformations": [transformation(**more)]}
        self.group.metric_filters.put(MetricFilter("f", parse_pattern(pattern), settings, 0))

    def put(self, *messages: str) -> None:
        events = [(self.logs.now_ms(), message.encode()) for message in messages]
        self.logs.append(self.group, self.group.stream("s"), events)

    def advance(self, seconds: float) -> None:
        self.logs.run_due(self.clock.advance(seconds))

    def points(self) -> list[tuple[float, dict[float, float]]]:
        return [(datum.timestamp - NOON, dict(zip(datum.values, datum.counts, strict=True))) for datum in self.data]


def test_a_minute_with_events_and_no_match_reports_the_default_value_once() -> None:
    region = Region()
    region.filter("ERROR", defaultValue=0.0)
    region.put("fine")
    region.put("fine again")
    assert region.points() == []
    assert region.logs.next_due() == NOON + 60
    region.advance(30)
    assert region.points() == [(0, {0.0: 1.0})]
    assert math.isinf(region.logs.next_due())
    region.advance(600)
    assert len(region.data) == 1


@pytest.mark.parametrize("messages", [("fine", "ERROR"), ("ERROR", "fine")])
def test_a_minute_with_a_match_reports_no_default_value(messages: tuple[str, str]) -> None:
    region = Region()
    region.filter("ERROR", defaultValue=0.0)
    for message in messages:
        region.put(message)
    region.advance(60)
    assert region.points() == [(0, {1.0: 1.0})]


def test_a_minute_ends_with_the_next_events_if_nothing_else_ends_it() -> None:
    region = Region()
    region.filter("ERROR", defaultValue=7.0)
    region.put("fine")
    region.clock.advance(60)
    region.put("ERROR", "ERROR")
    assert region.points() == [(0, {7.0: 1.0}), (60, {1.0: 2.0})]


def test_without_events_or_without_a_default_value_nothing_is_reported() -> None:
    region = Region()
    region.filter("ERROR", defaultValue=0.0)
    region.advance(600)
    region.filter("ERROR")
    region.put("fine")
    region.advance(600)
    assert region.data == []


def test_a_deleted_filter_reports_nothing_more() -> None:
    region = Region()
    region.filter("ERROR", defaultValue=0.0)
    region.put("fine")
    region.group.metric_filters.delete("f")
    region.advance(60)
    assert region.data == []


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('{"ms": 12.5, "r": "/a"}', [{12.5: 1.0}]),
        ('{"ms": "12", "r": "/a"}', [{12.0: 1.0}]),
        ('{"ms": "soon", "r": "/a"}', []),
        ('{"ms": 1e300, "r": "/a"}', []),
        ('{"ms": 3}', []),
        ('{"ms": 3, "r": ""}', []),
        ('{"ms": 3, "r": {}}', []),
    ],
)
def test_a_value_that_is_no_number_or_a_dimension_that_is_not_there_adds_nothing(
    message: str, expected: list[dict[float, float]]
) -> None:
    region = Region()
    region.filter("{ $.ms = * || $.r = * }", metricValue="$.ms", dimensions={"Route": "$.r"})
    region.put(message)
    assert [counts for _, counts in region.points()] == expected


def test_embedded_metrics_that_cannot_be_read_are_counted_by_group() -> None:
    region = Region()
    region.put('{"_aws": ', '{"_aws": {}}', '{"_aws": 3}')
    found = {datum.name: (datum.namespace, datum.dimensions, datum.counts) for datum in region.data}
    assert found == {
        "EMFParsingErrors": ("AWS/Logs", (("LogGroupName", "g"),), (1.0,)),
        "EMFValidationErrors": ("AWS/Logs", (("LogGroupName", "g"),), (2.0,)),
    }
