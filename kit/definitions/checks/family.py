"""The set that is checked, and what all rules ask of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from kit.definitions.checks.catalogue import Catalogue
from kit.definitions.checks.uses import Use, alarm_uses, metric_widgets, widget_uses
from kit.definitions.checks.watch import Watch, watch_of
from kit.definitions.model import AlarmFile, CompositeFile, Definitions, alarm_name
from kit.evaluation.rule import Rule, parse_rule

Alarm = AlarmFile | CompositeFile
OWN_TAG = "kit:set"
PAGE = "page"
TELLS = ("AlarmActions", "OKActions", "InsufficientDataActions")


@dataclass(frozen=True)
class Family:
    """All definitions whose own file is sound, and what is known around them.

    ``ours``: whether the conventions hold (owner, severity, runbook, stand-ins). ``unsound`` are the names of alarms
    whose files are refused: others may refer to them. ``paths`` leads from a file as complaints name it to the disk.
    ``root`` is the project's folder, or the one that was asked for. ``staged``: these are the definitions as one stage
    gets them, and no longer the files. ``seen`` and ``below`` keep what was worked out once.
    """

    definitions: Definitions
    ours: bool
    catalogue: Catalogue | None
    unsound: frozenset[str]
    paths: Mapping[str, Path]
    root: Path
    staged: bool = False
    seen: dict[str, Watch | None] = field(default_factory=dict, repr=False)
    below: dict[str, frozenset[str]] = field(default_factory=dict, repr=False)

    @cached_property
    def alarms(self) -> Mapping[str, Alarm]:
        """Metric and composite alarms by name."""
        found: dict[str, Alarm] = {alarm.name: alarm for alarm in self.definitions.alarms}
        return found | {composite.name: composite for composite in self.definitions.composites}

    @cached_property
    def rules(self) -> Mapping[str, Rule]:
        """The parsed rule of each composite alarm."""
        return {one.name: parse_rule(one.request["AlarmRule"]) for one in self.definitions.composites}

    def knows(self, reference: str) -> bool:
        """Whether an alarm of the set, even one with a refused file, has this name or ARN."""
        name = alarm_name(reference)
        return name in self.alarms or name in self.unsound

    def watch(self, alarm: AlarmFile) -> Watch | None:
        """What a metric alarm computes, or None where that is beyond the evaluation here."""
        if alarm.file not in self.seen:
            self.seen[alarm.file] = watch_of(alarm, self.catalogue)
        return self.seen[alarm.file]

    @cached_property
    def uses(self) -> tuple[tuple[str, Use], ...]:
        """Every metric that an alarm or a widget names, with its file."""
        return tuple(self._uses())

    def _uses(self) -> Iterator[tuple[str, Use]]:
        for alarm in self.definitions.alarms:
            for use in alarm_uses(alarm):
                yield alarm.file, use
        for dashboard in self.definitions.dashboards:
            for pointer, properties in metric_widgets(dashboard):
                for use in widget_uses(properties, pointer):
                    yield dashboard.file, use


def tag(alarm: Alarm, key: str) -> str | None:
    """The value of a tag."""
    tags: list[Any] = alarm.request.get("Tags", [])
    return next((one["Value"] for one in tags if one["Key"] == key), None)


def told(alarm: Alarm, kinds: tuple[str, ...] = TELLS) -> frozenset[str]:
    """Who an alarm tells of anything: its actions, unless they are off."""
    if alarm.request.get("ActionsEnabled", True) is False:
        return frozenset()
    return frozenset(action for kind in kinds for action in alarm.request.get(kind, ()))


def follows_conventions(alarms: Iterable[Alarm]) -> bool:
    """Whether any alarm carries the tag that marks this kit's sets."""
    return any(tag(alarm, OWN_TAG) is not None for alarm in alarms)
