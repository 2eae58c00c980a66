"""Tags of alarms and dashboards, by ARN."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kit.emulator.protocol import AwsError

TAGS_A_RESOURCE = 50


def checked(tags: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags as a mapping; AwsError for a repeated key or one reserved by AWS."""
    found: dict[str, str] = {}
    for tag in tags:
        key = tag["Key"]
        if key.lower().startswith("aws:"):
            raise AwsError(
                "InvalidParameterValue", "The prefix 'aws:' is reserved for AWS use; tag keys can't start with it."
            )
        if key in found:
            raise AwsError("InvalidParameterValue", f"Duplicate tag key: {key}")
        found[key] = tag["Value"]
    return limited(found)


def limited(tags: dict[str, str]) -> dict[str, str]:
    """The tags, or AwsError when there are more than a resource can carry."""
    if len(tags) > TAGS_A_RESOURCE:
        raise AwsError("InvalidParameterValue", f"A resource can have at most {TAGS_A_RESOURCE} tags.")
    return tags


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """A mapping as the API's list."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]
