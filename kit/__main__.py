"""``python -m kit``: the same as the console script, for processes that are started by their interpreter's path."""

from kit.cli import run

run()
