"""The comparison as a table for people."""

from __future__ import annotations

import os
from collections.abc import Sequence

from rich.table import Table

from bench.local_aws.rows import Row


def table(rows: Sequence[Row], servers: Sequence[str]) -> Table:
    """A line a row; under each number the server's CPU time a call."""
    new = "p99: p98 to p99.99, each asked once, so never remembered"
    caption = f"{new}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the end"
    made = Table(title="The local AWS beside its peers: medians of one run, server CPU a call below", caption=caption)
    made.add_column("", overflow="fold", max_width=36)
    made.add_column("unit")
    for server in servers:
        made.add_column(server, justify="right")
    made.add_column("target")
    made.add_column("met")
    for row in rows:
        cells = [_cell(row, server) for server in servers]
        made.add_row(row.name, row.unit, *cells, str(row.target or ""), _verdict(row))
    return made


def _cell(row: Row, server: str) -> str:
    if server in row.failed:
        return f"[yellow]{row.failed[server]}[/]"
    middle, cpu = row.median(server), row.cpu(server)
    if middle is None:
        return "–"
    return _number(middle) + (f"\n[dim]{cpu:.2f} ms[/]" if cpu is not None else "")


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _verdict(row: Row) -> str:
    lines = []
    for server, met in row.verdicts().items():
        ratio = row.ratio(server)
        shown = f"{server} {ratio:.2g}×" if ratio is not None and ratio < 10 else f"{server} {ratio or 0:.0f}×"
        if met is None or row.target is None:
            lines.append(f"[yellow]{server} unknown: no number of {row.target.peer if row.target else ''}[/]")
        elif server in row.failed:
            lines.append(f"[red]{server} failed[/]")
        else:
            lines.append(f"[green]{shown} ok[/]" if met else f"[red]{shown} missed[/]")
    return "\n".join(lines)
