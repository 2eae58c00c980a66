"""Whose a live alarm or dashboard is: told by its tags, never by its name.

``kit:set`` names the set of files that it comes from, ``kit:stage`` the stage that it was applied to. Both stand on
alarms and on dashboards; tags survive an edit in the console, and vanish with what carries them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kit.definitions import AlarmFile, CompositeFile, Definitions
from kit.deploy.record import is_record
from kit.errors import KitError

SET = "kit:set"
STAGE = "kit:stage"
OWN_TAGS = "kit:"
STACK = "aws:cloudformation:stack-name"
NO_SET = "kit"
"""The set of files of which none names one."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The set of this repository on one stage. ``adopted`` are names that are to become ours."""

    set: str
    stage: str
    adopted: frozenset[str] = frozenset()
    adopts_all: bool = False

    @property
    def tags(self) -> dict[str, str]:
        """The tags that mark what is ours."""
        return {SET: self.set, STAGE: self.stage}

    def owns(self, tags: Mapping[str, str]) -> bool:
        """Whether something with these tags is ours. A file that was put by hand carries the set and no stage."""
        return tags.get(SET) == self.set and tags.get(STAGE, self.stage) == self.stage and STACK not in tags

    def may_write(self, name: str, tags: Mapping[str, str]) -> bool:
        """Whether the live ``name`` may be overwritten: it is ours, or was named to be adopted."""
        return self.adopts_all or name in self.adopted or self.owns(tags)

    def whose(self, tags: Mapping[str, str]) -> str:
        """Whose it is instead, in words that follow "it"."""
        if STACK in tags:
            return f"belongs to the CloudFormation stack {tags[STACK]}"
        if tags.get(SET) == self.set:
            return f"belongs to the stage {tags[STAGE]}"
        if SET in tags:
            return f"belongs to the set {tags[SET]}"
        return f"is not ours, it has no tag {SET}={self.set}"


def tagged(request: Mapping[str, Any], owner: Owner) -> list[dict[str, str]]:
    """The Tags of an alarm's file, or none of a dashboard's, with those that mark it as the owner's."""
    return [
        *(
            {"Key": tag["Key"], "Value": tag["Value"]}
            for tag in request.get("Tags", ())
            if tag["Key"] not in owner.tags
        ),
        *({"Key": key, "Value": value} for key, value in owner.tags.items()),
    ]


def set_name(definitions: Definitions) -> str:
    """The set that the alarm files name in their tag ``kit:set``; ``kit`` if none does.

    Raises KitError when they name several: what is ours could not be told.
    """
    found: dict[str, str] = {}
    files: tuple[AlarmFile | CompositeFile, ...] = (*definitions.alarms, *definitions.composites)
    for alarm in files:
        for tag in alarm.request.get("Tags", ()):
            if tag["Key"] == SET:
                found.setdefault(tag["Value"], alarm.file)
    if len(found) > 1:
        places = ", ".join(f"{name} in {file}" for name, file in sorted(found.items()))
        raise KitError("alarms/", f"the tag {SET} has several values: {places}", "Give all files one set.")
    return next(iter(found), NO_SET)


def is_bookkeeping(key: str) -> bool:
    """Whether a tag is written by apply itself; a file may name the set, and nothing else of it."""
    return key in (SET, STAGE) or is_record(key)
