"""Hours that pass in seconds: the clock is moved over the wire, and alarms go through everything on the way."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import boto3
import pytest
from botocore.config import Config

from kit.emulator.clock import ManualClock
from kit.emulator.control import LONGEST_JOURNEY_S
from kit.emulator.server import Binding, Emulator

START = 1_795_341_600  # 2026-11-22 10:00:00 UTC
HOUR = 3600
ALARM: dict[str, Any] = {
    "Namespace": "Shop",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 3,
    "DatapointsToAlarm": 2,
    "Threshold": 10,
    "ComparisonOperator": "GreaterThanThreshold",
    "TreatMissingData": "notBreaching",
}


class Wire:
    """An emulator on a virtual clock, and what one says to it."""

    def __init__(self, emulator: Emulator) -> None:
        self._url = f"http://127.0.0.1:{emulator.port}"
        self.emulator = emulator

    def client(self, service: str) -> Any:
        untyped: Any = boto3  # its stubs know services by literal names only
        return untyped.client(
            service,
            region_name="us-east-1",
            endpoint_url=self._url,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def ask(self, path: str, body: Any = None, *, method: str | None = None, **headers: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        fields = {"Content-Type": "application/json"} | {key.replace("_", "-"): text for key, text in headers.items()}
        request = urllib.request.Request(self._url + path, data, fields, method=method)
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.load(response)

    def refused(self, path: str, body: Any = None, **more: Any) -> tuple[int, dict[str, str]]:
        with pytest.raises(HTTPError) as raised:
            self.ask(path, body, **more)
        return raised.value.code, json.load(raised.value)


@pytest.fixture
def wire() -> Iterator[Wire]:
    emulator = Emulator(Binding(port=0, xray_port=0), clock=ManualClock(START))
    emulator.start()
    yield Wire(emulator)
    emulator.stop()


def test_six_hours_of_alarms_and_a_composite_pass_in_seconds_with_virtual_times(wire: Wire) -> None:
    cloudwatch, sns, sqs = (wire.client(service) for service in ("cloudwatch", "sns", "sqs"))
    topic = sns.create_topic(Name="virtual-page")["TopicArn"]
    queue = sqs.create_queue(QueueName="virtual-inbox")["QueueUrl"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:virtual-inbox")
    wire.client("events").put_rule(Name="virtual-clock", EventPattern='{"source": ["aws.cloudwatch"]}')
    events = sqs.create_queue(QueueName="virtual-events")["QueueUrl"]
    target = {"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:virtual-events"}
    wire.client("events").put_targets(Rule="virtual-clock", Targets=[target])
    for name in ("Faults", "Slow"):
        actions = {"AlarmActions": [topic], "OKActions": [topic]}
        cloudwatch.put_metric_alarm(AlarmName=name, MetricName=name, **ALARM, **actions)
    cloudwatch.put_composite_alarm(AlarmName="both", AlarmRule="ALARM(Faults) AND ALARM(Slow)", AlarmActions=[topic])

    began = time.monotonic()
    evaluations = 0
    for hour in range(6):
        if hour == 3:  # ten bad minutes
            for minute in range(10):
                at = START + 3 * HOUR + 60 * minute
                data = [{"MetricName": name, "Timestamp": at, "Value": 50} for name in ("Faults", "Slow")]
                cloudwatch.put_metric_data(Namespace="Shop", MetricData=data)
        evaluations += wire.ask("/_kit/clock", {"advance_s": HOUR})["evaluations"]
    assert time.monotonic() - began < 5
    assert evaluations == 2 * 6 * 60
    assert wire.ask("/_kit/clock") == {"kind": "virtual", "now": "2026-11-22T16:00:00.000Z", "epoch": START + 6 * HOUR}

    history = cloudwatch.describe_alarm_history(
        AlarmName="both", AlarmTypes=["CompositeAlarm"], HistoryItemType="StateUpdate", ScanBy="TimestampAscending"
    )["AlarmHistoryItems"]
    # two minutes breach by 13:02; by 13:14 only one real one is left among the five that are looked at
    assert [(item["Timestamp"].strftime("%H:%M:%S"), item["HistorySummary"]) for item in history] == [
        ("10:00:01", "Alarm updated from INSUFFICIENT_DATA to OK"),
        ("13:02:01", "Alarm updated from OK to ALARM"),
        ("13:14:01", "Alarm updated from ALARM to OK"),
    ]
    pages = [json.loads(json.loads(text)["Message"]) for text in _received(sqs, queue)]
    told = [(page["StateChangeTime"][11:19], page["AlarmName"], page["NewStateValue"]) for page in pages]
    moments = [moment for moment, _, _ in told]
    assert moments == sorted(moments)
    assert told[-5:] == [
        ("13:02:01", "Faults", "ALARM"),
        ("13:02:01", "Slow", "ALARM"),
        ("13:02:01", "both", "ALARM"),
        ("13:14:01", "Faults", "OK"),
        ("13:14:01", "Slow", "OK"),
    ]
    times = [
        event["time"]
        for event in map(json.loads, _received(sqs, events))
        if event["detail-type"] == "CloudWatch Alarm State Change"
    ]
    assert times == sorted(times)
    assert times.count("2026-11-22T13:02:01Z") == 3


def _received(sqs: Any, queue: str) -> list[str]:
    found: list[str] = []
    while messages := sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
        found += [message["Body"] for message in messages]
    return found


def test_what_is_too_old_or_too_new_is_told_by_the_virtual_clock(wire: Wire) -> None:
    cloudwatch, logs = wire.client("cloudwatch"), wire.client("logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")

    def put(at: float) -> Any:
        event = {"timestamp": int(at * 1000), "message": "m"}
        return logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])

    assert put(START + 3 * HOUR)["rejectedLogEventsInfo"] == {"tooNewLogEventStartIndex": 0}
    assert wire.ask("/_kit/clock", {"to": "2026-11-22T13:00:00+00:00"})["epoch"] == START + 3 * HOUR
    assert "rejectedLogEventsInfo" not in put(START + 3 * HOUR)
    cloudwatch.put_metric_data(
        Namespace="n", MetricData=[{"MetricName": "m", "Value": 1, "Timestamp": START + 3 * HOUR}]
    )
    wire.ask("/_kit/clock", {"to": START + 15 * 24 * HOUR})
    assert put(START)["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 1}
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException, match="within the past two weeks"):
        cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1, "Timestamp": START}])
    assert cloudwatch.list_metrics(Namespace="n")["Metrics"] == []


@pytest.mark.parametrize(
    "wish",
    [
        {"advance_s": -1},
        {"advance_s": "60"},
        {"advance_s": True},
        {"advance_s": LONGEST_JOURNEY_S + 1},
        {"advance_s": 1e308},
        {"to": START - 1},
        {"to": "2026-11-22T09:59:59Z"},
        {"to": "tomorrow"},
        {"to": None},
        {"advance_s": 1, "to": START},
        {},
        [],
        "60",
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_and_moves_nothing(wish: Any, wire: Wire) -> None:
    status, error = wire.refused("/_kit/clock", wish)
    assert (status, error["__type"]) == (400, "ValidationError")
    assert wire.ask("/_kit/clock")["epoch"] == START


@pytest.mark.parametrize("page", ["clock", "reset"])
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_what_a_web_page_can_send_unasked_changes_nothing(page: str, kind: str, wire: Wire) -> None:
    with pytest.raises(HTTPError, match="415"):
        wire.ask(f"/_kit/{page}", {"advance_s": 60}, Content_Type=kind)
    assert wire.refused(f"/_kit/{page}", {}, Origin="https://evil.example")[0] == 403
    assert wire.refused(f"/_kit/{page}", {}, Host="evil.example")[0] == 403
    assert wire.ask("/_kit/clock")["epoch"] == START


def test_other_methods_and_pages_are_refused_in_awss_form(wire: Wire) -> None:
    assert wire.refused("/_kit/reset")[0] == 405
    assert wire.refused("/_kit/clock", {}, method="PUT")[0] == 405
    status, error = wire.refused("/_kit/clocks")
    assert (status, error["__type"]) == (404, "ResourceNotFoundException")


def test_on_the_system_clock_there_is_nothing_to_move() -> None:
    emulator = Emulator(Binding(port=0, xray_port=0))
    emulator.start()
    try:
        wire = Wire(emulator)
        assert wire.ask("/_kit/health")["clock"]["kind"] == "system"
        for body in (None, {"advance_s": 60}):
            status, error = wire.refused("/_kit/clock", body)
            assert status == 404
            assert "--clock virtual" in error["message"]
    finally:
        emulator.stop()


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (("--ephemeral", "--data", "x"), "--ephemeral: keeps nothing, so it can't stand beside --data."),
        (("--ephemeral", "--reset"), "--ephemeral: keeps nothing, so it can't stand beside --reset."),
        (("--start", "0"), "--start: only a virtual clock can begin at another time."),
        (("--clock", "virtual", "--start", "noon"), "--start: 'noon' is not a date and time."),
        (("--clock", "virtual", "--reset"), "--reset: a virtual clock keeps nothing unless it is told where."),
    ],
)
def test_flags_that_exclude_each_other_are_one_line(flags: tuple[str, ...], said: str) -> None:
    command = [sys.executable, "-m", "kit", "emulate", "--port", "0", "--xray-port", "0", *flags]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"kit: {said}")
    assert done.stderr.count("\n") == 1
