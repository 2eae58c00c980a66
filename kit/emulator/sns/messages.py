"""What SNS posts to an HTTP or HTTPS endpoint.

Source: Amazon SNS Developer Guide, "Parsing message formats". The signature is no signature: nobody here holds a key
that Amazon's certificates vouch for, so a receiver that verifies it must be told not to on this machine.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

_NO_SIGNATURE = "unsigned"


@dataclass(frozen=True, slots=True)
class Post:
    """One request to make."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Notification:
    """What was published, for one subscription."""

    topic_arn: str
    message_id: str
    message: str
    subject: str | None
    attributes: Mapping[str, Any]


def confirmation(endpoint: str, topic_arn: str, token: str, base_url: str, moment: float) -> Post:
    """The request to confirm: GET its SubscribeURL. ``base_url`` is where the caller reaches SNS."""
    message_id = str(uuid.uuid4())
    body = {
        "Type": "SubscriptionConfirmation",
        "MessageId": message_id,
        "Token": token,
        "TopicArn": topic_arn,
        "Message": f"You have chosen to subscribe to the topic {topic_arn}.\n"
        "To confirm the subscription, visit the SubscribeURL included in this message.",
        "SubscribeURL": action_url(base_url, topic_arn, Action="ConfirmSubscription", TopicArn=topic_arn, Token=token),
        **_signed(topic_arn, moment),
    }
    return Post(endpoint, _headers("SubscriptionConfirmation", message_id, topic_arn), json.dumps(body).encode())


def notification(endpoint: str, subscription_arn: str, what: Notification, base_url: str, moment: float) -> Post:
    """A published message in SNS's JSON."""
    body: dict[str, Any] = {"Type": "Notification", "MessageId": what.message_id, "TopicArn": what.topic_arn}
    if what.subject:
        body["Subject"] = what.subject
    body["Message"] = what.message
    body |= _signed(what.topic_arn, moment)
    body["UnsubscribeURL"] = action_url(
        base_url, what.topic_arn, Action="Unsubscribe", SubscriptionArn=subscription_arn
    )
    if what.attributes:
        body["MessageAttributes"] = dict(what.attributes)
    headers = _headers("Notification", what.message_id, what.topic_arn)
    headers["x-amz-sns-subscription-arn"] = subscription_arn
    return Post(endpoint, headers, json.dumps(body, default=str).encode())


def raw(endpoint: str, subscription_arn: str, what: Notification) -> Post:
    """A published message as it is, for subscriptions with RawMessageDelivery."""
    headers = _headers("Notification", what.message_id, what.topic_arn)
    headers |= {"x-amz-sns-subscription-arn": subscription_arn, "x-amz-sns-rawdelivery": "true"}
    return Post(endpoint, headers, what.message.encode())


def action_url(base_url: str, topic_arn: str, **parameters: str) -> str:
    """A URL whose GET performs an action in the topic's Region. Its credential only says which service is meant."""
    region = topic_arn.split(":")[3]
    query = parameters | {"X-Amz-Credential": f"link/20000101/{region}/sns/aws4_request"}
    return f"{base_url}/?{urlencode(query)}"


def _signed(topic_arn: str, moment: float) -> dict[str, str]:
    time = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    region = topic_arn.split(":")[3]
    return {
        "Timestamp": time,
        "SignatureVersion": "1",
        "Signature": _NO_SIGNATURE,
        "SigningCertURL": f"https://sns.{region}.amazonaws.com/SimpleNotificationService.pem",
    }


def _headers(kind: str, message_id: str, topic_arn: str) -> dict[str, str]:
    return {
        "x-amz-sns-message-type": kind,
        "x-amz-sns-message-id": message_id,
        "x-amz-sns-topic-arn": topic_arn,
        "Content-Type": "text/plain; charset=UTF-8",
        "User-Agent": "Amazon Simple Notification Service Agent",
    }
