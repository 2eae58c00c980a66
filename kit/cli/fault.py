"""`kit fault`: set and lift faults in the running services."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import click
import urllib3
from rich.console import Console
from rich.table import Table

from kit.cli._options import with_settings
from kit.errors import KitError
from kit.settings import Settings

TIMEOUT_S = 3.0
T = TypeVar("T")
json_flag = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


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
@click.argument("name")
@click.option("--percent", type=click.FloatRange(0, 100, min_open=True), help="Share of the requests to hit.")
@click.option("--ms", type=click.IntRange(1, 60_000), help="How long, for a fault that takes time.")
@click.option("--operation", help="Hit this operation only, e.g. 'POST /charges'.")
@click.option("--client", help="Hit this client only: its X-Client-Id header, or its address.")
@click.option("--expires", type=click.FloatRange(1, 3600), help="Seconds until it ends by itself (default: 600).")
@json_flag
@with_settings
def set_fault(settings: Settings, name: str, as_json: bool, **dials: Any) -> int:
    """Set a fault in the services that know it."""
    body = {
        "percent": dials["percent"],
        "ms": dials["ms"],
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
@click.argument("name", required=False)
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


@dataclass(frozen=True, slots=True)
class Control:
    """The fault control of one service, spoken to over HTTP. Its methods raise KitError."""

    service: str
    url: str
    token: str

    def listing(self) -> dict[str, Any]:
        """What the service knows and what is set."""
        listing = self._call("GET", "")
        if not isinstance(listing, dict) or not {"service", "known", "active"} <= listing.keys():
            raise KitError(self._where, "not a listing of faults", "Is another program on that port?")
        return listing

    def put(self, name: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Set a fault; answers it as it stands."""
        entry: dict[str, Any] = self._call("PUT", f"/{name}", body)
        return entry

    def delete(self, name: str | None = None) -> str:
        """Lift one fault or all; answers the service's name."""
        self._call("DELETE", f"/{name}" if name else "")
        return self.service

    @property
    def _where(self) -> str:
        return f"{self.service}'s fault control {self.url}"

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            answer = urllib3.request(
                method,
                f"{self.url}/v1/faults{path}",
                headers={"Authorization": f"Bearer {self.token}"},
                json=body,
                timeout=TIMEOUT_S,
                retries=False,
                redirect=False,
            )
            said = json.loads(answer.data) if answer.data else None
        except urllib3.exceptions.HTTPError as error:
            raise KitError(self._where, "no answer", "Start the stack with `make up`.") from error
        except ValueError as error:
            raise KitError(self._where, "an answer that is not JSON", "Is another program on that port?") from error
        if answer.status == 401:
            raise KitError(self._where, "the token is not accepted", "Set FAULTS_TOKEN to the one it was started with.")
        if answer.status >= 400:
            detail = said.get("detail") if isinstance(said, dict) else None
            raise KitError(self._where, detail or f"status {answer.status}")
        return said


def _controls(settings: Settings) -> tuple[Control, Control]:
    if settings.stage.faults != "allowed":
        raise KitError(
            f"stages/{settings.stage.name}.yaml", "faults: this stage refuses them", "Choose a stage that allows them."
        )
    token = settings.faults_token or _token_of_the_stack(settings)
    if not re.fullmatch(r"[!-~]+", token):
        raise KitError("FAULTS_TOKEN", "not a token", "Set it to the one that the services were started with.")
    shop, payments = settings.ports.shop_faults, settings.ports.payments_faults
    return (
        Control("shop", f"http://127.0.0.1:{shop}", token),
        Control("payments", f"http://127.0.0.1:{payments}", token),
    )


def _token_of_the_stack(settings: Settings) -> str:
    path = settings.state_dir / "faults-token"
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        raise KitError(
            ".kit/faults-token", "not there", "Start the stack with `make up`, or set FAULTS_TOKEN."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise KitError(".kit/faults-token", f"cannot be read: {error}", "Set FAULTS_TOKEN instead.") from error


def _ask_all(settings: Settings, ask: Callable[[Control], T]) -> list[T]:
    """Ask every control, then complain of those that failed: one that is down must not keep a fault of another set."""
    answers: list[T] = []
    failures: list[KitError] = []
    for control in _controls(settings):
        try:
            answers.append(ask(control))
        except KitError as error:
            failures.append(error)
    if failures:
        raise failures[0]
    return answers


def _where_known(settings: Settings, name: str, ask: Callable[[Control], T]) -> dict[str, T]:
    """Ask the controls that know a fault; by service."""
    knowing: list[Control] = []
    names: set[str] = set()
    for control in _controls(settings):
        known = {fault["name"] for fault in control.listing()["known"]}
        names |= known
        if name in known:
            knowing.append(control)
    if not knowing:
        raise KitError(name, "no service knows this fault", f"Known are {', '.join(sorted(names))}.")
    return {control.service: ask(control) for control in knowing}


def _now(entry: Mapping[str, Any]) -> str:
    """A fault as it is set, in a few words."""
    units = (("percent", "%"), ("ms", "ms"))
    dials = [f"{entry[key]:g} {unit}" for key, unit in units if entry[key] is not None]
    scope = [f"{key} {value}" for key, value in entry["scope"].items()]
    return ", ".join([*dials, *scope, f"ends in {entry['expires_in_s']:.0f} s"])
