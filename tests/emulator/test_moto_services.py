"""The services behind: each of them answers real boto3, and none of them reaches out."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from kit.emulator.moto_services import MotoServices, is_loopback
from kit.emulator.server import Emulator

QUEUE = "arn:aws:sqs:us-east-1:123456789012:{}"


@pytest.fixture
def topic_and_queue(client: Callable[..., Any], request: pytest.FixtureRequest) -> tuple[str, str]:
    name = "topic-" + str(abs(hash(request.node.name)))
    topic = client("sns").create_topic(Name=name)["TopicArn"]
    queue = client("sqs").create_queue(QueueName=name)["QueueUrl"]
    client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=QUEUE.format(name))
    return topic, queue


def received(client: Callable[..., Any], queue: str) -> list[dict[str, Any]]:
    messages = client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
    return [json.loads(message["Body"]) for message in messages]


def test_sns_delivers_to_sqs(client: Callable[..., Any], topic_and_queue: tuple[str, str]) -> None:
    topic, queue = topic_and_queue
    client("sns").publish(TopicArn=topic, Subject="hello", Message="world")
    assert [(m["Subject"], m["Message"]) for m in received(client, queue)] == [("hello", "world")]


def test_a_notice_of_an_engine_arrives_once(
    client: Callable[..., Any], topic_and_queue: tuple[str, str], emulator: Emulator
) -> None:
    topic, queue = topic_and_queue
    emulator.moto.publish(topic, 'ALARM: "x" in US East (N. Virginia)', '{"AlarmName":"x"}')
    messages = received(client, queue)
    assert len(messages) == 1
    assert json.loads(messages[0]["Message"]) == {"AlarmName": "x"}
    assert messages[0]["TopicArn"] == topic


def test_a_notice_to_a_topic_that_is_not_there_fails(emulator: Emulator, client: Callable[..., Any]) -> None:
    client("sns").list_topics()
    for arn in ("arn:aws:sns:us-east-1:123456789012:nowhere", "arn:aws:sns:nowhere:123456789012:x", "nonsense"):
        with pytest.raises(LookupError):
            emulator.moto.publish(arn, "s", "m")


def test_a_notice_before_any_topic_fails_without_importing_moto() -> None:
    fresh = MotoServices("123456789012", ())
    with pytest.raises(LookupError, match="does not exist"):
        fresh.publish("arn:aws:sns:us-east-1:123456789012:nowhere", "s", "m")
    assert not fresh.loaded


def test_an_event_of_a_region_that_nobody_else_knows_is_no_error(
    emulator: Emulator, client: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    client("events").list_rules()
    emulator.moto.put_event("eu-west-7", {"source": "aws.cloudwatch", "time": "2026-11-22T10:00:00Z"})
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


LEAN = """
import sys
from io import BytesIO
from kit.emulator.moto_services import MotoServices

services = MotoServices("123456789012", ())
for service, action, more in (
    ("sts", "GetCallerIdentity", ""), ("sns", "CreateTopic", "&Name=t"), ("sqs", "CreateQueue", "&QueueName=q"),
    ("events", "ListRules", ""), ("cloudformation", "ListStacks", ""),
):
    scope = f"Credential=t/20261122/us-east-1/{service}/aws4_request"
    body = f"Action={action}{more}".encode()
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": "/", "HTTP_HOST": "localhost", "SERVER_NAME": "localhost",
        "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": "http", "QUERY_STRING": "",
        "CONTENT_TYPE": "application/x-www-form-urlencoded", "CONTENT_LENGTH": str(len(body)),
        "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0",
    }
    if service == "events":
        environ |= {"HTTP_X_AMZ_TARGET": f"AWSEvents.{action}", "CONTENT_TYPE": "application/x-amz-json-1.1"}
        body = b"{}"
        environ["CONTENT_LENGTH"] = "2"
    status = services.answer(environ, body).status
    print(service, status, sum(name.startswith("moto.cloudformation") for name in sys.modules) > 0)
