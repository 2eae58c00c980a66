"""The on-call topics of the local stage. On an account they belong to it, and are never made in passing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def by_region(arns: Iterable[str]) -> dict[str, list[str]]:
    """Topic ARNs by their Region: a topic is made where its ARN says, wherever the alarms are."""
    regions: dict[str, list[str]] = {}
    for arn in sorted(set(arns)):
        regions.setdefault(arn.split(":")[3], []).append(arn)
    return regions


def missing_topics(sns: Any, arns: Iterable[str]) -> tuple[str, ...]:
    """Those of the topic ARNs that don't exist, sorted. ``sns`` is a boto3 client; read only."""
    there = {topic["TopicArn"] for page in sns.get_paginator("list_topics").paginate() for topic in page["Topics"]}
    return tuple(sorted(set(arns) - there))


def create_topic(sns: Any, arn: str) -> None:
    """Create the topic in the client's own account and Region: of ``arn`` only the name is told."""
    sns.create_topic(Name=arn.rsplit(":", 1)[1])
