"""`kit fault`: set and lift faults in the running services."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from kit.cli._options import find_root, with_settings
from kit.errors import KitError
from kit.gameday.controls import Control, ask_all, controls
from kit.settings import Settings, load

T = TypeVar("T")
UNITS = {"percent": " %", "ms": " ms", "mb": " MiB", "n": ""}
"""The dials of faults, and what they count."""
json_flag = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def _names(_context: click.Context, _parameter: click.Parameter, typed: str) -> list[str]:
    """The names of faults that begin like this, for the shell's completion; none while nothing runs."""
    try:
        listings = _ask_all(load(os.environ, find_root(Path.cwd())), lambda control: control.listing())
    except KitError:
        return []
    names = {known["name"] for listing in listings for known in listing["known"]}
    return sorted(name for name in names if name.startswith(typed))


@click.group()
def command() -> None:
    """Break something on purpose, for a while: list, set and lift faults."""


@command.command("list")
@json_flag
@with_settings
def list_faults(settings: Settings, as_json: bool) -> int:
    """Show the faults that the services know and those that are set."""
    listings = _ask_all(settings, lambda control: control.listing())
    if as_json:
        click.echo(json.dumps({listing["service"]: listing for listing in listings}, indent=2))
        return 0
    table = Table(box=None, pad_edge=False)
    for title in ("FAULT", "SERVICE", "NOW", "WHAT IT DOES"):
        table.add_column(title, no_wrap=title != "WHAT IT DOES")
    for listing in listings:
        active = {entry["name"]: entry for entry in listing["active"]}
        for known in listing["known"]:
            now = active.get(known["name"])
            table.add_row(known["name"], listing["service"], _now(now) if now else "-", known["summary"])
    Console(highlight=False, markup=False).print(table)
    return 0


@command.command("set")
@click.argument("name", shell_complete=_names)
@click.option("--percent", type=click.FloatRange(0, 100, min_open=True), help="Share of the requests to hit.")
@click.option("--ms", type=click.IntRange(0), help="Milliseconds, for a fault that takes time.")
@click.option("--mb", type=click.IntRange(0), help="Mebibytes, for a fault that takes memory.")
@click.option("--n", type=click.IntRange(0), help="A number; of what, docs/faults.md says for each fault.")
@click.option("--operation", help="Hit this operation only, e.g. 'POST /charges'.")
@click.option("--client", help="Hit this client only: its X-Client-Id header, or its address.")
@click.option("--expires", type=click.FloatRange(1, 3600), help="Seconds until it ends by itself (default: 600).")
@json_flag
@with_settings
def set_fault(settings: Settings, name: str, as_json: bool, **dials: Any) -> int:
    """Set a fault in the services that know it."""
    body = {
        **{dial: dials[dial] for dial in UNITS},
        "expires_in_s": dials["expires"],
        "scope": {key: dials[key] for key in ("operation", "client") if dials[key]},
    }
    given = {key: value for key, value in body.items() if value is not None}
    done = _where_known(settings, name, lambda control: control.put(name, given))
    if as_json:
        click.echo(json.dumps(done, indent=2))
    else:
        for service, entry in done.items():
            click.echo(f"{name} is set in {service}: {_now(entry)}.")
    return 0


@command.command("lift")
@click.argument("name", required=False, shell_complete=_names)
@click.option("--all", "everything", is_flag=True, help="Lift every fault there is.")
@json_flag
@with_settings
def lift(settings: Settings, name: str | None, everything: bool, as_json: bool) -> int:
    """Lift one fault, or with --all every one."""
    if everything == (name is not None):
        raise click.UsageError("Name one fault, or say --all.")
    if name is None:
        services = _ask_all(settings, lambda control: control.delete())
    else:
        services = list(_where_known(settings, name, lambda control: control.delete(name)))
    if as_json:
        click.echo(json.dumps({"lifted": name or "all", "services": services}))
    else:
        click.echo(f"{name or 'Every fault'} is lifted in {' and '.join(services)}.")
    return 0


def _ask_all(settings: Settings, ask: Callable[[Control], T]) -> list[T]:
    return ask_all(controls(settings), ask)


def _where_known(settings: Settings, name: str, ask: Callable[[Control], T]) -> dict[str, T]:
    """Ask the controls that know a fault; by service."""
    knowing: list[Control] = []
    names: set[str] = set()
    for control in controls(settings):
        known = {fault["name"] for fault in control.listing()["known"]}
        names |= known
        if name in known:
            knowing.append(control)
    if not knowing:
        raise KitError(name, "no service knows this fault", f"Known are {', '.join(sorted(names))}.")
    return {control.service: ask(control) for control in knowing}


def _now(entry: Mapping[str, Any]) -> str:
    """A fault as it is set, in a few words."""
    dials = [
        f"{'n = ' if dial == 'n' else ''}{entry[dial]:g}{unit}"
        for dial, unit in UNITS.items()
        if entry.get(dial) is not None
    ]
    scope = [f"{key} {value}" for key, value in entry["scope"].items()]
    return ", ".join([*dials, *scope, f"ends in {entry['expires_in_s']:.0f} s"])
