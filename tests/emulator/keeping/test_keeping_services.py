"""What later requests undo is thrown away, and what is left comes to the same."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

from kit.emulator.clock import ManualClock
from kit.emulator.kept_services import KeptServices
from kit.emulator.moto_services import MotoServices
from tests.emulator.keeping.conftest import ACCOUNT, REGION, TEN

TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:"
QUEUE = f"arn:aws:sqs:{REGION}:{ACCOUNT}:"


class Asked:
    """moto, asked by a client of this test's, and what is kept of it."""

    def __init__(self, kept: KeptServices | None = None) -> None:
        self.kept = kept or KeptServices()
        self.moto = MotoServices(ACCOUNT, (), ManualClock(TEN), self.kept)

    def sns(self, action: str, **parameters: str) -> str:
        return self._ask("sns", urlencode({"Action": action, **parameters}), "")

    def sqs(self, action: str, **parameters: Any) -> str:
        return self._ask("sqs", json.dumps(parameters), f"AmazonSQS.{action}")

    def events(self, action: str, **parameters: Any) -> str:
        return self._ask("events", json.dumps(parameters), f"AWSEvents.{action}")

    def _ask(self, service: str, body: str, target: str) -> str:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/",
            "QUERY_STRING": "",
            "HTTP_HOST": "localhost",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "CONTENT_LENGTH": str(len(body)),
            "CONTENT_TYPE": "application/x-amz-json-1.0" if target else "application/x-www-form-urlencoded",
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential=x/20260101/{REGION}/{service}/aws4_request",
        }
        if target:
            environ["HTTP_X_AMZ_TARGET"] = target
        answer = self.moto.answer(environ, body.encode())
        assert answer.status == 200, answer.body
        return answer.body.decode()

    def state(self) -> list[str]:
        targets = self.events("ListTargetsByRule", Rule="kept")
        listed = (
            self.sns("ListTopics"),
            self.sns("ListSubscriptions"),
            self.sqs("ListQueues"),
            self.events("ListRules"),
        )
        return [text.partition("<ResponseMetadata>")[0] for text in (targets, *listed)]

    def actions(self) -> list[str]:
        return [request.action for request in self.kept.all()]


def test_what_was_deleted_leaves_no_request_behind() -> None:
    asked = Asked()
    asked.moto.answer({}, b"")
    asked.moto.reset()
    for _ in range(3):
        asked.sns("CreateTopic", Name="t")
        asked.sns("SetTopicAttributes", TopicArn=f"{TOPIC}t", AttributeName="DisplayName", AttributeValue="x")
        asked.sqs("CreateQueue", QueueName="q")
        url = f"http://localhost/{ACCOUNT}/q"
        asked.sqs("TagQueue", QueueUrl=url, Tags={"a": "b"})
        asked.sns("Subscribe", TopicArn=f"{TOPIC}t", Protocol="sqs", Endpoint=f"{QUEUE}q")
        asked.events("PutRule", Name="r", EventPattern='{"source": ["a"]}')
        asked.events("PutTargets", Rule="r", Targets=[{"Id": "1", "Arn": f"{QUEUE}q"}])
        asked.events("RemoveTargets", Rule="r", Ids=["1"])
        asked.events("DeleteRule", Name="r")
        asked.sqs("DeleteQueue", QueueUrl=url)
        asked.sns("DeleteTopic", TopicArn=f"{TOPIC}t")
    assert asked.actions() == []
    asked.moto.close()


def test_what_is_left_comes_to_the_same_when_it_is_asked_again() -> None:
    asked = Asked()
    asked.moto.answer({}, b"")
    asked.moto.reset()
    for queue in ("kept", "gone"):
        asked.sqs("CreateQueue", QueueName=queue)
    for topic in ("kept", "gone", "again"):
        asked.sns("CreateTopic", Name=topic)
        for queue in ("kept", "gone"):
            asked.sns("Subscribe", TopicArn=f"{TOPIC}{topic}", Protocol="sqs", Endpoint=f"{QUEUE}{queue}")
    subscription = asked.sns("Subscribe", TopicArn=f"{TOPIC}kept", Protocol="email", Endpoint="a@b.c")
    arn = subscription.partition("<SubscriptionArn>")[2].partition("<")[0]
    for _ in range(3):
        asked.sns("Unsubscribe", SubscriptionArn=arn)
        subscription = asked.sns("Subscribe", TopicArn=f"{TOPIC}kept", Protocol="email", Endpoint="a@b.c")
        arn = subscription.partition("<SubscriptionArn>")[2].partition("<")[0]
    asked.sns("Unsubscribe", SubscriptionArn=arn)
    for rule in ("kept", "gone", "kept"):
        asked.events(
            "PutRule", Name=rule, EventPattern=json.dumps({"source": [rule]}), Description=str(len(asked.kept))
        )
        asked.events("PutTargets", Rule=rule, Targets=[{"Id": str(len(asked.kept)), "Arn": f"{QUEUE}kept"}])
    asked.events("RemoveTargets", Rule="gone", Ids=[asked.kept.all()[-1].parameters["Targets"][0]["Id"]])
    for _ in range(5):
        for value in ("x", "y"):
            asked.sns("SetTopicAttributes", TopicArn=f"{TOPIC}kept", AttributeName="DisplayName", AttributeValue=value)
    asked.sqs("DeleteQueue", QueueUrl=f"http://localhost/{ACCOUNT}/gone")
    asked.sns("DeleteTopic", TopicArn=f"{TOPIC}gone")
    asked.sns("DeleteTopic", TopicArn=f"{TOPIC}again")
    asked.sns("CreateTopic", Name="again")
    assert asked.actions().count("SetTopicAttributes") == 2
    assert "Unsubscribe" not in asked.actions()
    assert len(asked.kept) < 20
    before = asked.state()
    rows = {row.key: row.body for row in asked.kept.everything()}  # type: ignore[union-attr]  # all of them are Puts

    fresh = KeptServices()
    assert fresh.load(lambda _prefix: rows.items()) == 0
    keep = fresh.all()
    asked.moto.reset()
    asked.moto.close()
    again = Asked(fresh)
    again.moto.restore()
    assert again.state() == before
    assert again.kept.all() == keep
    again.moto.reset()
    assert not again.kept.all()
    again.moto.close()
