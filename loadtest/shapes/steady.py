"""Always the same: the number of users that was asked for, on the command line or in the page."""

from __future__ import annotations

from loadtest.shapes import Shape


class Steady(Shape):
    """All of --users, from start to end."""

    def share(self, elapsed_s: float) -> float:  # noqa: ARG002  # it is the same at all times
        """Always 1."""
        return 1
