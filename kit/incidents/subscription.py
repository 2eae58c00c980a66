"""The inbox as a subscriber of the stage's topics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import urlsplit

from kit.errors import KitError

PATH = "/oncall/sns/"


def subscribe(sns: Any, topics: Iterable[str], endpoint: str) -> Iterator[str]:
    """Subscribe ``endpoint`` to each topic that doesn't have it yet, yielding those topics.

    Earlier endpoints of this inbox on the same host (another secret, another port) are unsubscribed: what they are
    sent goes nowhere. SNS posts a request to confirm, which the receiver answers.
    """
    if urlsplit(endpoint).scheme not in ("http", "https"):
        raise KitError("--url", f"{endpoint!r} is not an http(s) address", "Write it as https://oncall.example.org.")
    for topic in sorted(set(topics)):
        standing = list(_subscriptions(sns, topic))
        for one in standing:
            if one["Endpoint"] != endpoint and _is_ours(one["Endpoint"], endpoint) and _confirmed(one):
                sns.unsubscribe(SubscriptionArn=one["SubscriptionArn"])
        if not any(one["Endpoint"] == endpoint and _confirmed(one) for one in standing):
            sns.subscribe(TopicArn=topic, Protocol=urlsplit(endpoint).scheme, Endpoint=endpoint)
            yield topic


def confirmed(sns: Any, topics: Iterable[str], endpoint: str) -> bool:
    """Whether ``endpoint`` is a confirmed subscriber of every topic."""
    return all(
        any(one["Endpoint"] == endpoint and _confirmed(one) for one in _subscriptions(sns, topic)) for topic in topics
    )


def _subscriptions(sns: Any, topic: str) -> Iterator[dict[str, str]]:
    for page in sns.get_paginator("list_subscriptions_by_topic").paginate(TopicArn=topic):
        yield from page["Subscriptions"]


def _confirmed(one: dict[str, str]) -> bool:
    return one["SubscriptionArn"].startswith("arn:")


def _is_ours(one: str, endpoint: str) -> bool:
    theirs, mine = urlsplit(one), urlsplit(endpoint)
    return theirs.hostname == mine.hostname and theirs.path.startswith(PATH)
