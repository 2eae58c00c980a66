"""In which order the resources of a template can be made: each after those that it refers to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

_IN_SUB = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[^}]*)?\}")


class CircularError(ValueError):
    """Resources that wait for each other; the text is CloudFormation's."""


def in_order(resources: Mapping[str, Mapping[str, Any]]) -> tuple[str, ...]:
    """The logical ids, by DependsOn, Ref, Fn::GetAtt and Fn::Sub, else as they are written."""
    sorter = TopologicalSorter(
        {name: [other for other in _named(resource) if other in resources] for name, resource in resources.items()}
    )
    try:
        return tuple(sorter.static_order())
    except CycleError as error:
        names = ", ".join(sorted(set(error.args[1])))
        raise CircularError(f"Circular dependency between resources: [{names}]") from error


def _named(resource: Mapping[str, Any]) -> Iterator[str]:
    depends = resource.get("DependsOn", ())
    yield from [depends] if isinstance(depends, str) else depends
    yield from _references(resource.get("Properties"))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _references(inner)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "Ref":
                yield str(inner)
            elif key == "Fn::GetAtt":
                yield str(inner[0] if isinstance(inner, list) else inner).partition(".")[0]
            elif key == "Fn::Sub":
                yield from _IN_SUB.findall(inner if isinstance(inner, str) else str(inner[0]))
                yield from _references(inner)
            else:
                yield from _references(inner)
