"""The rules of `kit check`: each registers itself, and each file in ``rules/`` holds one or a small family.

To add one, copy a sibling: decorate a generator with ``rule`` and yield what it finds. A rule about other files of a
project (of="set") gets the whole family and may read them below ``family.root``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
Of = Literal["file", "metric alarm", "composite alarm", "alarm", "dashboard", "set"]
"""What a rule is about. "alarm" is both kinds; "file" is found while the files are read."""

Look = Callable[..., Iterator[Any]]


@dataclass(frozen=True, slots=True)
class Rule:
    """``finds`` completes "Finds …"; ``why`` says what it leads to, or where the limit stands.

    ``ours`` marks a convention, judged only in a set that follows it. ``look`` takes the definition and the family and
    yields Flaws; a rule of a set takes the family and yields (file, Flaw).
    """

    id: str
    severity: Severity
    of: Of
    finds: str
    why: str
    ours: bool
    look: Look | None


_RULES: dict[str, Rule] = {}


def rule(name: str, severity: Severity, of: Of, *, finds: str, why: str, ours: bool = False) -> Callable[[Look], Look]:
    """Register what it decorates under the id ``name``."""

    def register(look: Look) -> Look:
        _add(Rule(name, severity, of, finds, why, ours, look))
        return look

    return register


def found_while_reading(name: str, severity: Severity, *, finds: str, why: str) -> None:
    """Register the id of what is found before a rule can look."""
    _add(Rule(name, severity, "file", finds, why, ours=False, look=None))


def _add(new: Rule) -> None:
    if new.id in _RULES:
        raise ValueError(f"two rules are called {new.id}")
    _RULES[new.id] = new


@cache
def all_rules() -> dict[str, Rule]:
    """Every rule by its id, in the order of the ids."""
    package = import_module("kit.definitions.checks.rules")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_RULES.items()))
