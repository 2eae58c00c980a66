"""The embedded CloudWatch as boto3 sees it: real sockets and threads, on a clock that the test moves."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config

from kit.emulator.clock import ManualClock
from kit.emulator.server import Binding, Emulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    running = Emulator(Binding(port=0, xray_port=0), clock=ManualClock(time.time()))
    running.start()
    yield running
    running.stop()


def client(emulator: Emulator, service: str) -> Any:
    session: Any = boto3.session.Session()  # its overloads want a literal service name
    return session.client(
        service,
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{emulator.port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}, max_pool_connections=10),
    )


@pytest.fixture(scope="module")
def cloudwatch(emulator: Emulator) -> Iterator[Any]:
    made = client(emulator, "cloudwatch")
    yield made
    made.close()


def alarm(name: str, **more: Any) -> dict[str, Any]:
    return {
        "AlarmName": name,
        "Namespace": "Wire",
        "MetricName": "Fault",
        "Statistic": "Sum",
        "Period": 10,
        "EvaluationPeriods": 1,
        "Threshold": 10,
        "ComparisonOperator": "GreaterThanThreshold",
        **more,
    }


def test_metrics_go_in_and_come_out(cloudwatch: Any) -> None:
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    cloudwatch.put_metric_data(
        Namespace="Wire",
        MetricData=[
            {
                "MetricName": "Latency",
                "Timestamp": now,
                "Values": [float(v) for v in range(1, 101)],
                "Unit": "Milliseconds",
            }
        ],
    )
    metric = {"Namespace": "Wire", "MetricName": "Latency"}
    queries = [
        {"Id": "p", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "p99"}},
        {"Id": "s", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Sum"}, "ReturnData": False},
        {"Id": "e", "Expression": "s / 2", "Label": "half"},
    ]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=now - timedelta(minutes=5), EndTime=now + timedelta(minutes=1)
    )
    found = {r["Id"]: (r["Label"], r["Timestamps"], r["Values"]) for page in pages for r in page["MetricDataResults"]}
    assert found == {"p": ("Latency", [now], [99.0]), "e": ("half", [now], [2525.0])}
    listed = cloudwatch.list_metrics(Namespace="Wire")["Metrics"]
    assert "Latency" in [metric["MetricName"] for metric in listed]


def test_errors_are_the_clients_own_classes(cloudwatch: Any) -> None:
    wrong = cloudwatch.exceptions
    with pytest.raises(wrong.ResourceNotFound):
        cloudwatch.set_alarm_state(AlarmName="nobody", StateValue="OK", StateReason="r")
    with pytest.raises(wrong.ResourceNotFound):  # the code that DashboardNotFoundError carries; botocore goes by code
        cloudwatch.get_dashboard(DashboardName="nobody")
    with pytest.raises(wrong.InvalidParameterValueException):
        cloudwatch.put_metric_data(Namespace="Wire", MetricData=[{"MetricName": "x", "Value": 1, "Unit": "Furlongs"}])
    with pytest.raises(wrong.DashboardInvalidInputError) as caught:
        cloudwatch.put_dashboard(DashboardName="d", DashboardBody="{}")
    assert "Should have required property 'widgets'" in caught.value.response["Error"]["Message"]
    with pytest.raises(wrong.InvalidNextToken):
        cloudwatch.describe_alarms(NextToken="x")
    with pytest.raises(wrong.ClientError) as refused:
        cloudwatch.put_metric_alarm(**alarm("a", Period=7))
    assert refused.value.response["Error"]["Code"] == "ValidationError"


def test_an_alarm_fires_by_itself_and_its_topic_hears_of_it_once(emulator: Emulator, cloudwatch: Any) -> None:
    sns, sqs = client(emulator, "sns"), client(emulator, "sqs")
    topic = sns.create_topic(Name="page")["TopicArn"]
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    cloudwatch.put_metric_alarm(**alarm("fires", TreatMissingData="notBreaching"))
    cloudwatch.put_composite_alarm(AlarmName="page", AlarmRule='ALARM("fires")', AlarmActions=[topic])
    cloudwatch.get_waiter("alarm_exists").wait(AlarmNames=["fires"])
    cloudwatch.put_metric_data(
        Namespace="Wire", MetricData=[{"MetricName": "Fault", "Value": 20, "StorageResolution": 1}]
    )
    messages: list[Any] = []
    for _ in range(22):  # seconds: two ticks and the settling second, at most
        assert isinstance(emulator.clock, ManualClock)
        emulator.clock.advance(1)
        time.sleep(0.05)
        messages += sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=0).get("Messages", [])
    assert len(messages) == 1
    told = json.loads(json.loads(messages[0]["Body"])["Message"])
    assert (told["AlarmName"], told["NewStateValue"]) == ("page", "ALARM")
    assert told["AlarmArn"].endswith(":alarm:page")
    history = cloudwatch.describe_alarm_history(
        AlarmName="page", AlarmTypes=["CompositeAlarm"], HistoryItemType="Action"
    )
    assert [item["HistorySummary"] for item in history["AlarmHistoryItems"]] == [
        f"Successfully executed action {topic}"
    ]
    for made in (sns, sqs):
        made.close()


def test_eight_clients_at_once_lose_nothing(cloudwatch: Any) -> None:
    now = datetime.now(UTC)

    def work(_number: int) -> None:
        for _ in range(25):
            datum = {"MetricName": "Busy", "Timestamp": now, "Value": 1.0}
            cloudwatch.put_metric_data(Namespace="Wire", MetricData=[datum] * 4)
            cloudwatch.get_metric_statistics(
                Namespace="Wire",
                MetricName="Busy",
                StartTime=now - timedelta(minutes=5),
                EndTime=now + timedelta(minutes=5),
                Period=60,
                ExtendedStatistics=["p99"],
            )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    (point,) = cloudwatch.get_metric_statistics(
        Namespace="Wire",
        MetricName="Busy",
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["SampleCount"],
    )["Datapoints"]
    assert point["SampleCount"] == 8 * 25 * 4
