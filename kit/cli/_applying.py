"""Changes being carried out, before the eyes of a person or in a pipe."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from kit.deploy.apply import Done
from kit.deploy.plan import Change, needed
from kit.deploy.render import difference_lines, done_line, summary
from kit.deploy.stage import Prepared, carry_out


class Applying:
    """Carries out what was prepared, and keeps what is done: an error halfway must not lose it."""

    def __init__(self, prepared: Prepared, *, quiet: bool = False, nothing: str = "") -> None:
        self._prepared = prepared
        self._quiet = quiet
        self._nothing = nothing or f"Nothing to do: {summary(prepared.changes)}."
        self._todo = needed(prepared.changes)
        self.done: list[Done] = []

    @property
    def left(self) -> tuple[Change, ...]:
        """What is not done yet, in order."""
        return self._todo[sum(one.change.action != "unchanged" for one in self.done) :]

    def run(self) -> None:
        """Do it. KitError as ``carry_out``."""
        shown = self._prepared.paced and bool(self._todo) and sys.stderr.isatty()
        left = TextColumn("{task.fields[left]}")
        columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(), left)
        with Progress(*columns, console=Console(stderr=True), transient=True, disable=not shown) as progress:
            task = progress.add_task("applying", total=len(self._todo), left=self._time_left())
            for one in carry_out(self._prepared):
                self.done.append(one)
                if one.change.action != "unchanged":
                    self._tell(one, progress if shown else None)
                    progress.update(task, advance=1, left=self._time_left())
                    if not self.left:
                        progress.update(task, description="reading back")
        if not self._todo and not self._quiet:
            click.echo(self._nothing)

    def _time_left(self) -> str:
        seconds = self._prepared.seconds_left(self.left)
        return f"about {seconds:.0f} s left" if seconds >= 1 else ""

    def _tell(self, one: Done, progress: Progress | None) -> None:
        if self._quiet:
            return
        lines = [done_line(one.change), *difference_lines(one.change), *(f"      warning {w}" for w in one.warnings)]
        for line in lines:
            if progress is not None and sys.stdout.isatty():
                # One terminal: a line must go above the bar, not through it.
                progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
            else:
                click.echo(line)
