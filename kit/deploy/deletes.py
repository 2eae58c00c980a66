"""In which order alarms can be deleted, and which can't.

AWS refuses to delete an alarm that a composite alarm names, and composites that name each other in a ring
("CloudWatch API Reference", DeleteAlarms).
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from graphlib import CycleError, TopologicalSorter
from typing import Any

from kit.definitions.model import alarm_name, children_of
from kit.errors import KitError


def deletable_order(composites: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The live composites by name, each before those that it names.

    Raises KitError when they name each other in a ring, which only a hand can have made.
    """
    sorter = TopologicalSorter(
        {name: sorted(needs_of(alarm) & composites.keys()) for name, alarm in sorted(composites.items())}
    )
    try:
        return tuple(reversed(tuple(sorter.static_order())))
    except CycleError as error:
        ring = " -> ".join(error.args[1])
        remedy = "Set the rule of one of them to FALSE by hand, as AWS asks."
        raise KitError(error.args[1][0], f"composite alarms name each other in a ring: {ring}", remedy) from error


def still_named(
    live: Mapping[str, Mapping[str, Any]], going: Set[str], files: Mapping[str, frozenset[str]]
) -> dict[str, str]:
    """Those of ``going`` that a composite which stays will name, each with one such composite.

    ``files`` says what the composites of the files need: by the time of the deletes they have been applied.
    """
    found: dict[str, str] = {}
    for name, alarm in sorted(live.items()):
        if name not in going:
            for child in files.get(name, needs_of(alarm)) & going:
                found[child] = name
    return found


def needs_of(alarm: Mapping[str, Any]) -> frozenset[str]:
    """The names that a live composite's rule and its suppressor name; none of a rule that can't be read."""
    suppressor = alarm.get("ActionsSuppressor")
    try:
        children = children_of(alarm["AlarmRule"])
    except ValueError:
        children = frozenset()
    return children | ({alarm_name(suppressor)} if suppressor else frozenset())
