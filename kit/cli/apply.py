"""`kit apply`: make the alarms and dashboards of a stage what the files say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from kit.cli._applying import Applying
from kit.cli._options import with_settings
from kit.deploy import guards
from kit.deploy.plan import needed
from kit.deploy.plan_file import adopted, read_plan_file, require_match
from kit.deploy.render import change_json, plan_lines, summary
from kit.deploy.stage import Prepared, allow, create_topics, prepare
from kit.deploy.subscriptions import require_email, subscribe_all
from kit.settings import Settings


@click.command()
@click.option("--yes", is_flag=True, help="Do it without asking.")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(path_type=Path),
    help="Do what `kit plan --out` wrote, or nothing.",
)
@click.option("--adopt", multiple=True, metavar="NAME", help="Take over what stands there under this name.")
@click.option(
    "--max-change", type=click.IntRange(0, 100), metavar="PERCENT", help="Updates and deletes allowed (default: 30)."
)
@click.option("--create-topics", "make_topics", is_flag=True, help="Create the stage's on-call topics if they lack.")
@click.option("--email", help="Subscribe this address to the stage's topics.")
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
@with_settings
def command(
    settings: Settings,
    yes: bool,
    plan_file: Path | None,
    adopt: tuple[str, ...],
    max_change: int | None,
    make_topics: bool,
    email: str | None,
    as_json: bool,
) -> int:
    """Apply alarms/ and dashboards/ to a stage, at practice scale where the stage says so.

    Every file is read and checked, the account confirmed, the plan made and every permission asked for before the first
    write. What is ours and in no file is deleted; what isn't ours is never touched. The local stage is applied at once;
    any other shows the plan and asks. Broken off, it is run again and does the rest.
    """
    require_email(settings, email)
    found = read_plan_file(plan_file) if plan_file else {}
    prepared = prepare(settings, (*adopt, *adopted(found, plan_file)) if plan_file else adopt)
    if plan_file:
        require_match(found, plan_file, prepared)
    asks = not settings.stage.local and bool(needed(prepared.changes) or prepared.topics)
    if asks:
        _show(settings, prepared)
        guards.require_small(prepared.changes, settings.stage, max_change)
        guards.require_agreement(settings.stage, agreed=yes or plan_file is not None)
    allow(prepared, create_topics=make_topics, email=email)
    if asks and not yes and not plan_file:
        click.confirm("Apply this?", abort=True, err=True)
    topics = []
    for arn in create_topics(prepared):
        topics.append(arn)
        _say(as_json, f"created    topic      {arn}")
    for arn in subscribe_all(prepared.account, email):
        _say(as_json, f"asked      {email} to confirm {arn}: the mail from AWS has the link, alarms wait for it")
    work = Applying(prepared, quiet=as_json)
    try:
        work.run()
    finally:
        if as_json:
            click.echo(json.dumps(_document(settings, topics, work), indent=2, ensure_ascii=False))
    return 0


def _say(as_json: bool, line: str) -> None:
    click.echo(line, err=as_json)


def _show(settings: Settings, prepared: Prepared) -> None:
    """The plan, to standard error so that --json stays clean."""
    stage = settings.stage
    for line in plan_lines(needed(prepared.changes)):
        click.echo(line, err=True)
    for arn in prepared.topics:
        click.echo(f"+ topic      {arn}", err=True)
    place = f"stage {stage.name} (account {stage.account}, {settings.region})"
    click.echo(f"For {place}: {summary(prepared.changes)}.", err=True)


def _document(settings: Settings, topics: list[str], work: Applying) -> dict[str, Any]:
    return {
        "stage": settings.stage.name,
        "account": settings.stage.account,
        "region": settings.region,
        "topics_created": topics,
        "changes": [change_json(one.change) | {"warnings": list(one.warnings)} for one in work.done],
        "left": [change.name for change in work.left],
    }
