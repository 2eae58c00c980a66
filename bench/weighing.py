"""``kit`` for a bench that weighs it: at SIGUSR1 it gives back what is free, and says so.

What is free amid what is held goes back by itself every half minute; a bench that looks in between would weigh it too.
"""

from __future__ import annotations

import gc
import signal
from types import FrameType

from kit.cli import run
from kit.emulator.memory import give_back

TIDIED = "tidied"


def tidy(_number: int, _frame: FrameType | None) -> None:
    """Leave what is in use, and the pages that it lies on."""
    gc.collect()
    give_back()
    print(TIDIED, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, tidy)
    run()
