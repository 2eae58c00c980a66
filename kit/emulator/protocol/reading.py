"""From a tree of Python values, as a codec decoded it, to a handler's parameters, by the shapes of the model.

Each shape is compiled once to a closure: the same closures serve every codec, which differs only in its Leaves (how it
writes a timestamp, a blob, a number). A wrong type is an AwsError at once; a broken constraint becomes a Problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from kit.emulator.protocol.compiling import ShapeCompiler
from kit.emulator.protocol.complaints import Problem
from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.model import ServiceModel, Shape

Reader = Callable[[Any, list[Problem]], Any]
Leaf = Callable[[Any], Any]


class Leaves(Protocol):
    """How a codec represents scalars: each method returns the handler's value or raises an AwsError."""

    def string(self, value: Any) -> str: ...
    def integer(self, value: Any) -> int: ...
    def double(self, value: Any) -> float: ...
    def boolean(self, value: Any) -> bool: ...
    def timestamp(self, value: Any) -> float: ...
    def blob(self, value: Any) -> bytes: ...


def mistyped(value: Any, wanted: str) -> AwsError:
    """The framework's words for a value of another type than the model's."""
    if isinstance(value, dict):
        text = "Start of structure or map found where not expected."
    elif isinstance(value, list):
        text = "Start of list found where not expected."
    else:
        token = str(value).upper() if isinstance(value, bool) else "STRING" if isinstance(value, str) else "NUMBER"
        text = f"{token}_VALUE can not be converted to {wanted}"
    return AwsError("SerializationException", text)


class ReaderCompiler(ShapeCompiler[Reader]):
    """The readers of one model for one codec's leaves."""

    def __init__(self, model: ServiceModel, leaves: Leaves) -> None:
        super().__init__(model)
        self._leaves: Mapping[str, Leaf] = {
            "string": leaves.string,
            "integer": _whole(leaves.integer, 32),
            "long": _whole(leaves.integer, 64),
            "float": leaves.double,
            "double": leaves.double,
            "boolean": leaves.boolean,
            "timestamp": leaves.timestamp,
            "blob": leaves.blob,
        }

    def compile(self, shape: Shape) -> Reader:
        """See ShapeCompiler."""
        if shape.type == "structure":
            return self._structure(shape)
        if shape.type == "list" and shape.member is not None:
            return _list(self.of(shape.member), shape)
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            return _map(self.of(shape.key), self.of(shape.value), shape)
        leaf = self._leaves[shape.type]
        if shape.type == "string":
            return _string(leaf, shape)
        if shape.min is not None or shape.max is not None:
            return _bounded(leaf, shape)
        return lambda value, _problems: leaf(value)

    def _structure(self, shape: Shape) -> Reader:
        readers = {name: self.of(ref) for name, ref in shape.members.items()}
        required = frozenset(shape.required)

        def read(value: Any, problems: list[Problem]) -> dict[str, Any]:
            if not isinstance(value, dict):
                raise mistyped(value, "a structure")
            out: dict[str, Any] = {}
            count = len(problems)
            for name, inner in value.items():
                reader = readers.get(name)
                if reader is None or inner is None:
                    continue  # AWS ignores members it does not know
                out[name] = reader(inner, problems)
                if len(problems) != count:
                    count = _place(problems, count, name)
            if not required <= out.keys():
                missing = [name for name in shape.required if name not in out]
                problems.extend(Problem("null", "Member must not be null", None, path=[name]) for name in missing)
            return out

        return read


def _list(member: Reader, shape: Shape) -> Reader:
    def read(value: Any, problems: list[Problem]) -> list[Any]:
        if not isinstance(value, list):
            raise mistyped(value, "a list")
        out = []
        count = len(problems)
        for index, inner in enumerate(value):
            if inner is None:
                continue
            out.append(member(inner, problems))
            if len(problems) != count:
                count = _place(problems, count, index)
        _check_size(len(out), value, shape, problems)
        return out

    return read


def _map(key: Reader, member: Reader, shape: Shape) -> Reader:
    def read(value: Any, problems: list[Problem]) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise mistyped(value, "a map")
        out = {}
        count = len(problems)
        for name, inner in value.items():
            if inner is None:
                continue
            out[key(name, problems)] = member(inner, problems)
            if len(problems) != count:
                count = _place(problems, count, str(name))
        _check_size(len(out), value, shape, problems)
        return out

    return read


def _string(leaf: Leaf, shape: Shape) -> Reader:
    shortest, longest = int(shape.min or 0), shape.max if shape.max is not None else float("inf")
    allowed = frozenset(shape.enum)
    pattern = _pattern(shape.pattern)
    if not allowed and pattern is None and shortest == 0 and longest == float("inf"):
        return lambda value, _problems: leaf(value)

    def read(value: Any, problems: list[Problem]) -> str:
        text: str = leaf(value)
        if allowed and text not in allowed:
            rule = f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"
            problems.append(Problem("enum", rule, text, shape.enum))
        if not shortest <= len(text) <= longest:
            problems.append(_outside("length", "have length", len(text) < shortest, shape, text))
        if pattern is not None and not pattern.fullmatch(text):
            rule = f"Member must satisfy regular expression pattern: {shape.pattern}"
            problems.append(Problem("pattern", rule, text, shape.pattern))
        return text

    return read


def _whole(leaf: Leaf, bits: int) -> Leaf:
    largest = 2 ** (bits - 1) - 1

    def read(value: Any) -> int:
        number: int = leaf(value)
        if not -largest - 1 <= number <= largest:
            raise AwsError("SerializationException", f"{value!s:.100} is out of range for an integer of {bits} bits")
        return number

    return read


def _bounded(leaf: Leaf, shape: Shape) -> Reader:
    def read(value: Any, problems: list[Problem]) -> Any:
        number = leaf(value)
        size = len(number) if isinstance(number, bytes) else number
        if shape.min is not None and size < shape.min:
            problems.append(_outside("value", "have value", True, shape, number))
        elif shape.max is not None and size > shape.max:
            problems.append(_outside("value", "have value", False, shape, number))
        return number

    return read


def _check_size(size: int, value: Any, shape: Shape, problems: list[Problem]) -> None:
    if shape.min is not None and size < shape.min:
        problems.append(_outside("size", "have length", True, shape, value))
    elif shape.max is not None and size > shape.max:
        problems.append(_outside("size", "have length", False, shape, value))


def _outside(constraint: str, verb: str, low: bool, shape: Shape, value: Any) -> Problem:
    limit = shape.min if low else shape.max
    shown = int(limit) if limit is not None and float(limit).is_integer() else limit
    bound = "greater" if low else "less"
    rule = f"Member must {verb} {bound} than or equal to {shown}"
    return Problem(constraint, rule, value, ("less" if low else "greater", shown))


def _place(problems: list[Problem], since: int, step: str | int) -> int:
    for problem in problems[since:]:
        problem.path.insert(0, step)
    return len(problems)


def _pattern(text: str | None) -> re.Pattern[str] | None:
    """The models' patterns are Java's; one that Python can't read is left to the handler."""
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error:
        return None
