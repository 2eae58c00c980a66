"""The rules of PutCompositeAlarm, among them those that only the whole set shows.

Source: "Amazon CloudWatch API Reference", PutCompositeAlarm; "Create a composite alarm".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from kit.definitions.alarm_limits import common_flaws, composite_action_flaws
from kit.definitions.complaints import Complaint
from kit.definitions.model import CompositeFile
from kit.definitions.structure import Flaw
from kit.evaluation.rule import RuleError, parse_rule

WAITS = ("ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")


def composite_flaws(request: Mapping[str, Any]) -> Iterator[Flaw]:
    """Yield what AWS would refuse in a PutCompositeAlarm input whose structure is sound."""
    yield from common_flaws(request)
    yield from composite_action_flaws(request)
    try:
        parse_rule(request["AlarmRule"])
    except RuleError as error:
        yield Flaw("/AlarmRule", str(error))
    for key in WAITS:
        if ("ActionsSuppressor" in request) != (key in request):
            yield Flaw("", f"ActionsSuppressor and {key} go together", f"Add the other, or remove {key}.")


def family_complaints(composites: Sequence[CompositeFile], known: frozenset[str]) -> Iterator[Complaint]:
    """Yield complaints about children that no file defines, and about composites that wait for each other."""
    for composite in composites:
        for child in sorted(composite.needs - known):
            remedy = "Correct the name, or add a file that defines it."
            yield Complaint(composite.file, "/AlarmRule", f"names {child}, which no file in alarms/ defines", remedy)
    try:
        in_order(composites)
    except CycleError as error:
        ring = " -> ".join(error.args[1])
        file = next(composite.file for composite in composites if composite.name in error.args[1])
        yield Complaint(file, "/AlarmRule", f"waits for itself: {ring}", "Break the ring.")


def in_order(composites: Sequence[CompositeFile]) -> tuple[CompositeFile, ...]:
    """The composites with each one after those that it names, else by name.

    Raises graphlib.CycleError when they name each other in a ring.
    """
    by_name = {composite.name: composite for composite in composites}
    sorter = TopologicalSorter(
        {name: sorted(composite.needs & by_name.keys()) for name, composite in sorted(by_name.items())}
    )
    return tuple(by_name[name] for name in sorter.static_order())
