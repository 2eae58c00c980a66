"""How services word what is wrong with a request's members.

The wording is the services' own, as seen in their answers: the API framework's "validation errors detected" (Logs,
X-Ray, alarms and dashboards) and CloudWatch's older "The parameter ... is required." (its metric operations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.emulator.protocol.errors import AwsError


@dataclass(slots=True)
class Problem:
    """One member that breaks its shape's constraint.

    ``constraint`` is ``null``, ``enum``, ``pattern``, ``length``, ``size`` or ``value``; ``rule`` says it in the
    framework's words. ``path`` is filled from the inside out while the reader unwinds.
    """

    constraint: str
    rule: str
    value: Any
    limit: Any = None
    path: list[str | int] = field(default_factory=list)


def framework(code: str, problems: Sequence[Problem]) -> AwsError:
    """``2 validation errors detected: Value 'x' at 'logGroupName' failed to satisfy constraint: ...``."""
    parts = [
        f"Value {_shown(p.value)} at '{_framework_path(p.path)}' failed to satisfy constraint: {p.rule}"
        for p in problems
    ]
    count = "1 validation error" if len(parts) == 1 else f"{len(parts)} validation errors"
    return AwsError(code, f"{count} detected: {'; '.join(parts)}")


def metrics(problems: Sequence[Problem]) -> AwsError:
    """``The parameter MetricData.member.1.Unit must be a value in the set [...]``: the first problem only."""
    first = problems[0]
    name = _query_path(first.path)
    match first.constraint:
        case "null":
            return AwsError("MissingParameter", f"The parameter {name} is required.")
        case "enum":
            text = f"The parameter {name} must be a value in the set [ {', '.join(first.limit)} ]."
        case "size":
            bound, limit = first.limit
            text = f"The collection {name} must not have a size {bound} than {limit}."
        case "length":
            bound, limit = first.limit
            text = f"The parameter {name} must not have a length {bound} than {limit}."
        case _:
            text = f"The value {_plain(first.value)} for parameter {name} is not supported: {first.rule}."
    return AwsError("InvalidParameterValue", text)


def _framework_path(path: Sequence[str | int]) -> str:
    return ".".join(f"{p + 1}.member" if isinstance(p, int) else p[:1].lower() + p[1:] for p in path)


def _query_path(path: Sequence[str | int]) -> str:
    return ".".join(f"member.{p + 1}" if isinstance(p, int) else p for p in path)


def _shown(value: Any) -> str:
    return "null" if value is None else f"'{_plain(value)}'"


def _plain(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 1024 else f"{text[:1024]}..."
