"""From a tree of Python values, as a codec decoded it, to a handler's parameters, by the shapes of the model.

Each shape is compiled once to a closure: the same closures serve every codec, which differs only in its Leaves (how it
writes a timestamp, a blob, a number). A wrong type is an AwsError at once; a broken constraint becomes a Problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sized
from functools import partial
from typing import Any, Protocol

from kit.emulator.protocol.compiling import ShapeCompiler
from kit.emulator.protocol.complaints import Holder, Key, Problem
from kit.emulator.protocol.errors import AwsError
from kit.emulator.protocol.java_text import JavaText
from kit.emulator.protocol.model import Ref, ServiceModel, Shape
from kit.emulator.protocol.rules import all_rules, bound_rule, enum_rule, pattern_rule, shown_bound

Reader = Callable[[Any, list[Problem]], Any]
Leaf = Callable[[Any], Any]
# What a reader has read as a service would show it.
Shown = Callable[[Any], str]

_HOLDERS = frozenset({"structure", "list", "map"})


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
        self._texts = JavaText(model.shapes)
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
        shown = partial(self._texts.of, shape=shape)
        if shape.type == "list" and shape.member is not None:
            rule = self._holder_rule("Member", shape.member)
            return _list(self.of(shape.member), shape, shown, rule)
        if shape.type == "map" and shape.key is not None and shape.value is not None:
            rules = self._holder_rule("Map keys", shape.key), self._holder_rule("Map value", shape.value)
            return _map((self.of(shape.key), self.of(shape.value)), shape, shown, rules)
        leaf = self._leaves[shape.type]
        if shape.type == "string":
            return _string(leaf, shape)
        if shape.min is not None or shape.max is not None:
            return _bounded(leaf, shape, shown)
        return lambda value, _problems: leaf(value)

    def _holder_rule(self, what: str, ref: Ref) -> str | None:
        """How a list or map says what all that it holds must be; None where each is told of by itself."""
        held = self._shapes[ref.shape]
        return None if held.type in _HOLDERS else f"{what} must satisfy constraint: {all_rules(held)}"

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


def _list(member: Reader, shape: Shape, shown: Shown, rule: str | None) -> Reader:
    def read(value: Any, problems: list[Problem]) -> list[Any]:
        if not isinstance(value, list):
            raise mistyped(value, "a list")
        out = []
        since = count = len(problems)
        for index, inner in enumerate(value):
            if inner is None:
                continue
            out.append(member(inner, problems))
            if len(problems) != count:
                count = _place(problems, count, index)
        if count != since and rule is not None:
            _hold(problems[since:], Holder(shown(out), rule))
        _check_size(out, shape, shown, problems)
        return out

    return read


def _map(readers: tuple[Reader, Reader], shape: Shape, shown: Shown, rules: tuple[str | None, str | None]) -> Reader:
    key, member = readers

    def read(value: Any, problems: list[Problem]) -> dict[Any, Any]:
        if not isinstance(value, dict):
            raise mistyped(value, "a map")
        out = {}
        of_keys: list[Problem] = []
        of_values: list[Problem] = []
        for name, inner in value.items():
            if inner is None:
                continue
            counts = len(of_keys), len(of_values)
            out[key(name, of_keys)] = member(inner, of_values)
            _place(of_keys, counts[0], Key(name))
            _place(of_values, counts[1], Key(name))
        for found, rule in zip((of_keys, of_values), rules, strict=True):
            if found and rule is not None:
                _hold(found, Holder(shown(out), rule))
            problems += found
        _check_size(out, shape, shown, problems)
        return out

    return read


def _hold(problems: list[Problem], holder: Holder) -> None:
    for problem in problems:
        problem.holder = holder


def _string(leaf: Leaf, shape: Shape) -> Reader:
    shortest, longest = int(shape.min or 0), shape.max if shape.max is not None else float("inf")
    allowed = frozenset(shape.enum)
    pattern = _pattern(shape.pattern)
    if not allowed and pattern is None and shortest == 0 and longest == float("inf"):
        return lambda value, _problems: leaf(value)

    def read(value: Any, problems: list[Problem]) -> str:
        text: str = leaf(value)
        if allowed and text not in allowed:
            problems.append(Problem("enum", enum_rule(shape), text, shape.enum))
        if not shortest <= len(text) <= longest:
            problems.append(_outside("length", len(text) < shortest, shape, text))
        if pattern is not None and not pattern.fullmatch(text):
            problems.append(Problem("pattern", pattern_rule(shape), text, shape.pattern))
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


def _bounded(leaf: Leaf, shape: Shape, shown: Shown) -> Reader:
    def read(value: Any, problems: list[Problem]) -> Any:
        number = leaf(value)
        size = len(number) if isinstance(number, bytes) else number
        if shape.min is not None and size < shape.min:
            problems.append(_outside("value", True, shape, shown(number)))
        elif shape.max is not None and size > shape.max:
            problems.append(_outside("value", False, shape, shown(number)))
        return number

    return read


def _check_size(out: Sized, shape: Shape, shown: Shown, problems: list[Problem]) -> None:
    if shape.min is not None and len(out) < shape.min:
        problems.append(_outside("size", True, shape, shown(out)))
    elif shape.max is not None and len(out) > shape.max:
        problems.append(_outside("size", False, shape, shown(out)))


def _outside(constraint: str, low: bool, shape: Shape, value: str) -> Problem:
    limit = "less" if low else "greater", shown_bound(shape, low=low)
    return Problem(constraint, bound_rule(shape, low=low), value, limit)


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
