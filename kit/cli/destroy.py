"""`kit destroy`: take away from a stage what is ours."""

from __future__ import annotations

import json

import click

from kit.cli._applying import Applying
from kit.cli._options import with_settings
from kit.deploy.destroy import delete_topics, prepare_destroy
from kit.deploy.render import change_json
from kit.deploy.stage import Prepared
from kit.errors import KitError
from kit.settings import Settings


@click.command()
@click.option("--yes", is_flag=True, help="Do it without asking; a protected stage's name must be typed all the same.")
@click.option("--topics", is_flag=True, help="The on-call topics that kit created, too.")
@click.option("--json", "as_json", is_flag=True, help="Print what was deleted as JSON.")
@with_settings
def command(settings: Settings, yes: bool, topics: bool, as_json: bool) -> int:
    """Delete every alarm and dashboard of this set from a stage, in a file or not; nothing that isn't ours.

    They are listed first. On the local stage and with --yes it is asked for nothing; on any other the stage's name must
    be typed. Metrics, logs and traces stay: AWS lets them age out.
    """
    prepared = prepare_destroy(settings, topics=topics)
    for change in prepared.changes:
        click.echo(f"- {change.kind:<9}  {change.name}", err=True)
    for arn in prepared.topics:
        click.echo(f"- topic      {arn}", err=True)
    if prepared.changes or prepared.topics:
        _confirm(settings, prepared, yes)
    work = Applying(prepared, quiet=as_json, nothing="Nothing here is ours.")
    gone = []
    try:
        work.run()
        for arn in delete_topics(prepared):
            gone.append(arn)
            click.echo(f"deleted    topic      {arn}", err=as_json)
    finally:
        if as_json:
            deleted = [change_json(one.change) for one in work.done]
            click.echo(json.dumps({"stage": settings.stage.name, "deleted": deleted, "topics": gone}, indent=2))
    return 0


def _confirm(settings: Settings, prepared: Prepared, yes: bool) -> None:
    stage = settings.stage
    place = f"stage {stage.name} (account {stage.account}, {settings.region})"
    click.echo(f"From {place}: {len(prepared.changes) + len(prepared.topics)} to delete.", err=True)
    if yes and not stage.protected:
        return
    if stage.local:
        click.confirm("Delete them?", abort=True, err=True)
    elif click.prompt("Type the stage's name to delete them", err=True, default="", show_default=False) != stage.name:
        raise KitError(f"stage {stage.name}", "its name was not typed: nothing was deleted", "Type it to go on.")
