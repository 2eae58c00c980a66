"""What was last applied, remembered where the whole team sees it: in the tags of each live alarm and dashboard.

The tag ``kit:applied`` holds a digest for each field, so that a later reader can tell an edit by hand (live is no
longer what was applied) from a change in git (the file is no longer what was applied). Neither an edit in the console
nor a Put changes tags, so the record survives both. It holds no value, only digests; a tag takes 256 characters, so a
long one goes on in ``kit:applied-2`` and so on.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import count
from typing import Any

from kit.definitions.members import COMPOSITE_ALARM, METRIC_ALARM
from kit.deploy.canonical import short_digest
from kit.deploy.differences import ABSENT

TAG = "kit:applied"
TAG_VALUE = 256
"""Characters that a tag's value may have (CloudWatch API Reference, Tag)."""

_NOTHING = "...."
_ALARM_FIELDS = (*sorted(METRIC_ALARM.members.keys() | COMPOSITE_ALARM.members.keys()),)
_BODY_FIELDS = ("end", "periodOverride", "start", "variables", "Tags")
# Another version of the kit may know other fields, or compare them otherwise: its digests must not be taken for edits.
_FORMAT = "1" + short_digest([_ALARM_FIELDS, _BODY_FIELDS])


def alarm_fields(comparable: Mapping[str, Any], tags: Mapping[str, str]) -> dict[str, Any]:
    """The fields of an alarm that are remembered, each with its value or ABSENT."""
    return {key: comparable.get(key, ABSENT) for key in _ALARM_FIELDS} | {"Tags": dict(tags)}


def dashboard_fields(body: Any, tags: Mapping[str, str]) -> dict[str, Any]:
    """The same for a dashboard: the keys of its body, and each widget by itself."""
    found = body if isinstance(body, Mapping) else {"widgets": [body]}
    widgets = found.get("widgets")
    listed = widgets if isinstance(widgets, list) else [widgets]
    return (
        {key: found.get(key, ABSENT) for key in _BODY_FIELDS}
        | {"Tags": dict(tags)}
        | {f"widgets/{index}": widget for index, widget in enumerate(listed)}
    )


def record_tags(fields: Mapping[str, Any]) -> dict[str, str]:
    """The tags that remember ``fields``."""
    text = _FORMAT + "".join(_digest(value) for value in fields.values())
    parts = [text[start : start + TAG_VALUE] for start in range(0, len(text), TAG_VALUE)]
    return {TAG if index == 1 else f"{TAG}-{index}": part for index, part in enumerate(parts, 1)}


def is_record(key: str) -> bool:
    """Whether a tag's key belongs to the record."""
    return key == TAG or key.startswith(f"{TAG}-")


def recorded(tags: Mapping[str, str]) -> tuple[str, ...] | None:
    """The digests that ``tags`` remember, in the order of the fields; None if there are none that can be read."""
    text = ""
    for index in count(1):
        part = tags.get(TAG if index == 1 else f"{TAG}-{index}")
        if part is None:
            break
        text += part
    if not text.startswith(_FORMAT):
        return None
    text = text.removeprefix(_FORMAT)
    return tuple(text[start : start + 4] for start in range(0, len(text), 4))


def differs_from_record(fields: Mapping[str, Any], digests: tuple[str, ...]) -> frozenset[str]:
    """The names of the fields whose value is not the one that was remembered."""
    then = dict(zip(fields, digests, strict=False))
    return frozenset(name for name, value in fields.items() if then.get(name, _NOTHING) != _digest(value))


def _digest(value: Any) -> str:
    return _NOTHING if value is ABSENT else short_digest(value)
