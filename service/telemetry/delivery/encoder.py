"""The one thread that does the work the request threads leave behind: a little at a time, giving way in between."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

log = logging.getLogger(__name__)

# Few rounds with much to do disturb the request threads less than many with little: the interpreter's lock changes
# hands less often, and the encoder's code stays in the processor's caches.
ROUND_SECONDS = 0.5
LOOK_SECONDS = 0.25
# With so many items left a round comes at once, and with twice as many it no longer gives way: queues are bounded.
MANY = 1_000
HURRY = 2_000
# While a request is in flight, a pause after each item: the shorter, the more of them wait.
PAUSE = 0.001
SHORTEST = 0.1  # of that
LAST_SECONDS = 0.5

Work = Callable[[Any], None]


class Encoder:
    """Takes items from each source in turn and gives them to its work; then ``after(now)`` (epoch seconds).

    A round comes every ROUND_SECONDS, and earlier at ``due()`` (epoch seconds) or when MANY items wait.
    ``failed(source, n)`` is told of items whose work has raised; it gives way while ``busy()``.
    """

    def __init__(
        self,
        sources: Sequence[tuple[str, deque[Any], Work]],
        after: Callable[[float], None],
        due: Callable[[], float],
        failed: Callable[[str, int], None],
        busy: Callable[[], bool] = lambda: True,
    ) -> None:
        self._sources = sources
        self._after = after
        self._due = due
        self._failed = failed
        self._busy = busy
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self._over = False

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="telemetry encoder", daemon=True)
        self._thread.start()

    def close(self, deadline: float) -> None:
        """Work off what is there until the deadline (monotonic seconds), and end."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))
            self._over = True
            self._thread.join(LAST_SECONDS)

    def _run(self) -> None:
        last = time.monotonic()
        while not self._closing.wait(max(0.0, min(LOOK_SECONDS, self._due() - time.time()))):
            if (
                time.monotonic() - last > ROUND_SECONDS - LOOK_SECONDS / 2
                or time.time() >= self._due()
                or max(len(items) for _, items, _ in self._sources) > MANY
            ):
                self._round()
                last = time.monotonic()
        for source in self._sources:
            self._drain(*source)

    def _round(self) -> None:
        for source in self._sources:
            self._drain(*source)
        try:
            self._after(time.time())
        except Exception:
            log.exception("a round of the encoder failed")

    def _drain(self, source: str, items: deque[Any], work: Work) -> None:
        """What is there now: what comes meanwhile has its turn in the next round."""
        left = len(items)
        while left > 0 and not self._over:
            try:
                work(items.popleft())
            except Exception:
                self._failed(source, 1)
                log.exception("a record of %s could not be encoded", source)
            left -= 1
            if 0 < left < HURRY and not self._closing.is_set() and self._busy():
                time.sleep(PAUSE * max(SHORTEST, 1 - left / MANY))
