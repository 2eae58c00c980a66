"""SNS to HTTP endpoints: the handshake, then what is published, by a real server and real clients."""

from __future__ import annotations

import json
import logging
import threading
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kit.emulator.server import Emulator
from kit.emulator.sns import delivery
from kit.emulator.sns.messages import Post
from kit.emulator.sns.subscriptions import HttpSubscriptions

Client = Callable[..., Any]
Eventually = Callable[[Callable[[], Any]], Any]


class Receiver(ThreadingHTTPServer):
    """A subscriber: keeps what it gets, and answers as ``answers`` says, then 200."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], str]] = []
        self.answers: list[int] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        return [json.loads(body) for headers, body in list(self.got) if headers["x-amz-sns-message-type"] == kind]


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def topic(client: Client) -> str:
    return str(client("sns").create_topic(Name=f"t-{uuid.uuid4()}")["TopicArn"])


def subscribed(client: Client, topic: str, receiver: Receiver, eventually: Eventually, **attributes: str) -> str:
    """Subscribe and confirm as a receiver would: by visiting the URL."""
    client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url, Attributes=attributes)
    (asked,) = eventually(lambda: receiver.of_kind("SubscriptionConfirmation"))
    with urllib.request.urlopen(asked["SubscribeURL"], timeout=5) as answer:
        assert topic in answer.read().decode()
    (listed,) = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    return str(listed["SubscriptionArn"])


def test_an_alarm_reaches_a_confirmed_endpoint_exactly_once(
    client: Client, topic: str, receiver: Receiver, eventually: Eventually
) -> None:
    arn = subscribed(client, topic, receiver, eventually)
    name = f"posted-{uuid.uuid4()}"
    client("cloudwatch").put_metric_alarm(
        AlarmName=name,
        AlarmActions=[topic],
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="tried")
    (got,) = eventually(lambda: receiver.of_kind("Notification"))
    client("sns").publish(TopicArn=topic, Message="the last one")
    eventually(lambda: len(receiver.of_kind("Notification")) == 2)
    assert json.loads(got["Message"])["AlarmName"] == name
    assert got["Subject"].startswith(f'ALARM: "{name}" in ')
    assert got["TopicArn"] == topic
    assert set(got) == {
        *("Type", "MessageId", "TopicArn", "Subject", "Message", "Timestamp"),
        *("SignatureVersion", "Signature", "SigningCertURL", "UnsubscribeURL"),
    }
    headers, _ = receiver.got[1]
    assert headers["x-amz-sns-message-type"] == "Notification"
    assert headers["x-amz-sns-message-id"] == got["MessageId"]
    assert headers["x-amz-sns-topic-arn"] == topic
    assert headers["x-amz-sns-subscription-arn"] == arn
    assert headers["content-type"] == "text/plain; charset=UTF-8"


def test_an_endpoint_that_has_not_confirmed_gets_nothing(
    client: Client, topic: str, receiver: Receiver, eventually: Eventually
) -> None:
    answer = client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    assert answer["SubscriptionArn"] == "pending confirmation"
    (asked,) = eventually(lambda: receiver.of_kind("SubscriptionConfirmation"))
    client("sns").publish(TopicArn=topic, Message="too early")
    (listed,) = client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"]
    assert listed["SubscriptionArn"] == "PendingConfirmation"
    with pytest.raises(ClientError) as raised:
        client("sns").confirm_subscription(TopicArn=topic, Token="0" * 64)
    assert raised.value.response["Error"]["Code"] == "InvalidParameter"
    arn = client("sns").confirm_subscription(TopicArn=topic, Token=asked["Token"])["SubscriptionArn"]
    assert (
        client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"] == "false"
    )
    client("sns").publish(TopicArn=topic, Message="now")
    (got,) = eventually(lambda: receiver.of_kind("Notification"))
    assert got["Message"] == "now"


def test_subscribing_again_asks_again_until_it_is_confirmed(
    client: Client, topic: str, receiver: Receiver, eventually: Eventually
) -> None:
    subscribe = partial(client("sns").subscribe, TopicArn=topic, Protocol="http", Endpoint=receiver.url)
    subscribe()
    again = subscribe(ReturnSubscriptionArn=True)
    eventually(lambda: len(receiver.of_kind("SubscriptionConfirmation")) == 2)
    first, second = receiver.of_kind("SubscriptionConfirmation")
    assert first["Token"] == second["Token"]
    client("sns").confirm_subscription(TopicArn=topic, Token=first["Token"])
    assert subscribe()["SubscriptionArn"] == again["SubscriptionArn"]


def test_the_unsubscribe_link_ends_it(client: Client, topic: str, receiver: Receiver, eventually: Eventually) -> None:
    subscribed(client, topic, receiver, eventually)
    client("sns").publish(TopicArn=topic, Message="m")
    (got,) = eventually(lambda: receiver.of_kind("Notification"))
    with urllib.request.urlopen(got["UnsubscribeURL"], timeout=5):
        pass
    assert client("sns").list_subscriptions_by_topic(TopicArn=topic)["Subscriptions"] == []


def test_a_raw_subscription_gets_the_message_as_it_is(
    client: Client, topic: str, receiver: Receiver, eventually: Eventually
) -> None:
    subscribed(client, topic, receiver, eventually, RawMessageDelivery="true")
    client("sns").publish(TopicArn=topic, Message="grüße")
    eventually(lambda: len(receiver.got) == 2)
    headers, body = receiver.got[1]
    assert body == "grüße"
    assert headers["x-amz-sns-rawdelivery"] == "true"


def test_a_filter_policy_holds_for_endpoints_too(
    client: Client, topic: str, receiver: Receiver, eventually: Eventually
) -> None:
    subscribed(client, topic, receiver, eventually, FilterPolicy=json.dumps({"severity": ["page"]}))
    for severity in ("ticket", "page"):
        attributes = {"severity": {"DataType": "String", "StringValue": severity}}
        client("sns").publish(TopicArn=topic, Message=severity, MessageAttributes=attributes)
    (got,) = eventually(lambda: receiver.of_kind("Notification"))
    assert got["Message"] == "page"


def test_a_failing_endpoint_is_tried_again_and_one_that_refuses_is_not(
    client: Client,
    topic: str,
    receiver: Receiver,
    eventually: Eventually,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(delivery, "RETRY_DELAYS_S", (0.01, 0.01, 0.01))
    subscribed(client, topic, receiver, eventually)
    receiver.answers = [500, 503, 200]
    client("sns").publish(TopicArn=topic, Message="third time")
    eventually(lambda: len(receiver.of_kind("Notification")) == 3)
    assert len({got["MessageId"] for got in receiver.of_kind("Notification")}) == 1
    receiver.got.clear()
    receiver.answers = [404]
    with caplog.at_level(logging.WARNING):
        client("sns").publish(TopicArn=topic, Message="no")
        eventually(lambda: "it answered 404" in caplog.text)
    assert len(receiver.got) == 1
    receiver.got.clear()
    receiver.answers = [500] * 9
    with caplog.at_level(logging.WARNING):
        client("sns").publish(TopicArn=topic, Message="never")
        eventually(lambda: "it answered 500" in caplog.text)
    assert len(receiver.got) == 4


def test_emulators_of_one_process_may_end_in_any_order(
    client: Client, topic: str, receiver: Receiver, eventually: Eventually
) -> None:
    subscribed(client, topic, receiver, eventually)  # the one that stays has taken its place
    others = [HttpSubscriptions(lambda _post: None, lambda: 0.0) for _ in range(2)]
    for other in others:
        other.install()
    for other in others:
        other.uninstall()
        other.uninstall()
    client("sns").publish(TopicArn=topic, Message="still here")
    eventually(lambda: [one for one in receiver.of_kind("Notification") if one["Message"] == "still here"])


def test_an_endpoint_is_asked_to_confirm_where_its_subscriber_was_answered(
    client: Client, topic: str, emulator: Emulator
) -> None:
    client("sns").list_topics()  # this one's has been installed, and another one comes after it
    posts: list[Post] = []
    other = HttpSubscriptions(posts.append, lambda: 0.0)
    other.install()
    try:
        client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint="http://127.0.0.1:9/x")
    finally:
        other.uninstall()
    assert f"http://127.0.0.1:{emulator.port}/" in json.loads(posts[0].body)["SubscribeURL"]
