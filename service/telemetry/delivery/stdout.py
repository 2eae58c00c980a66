"""Standard output, written by a thread of its own: a reader that stalls must not hold up what goes elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from collections import deque

MOST_BYTES = 4 * 1024 * 1024


class Stdout:
    """``write`` from one thread; at most MOST_BYTES wait. What comes beyond is left out, and ``dropped`` counts it."""

    def __init__(self) -> None:
        self.dropped = 0
        self._texts: deque[str] = deque()
        self._bytes = 0
        self._changed = threading.Condition(threading.Lock())
        self._closing = False
        self._thread: threading.Thread | None = None

    def write(self, text: str, lines: int) -> None:
        """Hand over whole lines; never waits."""
        with self._changed:
            if self._bytes + len(text) > MOST_BYTES:
                self.dropped += lines
                return
            self._texts.append(text)
            self._bytes += len(text)
            self._changed.notify()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="telemetry stdout", daemon=True)
            self._thread.start()

    def close(self, deadline: float) -> None:
        """Write what is there; wait for it until the deadline (monotonic seconds)."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(max(0.0, deadline - time.monotonic()))

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._texts and not self._closing:
                    self._changed.wait()
                if not self._texts:
                    return
                text = self._texts.popleft()
            write(text)
            with self._changed:
                self._bytes -= len(text)


def write(text: str) -> None:
    """To stdout at once; one that is gone stops nothing."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except (OSError, ValueError):
        pass  # a closed pipe or stream; there is nowhere left to say so
