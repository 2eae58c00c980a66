"""`kit apply`: make the alarms and dashboards of a stage what the files say."""

from __future__ import annotations

import json
from typing import Any

import click

from kit.cli._options import with_settings
from kit.deploy.apply import Done
from kit.deploy.plan import Change, needed
from kit.deploy.render import change_json, difference_lines, done_line, plan_lines, summary
from kit.deploy.stage import carry_out, prepare
from kit.errors import KitError
from kit.settings import Settings


@click.command()
@click.option("--yes", is_flag=True, help="Do it without asking; a protected stage takes nothing less.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@with_settings
def command(settings: Settings, yes: bool, as_json: bool) -> int:
    """Apply alarms/ and dashboards/ to a stage, at practice scale where the stage says so.

    Every file is read and checked, and the plan made, before the first write. The local stage is applied at once; any
    other must be confirmed, after STS has confirmed the account.
    """
    prepared = prepare(settings)
    if not settings.stage.local and needed(prepared.changes):
        _confirm(settings, prepared.changes, yes)
    done: list[Done] = []
    for one in carry_out(settings, prepared):
        if not done and not as_json:
            for arn in prepared.topics:
                click.echo(f"created    topic      {arn}")
        done.append(one)
        if not as_json:
            _tell(one)
    if as_json:
        click.echo(json.dumps(_document(settings, prepared.topics, done), indent=2, ensure_ascii=False))
    return 0


def _confirm(settings: Settings, changes: tuple[Change, ...], yes: bool) -> None:
    """Show the plan, to standard error so that --json stays clean, and go on only with a yes."""
    stage = settings.stage
    for line in plan_lines(changes):
        click.echo(line, err=True)
    place = f"stage {stage.name} (account {stage.account}, {settings.region})"
    click.echo(f"For {place}: {summary(changes)}.", err=True)
    if yes:
        return
    if stage.protected:
        raise KitError(
            f"stages/{stage.name}.yaml",
            "the stage is protected: nothing was written",
            "Read the plan above, then run it again with --yes.",
        )
    click.confirm("Apply this?", abort=True, err=True)


def _tell(done: Done) -> None:
    click.echo(done_line(done.change))
    for line in difference_lines(done.change):
        click.echo(line)
    for warning in done.warnings:
        click.echo(f"      warning {warning}")


def _document(settings: Settings, topics: tuple[str, ...], done: list[Done]) -> dict[str, Any]:
    return {
        "stage": settings.stage.name,
        "account": settings.stage.account,
        "region": settings.region,
        "topics_created": list(topics),
        "changes": [change_json(one.change) | {"warnings": list(one.warnings)} for one in done],
    }
