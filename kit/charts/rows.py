"""The rows of a metric widget, with their shorthand written out.

``"."`` repeats the cell above; ``"..."`` repeats the row above from its start, so that the cells after it line up with
that row's end. An expression row is no row above: the last metric row is carried past it.
Source: "Dashboard Body Structure and Syntax", metrics array format; ``"..."`` as the console exports it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Axis = Literal["left", "right"]

_ID = re.compile(r"[a-z][A-Za-z0-9_]*")
_HEX = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")


class RowError(ValueError):
    """A row that cannot be read; ``str()`` names it by number, counted from 0 as in a JSON pointer."""


@dataclass(frozen=True, slots=True)
class Row:
    """A metric (``cells``: namespace, name, then dimension names and values by turns) or an ``expression``.

    ``period`` is in seconds; None means the widget's. ``color`` is a hex colour or None.
    """

    cells: tuple[str, ...] = ()
    expression: str | None = None
    id: str | None = None
    label: str | None = None
    color: str | None = None
    stat: str | None = None
    period: int | None = None
    visible: bool = True
    axis: Axis = "left"
    region: str | None = None
    account: str | None = None

    @property
    def dimensions(self) -> tuple[tuple[str, str], ...]:
        """Dimension names and values, in the order written."""
        return tuple(zip(self.cells[2::2], self.cells[3::2], strict=True))


def expand_rows(rows: Sequence[Any]) -> tuple[Row, ...]:
    """Write the shorthand of a ``metrics`` array out.

    Raises RowError for a row that is no list, a shorthand with nothing to repeat, or a metric that is not whole.
    """
    expanded: list[Row] = []
    above: tuple[str, ...] = ()
    for number, raw in enumerate(rows):
        if not isinstance(raw, list) or not raw:
            raise RowError(f"metrics/{number}: must be a list with at least one entry")
        options = raw[-1] if isinstance(raw[-1], dict) else {}
        cells = raw[:-1] if isinstance(raw[-1], dict) else raw
        if not cells:
            expanded.append(_row(number, (), options))
            continue
        above = written_out(number, cells, above)
        expanded.append(_row(number, above, options))
    _unique_ids(expanded)
    return tuple(expanded)


def hex_color(value: Any) -> str | None:
    """The colour if it is a hex colour, which is all that CloudWatch takes; else None."""
    return value if isinstance(value, str) and _HEX.fullmatch(value) else None


def written_out(number: int, cells: list[Any], above: tuple[str, ...]) -> tuple[str, ...]:
    """Row ``number``'s cells without shorthand, given the metric row ``above`` it. Raises RowError."""
    if not all(isinstance(cell, str) for cell in cells):
        raise RowError(f"metrics/{number}: every entry but the last must be text")
    if cells[0] == "...":
        rest = cells[1:]
        if len(rest) > len(above) or not above:
            raise RowError(f'metrics/{number}: "..." has no longer row above to repeat')
        kept = len(above) - len(rest)
        cells = [*above[:kept], *rest]
    if "..." in cells:
        raise RowError(f'metrics/{number}: "..." may only stand first')
    full: list[str] = []
    for place, cell in enumerate(cells):
        if cell == "." and place >= len(above):
            raise RowError(f'metrics/{number}/{place}: "." has nothing above it to repeat')
        full.append(above[place] if cell == "." else cell)
    if len(full) < 2 or len(full) % 2:
        raise RowError(f"metrics/{number}: needs a namespace, a metric name, and dimensions in pairs")
    return tuple(full)


def _row(number: int, cells: tuple[str, ...], options: Mapping[str, Any]) -> Row:
    expression = options.get("expression")
    if not cells and not (isinstance(expression, str) and expression.strip()):
        raise RowError(f"metrics/{number}: has neither a metric nor an expression")
    own_id = options.get("id")
    if own_id is not None and not (isinstance(own_id, str) and _ID.fullmatch(own_id)):
        raise RowError(f"metrics/{number}: id must be letters, digits and _, the first a lower-case letter")
    period = options.get("period")
    if period is not None and (not isinstance(period, int) or isinstance(period, bool) or period < 1):
        raise RowError(f"metrics/{number}: period must be a whole number of seconds")
    return Row(
        cells=cells,
        expression=None if cells else expression,
        id=own_id,
        label=_text(options.get("label")),
        color=hex_color(options.get("color")),
        stat=_text(options.get("stat")),
        period=period,
        visible=options.get("visible") is not False,
        axis="right" if options.get("yAxis") == "right" else "left",
        region=_text(options.get("region")),
        account=_text(options.get("accountId")),
    )


def _unique_ids(rows: Sequence[Row]) -> None:
    seen: set[str] = set()
    for number, row in enumerate(rows):
        if row.id in seen:
            raise RowError(f"metrics/{number}: the id {row.id} is used twice")
        if row.id:
            seen.add(row.id)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
