"""`kit slo`: from the promise to its alarms and its dashboard."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import click

from kit.cli._options import find_root
from kit.definitions.layout import json_text
from kit.errors import KitError
from kit.slo import Difference, differences, generated, read_slos, standing

_SAID = {"write": "wrote", "rewrite": "rewrote", "remove": "removed"}
_WRONG = {"write": "missing", "rewrite": "differs", "remove": "left over: no SLO makes it"}


@click.group()
def command() -> None:
    """Make alarms and the SLO dashboard from slos/*.yaml."""


@command.command()
@click.option("--check", is_flag=True, help="Write nothing; exit with 2 when files and SLOs disagree.")
@click.option("--prune", is_flag=True, help="Remove generated files that no SLO makes any more.")
@click.option("--slos", type=click.Path(path_type=Path), help="The folder of OpenSLO files (default: slos).")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def generate(check: bool, prune: bool, slos: Path | None, as_json: bool) -> int:
    """Write alarms/ and dashboards/slo.json as the SLOs make them.

    A file that agrees already is left alone, and so is all that wasn't generated: a generated alarm carries the tag
    kit:generated-from. Nothing is written before every SLO was read and found sound.
    """
    root = find_root(Path.cwd())
    wanted = generated(read_slos(root / "slos" if slos is None else slos.absolute(), root))
    found = differences(wanted, standing(root))
    done = [] if check else [one for one in found if prune or one.action != "remove"]
    for one in done:
        _carry_out(root / one.file, wanted.get(one.file))
    left = [one for one in found if one not in done]
    if as_json:
        _print_json(done, left)
    else:
        _print(done, left, len(wanted), check=check)
    return 2 if check and found else 0


def _carry_out(path: Path, value: Any) -> None:
    try:
        if value is None:
            path.unlink()
        else:
            _write(path, json_text(value))
    except OSError as error:
        raise KitError(str(path), f"cannot be written: {error.strerror}", "Mend that and generate again.") from error


def _write(path: Path, text: str) -> None:
    """All or nothing: whoever reads it meanwhile finds the old file or the new one."""
    path.parent.mkdir(exist_ok=True)
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8") as file:
        file.write(text)
    written = Path(file.name)
    try:
        written.chmod(path.stat().st_mode if path.exists() else 0o666 & ~_umask())
        written.replace(path)
    except OSError:
        written.unlink(missing_ok=True)
        raise


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _print(done: Sequence[Difference], left: Sequence[Difference], wanted: int, *, check: bool) -> None:
    for one in done:
        click.echo(f"{_SAID[one.action]} {one.file}")
    for one in left:
        click.echo(f"{one.file}: {_WRONG[one.action]}")
        for field in one.fields:
            click.echo(f"  {field}")
    if check and left:
        remedy = "kit slo generate --prune" if any(one.action == "remove" for one in left) else "kit slo generate"
        click.echo(f"{len(left)} of {wanted} files disagree with the SLOs. {remedy} puts them right.")
    elif not check and left:
        click.echo("--prune removes what is left over.")
    if not done and not left:
        click.echo(f"{wanted} files agree with the SLOs.")


def _print_json(done: Sequence[Difference], left: Sequence[Difference]) -> None:
    document = {
        "done": [{"file": one.file, "action": one.action} for one in done],
        "left": [{"file": one.file, "action": one.action, "fields": list(one.fields)} for one in left],
    }
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))
