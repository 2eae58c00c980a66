"""Tags of log groups. Lengths were checked before, by the model; its patterns name Unicode classes, so not they."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping

from kit.emulator.logs.engine import Engine, Group
from kit.emulator.protocol import AwsError

# API Reference, TagResource: "You can associate as many as 50 tags with a CloudWatch Logs resource."
TAGS_A_GROUP = 50
_MARKS = frozenset("_.:/=+-@")
_PATTERN = r"Member must satisfy regular expression pattern: ^([\p{L}\p{Z}\p{N}_.:/=+\-@]*)$"


def checked(tags: Mapping[str, str]) -> Mapping[str, str]:
    """The tags; InvalidParameterException for a key that AWS keeps for itself, or a character that it doesn't take."""
    for what, texts in (("keys", tags.keys()), ("value", tags.values())):
        if not all(map(_taken, texts)):
            text = (
                f"1 validation error detected: Value at 'tags' failed to satisfy constraint: Map {what} must satisfy "
            )
            raise AwsError("InvalidParameterException", f"{text}constraint: [{_PATTERN}]")
    if any(key.lower().startswith("aws:") for key in tags):
        text = "aws: prefixed tag key names are not allowed for external use."
        raise AwsError("InvalidParameterException", text)
    return tags


def add(engine: Engine, group: Group, tags: Mapping[str, str], too_many: AwsError) -> None:
    """Add tags, and replace the values of those that are there; ``too_many`` is raised past fifty."""

    def merged(present: dict[str, str]) -> dict[str, str]:
        found = {**present, **checked(tags)}
        if len(found) > TAGS_A_GROUP:
            raise too_many
        return found

    engine.set_tags(group, merged)


def remove(engine: Engine, group: Group, keys: Iterable[str]) -> None:
    """Take tags away; keys that aren't there are passed over."""
    gone = frozenset(keys)
    engine.set_tags(group, lambda present: {key: value for key, value in present.items() if key not in gone})


def _taken(text: str) -> bool:
    return all(mark in _MARKS or unicodedata.category(mark)[0] in "LZN" for mark in text)
