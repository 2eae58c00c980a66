"""What SNS posts to an HTTP endpoint, read strictly; and the alarm notification inside.

Sources: Amazon SNS Developer Guide, "Parsing Amazon SNS message formats"; CloudWatch User Guide, "Notifying users on
alarm changes".
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kit.incidents.model import ALARM, NO_ALARM, Page
from kit.incidents.people import TEXT_LENGTH, tidy

LARGEST = 300_000
"""Bytes: a message of SNS has 256 KB at most, and an envelope."""

KINDS = ("SubscriptionConfirmation", "Notification", "UnsubscribeConfirmation")
_NEEDED = {
    "SubscriptionConfirmation": ("Token", "SubscribeURL"),
    "Notification": (),
    "UnsubscribeConfirmation": ("Token", "SubscribeURL"),
}
_ALWAYS = ("Type", "MessageId", "TopicArn", "Message", "Timestamp", "SignatureVersion", "Signature", "SigningCertURL")


class MessageError(ValueError):
    """It isn't a message of SNS; ``str()`` says why."""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What was posted; ``fields`` are its members as text."""

    kind: str
    id: str
    topic: str
    message: str
    fields: Mapping[str, str]


def read_envelope(body: bytes) -> Envelope:
    """Raises MessageError for anything else than a message of SNS."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        raise MessageError("not JSON") from None
    if not isinstance(told, dict):
        raise MessageError("not an object")
    texts = {key: value for key, value in told.items() if isinstance(value, str)}
    kind = texts.get("Type", "")
    if kind not in KINDS:
        raise MessageError("Type is none that SNS sends")
    missing = [name for name in (*_ALWAYS, *_NEEDED[kind]) if name not in texts]
    if missing:
        raise MessageError(f"{missing[0]} is missing")
    return Envelope(kind, texts["MessageId"], texts["TopicArn"], texts["Message"], texts)


def read_page(envelope: Envelope, received: float) -> Page:
    """The page in a notification: an alarm's, or a plain text that someone published."""
    alarm = _alarm(envelope.message)
    if alarm is None:
        subject = tidy(envelope.fields.get("Subject", ""), 200)
        return Page(
            id=envelope.id,
            alarm=NO_ALARM,
            state=ALARM,
            before="",
            reason=tidy(envelope.message, TEXT_LENGTH),
            about=subject,
            severity="page",
            topic=envelope.topic,
            at=_moment(envelope.fields["Timestamp"]) or received,
            received=received,
        )
    return Page(
        id=envelope.id,
        alarm=tidy(alarm["AlarmName"], 255),
        state=tidy(alarm["NewStateValue"], 40),
        before=tidy(_text(alarm, "OldStateValue"), 40),
        reason=tidy(_text(alarm, "NewStateReason"), TEXT_LENGTH),
        about=tidy(_text(alarm, "AlarmDescription"), TEXT_LENGTH),
        severity="page",
        topic=envelope.topic,
        at=_moment(_text(alarm, "StateChangeTime")) or received,
        received=received,
    )


def _alarm(message: str) -> dict[str, Any] | None:
    try:
        told = json.loads(message)
    except (ValueError, RecursionError):
        return None
    needed = ("AlarmName", "NewStateValue")
    return told if isinstance(told, dict) and all(isinstance(told.get(key), str) for key in needed) else None


def _text(told: Mapping[str, Any], key: str) -> str:
    value = told.get(key)
    return value if isinstance(value, str) else ""


def _moment(text: str) -> float | None:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        return None
