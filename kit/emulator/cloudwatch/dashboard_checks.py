"""Single checks on a dashboard body, worded as the service words them (a JSON schema validator's messages)."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing wrong at ``path`` (a JSON pointer). An error refuses the dashboard, a warning does not."""

    path: str
    message: str
    error: bool = True


@dataclass(slots=True)
class Node:
    """An object of the body, and where it stands; its checks add to ``findings``, which the whole body shares."""

    value: dict[str, Any]
    path: str
    findings: list[Finding] = field(repr=False)

    def complain(self, message: str, key: str = "", *, error: bool = True) -> None:
        """Adds a finding about this object, or about its member."""
        self.findings.append(Finding(f"{self.path}/{key}" if key else self.path, message, error))

    def require(self, *keys: str) -> bool:
        """Whether all members are there."""
        missing = [key for key in keys if key not in self.value]
        for key in missing:
            self.complain(f"Should have required property '{key}'")
        return not missing

    def typed(self, key: str, kind: str) -> Any:
        """The member if it is there and of this JSON type, else None."""
        if key not in self.value:
            return None
        value = self.value[key]
        if not is_a(value, kind):
            self.complain(f"Should be {kind}", key)
            return None
        return value

    def ranged(self, key: str, kind: str, low: float, high: float | None = None) -> None:
        """A number between two bounds, both inclusive."""
        value = self.typed(key, kind)
        if value is not None and value < low:
            self.complain(f"Should be >= {low:g}", key)
        if value is not None and high is not None and value > high:
            self.complain(f"Should be <= {high:g}", key)

    def choice(self, key: str, allowed: Collection[str]) -> str | None:
        """A string out of a few."""
        value = self.typed(key, "string")
        if value is not None and value not in allowed:
            self.complain("Should be equal to one of the allowed values", key)
            return None
        return value if isinstance(value, str) else None

    def matching(self, key: str, pattern: str) -> None:
        """A string of a certain form."""
        value = self.typed(key, "string")
        if value is not None and not re.fullmatch(pattern, value):
            self.complain(f'Should match pattern "^{pattern}$"', key)

    def child(self, key: str) -> Node | None:
        """The member that is an object itself."""
        value = self.typed(key, "object")
        return None if value is None else Node(value, f"{self.path}/{key}", self.findings)

    def children(self, key: str, low: int, high: int) -> list[Node]:
        """The objects of an array of so many."""
        items = self.sized(key, low, high)
        nodes = []
        for index, value in enumerate(items):
            if isinstance(value, dict):
                nodes.append(Node(value, f"{self.path}/{key}/{index}", self.findings))
            else:
                self.complain("Should be object", f"{key}/{index}")
        return nodes

    def sized(self, key: str, low: int, high: int) -> list[Any]:
        """The items of an array of so many; none if it isn't one."""
        items: list[Any] | None = self.typed(key, "array")
        if items is None:
            return []
        if len(items) < low:
            self.complain(f"Should NOT have fewer than {low} items", key)
        if len(items) > high:
            self.complain(f"Should NOT have more than {high} items", key)
        return items


def is_a(value: Any, kind: str) -> bool:
    """Whether a decoded JSON value is of a JSON type; true and false are no numbers."""
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
