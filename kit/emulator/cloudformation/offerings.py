"""What instance types AWS offers where: moto's EC2 reads it as it is imported, and its CloudFormation imports EC2.

That is a third of what CloudFormation costs, in memory and in time. Hardly any stack asks for it, so it is read once
somebody does. Should another version of moto keep it elsewhere, it is read as before.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any, overload

_FOLDER = "instance_type_offerings"


def import_ec2_without_them() -> None:
    """Import moto's EC2, unless that was done before."""
    utilities: Any = import_module("moto.utilities.utils")
    read = utilities.load_resource
    later: list[_Later] = []

    def load_resource(resource: str) -> Any:
        if PurePosixPath(resource).parent.parent.name != _FOLDER:
            return read(resource)
        later.append(_Later(resource, read))
        return later[-1]

    utilities.load_resource = load_resource
    try:
        import_module("moto.ec2.models")
    finally:
        utilities.load_resource = read
        for one in later:
            one.imported = True


class _Later(Sequence[Any]):
    """The offerings in ``<kind of location>/<Region>.json``; none, as long as moto is still imported."""

    def __init__(self, resource: str, read: Callable[[str], Any]) -> None:
        self.imported = False
        self._resource = resource
        self._read = read

    @cached_property
    def _rows(self) -> list[Any]:
        rows: list[Any] = self._read(self._resource)
        for row in rows:  # as moto does while it is imported
            row["LocationType"] = PurePosixPath(self._resource).parent.name
        return rows

    def __iter__(self) -> Iterator[Any]:
        return iter(self._rows if self.imported else ())

    def __len__(self) -> int:
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> Any: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Any]: ...
    def __getitem__(self, index: int | slice) -> Any:
        return self._rows[index]
