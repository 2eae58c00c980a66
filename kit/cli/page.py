"""`kit page`: who was paged, and what people did about it."""

from __future__ import annotations

import json
import time

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from kit import aws
from kit.cli._options import with_settings
from kit.errors import KitError
from kit.incidents import Act, Incident, open_inbox
from kit.incidents.history import catch_up
from kit.incidents.inbox import secret_path
from kit.incidents.model import Kind
from kit.incidents.people import NAME_LENGTH, TEXT_LENGTH, myself, tidy
from kit.incidents.render import as_json, utc
from kit.incidents.subscription import PATH, confirmed, subscribe
from kit.settings import Settings

PIPED_WIDTH = 160
CONFIRMED_WITHIN_S = 10.0

json_flag = click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")
as_flag = click.option("--as", "actor", metavar="NAME", help="Who does it (default: git's user.name, or the login).")
note_flag = click.option("--note", "text", default="", help="A word on it for the timeline.")


@click.group()
def command() -> None:
    """The on-call inbox: list incidents, acknowledge, note and resolve them."""


@command.command("list")
@click.option("--all", "everything", is_flag=True, help="Resolved incidents too.")
@json_flag
@with_settings
def list_incidents(settings: Settings, everything: bool, json_wanted: bool) -> int:
    """Show the incidents, open ones first; with --json, whole timelines.

    What SNS could not deliver is taken from the alarms' history first. Exits with 2 while an incident is open.
    """
    inbox, now = open_inbox(settings), time.time()
    _catch_up(settings, now)
    found = [each for each in inbox.incidents(now) if everything or each.state != "resolved"]
    if json_wanted:
        click.echo(json.dumps([as_json(each) for each in found], indent=2, ensure_ascii=False))
    elif found:
        _print(found)
    else:
        click.echo("Nothing is open." if not everything else "No page has come in yet.")
    return 2 if any(each.state == "open" for each in found) else 0


number = click.argument("incident", type=click.IntRange(1), metavar="ID")


@command.command("ack")
@number
@note_flag
@as_flag
@json_flag
@with_settings
def acknowledge(settings: Settings, incident: int, json_wanted: bool, actor: str | None, text: str) -> int:
    """Take an incident: somebody looks at it."""
    return _act(settings, incident, "ack", text, actor=actor, json_wanted=json_wanted)


@command.command("note")
@number
@click.argument("text")
@as_flag
@json_flag
@with_settings
def note(settings: Settings, incident: int, json_wanted: bool, actor: str | None, text: str) -> int:
    """Write a line into an incident's timeline."""
    return _act(settings, incident, "note", text, actor=actor, json_wanted=json_wanted)


@command.command("resolve")
@number
@note_flag
@as_flag
@json_flag
@with_settings
def resolve(settings: Settings, incident: int, json_wanted: bool, actor: str | None, text: str) -> int:
    """Say that an incident is over. A later page of its alarms opens it again."""
    return _act(settings, incident, "resolve", text, actor=actor, json_wanted=json_wanted)


@command.command("subscribe")
@click.option("--url", help="Where SNS reaches the console (default: its address on this machine).")
@with_settings
def subscribe_inbox(settings: Settings, url: str | None) -> int:
    """Let the stage's topics post to the console. Doing it again changes nothing; `kit up` does it by itself.

    The console must be running: SNS asks it to confirm. A real account reaches no address on this machine: give the
    --url of an HTTPS proxy in front of the console, or do without, as `kit page list` reads the alarms' history.
    """
    if url is None and settings.endpoint_url is None:
        raise KitError("--url", "AWS cannot reach this machine", "Name the HTTPS address that leads to the console.")
    topics = sorted(settings.stage.actions.values())
    if not topics:
        raise KitError(f"stages/{settings.stage.name}.yaml", "actions: names no topics", "Add page and ticket.")
    base = (url or f"http://127.0.0.1:{settings.ports.console}").rstrip("/")
    endpoint = f"{base}{PATH}{secret_path(settings)}"
    sns = aws.client(settings, "sns")
    with aws.readable_errors(settings, "subscribing the inbox"):
        asked = list(subscribe(sns, topics, endpoint))
        deadline = time.monotonic() + CONFIRMED_WITHIN_S
        while not (done := confirmed(sns, topics, endpoint)) and time.monotonic() < deadline:
            time.sleep(0.2)
    if not done:
        raise KitError(f"{base}{PATH}…", "did not confirm the subscription", "Start the console, and do it again.")
    click.echo("The inbox is subscribed." if asked else "The inbox was subscribed already.")
    return 0


def _act(settings: Settings, incident: int, kind: Kind, text: str, *, actor: str | None, json_wanted: bool) -> int:
    who = (tidy(actor, NAME_LENGTH) if actor else "") or myself(settings.root)
    said = tidy(text, TEXT_LENGTH)
    if kind == "note" and not said:
        raise KitError("note", "is empty", "Say what you know.")
    stands = open_inbox(settings).act(incident, Act(time.time(), who, kind, said))
    click.echo(json.dumps(as_json(stands), indent=2, ensure_ascii=False) if json_wanted else _told(stands, kind))
    return 0


def _catch_up(settings: Settings, now: float) -> None:
    """Without an answer what is stored is shown still."""
    try:
        with aws.readable_errors(settings, "reading the alarms' history"):
            catch_up(aws.client(settings, "cloudwatch", attempts=2), open_inbox(settings), settings.stage.actions, now)
    except KitError as error:
        click.echo(f"kit: {error} What follows is what had come in.", err=True)


def _told(incident: Incident, kind: Kind) -> str:
    if kind == "note":
        return f"Incident {incident.id}: noted."
    if kind == "resolve":
        return f"Incident {incident.id} is resolved."
    took = incident.time_to_acknowledge_s
    after = f", {took:.0f} s after its first alarm" if took is not None else ""
    return f"Incident {incident.id} is acknowledged by {incident.acknowledged_by}{after}."


def _print(incidents: list[Incident]) -> None:
    table = Table(box=None, pad_edge=False)
    for title in ("ID", "STATE", "", "OPENED (UTC)", "PAGES", "ACK", "WHAT"):
        table.add_column(title, no_wrap=title != "WHAT", justify="right" if title in ("ID", "PAGES") else "left")
    for each in incidents:
        took = each.time_to_acknowledge_s
        by = f" {each.acknowledged_by}" if each.acknowledged_by else ""
        table.add_row(
            str(each.id),
            each.state,
            each.severity,
            utc(each.opened),
            str(each.pages),
            escape(f"{took:.0f} s{by}") if took is not None else "-",
            escape(each.title),
        )
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)
