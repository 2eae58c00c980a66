"""A plan as text for people and as JSON for programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

from kit.deploy.differences import ABSENT, Difference
from kit.deploy.plan import Action, Change

SIGNS: dict[Action, str] = {"create": "+", "update": "~", "record": "·", "delete": "-", "unchanged": "="}
PAST: dict[Action, str] = {
    "create": "created",
    "update": "updated",
    "record": "recorded",
    "delete": "deleted",
    "unchanged": "unchanged",
}
WORDS: dict[Action, str] = {
    "create": "to create",
    "update": "to update",
    "record": "to record",
    "delete": "to delete",
    "unchanged": "unchanged",
}


def plan_lines(changes: Iterable[Change]) -> Iterator[str]:
    """A line for each change, below it what stands in its way and a line for each field that differs."""
    for change in changes:
        yield f"{SIGNS[change.action]} {change.kind:<9}  {change.name}"
        if change.obstacle is not None:
            yield f"      ! {change.obstacle.problem}. {change.obstacle.remedy}"
        yield from difference_lines(change)


def done_line(change: Change) -> str:
    """What was done, in a line."""
    return f"{PAST[change.action]:<9}  {change.kind:<9}  {change.name}"


def difference_lines(change: Change) -> Iterator[str]:
    """A line for each field that differs."""
    for one in change.differences:
        yield f"      {difference_line(one)}"


def difference_line(one: Difference) -> str:
    """The field, what is live and what is wanted."""
    return f"{one.path}: {shown(one.live)} -> {shown(one.wanted)}"


def summary(changes: Iterable[Change]) -> str:
    """How many of each, for instance ``3 to create, 2 unchanged``."""
    counts = Counter(change.action for change in changes)
    return ", ".join(f"{counts[action]} {word}" for action, word in WORDS.items() if counts[action]) or "nothing"


def change_json(change: Change) -> dict[str, Any]:
    """The change as JSON takes it; a field that one side lacks has no ``live`` or no ``wanted``."""
    obstacle = {"problem": change.obstacle.problem, "remedy": change.obstacle.remedy} if change.obstacle else None
    return {
        "action": change.action,
        "kind": change.kind,
        "name": change.name,
        "file": change.file or None,
        "differences": [difference_json(one) for one in change.differences],
        "obstacle": obstacle,
    }


def difference_json(one: Difference) -> dict[str, Any]:
    """A field: its path, and the sides that have it."""
    sides = {"live": one.live, "wanted": one.wanted}
    return {"path": one.path} | {side: value for side, value in sides.items() if value is not ABSENT}


def shown(value: Any) -> str:
    """A value in a line, cut to a readable length."""
    if value is ABSENT:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:97]}..."
