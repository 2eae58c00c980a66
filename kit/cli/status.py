"""`kit status`: what runs, whether it answers, and what it weighs."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass

import click
from rich.console import Console
from rich.table import Table

from kit.cli._options import with_settings
from kit.settings import Settings
from kit.stack import lock, memory, supervision
from kit.stack.processes import processes
from kit.stack.readiness import answers

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Row:
    """One supervised program as `kit status` shows it; memory in bytes (PSS)."""

    name: str
    state: str
    pid: int
    up_s: int
    answers: bool | None
    url: str
    memory: int


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def command(settings: Settings, as_json: bool) -> int:
    """Show what runs here and what it weighs (PSS). Exits with 1 when something doesn't run or answer."""
    running = supervision.ask(settings.root)
    if running is None:
        click.echo('{"running": false}' if as_json else "Nothing runs here. Start it with `make up`.")
        return 1
    programs = {p.name: p for p in processes(settings, "")}
    rows = [
        Row(
            r.name,
            r.state,
            r.pid,
            int(time.time() - r.since) if r.pid else 0,
            answers(programs[r.name].health) if r.name in programs and programs[r.name].health else None,
            programs[r.name].url if r.name in programs else "",
            memory.weight(r.pid) if r.pid else 0,
        )
        for r in running
    ]
    own = [pid for pid in (supervision.supervisor_pid(settings.root), lock.holder(settings.state_dir)) if pid]
    overhead = sum(memory.alone(pid) for pid in own)
    total = overhead + sum(row.memory for row in rows)
    healthy = all(row.state == "RUNNING" and row.answers is not False for row in rows)
    if as_json:
        document = {
            "running": True,
            "healthy": healthy,
            "programs": [asdict(row) for row in rows],
            "supervision_bytes": overhead,
            "total_bytes": total,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        _show(rows, overhead, total)
    return 0 if healthy else 1


def _show(rows: list[Row], overhead: int, total: int) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("program", "state", "answers", "up", "address"):
        table.add_column(title)
    table.add_column("memory", justify="right")
    for row in rows:
        word = {True: "yes", False: "no", None: "-"}[row.answers]
        table.add_row(row.name, row.state, word, f"{row.up_s} s", row.url, f"{row.memory / MIB:.0f} MB")
    table.add_row("supervision", "", "", "", "", f"{overhead / MIB:.0f} MB")
    table.add_row("together", "", "", "", "", f"{total / MIB:.0f} MB", style="bold")
    Console(highlight=False).print(table)
