"""The on-call topics of a stage. On an account they are made only when asked for, and only those that kit made go."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from kit.deploy.calls import Caller
from kit.deploy.ownership import Owner

NO_TOPIC = frozenset({"NotFound", "NotFoundException", "ResourceNotFound", "ResourceNotFoundException"})


def by_region(arns: Iterable[str]) -> dict[str, list[str]]:
    """Topic ARNs by their Region: a topic is made where its ARN says."""
    regions: dict[str, list[str]] = {}
    for arn in sorted(set(arns)):
        regions.setdefault(arn.split(":")[3], []).append(arn)
    return regions


def missing_topics(sns: Any, arns: Sequence[str], call: Caller) -> tuple[str, ...]:
    """Those of the topic ARNs that don't exist, sorted. ``sns`` is a boto3 client; read only."""
    return tuple(arn for arn in sorted(set(arns)) if not _exists(sns, arn, call))


def create_topic(sns: Any, arn: str, owner: Owner, call: Caller) -> None:
    """Create the topic with its tags, and let CloudWatch alarms of its account publish to it: one call, or nothing."""
    name = arn.rsplit(":", 1)[1]
    tags = [{"Key": key, "Value": value} for key, value in owner.tags.items()]
    call.write(sns.create_topic, Name=name, Attributes={"Policy": json.dumps(policy(arn))}, Tags=tags)


def policy(arn: str) -> Mapping[str, Any]:
    """The access policy of an on-call topic: alarms of its own account publish, its account administers."""
    partition, region, account = arn.split(":")[1], arn.split(":")[3], arn.split(":")[4]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "AlarmsPublish",
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": arn,
                "Condition": {
                    "ArnLike": {"aws:SourceArn": f"arn:{partition}:cloudwatch:{region}:{account}:alarm:*"},
                    "StringEquals": {"aws:SourceAccount": account},
                },
            },
            {
                "Sid": "OwnerAdministers",
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition}:iam::{account}:root"},
                "Action": [
                    "sns:DeleteTopic",
                    "sns:GetTopicAttributes",
                    "sns:ListSubscriptionsByTopic",
                    "sns:Publish",
                    "sns:SetTopicAttributes",
                    "sns:Subscribe",
                ],
                "Resource": arn,
            },
        ],
    }


def subscribe(sns: Any, arn: str, email: str, call: Caller) -> bool:
    """Subscribe ``email`` to the topic; False if it is subscribed already, confirmed or not."""
    token: dict[str, str] = {}
    while True:
        page = call.read(sns.list_subscriptions_by_topic, TopicArn=arn, **token)
        if any(one["Protocol"] == "email" and one["Endpoint"] == email for one in page["Subscriptions"]):
            return False
        if not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    call.write(sns.subscribe, TopicArn=arn, Protocol="email", Endpoint=email)
    return True


def owned_topics(sns: Any, arns: Iterable[str], owner: Owner, call: Caller) -> tuple[str, ...]:
    """Those of the topics that carry the owner's tags: kit made them. Read only."""
    found = []
    for arn in sorted(set(arns)):
        try:
            tags = call.read(sns.list_tags_for_resource, ResourceArn=arn)["Tags"]
        except ClientError as error:
            if error.response["Error"]["Code"] not in NO_TOPIC:
                raise
            continue
        if owner.tags.items() <= {tag["Key"]: tag["Value"] for tag in tags}.items():
            found.append(arn)
    return tuple(found)


def _exists(sns: Any, arn: str, call: Caller) -> bool:
    try:
        call.read(sns.get_topic_attributes, TopicArn=arn)
    except ClientError as error:
        if error.response["Error"]["Code"] in NO_TOPIC:
            return False
        raise
    return True
