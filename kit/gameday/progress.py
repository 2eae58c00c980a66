"""A run before one's eyes: a panel that stays, and a line for whatever happens. In a blind round it tells no cause."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from kit.gameday.course import Course
from kit.gameday.journal import Line
from kit.gameday.report import telling
from kit.gameday.vitals import Vitals


class Progress:
    """Used as a context; ``show`` is the runner's. Without a terminal only the lines are printed."""

    def __init__(
        self, console: Console, *, blind: bool, telling_alarms: frozenset[str], now: Callable[[], float] = time.time
    ) -> None:
        self._console = console
        self._blind = blind
        self._telling = telling_alarms
        self._now = now
        self._live = Live(console=console, auto_refresh=False, transient=True) if console.is_terminal else None

    def __enter__(self) -> Progress:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        if self._live:
            self._live.stop()

    def say(self, text: str) -> None:
        """A line of our own."""
        self._print(self._now(), text)

    def show(self, course: Course, line: Line | None, vitals: Vitals | None) -> None:
        """Something was written into the journal (``line``), or a second went by."""
        if line is not None and self._worth(line):
            text = telling(line, blind=self._blind)
            if text:
                self._print(line.t, text)
        if self._live:
            self._live.update(self._panel(course, vitals), refresh=True)

    def _worth(self, line: Line) -> bool:
        """The windows below a composite change often and say nothing to a person."""
        return line.kind != "alarm.changed" or line.data["alarm"] in self._telling

    def _print(self, t: float, text: str) -> None:
        self._console.print(Text(f"{datetime.fromtimestamp(t, UTC):%H:%M:%S} {text}"), soft_wrap=True)

    def _panel(self, course: Course, vitals: Vitals | None) -> Table:
        now = self._now()
        grid = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
        grid.add_column(style="dim")
        grid.add_column()
        name = "a blind round" if self._blind else f"{course.scenario.name}: {course.scenario.summary}"
        grid.add_row("game day", Text(name, "bold"))
        if course.began is not None:
            grid.add_row("time", f"{_clock(now - course.began)} of {_clock(course.scenario.lasts)}")
        if not self._blind:
            self._causes(grid, course, now)
        grid.add_row("load", f"{vitals.rate:.0f} requests/s" if vitals else "unknown: CloudWatch doesn't answer")
        if vitals and vitals.failed is not None and vitals.slow is not None:
            good = f"{1 - vitals.failed:.1%} of checkouts succeed, {1 - vitals.slow:.1%} in time (last minute)"
            grid.add_row("promises", good)
        firing = sorted(set(course.firing) & self._telling)
        grid.add_row("alarms", Text("\n".join(firing) or "none fires", "bold red" if firing else "green"))
        grid.add_row("pages", str(course.pages))
        return grid

    @staticmethod
    def _causes(grid: Table, course: Course, now: float) -> None:
        if course.trouble is not None:
            active = f" ({', '.join(course.active)})" if course.active else ""
            grid.add_row("since the first step", f"{_clock(now - course.trouble.t)}{active}")
        coming = course.next_step(now)
        if coming is not None:
            grid.add_row("next", f"{coming[0]} in {_clock(coming[1])}")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(max(0, int(seconds)), 60)
    return f"{minutes}:{rest:02}"