"""


def test_only_cloudformation_pays_for_cloudformation() -> None:
    """Its modules are those of every service: 80 MB."""
    done = subprocess.run([sys.executable, "-c", LEAN], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        *("sts 200 False", "sns 200 False", "sqs 200 False", "events 200 False"),
        "cloudformation 200 True",
    ]


OFFERED = """
from kit.emulator.cloudformation.stacks import install

install()
from moto.ec2.models import ec2_backends
from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS
from moto.utilities.utils import load_resource

tables = [table for kind in INSTANCE_TYPE_OFFERINGS.values() for table in kind.values()]
print(len(tables) > 50, load_resource.__module__, sum("_rows" in vars(table) for table in tables))
asked = ec2_backends["123456789012"]["eu-west-1"].describe_instance_type_offerings
for kind in ("region", "availability-zone"):
    found = asked(kind, {"instance-type": ["t3.micro"]})
    print(sorted({(row["LocationType"], row["Location"]) for row in found})[0])
print(sum("_rows" in vars(table) for table in tables), len(tables[0]) > 50, bool(tables[0][0]))
"""


def test_what_ec2_offers_where_is_read_once_somebody_asks() -> None:
    done = subprocess.run([sys.executable, "-c", OFFERED], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == [
        "True moto.utilities.utils 0",
        "('region', 'eu-west-1')",
        "('availability-zone', 'eu-west-1a')",
        "2 True True",
    ]


def test_sts_names_the_account(client: Callable[..., Any]) -> None:
    assert client("sts").get_caller_identity()["Account"] == "123456789012"


def test_eventbridge_hands_an_event_to_a_queue(client: Callable[..., Any]) -> None:
    queue = client("sqs").create_queue(QueueName="events")["QueueUrl"]
    client("events").put_rule(Name="all", EventPattern=json.dumps({"source": ["shop"]}))
    client("events").put_targets(Rule="all", Targets=[{"Id": "1", "Arn": QUEUE.format("events")}])
    client("events").put_events(Entries=[{"Source": "shop", "DetailType": "sold", "Detail": '{"n": 1}'}])
    assert [(m["detail-type"], m["detail"]) for m in received(client, queue)] == [("sold", {"n": 1})]


def test_cloudformation_makes_a_topic(client: Callable[..., Any]) -> None:
    template = {"Resources": {"T": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "made-by-a-stack"}}}}
    client("cloudformation").create_stack(StackName="one", TemplateBody=json.dumps(template))
    assert client("cloudformation").describe_stacks(StackName="one")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    # moto says CREATE_COMPLETE for types that it does not know: look for the thing itself
    assert any(t["TopicArn"].endswith(":made-by-a-stack") for t in client("sns").list_topics()["Topics"])


@pytest.mark.parametrize(
    ("service", "call", "arguments"),
    [("sns", "get_sms_sandbox_account_status", {}), ("events", "describe_endpoint", {"Name": "x"})],
)
def test_what_moto_lacks_is_an_aws_error_that_no_client_retries(
    client: Callable[..., Any], service: str, call: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as raised:
        getattr(client(service), call)(**arguments)
    assert raised.value.response["Error"]["Code"] in ("InvalidAction", "UnknownOperationException")
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_a_subscription_out_of_this_machine_gets_nothing_and_fails_nobody(
    client: Callable[..., Any], topic_and_queue: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    topic, queue = topic_and_queue
    with caplog.at_level(logging.WARNING):
        client("sns").subscribe(TopicArn=topic, Protocol="http", Endpoint="http://192.0.2.1/hook")
        client("sns").publish(TopicArn=topic, Message="m")
    assert "not delivered to 192.0.2.1" in caplog.text
    assert len(received(client, queue)) == 1


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("localhost", True),
        ("x.localhost", True),
        ("127.0.0.9", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.example", False),
        ("", False),
    ],
)
def test_loopback_is_told_without_a_name_server(host: str, local: bool) -> None:
    assert is_loopback(host) is local
