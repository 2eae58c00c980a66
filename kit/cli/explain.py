"""`kit explain`: why an alarm is in its state."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime

import click
from rich.console import Console

from kit import aws
from kit.backtest.explain_render import as_json, parts
from kit.backtest.explanation import explain_alarm
from kit.cli._options import with_settings
from kit.errors import KitError
from kit.settings import Settings

PIPED_WIDTH = 200
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.command()
@click.argument("alarm")
@click.option("--at", "at_text", metavar="TIME", help="A moment: 2026-11-22T10:05:00Z, or -10m for ten minutes ago.")
@click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
@with_settings
def command(settings: Settings, alarm: str, at_text: str | None, json_wanted: bool) -> int:
    """Show why ALARM is in its state: its datapoints, which were filled and how, M of N, and its children.

    The window is fetched and evaluated again; where that gives another state than CloudWatch reports, it says so.
    """
    now = time.time()
    at = moment(at_text, now) if at_text is not None else None
    cloudwatch = aws.client(settings, "cloudwatch")
    with aws.readable_errors(settings, "explaining the alarm"):
        explained = explain_alarm(cloudwatch, alarm, now, at)
    if json_wanted:
        click.echo(json.dumps(as_json(explained), indent=2, ensure_ascii=False))
        return 0
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    for part in parts(explained):
        console.print(part)
    return 0


def moment(text: str, now: float, flag: str = "--at") -> float:
    """Epoch seconds of an RFC 3339 time, or of one relative to ``now``. Raises KitError; the future is refused too.

    ``flag`` is what complaints name.
    """
    relative = re.fullmatch(r"-(\d{1,9})([smhd])", text)
    if relative:
        return max(0.0, now - int(relative[1]) * _UNITS[relative[2]])
    remedy = "Write 2026-11-22T10:05:00Z, or -10m for ten minutes ago."
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise KitError(flag, f"{text!r} is no moment", remedy) from None
    if parsed.tzinfo is None:
        raise KitError(flag, f"{text!r} says no time zone", "Add Z for UTC.")
    if parsed.timestamp() > now:
        raise KitError(flag, f"{text} is in the future", remedy)
    return max(0.0, parsed.timestamp())
