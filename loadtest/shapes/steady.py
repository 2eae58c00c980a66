"""Always the same: the number of users that was asked for, on the command line or in the page."""

from __future__ import annotations

from argparse import Namespace

from locust import LoadTestShape


class Steady(LoadTestShape):
    """Reads --users, --spawn-rate and --run-time each second, so that the page's changes to them are followed."""

    use_common_options = True

    def __init__(self, options: Namespace) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # locust's is not annotated
        self._options = options

    def tick(self) -> tuple[int, float] | None:
        """How many users, and how many of them start in a second; None when the run time is over."""
        run_time = self._options.run_time
        if run_time and self.get_run_time() >= run_time:  # type: ignore[no-untyped-call]  # locust's is not annotated
            return None
        return self._options.num_users, self._options.spawn_rate
