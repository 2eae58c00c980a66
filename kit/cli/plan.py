"""`kit plan`: what `kit apply` would do to a stage."""

from __future__ import annotations

import json
from pathlib import Path

import click

from kit.cli._options import with_settings
from kit.deploy.plan import needed
from kit.deploy.plan_file import document
from kit.deploy.render import plan_lines, summary
from kit.deploy.render_markdown import plan_markdown
from kit.deploy.stage import Prepared, prepare
from kit.errors import KitError
from kit.settings import Settings


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--markdown", is_flag=True, help="Print Markdown, for a pull request.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the plan to this file, for `kit apply --plan`.")
@click.option("--adopt", multiple=True, metavar="NAME", help="Take over what stands there under this name.")
@with_settings
def command(settings: Settings, as_json: bool, markdown: bool, out: Path | None, adopt: tuple[str, ...]) -> int:
    """Compare alarms/ and dashboards/ with what is live; exit code 2 when there is something to do.

    Nothing is written to the account.
    """
    if as_json and markdown:
        raise click.UsageError("--json and --markdown exclude each other.")
    prepared = prepare(settings, adopt)
    if out is not None:
        _write(out, prepared)
    if as_json:
        click.echo(json.dumps(document(prepared), indent=2, ensure_ascii=False))
    elif markdown:
        click.echo(plan_markdown(prepared.changes, _title(settings), _notes(prepared)), nl=False)
    else:
        _show(settings, prepared)
    return 2 if needed(prepared.changes) or prepared.topics else 0


def _show(settings: Settings, prepared: Prepared) -> None:
    for line in plan_lines(needed(prepared.changes)):
        click.echo(line)
    for note in _notes(prepared):
        click.echo(note)
    click.echo(f"{_title(settings)}: {summary(prepared.changes)}.")


def _title(settings: Settings) -> str:
    return f"Stage {settings.stage.name} (account {settings.stage.account}, {settings.region})"


def _notes(prepared: Prepared) -> list[str]:
    notes = [f"The topic {arn} does not exist; kit apply --create-topics makes it." for arn in prepared.topics]
    if prepared.live.passed_over:
        notes.append(f"{prepared.live.passed_over} of other names were not asked for their tags.")
    return notes


def _write(out: Path, prepared: Prepared) -> None:
    try:
        out.write_text(json.dumps(document(prepared), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise KitError(str(out), f"cannot be written: {error.strerror}", "Choose another place.") from error
