"""What alarms point to survives the emulator: real processes, killed and started again."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
import pytest
from botocore.config import Config

from kit.emulator.kept_requests import KeptRequest, Repeats, kept_request

ALARM: dict[str, Any] = {
    "Namespace": "n",
    "MetricName": "m",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1,
    "ComparisonOperator": "GreaterThanThreshold",
}


class Running:
    """One ``kit emulate`` process."""

    def __init__(self, data: Path) -> None:
        command = [sys.executable, "-m", "kit", "emulate", "--port", "0", "--xray-port", "0", "--data", str(data)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        said = re.search(r"http://127\.0\.0\.1:(\d+)", self._process.stdout.readline())
        if said is None:
            self.log = self._process.communicate(timeout=10)[1]
            raise AssertionError(self.log)
        self._endpoint = f"http://127.0.0.1:{said[1]}"
        self.log = ""

    def client(self, service: str) -> Any:
        untyped: Any = boto3  # its stubs know services by literal names only
        return untyped.client(
            service,
            region_name="us-east-1",
            endpoint_url=self._endpoint,
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"total_max_attempts": 1}),
        )

    def end(self, by: signal.Signals) -> None:
        if self._process.poll() is None:
            self._process.send_signal(by)
            self.log = self._process.communicate(timeout=10)[1]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[[], Running]]:
    started: list[Running] = []

    def run() -> Running:
        started.append(Running(tmp_path / "data"))
        return started[-1]

    yield run
    for running in started:
        running.end(signal.SIGTERM)


class Hook(HTTPServer):
    """A subscriber that confirms, and keeps the notifications."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.confirmed = threading.Event()
        self.notified = threading.Event()


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
        if body["Type"] == "SubscriptionConfirmation":
            urlopen(body["SubscribeURL"], timeout=5).close()
            self.server.confirmed.set()
        else:
            self.server.notified.set()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_after_a_kill_every_alarm_action_still_points_somewhere(start: Callable[[], Running], hook: Hook) -> None:
    first = start()
    sns, sqs, events = (first.client(name) for name in ("sns", "sqs", "events"))
    topic = sns.create_topic(Name="pages")["TopicArn"]
    for queue in ("inbox", "bus", "gone"):
        sqs.create_queue(QueueName=queue)
    queue_arn = "arn:aws:sqs:us-east-1:123456789012:{}"
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn.format("inbox"))["SubscriptionArn"]
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=f"http://127.0.0.1:{hook.server_port}/")
    events.put_rule(Name="alarms", EventPattern='{"source": ["aws.cloudwatch"]}')
    events.put_targets(Rule="alarms", Targets=[{"Id": "1", "Arn": queue_arn.format("bus")}])
    template = {"Resources": {"T": {"Type": "AWS::SNS::Topic"}}}
    first.client("cloudformation").create_stack(StackName="s", TemplateBody=json.dumps(template))
    sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName="gone")["QueueUrl"])
    topics = sns.list_topics()["Topics"]
    assert len(topics) == 2
    assert hook.confirmed.wait(5)
    subscriptions = sns.list_subscriptions()["Subscriptions"]
    time.sleep(1)
    first.end(signal.SIGKILL)

    second = start()
    sns, sqs, cloudwatch = (second.client(name) for name in ("sns", "sqs", "cloudwatch"))
    assert sns.list_topics()["Topics"] == topics
    assert sns.list_subscriptions()["Subscriptions"] == subscriptions
    assert subscription in {item["SubscriptionArn"] for item in subscriptions}
    assert {url.rpartition("/")[2] for url in sqs.list_queues()["QueueUrls"]} == {"inbox", "bus"}
    cloudwatch.put_metric_alarm(AlarmName="a", AlarmActions=[topic], **ALARM)
    cloudwatch.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="tried")
    assert hook.notified.wait(5)
    for queue in ("inbox", "bus"):
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        assert len(sqs.receive_message(QueueUrl=url, WaitTimeSeconds=5)["Messages"]) == 1


def request(action: str, body: str, target: str = "") -> KeptRequest | None:
    service = "sns" if not target else "sqs"
    environ = {
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=x/20260101/us-east-1/{service}/aws4_request, Signature=0",
        "REQUEST_METHOD": "POST",
        "HTTP_HOST": "localhost",
        "HTTP_X_AMZ_TARGET": target,
    }
    return kept_request(environ, (f"Action={action}&{body}" if not target else body).encode(), 1)


def test_only_what_changes_something_is_kept() -> None:
    assert request("ListTopics", "") is None
    assert request("Publish", "TopicArn=a&Message=m") is None
    assert request("", "{}", "AmazonSQS.SendMessage") is None
    assert request("", '{"QueueName": "q"}', "AmazonSQS.CreateQueue") is not None
    assert request("CreateTopic", "Name=a") is not None


def test_asking_again_for_what_is_there_adds_no_line() -> None:
    repeats = Repeats()
    asked = [
        ("CreateTopic", "Name=a", True),
        ("Subscribe", "TopicArn=a&Endpoint=e", True),
        ("CreateTopic", "Name=a", False),
        ("SetTopicAttributes", "TopicArn=a&AttributeName=n&AttributeValue=1", True),
        ("SetTopicAttributes", "TopicArn=a&AttributeName=n&AttributeValue=1", False),
        ("SetTopicAttributes", "TopicArn=a&AttributeName=n&AttributeValue=2", True),
        ("SetTopicAttributes", "TopicArn=a&AttributeName=n&AttributeValue=1", True),
        ("Subscribe", "TopicArn=a&Endpoint=e", False),
        ("DeleteTopic", "TopicArn=a", True),
        ("CreateTopic", "Name=a", True),
    ]
    for action, body, changes in asked:
        kept = request(action, body)
        assert kept is not None
        assert repeats.changes(kept) is changes, (action, body)
