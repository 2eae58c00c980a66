"""`kit schema`: the JSON Schemas of the files that people write."""

from __future__ import annotations

import click

from kit.definitions.schema import names, text


@click.command()
@click.argument("name", required=False)
def command(name: str | None) -> int:
    """Print the JSON Schema NAME, for an editor or a CI; without NAME, list what there is."""
    if name is None:
        for known in names():
            click.echo(known)
    else:
        click.echo(text(name), nl=False)
    return 0
