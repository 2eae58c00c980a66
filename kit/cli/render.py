"""`kit render`: the same set for other tools: a CloudFormation template, AWS CLI calls, IAM policies."""

from __future__ import annotations

from pathlib import Path

import click

from kit.cli._options import with_settings
from kit.definitions import wanted
from kit.deploy.render_cli import cli_script
from kit.deploy.render_cloudformation import INLINE_BYTES, cloudformation
from kit.deploy.render_iam import policies, policy
from kit.errors import KitError
from kit.settings import Settings

_OUT = click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file, not to stdout.")


@click.group()
def command() -> None:
    """Write what `kit apply` would put on a stage in a form that other tools take. Nothing is asked of AWS."""


@command.command("cloudformation")
@_OUT
@with_settings
def _cloudformation(settings: Settings, out: Path | None) -> int:
    """One CloudFormation template (JSON) with the alarms, composite alarms and dashboards of a stage.

    \b
    aws cloudformation deploy --stack-name shop-watch --template-file FILE
    A topic's parameter left empty (--parameter-overrides PageTopicArn= Email=you@example.com) makes the topic.
    """
    rendered = cloudformation(wanted(settings.root, settings.stage, settings.region), settings.stage, settings.region)
    _write(rendered.text, out)
    if rendered.needs_s3:
        size = len(rendered.text.encode())
        text = f"{size} bytes; a request takes {INLINE_BYTES}: deploy it with --s3-bucket BUCKET."
        click.echo(f"kit: the template has {text}", err=True)
    return 0


@command.command("cli")
@_OUT
@with_settings
def _cli(settings: Settings, out: Path | None) -> int:
    """A shell script of plain AWS CLI calls, in order. It refuses another account than the stage's."""
    definitions = wanted(settings.root, settings.stage, settings.region)
    _write(cli_script(definitions, settings.stage, settings.region, settings.endpoint_url), out)
    return 0


@command.command("iam")
@click.argument("name", required=False)
@_OUT
@with_settings
def _iam(settings: Settings, name: str | None, out: Path | None) -> int:
    """The IAM policy NAME of iam/, with the stage's account, Region and environment; without NAME, list them."""
    if name is None:
        for known in policies(settings.root):
            click.echo(known)
        return 0
    _write(policy(settings.root, name, settings.stage, settings.region), out)
    return 0


def _write(text: str, out: Path | None) -> None:
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise KitError(str(out), f"can't be written: {error.strerror}", "Choose another --out.") from error
