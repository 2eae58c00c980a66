"""The JSON Schemas of the files that people write, printed by ``kit schema NAME`` and used to check those files."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from kit.errors import KitError

SUFFIX = ".json"


def names() -> tuple[str, ...]:
    """The names that ``schema`` takes."""
    found = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(name.removesuffix(SUFFIX) for name in found if name.endswith(SUFFIX)))


def text(name: str) -> str:
    """The schema as it stands in its file. Raises KitError for an unknown name."""
    if name not in names():
        raise KitError("schema", f"{name!r} is not known", f"Known are {', '.join(names())}.")
    return files(__name__).joinpath(name + SUFFIX).read_text(encoding="utf-8")


@cache
def schema(name: str) -> dict[str, Any]:
    """The schema, not to be changed. Raises KitError for an unknown name."""
    parsed: dict[str, Any] = json.loads(text(name))
    return parsed
