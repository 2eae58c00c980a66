"""Read one YAML file strictly, as JSON types only, and remember in which line each value stands."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from kit.definitions.complaints import Complaint
from kit.definitions.structure import step

MERGE = "tag:yaml.org,2002:merge"


@dataclass(frozen=True, slots=True)
class Document:
    """What a file holds, and the line (from 1) at which the value behind a JSON pointer begins."""

    value: Any
    lines: dict[str, int]

    def complaint(self, file: str, pointer: str, problem: str, remedy: str = "") -> Complaint:
        """A complaint that names the line too: the one of the value, or of what should hold it."""
        at = pointer
        while at not in self.lines:
            at = at.rpartition("/")[0]
        return Complaint(file, pointer, f"line {self.lines[at]}: {problem}", remedy)


class _RefusedError(ValueError):
    """YAML that means something else than it seems to."""


class _Loader(yaml.SafeLoader):
    """Knows null, true, false and decimal numbers; ``on``, ``1:30`` and dates stay text."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's own way: a class's table


def _resolve(tag: str, pattern: str, first: str) -> None:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"), list(first))


_resolve("bool", "true|false", "tf")
_resolve("int", r"[-+]?(?:0|[1-9]\d*)", "-+0123456789")
_resolve("float", r"[-+]?\d+\.\d+(?:[eE][-+]?\d+)?", "-+0123456789")
_resolve("null", "~|null|", "~n")
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile("^$"), [""])
_Loader.add_implicit_resolver(MERGE, re.compile("^<<$"), ["<"])


def read_yaml(path: Path, file: str) -> Document | Complaint:
    """The one document that a file holds, or what is wrong with the file. ``file`` is how complaints call it."""
    try:
        loader = _Loader(path.read_text(encoding="utf-8-sig"))
        try:
            node = loader.get_single_node()
            if node is None:
                return Complaint(file, "", "is empty", "Write alarms: and cases: into it.")
            lines: dict[str, int] = {}
            return Document(_value(loader, node, "", lines), lines)
        finally:
            loader.dispose()
    except (OSError, ValueError, RecursionError, yaml.YAMLError) as error:
        return _unreadable(file, error)


def _value(loader: _Loader, node: yaml.Node, pointer: str, lines: dict[str, int]) -> Any:
    lines[pointer] = node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        return [_value(loader, item, step(pointer, index), lines) for index, item in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        _refuse_twins(node)
        loader.flatten_mapping(node)
        return {name: _value(loader, inner, step(pointer, name), lines) for name, inner in _pairs(node)}
    return loader.construct_object(node)


def _pairs(node: yaml.MappingNode) -> Iterator[tuple[str, yaml.Node]]:
    for key, inner in node.value:
        if not isinstance(key, yaml.ScalarNode):
            raise _RefusedError(f"line {key.start_mark.line + 1}: a key must be a text")
        yield key.value, inner


def _refuse_twins(node: yaml.MappingNode) -> None:
    seen: set[str] = set()
    for name, inner in _pairs(node):
        if name in seen:
            raise _RefusedError(f"line {inner.start_mark.line + 1}: the key {name!r} is written twice")
        seen.add(name)


def _unreadable(file: str, error: Exception) -> Complaint:
    match error:
        case yaml.MarkedYAMLError():
            mark = error.problem_mark
            place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
            return Complaint(file, "", f"{place}{error.problem}", "Mend the YAML there.")
        case UnicodeDecodeError():
            return Complaint(file, "", f"byte {error.start} is not UTF-8", "Save the file as UTF-8.")
        case OSError():
            return Complaint(file, "", f"cannot be read: {error.strerror}")
        case RecursionError():
            return Complaint(file, "", "is nested too deeply, or within itself")
    return Complaint(file, "", str(error), "Mend the YAML there.")
