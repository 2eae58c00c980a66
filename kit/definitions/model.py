"""Definitions as frozen values. A request is the exact input of the AWS operation that it is named after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kit.evaluation.rule import parse_rule

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AlarmFile:
    """A metric alarm: ``request`` is PutMetricAlarm's input."""

    file: str
    request: Json

    @property
    def name(self) -> str:
        """AlarmName."""
        return str(self.request["AlarmName"])


@dataclass(frozen=True, slots=True)
class CompositeFile:
    """A composite alarm: ``request`` is PutCompositeAlarm's input."""

    file: str
    request: Json

    @property
    def name(self) -> str:
        """AlarmName."""
        return str(self.request["AlarmName"])

    @property
    def children(self) -> frozenset[str]:
        """The names of the alarms in its rule."""
        return children_of(self.request["AlarmRule"])

    @property
    def needs(self) -> frozenset[str]:
        """The alarms that must be there before this one: its children and its suppressor."""
        suppressor = self.request.get("ActionsSuppressor")
        return self.children | ({alarm_name(suppressor)} if suppressor else frozenset())


@dataclass(frozen=True, slots=True)
class DashboardFile:
    """A dashboard: ``body`` is the dashboard body; the file's name is the dashboard's."""

    file: str
    name: str
    body: Json


@dataclass(frozen=True, slots=True)
class Definitions:
    """A whole set, each kind sorted by name."""

    alarms: tuple[AlarmFile, ...] = ()
    composites: tuple[CompositeFile, ...] = ()
    dashboards: tuple[DashboardFile, ...] = ()

    @property
    def alarm_names(self) -> frozenset[str]:
        """The names of all alarms, composites too."""
        return frozenset(alarm.name for alarm in self.alarms) | {alarm.name for alarm in self.composites}


def children_of(rule: str) -> frozenset[str]:
    """The names of the alarms in an AlarmRule; of an ARN only the name at its end.

    Raises RuleError, a ValueError, if it isn't one.
    """
    return frozenset(alarm_name(child) for child in parse_rule(rule).children)


def alarm_name(reference: str) -> str:
    """The alarm's name of a name or ARN (``arn:aws:cloudwatch:<region>:<account>:alarm:<name>``)."""
    parts = reference.split(":", 6)
    if len(parts) == 7 and parts[0] == "arn" and parts[2] == "cloudwatch" and parts[5] == "alarm":
        return parts[6]
    return reference
