"""Compare a JSON value with a specification from ``members`` and say everything that differs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from typing import Any

from kit.definitions.members import OUTPUT_ONLY, Flag, Group, Many, Number, Spec, Text


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something wrong at a JSON pointer inside one file."""

    pointer: str
    problem: str
    remedy: str = ""


def flaws(spec: Spec, value: object, pointer: str = "") -> Iterator[Flaw]:
    """Yield what is wrong with ``value``, in the order of the file."""
    match spec:
        case Group():
            yield from _group_flaws(spec, value, pointer)
        case Many():
            yield from _many_flaws(spec, value, pointer)
        case Text():
            yield from _text_flaws(spec, value, pointer)
        case Number():
            yield from _number_flaws(spec, value, pointer)
        case Flag():
            if not isinstance(value, bool):
                yield Flaw(pointer, f"must be true or false, not {shown(value)}")


def shown(value: object) -> str:
    """``value`` as it stands in the file, cut to a readable length."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


def step(pointer: str, key: str | int) -> str:
    """The JSON pointer one step further down (RFC 6901)."""
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def _group_flaws(spec: Group, value: object, pointer: str) -> Iterator[Flaw]:
    if not isinstance(value, dict):
        yield Flaw(pointer, f"must be an object, not {shown(value)}")
        return
    for key, inner in value.items():
        if key in spec.members:
            yield from flaws(spec.members[key], inner, step(pointer, key))
        elif not spec.open:
            yield _unknown(key, spec, step(pointer, key))
    for key in spec.required:
        if key not in value:
            yield Flaw(pointer, f"{key} is missing", f"Add {key}.")


def _unknown(key: str, spec: Group, pointer: str) -> Flaw:
    if key in OUTPUT_ONLY:
        return Flaw(pointer, f"{key} is what AWS answers, never what it is given", f"Remove {key}.")
    near: list[Any] = get_close_matches(key, list(spec.members), n=1)
    remedy = f"Did you mean {near[0]}?" if near else f"Known here are {', '.join(spec.members) or 'none'}."
    return Flaw(pointer, f"{key} is not a key that AWS knows here", remedy)


def _many_flaws(spec: Many, value: object, pointer: str) -> Iterator[Flaw]:
    if not isinstance(value, list):
        yield Flaw(pointer, f"must be a list, not {shown(value)}")
        return
    if len(value) > spec.most:
        yield Flaw(pointer, f"holds {len(value)}, AWS takes {spec.most} at most")
    if len(value) < spec.least:
        yield Flaw(pointer, f"holds {len(value)}, AWS wants {spec.least} at least")
    for index, item in enumerate(value):
        yield from flaws(spec.of, item, step(pointer, index))


def _text_flaws(spec: Text, value: object, pointer: str) -> Iterator[Flaw]:
    if not isinstance(value, str):
        yield Flaw(pointer, f"must be text, not {shown(value)}")
    elif spec.choices and value not in spec.choices:
        near = get_close_matches(value, spec.choices, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(spec.choices)}."
        yield Flaw(pointer, f"{shown(value)} is not known", remedy)
    elif len(value) < spec.least:
        yield Flaw(pointer, "is empty")
    elif spec.most is not None and len(value) > spec.most:
        yield Flaw(pointer, f"is {len(value)} characters long, AWS takes {spec.most} at most")
    elif spec.pattern and not re.fullmatch(spec.pattern, value, re.DOTALL):
        yield Flaw(pointer, f"{shown(value)} is not {spec.meaning}")


def _number_flaws(spec: Number, value: object, pointer: str) -> Iterator[Flaw]:
    # JSON's true is Python's 1; AWS takes numbers only, and never as text.
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield Flaw(pointer, f"must be a number, not {shown(value)}", "Write it without quotes.")
    elif not isfinite(value):
        yield Flaw(pointer, "is too large for a number")
    elif spec.whole and value != int(value):
        yield Flaw(pointer, f"must be a whole number, not {shown(value)}")
    elif spec.least is not None and value < spec.least:
        yield Flaw(pointer, f"{shown(value)} is below {spec.least:g}")
    elif spec.most is not None and value > spec.most:
        yield Flaw(pointer, f"{shown(value)} is above {spec.most:g}")
