"""Load shapes: how many customers there are at a time. One a module, found by its name; to add one, copy a sibling.

The module ``compressed_day`` is chosen by ``--shape compressed-day`` and has a class ``CompressedDay``, made from
Locust's options.
"""

from __future__ import annotations

from argparse import Namespace
from importlib import import_module
from pkgutil import iter_modules

from locust import LoadTestShape


class Shape(LoadTestShape):
    """Reads --users, --spawn-rate and --run-time each second, so that the page's changes to them are followed."""

    use_common_options = True
    lasts_s: float | None = None
    """When the shape is over, in seconds, if --run-time says nothing; None: never."""

    def __init__(self, options: Namespace) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # locust's is not annotated
        self._options = options

    def share(self, elapsed_s: float) -> float:
        """How much of --users there is, so many seconds after the start: 1 is all of them."""
        raise NotImplementedError

    def tick(self) -> tuple[int, float] | None:
        """How many users, and how many of them start in a second; None when the run time is over."""
        elapsed_s: float = self.get_run_time()  # type: ignore[no-untyped-call]  # locust's is not annotated
        run_time = self._options.run_time or self.lasts_s
        if run_time and elapsed_s >= run_time:
            return None
        users = self._options.num_users
        # A crowd that is there has someone: only zero asked for is zero.
        return max(min(users, 1), round(users * self.share(elapsed_s))), self._options.spawn_rate


def names() -> list[str]:
    """The shapes there are."""
    return sorted(module.name.replace("_", "-") for module in iter_modules(__path__))


def find(name: str, options: Namespace) -> Shape:
    """A new shape of this name; ModuleNotFoundError if there is none."""
    module = import_module(f"{__name__}.{name.replace('-', '_')}")
    shape: Shape = getattr(module, name.title().replace("-", ""))(options)
    return shape
