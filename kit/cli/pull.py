"""`kit pull`: an alarm or a dashboard as it is live, into its file."""

from __future__ import annotations

import json

import click

from kit.cli._options import with_settings
from kit.deploy.live import Live
from kit.deploy.pull import Pulled, pull
from kit.deploy.stage import Account, reach
from kit.errors import KitError
from kit.settings import Settings


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option("--overwrite", is_flag=True, help="Replace files that say something else.")
@click.option("--json", "as_json", is_flag=True, help="Print what was written as JSON.")
@with_settings
def command(settings: Settings, names: tuple[str, ...], overwrite: bool, as_json: bool) -> int:
    """Write what is live under these names into alarms/ and dashboards/, with the stand-ins that files hold.

    A file that is there already is replaced with --overwrite only. All are read and checked before one is written.
    """
    account = reach(settings)
    live = account.read(also=names)
    found = [one for name in dict.fromkeys(names) for one in _pulled(account, live, name)]
    written = []
    for one in found:
        path = settings.root / one.file
        if path.exists() and not overwrite and not _says(path.read_text(encoding="utf-8"), one.text):
            raise KitError(
                one.file, "is there already, and says something else: nothing was written", "Add --overwrite."
            )
    for one in found:
        path = settings.root / one.file
        action = "wrote"
        if path.exists():
            action = "unchanged" if _says(path.read_text(encoding="utf-8"), one.text) else "replaced"
        if action != "unchanged":
            path.write_text(one.text, encoding="utf-8")
        written.append({"action": action, "kind": one.kind, "name": one.name, "file": one.file})
        if not as_json:
            click.echo(f"{action:<9}  {one.file}")
    if as_json:
        click.echo(json.dumps(written, indent=2, ensure_ascii=False))
    return 0


def _pulled(account: Account, live: Live, name: str) -> tuple[Pulled, ...]:
    settings, definitions = account.settings, account.definitions
    files = {one.name: one.file for one in definitions.alarms} | {one.name: one.file for one in definitions.composites}
    return tuple(pull(name, live, settings.stage, settings.region, account.owner.set, files))


def _says(text: str, other: str) -> bool:
    try:
        return bool(json.loads(text) == json.loads(other))
    except ValueError:
        return False
