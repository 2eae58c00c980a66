"""Compare a file's content with its JSON Schema: a complaint each, naming the key and the remedy.

The wording comes from the schema: every part of it has a ``description`` that completes "must be …".
"""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from kit.definitions.schema import schema
from kit.definitions.structure import Flaw, shown, step


def schema_flaws(name: str, value: object) -> Iterator[Flaw]:
    """What in ``value`` does not agree with the schema ``name``."""
    told: set[tuple[str, str]] = set()
    for error in _validator(name).iter_errors(value):
        pointer = ""
        for key in error.absolute_path:
            pointer = step(pointer, key)
        # jsonschema reports each missing key by itself; one look at the object finds them all.
        if (pointer, str(error.validator)) not in told:
            told.add((pointer, str(error.validator)))
            yield from _flaws(error, pointer)


@cache
def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(schema(name))


def _flaws(error: ValidationError, pointer: str) -> Iterator[Flaw]:
    found: Any = error.instance
    part: Any = error.schema
    meant = part.get("description", f"what the schema says of {pointer or 'the file'}")
    match error.validator:
        case "additionalProperties":
            known = list(part.get("properties", ()))
            for key in found.keys() - set(known):
                near = get_close_matches(key, known, n=1)
                remedy = f"Did you mean {near[0]}?" if near else f"Known here are {', '.join(known)}."
                yield Flaw(step(pointer, key), f"{key} is not a known key", remedy)
        case "required":
            for key in part["required"]:
                if key not in found:
                    yield Flaw(pointer, f"{key} is missing", f"Add {key}{_example(part, key)}.")
        case "dependentRequired":
            for key, others in part["dependentRequired"].items():
                for other in others:
                    if key in found and other not in found:
                        yield Flaw(
                            pointer, f"{key!r} needs {other!r} beside it", f"Add {other}{_example(part, other)}."
                        )
        case "enum":
            near = get_close_matches(str(found), part["enum"], n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(part['enum'])}."
            yield Flaw(pointer, f"{shown(found)} is not known", remedy)
        case "minItems" if not found:
            yield Flaw(pointer, "is empty", f"Give {meant}.")
        case _:
            yield Flaw(pointer, f"must be {meant}; it is {shown(found)}")


def _example(part: Any, key: str) -> str:
    description = part.get("properties", {}).get(key, {}).get("description", "")
    return f": {description}" if description else ""
