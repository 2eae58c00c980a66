"""The wiring: an event in a log turns an alarm red, and its topic says so once. Time is moved by hand."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config

from kit.emulator.clock import ManualClock
from kit.emulator.server import Binding, Emulator

START = 1_795_341_600.0  # a whole hour


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def aws(clock: ManualClock) -> Iterator[Callable[[str], Any]]:
    emulator = Emulator(Binding(port=0, xray_port=0), clock=clock)
    emulator.start()
    untyped: Any = boto3

    def client(service: str) -> Any:
        return untyped.client(
            service,
            region_name="us-east-1",
            endpoint_url=f"http://127.0.0.1:{emulator.port}",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    yield client
    emulator.stop()


def emit(aws: Callable[[str], Any], now: float, faults: int) -> None:
    metric = {"Name": "Fault", "Unit": "Count", "StorageResolution": 1}
    directive = {"Namespace": "Shop", "Dimensions": [["Service"]], "Metrics": [metric]}
    document = {"_aws": {"Timestamp": int(now * 1000), "CloudWatchMetrics": [directive]}}
    event = {"timestamp": int(now * 1000), "message": json.dumps(document | {"Service": "shop", "Fault": faults})}
    aws("logs").put_log_events(logGroupName="emf", logStreamName="s", logEvents=[event])


def test_a_log_line_turns_an_alarm_red_and_the_topic_says_so_once(
    aws: Callable[[str], Any], clock: ManualClock, eventually: Callable[..., Any]
) -> None:
    aws("logs").create_log_group(logGroupName="emf")
    aws("logs").create_log_stream(logGroupName="emf", logStreamName="s")
    # Names of its own: all emulators of one process share moto's topics and queues.
    topic = aws("sns").create_topic(Name="red-page")["TopicArn"]
    queue = aws("sqs").create_queue(QueueName="red-inbox")["QueueUrl"]
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:red-inbox")
    cloudwatch = aws("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName="faults",
        Namespace="Shop",
        MetricName="Fault",
        Dimensions=[{"Name": "Service", "Value": "shop"}],
        Statistic="Sum",
        Period=10,
        EvaluationPeriods=1,
        Threshold=0,
        ComparisonOperator="GreaterThanThreshold",
        TreatMissingData="notBreaching",
        AlarmActions=[topic],
    )

    def state() -> str:
        (alarm,) = cloudwatch.describe_alarms(AlarmNames=["faults"])["MetricAlarms"]
        return str(alarm["StateValue"])

    def pass_time(seconds: int) -> None:
        # small steps, and a breath after each: a real clock does not jump over an evaluation either
        for _ in range(seconds * 2):
            clock.advance(0.5)
            time.sleep(0.005)

    assert state() == "INSUFFICIENT_DATA"
    pass_time(15)
    eventually(lambda: state() == "OK")
    emit(aws, clock.now(), faults=3)
    pass_time(12)
    eventually(lambda: state() == "ALARM")

    (message,) = eventually(lambda: aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"))
    notice = json.loads(json.loads(message["Body"])["Message"])
    assert (notice["AlarmName"], notice["NewStateValue"]) == ("faults", "ALARM")
    pass_time(5)
    assert "Messages" not in aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
