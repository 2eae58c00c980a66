"""How services word what is wrong with a request's members.

The wording is the services' own, as seen in their answers: the API framework's "validation errors detected" (Logs,
X-Ray, alarms and dashboards) and CloudWatch's older "The parameter ... is required." (its metric operations).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.emulator.protocol.errors import AwsError


class Key(str):
    """The step of a path to what a map holds under this key; other texts name members."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Holder:
    """The list or map that holds something wrong, as a text, and its rule for all that it holds."""

    value: str
    rule: str


@dataclass(slots=True)
class Problem:
    """One member that breaks its shape's constraint.

    ``constraint`` is ``null``, ``enum``, ``pattern``, ``length``, ``size`` or ``value``; ``rule`` says it in the
    framework's words. ``value`` is what the service shows of it, None for null. ``path`` is filled from the inside out
    while the reader unwinds. ``holder`` is there for a scalar in a list or map.
    """

    constraint: str
    rule: str
    value: str | None
    limit: Any = None
    path: list[str | int] = field(default_factory=list)
    holder: Holder | None = None


def framework(code: str, problems: Sequence[Problem]) -> AwsError:
    """``2 validation errors detected: Value 'x' at 'logGroupName' failed to satisfy constraint: ...``.

    Scalars in a list or map are not told of one by one, but it is, once: ``Value '[x, y]' at 'alarmTypes' failed to
    satisfy constraint: Member must satisfy constraint: [...]``.
    """
    parts = list(dict.fromkeys(map(_framework_part, problems)))
    count = "1 validation error" if len(parts) == 1 else f"{len(parts)} validation errors"
    return AwsError(code, f"{count} detected: {'; '.join(parts)}")


def _framework_part(problem: Problem) -> str:
    path, value, rule = problem.path, problem.value, problem.rule
    if problem.holder is not None:
        path, value, rule = path[:-1], problem.holder.value, problem.holder.rule
    shown = "null" if value is None else f"'{_cut(value)}'"
    return f"Value {shown} at '{_framework_path(path)}' failed to satisfy constraint: {rule}"


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
            text = f"The value {_cut(first.value or '')} for parameter {name} is not supported: {first.rule}."
    return AwsError("InvalidParameterValue", text)


def _framework_path(path: Sequence[str | int]) -> str:
    return ".".join(map(_framework_step, path))


def _framework_step(step: str | int) -> str:
    if isinstance(step, int):
        return f"{step + 1}.member"
    return f"{step}.member" if isinstance(step, Key) else step[:1].lower() + step[1:]


def _query_path(path: Sequence[str | int]) -> str:
    return ".".join(f"member.{p + 1}" if isinstance(p, int) else p for p in path)


def _cut(text: str) -> str:
    return text if len(text) <= 1024 else f"{text[:1024]}..."
