"""A dashboard's variables: what may be chosen, and the body with a choice put in.

Source: "Dashboard Body Structure and Syntax", variables: a property variable sets a key of every widget, or a dimension
of every metric row (text inside expressions and queries is no property); a pattern variable replaces what its regular
expression matches anywhere in the widgets.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from kit.charts.rows import RowError, written_out

MOST_VARIABLES = 25
FIRST = "__FIRST"
"""As a default: the first value that the search finds."""

Input = Literal["select", "input", "radio"]

_ID = re.compile(r"[0-9A-Za-z_-]{1,32}")
_UNBOUNDED = re.compile(r"(?<!\\)[*+{]")
_REPEATED_GROUP = re.compile(r"\)[*+{]")


class VariableError(ValueError):
    """A variable that cannot be applied; ``str()`` says why."""


@dataclass(frozen=True, slots=True)
class Option:
    """One value to choose, and its name for people."""

    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Variable:
    """``target`` is a property's name or a pattern. ``search`` finds more values than ``options``, as the values of
    ``populate_from``: a dimension's name. ``default`` is None when nothing is chosen to begin with.
    """

    id: str
    label: str
    kind: Literal["property", "pattern"]
    target: str
    input: Input
    options: tuple[Option, ...] = ()
    search: str | None = None
    populate_from: str | None = None
    default: str | None = None
    visible: bool = True


def read_variables(raw: Any) -> tuple[Variable, ...]:
    """The variables that can be read; any other is left out, and its widgets stay as they are written."""
    entries = raw[:MOST_VARIABLES] if isinstance(raw, list) else []
    read = [_variable(entry) for entry in entries if isinstance(entry, dict)]
    return tuple(variable for variable in read if variable is not None)


def value_of(variable: Variable, asked: str | None, options: Sequence[Option]) -> str | None:
    """The value to apply: what was asked for, else the default; None for none."""
    if asked:
        return asked
    if variable.default != FIRST:
        return variable.default
    return options[0].value if options else None


def applied(widgets: list[Any], variable: Variable, value: str) -> list[Any]:
    """A copy of a body's widgets with ``value`` in the places of ``variable``.

    Raises VariableError for a pattern that is not one, or that could take for ever.
    """
    if variable.kind == "property":
        return [_with_property(widget, variable.target, value) for widget in widgets]
    pattern = _compiled(variable.target)
    return [_replaced(widget, pattern, value) for widget in widgets]


def _variable(raw: Mapping[str, Any]) -> Variable | None:
    id_, kind = raw.get("id"), raw.get("type")
    target = raw.get(kind) if kind in ("property", "pattern") else None
    if not (isinstance(id_, str) and _ID.fullmatch(id_) and isinstance(target, str) and target):
        return None
    values = raw.get("values")
    entries = [each for each in values if isinstance(each, dict)] if isinstance(values, list) else []
    return Variable(
        id=id_,
        label=_text(raw.get("label")) or id_,
        kind="property" if kind == "property" else "pattern",
        target=target,
        input=_INPUTS.get(str(raw.get("inputType")), "input"),
        options=tuple(
            Option(each["value"], _text(each.get("label")) or each["value"])
            for each in entries
            if _text(each.get("value"))
        ),
        search=_text(raw.get("search")),
        populate_from=_text(raw.get("populateFrom")),
        default=_text(raw.get("defaultValue")),
        visible=raw.get("visible") is not False,
    )


_INPUTS: Mapping[str, Input] = {"select": "select", "radio": "radio", "input": "input"}


def _with_property(value: Any, name: str, wanted: str) -> Any:
    if isinstance(value, list):
        return [_with_property(inner, name, wanted) for inner in value]
    if not isinstance(value, dict):
        return value
    changed: dict[str, Any] = {}
    for key, inner in value.items():
        if key == name and isinstance(inner, str | int | float) and not isinstance(inner, bool):
            changed[key] = wanted
        elif key == "metrics" and isinstance(inner, list):
            changed[key] = _rows_with_dimension(_with_property(inner, name, wanted), name, wanted)
        else:
            changed[key] = _with_property(inner, name, wanted)
    return changed


def _rows_with_dimension(rows: list[Any], name: str, wanted: str) -> list[Any]:
    """The rows written out, with the dimension's value replaced; a row that cannot be read stays as it is."""
    changed: list[Any] = []
    above: tuple[str, ...] = ()
    for number, row in enumerate(rows):
        cells = [cell for cell in row if not isinstance(cell, dict)] if isinstance(row, list) else []
        if not cells:
            changed.append(row)
            continue
        try:
            above = written_out(number, cells, above)
        except RowError:
            changed.append(row)
            continue
        full = list(above)
        for place in range(2, len(full), 2):
            if full[place] == name:
                full[place + 1] = wanted
        changed.append([*full, *(cell for cell in row if isinstance(cell, dict))])
    return changed


def _replaced(value: Any, pattern: re.Pattern[str], wanted: str) -> Any:
    if isinstance(value, str):
        return pattern.sub(lambda _: wanted, value)
    if isinstance(value, list):
        return [_replaced(inner, pattern, wanted) for inner in value]
    if isinstance(value, dict):
        return {key: _replaced(inner, pattern, wanted) for key, inner in value.items()}
    return value


@lru_cache(maxsize=64)
def _compiled(text: str) -> re.Pattern[str]:
    """A pattern of which no text can make a match take long: at most one part is repeated, and no group."""
    if len(_UNBOUNDED.findall(text)) > 1 or _REPEATED_GROUP.search(text):
        raise VariableError(f"the pattern {text} repeats more than one part, which this page does not try")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # "[[" may mean something else one day
            return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise VariableError(f"the pattern {text} cannot be read: {error}") from error


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
