"""`kit alarms`: the alarms of a stage with their states and reasons."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from kit import aws
from kit.cli._options import with_settings
from kit.deploy.states import AlarmNow, as_tree, read_states
from kit.settings import Settings

STYLES = {"ALARM": "bold red", "OK": "green", "INSUFFICIENT_DATA": "dim"}
PIPED_WIDTH = 200
"""Columns when nobody looks: reasons shall not be folded at 80."""


@click.command()
@click.option("--firing", is_flag=True, help="Only those in ALARM.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@with_settings
def command(settings: Settings, firing: bool, as_json: bool) -> int:
    """Show each alarm's state, since when, and why; children stand below their composite.

    One that is held back is in ALARM, and its suppressor keeps it from telling anybody.
    """
    cloudwatch = aws.client(settings, "cloudwatch")
    with aws.readable_errors(settings, "reading the alarms"):
        alarms = read_states(cloudwatch)
    some = bool(alarms)
    if firing:
        alarms = tuple(alarm for alarm in alarms if alarm.state == "ALARM")
    if as_json:
        click.echo(json.dumps([_document(alarm) for alarm in alarms], indent=2, ensure_ascii=False))
    elif alarms:
        _show(alarms)
    else:
        click.echo("No alarm fires." if some else "There are no alarms. `kit apply` puts those of alarms/ there.")
    return 0


def _show(alarms: Sequence[AlarmNow]) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column("alarm", overflow="fold")
    table.add_column("state", no_wrap=True)
    table.add_column("since (UTC)", no_wrap=True)
    table.add_column("reason", overflow="fold")
    for depth, alarm in as_tree(alarms):
        branch = "  " * (depth - 1) + "└ " if depth else ""
        # Text, not str: what stands in a reason is no markup.
        table.add_row(
            Text(branch + alarm.name),
            Text(alarm.state, STYLES.get(alarm.state, "")),
            f"{alarm.since:%Y-%m-%d %H:%M:%S}",
            Text(f"Held back by {alarm.suppressor}. {alarm.reason}" if alarm.held_back else alarm.reason),
        )
    console.print(table)


def _document(alarm: AlarmNow) -> dict[str, Any]:
    return {
        "name": alarm.name,
        "type": "composite" if alarm.composite else "metric",
        "state": alarm.state,
        "since": alarm.since.isoformat(),
        "reason": alarm.reason,
        "children": list(alarm.children),
        "held_back_by": alarm.suppressor if alarm.held_back else None,
    }
