"""The emulator on free ports, for ``bench.fuzz_requests``; it says which."""

from __future__ import annotations

import logging
import signal
import threading

from bench.fuzz_templates import NOW
from bench.weighing import tidy
from kit.emulator.clock import SystemClock
from kit.emulator.memory import settle
from kit.emulator.server import Binding, Emulator, serve


class ShiftedClock:
    """The wall clock, set so that it starts at a fixed moment: the cases hold times near it."""

    def __init__(self, start: float) -> None:
        self._clock = SystemClock()
        self._shift = start - self._clock.now()

    def now(self) -> float:
        """Epoch seconds."""
        return self._clock.now() + self._shift

    def wait(self, until: float, wake: threading.Event) -> None:
        """See kit.emulator.clock.Clock."""
        self._clock.wait(until - self._shift, wake)


def main() -> None:
    """Serve until told to stop."""
    logging.basicConfig(level=logging.WARNING)
    signal.signal(signal.SIGUSR1, tidy)
    emulator = Emulator(Binding(port=0, xray_port=0), clock=ShiftedClock(NOW))
    serve(emulator, _announce)


def _announce(emulator: Emulator) -> None:
    settle()  # as ``kit emulate`` does
    print(f"ports {emulator.port} {emulator.xray_port}", flush=True)


if __name__ == "__main__":
    main()
