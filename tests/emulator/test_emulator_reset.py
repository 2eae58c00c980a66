"""POST /_kit/reset: as if it had just been started for the first time."""

from __future__ import annotations

import json
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from kit.emulator.keeping.emptying import empty_folder
from kit.emulator.server import Binding, Emulator
from kit.errors import KitError

Start = Callable[..., Emulator]
ALARM: dict[str, Any] = {
    "Namespace": "n",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": 10,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


@pytest.fixture
def start() -> Iterator[Start]:
    started: list[Emulator] = []

    def run(**options: Any) -> Emulator:
        started.append(Emulator(Binding(port=0, xray_port=0), **options))
        started[-1].start()
        return started[-1]

    yield run
    for emulator in started:
        if emulator.answering:
            emulator.stop()
    client.cache_clear()


@cache
def client(service: str, emulator: Emulator) -> Any:
    untyped: Any = boto3  # its stubs know services by literal names only
    return untyped.session.Session().client(
        service,
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{emulator.port}",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )


def reset(emulator: Emulator) -> None:
    url, headers = f"http://127.0.0.1:{emulator.port}/_kit/reset", {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, b"", headers), timeout=30) as answer:
        assert json.load(answer) == {"status": "empty"}


def fill(emulator: Emulator) -> None:
    """Something of everything."""
    now = time.time()
    cloudwatch, logs = client("cloudwatch", emulator), client("logs", emulator)
    topic = client("sns", emulator).create_topic(Name="t")["TopicArn"]
    client("sqs", emulator).create_queue(QueueName="q")
    client("sns", emulator).subscribe(TopicArn=topic, Protocol="sqs", Endpoint="arn:aws:sqs:us-east-1:123456789012:q")
    client("events", emulator).put_rule(Name="r", EventPattern='{"source": ["aws.cloudwatch"]}')
    cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 1}])
    cloudwatch.put_metric_alarm(AlarmName="a", AlarmActions=[topic], **ALARM)
    cloudwatch.put_composite_alarm(AlarmName="c", AlarmRule="ALARM(a)")
    cloudwatch.put_dashboard(DashboardName="d", DashboardBody='{"widgets": []}')
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[{"timestamp": int(now * 1000), "message": "m"}])
    document = {"id": "70de5b6f19ff9a0a", "trace_id": f"1-{int(now):08x}-{1:024x}", "name": "s"}
    text = json.dumps({**document, "start_time": now - 1, "end_time": now})
    assert client("xray", emulator).put_trace_segments(TraceSegmentDocuments=[text])["UnprocessedTraceSegments"] == []


def held(emulator: Emulator) -> list[Any]:
    """What a client finds of all that."""
    cloudwatch, now = client("cloudwatch", emulator), time.time()
    alarms = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    return [
        *alarms["MetricAlarms"],
        *alarms["CompositeAlarms"],
        *cloudwatch.describe_alarm_history(AlarmTypes=["MetricAlarm", "CompositeAlarm"])["AlarmHistoryItems"],
        *cloudwatch.list_metrics()["Metrics"],
        *cloudwatch.list_dashboards()["DashboardEntries"],
        *client("logs", emulator).describe_log_groups()["logGroups"],
        *client("xray", emulator).get_trace_summaries(StartTime=now - 60, EndTime=now + 60)["TraceSummaries"],
        *client("sns", emulator).list_topics()["Topics"],
        *client("sns", emulator).list_subscriptions()["Subscriptions"],
        *client("sqs", emulator).list_queues().get("QueueUrls", []),
        *client("events", emulator).list_rules()["Rules"],
    ]


def test_everything_is_gone_and_can_be_made_again_as_often_as_one_likes(start: Start) -> None:
    emulator = start()
    for _ in range(2):
        fill(emulator)
        assert len(held(emulator)) >= 11
        reset(emulator)
        assert held(emulator) == []


def test_what_was_kept_is_gone_too_also_after_a_restart(start: Start, tmp_path: Path) -> None:
    first = start(data_dir=tmp_path)
    fill(first)
    reset(first)
    client("logs", first).create_log_group(logGroupName="after")
    first.stop()
    second = start(data_dir=tmp_path)
    assert [group["logGroupName"] for group in held(second)] == ["after"]


def test_segments_by_udp_are_taken_after_a_reset(start: Start, eventually: Callable[..., Any]) -> None:
    emulator = start()
    fill(emulator)
    reset(emulator)
    now = time.time()
    document = {"id": "70de5b6f19ff9a0b", "trace_id": f"1-{int(now):08x}-{2:024x}", "name": "s"}
    text = json.dumps({**document, "start_time": now - 1, "end_time": now})
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b'{"format": "json", "version": 1}\n' + text.encode(), ("127.0.0.1", emulator.xray_port))
    eventually(lambda: client("xray", emulator).batch_get_traces(TraceIds=[document["trace_id"]])["Traces"])


def test_what_another_emulator_of_this_process_has_put_into_moto_is_gone_too(start: Start) -> None:
    first, second = start(), start()
    client("sns", first).create_topic(Name="of-the-first")
    reset(second)
    assert client("sns", second).list_topics()["Topics"] == []


def test_clients_and_evaluations_under_way_survive_resets(start: Start, caplog: pytest.LogCaptureFixture) -> None:
    emulator = start()
    stop = threading.Event()
    unforeseen: list[Exception] = []

    def work(number: int) -> None:
        cloudwatch, logs = client("cloudwatch", emulator), client("logs", emulator)
        while not stop.is_set():
            try:
                cloudwatch.put_metric_alarm(AlarmName=f"a{number}", **ALARM)
                cloudwatch.put_metric_data(Namespace="n", MetricData=[{"MetricName": "m", "Value": 5}])
                cloudwatch.set_alarm_state(AlarmName=f"a{number}", StateValue="ALARM", StateReason="r")
                logs.create_log_group(logGroupName=f"g{number}")
            except ClientError as error:
                if error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:
                    unforeseen.append(error)
            except Exception as error:  # noqa: BLE001 - whatever it is, the test shows it
                unforeseen.append(error)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for _ in range(20):
        reset(emulator)
        time.sleep(0.03)
    stop.set()
    for worker in workers:
        worker.join(timeout=10)
    reset(emulator)
    assert unforeseen == []
    assert held(emulator) == []
    assert "failed" not in caplog.text


def test_emptying_a_folder_takes_our_files_and_leaves_all_others(start: Start, tmp_path: Path) -> None:
    running = start(data_dir=tmp_path)
    fill(running)
    with pytest.raises(KitError, match="is in use by another process"):
        empty_folder(tmp_path)
    running.stop()
    others = ["notes.txt", "kept.sqlite.bak", "services.json"]
    for name in others:
        (tmp_path / name).write_text("mine")
    (tmp_path / "kept.sqlite.damaged-1").write_text("ours")
    assert empty_folder(tmp_path) >= 2
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*others, "lock"])
    # what moto holds is of this process, not of the emulator
    again = start(data_dir=tmp_path)
    assert client("cloudwatch", again).describe_alarms()["MetricAlarms"] == []
    assert client("logs", again).describe_log_groups()["logGroups"] == []
