"""The command line: one verb a module. Adding a verb means copying a sibling that exports ``command``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from pkgutil import iter_modules

import click

from kit.errors import KitError


class _Verbs(click.Group):
    """Finds a verb by its module name, and imports only the one that is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # the signature is click's
        return sorted(m.name for m in iter_modules(__path__) if not m.name.startswith("_"))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return command


@click.command(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="observability-starter-kit", prog_name="kit")
def root() -> None:
    """Watch a Flask shop with CloudWatch and X-Ray, on this machine or on AWS."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; the exit code is 0 clean, 1 error, 2 differences found."""
    try:
        result = root.main(args=list(argv) if argv is not None else None, prog_name="kit", standalone_mode=False)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.Abort:
        click.echo("Stopped.", err=True)
        return 1
    except click.UsageError as error:
        hint = f" See `{error.ctx.command_path} --help`." if error.ctx else ""
        click.echo(f"kit: {error.format_message()}{hint}", err=True)
        return 1
    except KitError as error:
        click.echo(f"kit: {error}", err=True)
        return 1
    return result if isinstance(result, int) else 0


def run() -> None:
    """The console script ``kit``."""
    sys.exit(main())
