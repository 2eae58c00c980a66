"""Memory grows; at a limit the worker goes, and another one starts small."""

from __future__ import annotations

import logging
import mmap
import os
import signal
import time
from collections.abc import Iterator

from service.failures.faults.worker_crash import supervised
from service.failures.here import Here
from service.failures.registry import Dial, holds

logger = logging.getLogger("service.worker")

MIB = 1024 * 1024


@holds(
    "shop",
    mb=Dial(100, 1, 512, "MiB that a worker gains before it is recycled"),
    ms=Dial(300_000, 1_000, 3_600_000, "ms that this takes"),
    signal="the slope of `ProcessMemory`",
    look="a sawtooth of `ProcessMemory` → traces as ever → `worker is recycled` in the log",
)
def hold(here: Here) -> Iterator[None]:
    """Memory of each worker grows until the worker is recycled.

    Mapped apart from Python's own memory, so that it is gone from the process when it is given back.
    """
    began = time.monotonic()
    blocks: list[mmap.mmap] = []
    most, seconds = int(here.dial("mb")), here.dial("ms") / 1000
    patience = seconds * (1 + os.getpid() % 4 / 20)  # so that the workers do not all go at once
    try:
        while True:
            due = min(most, int((time.monotonic() - began) / seconds * most) + 1)
            while len(blocks) < due and here.lasts():
                blocks.append(_block())
            if len(blocks) >= most and time.monotonic() - began >= patience and supervised():
                logger.warning("worker is recycled: too much memory", extra={"grown_mib": len(blocks)})
                os.kill(os.getpid(), signal.SIGTERM)
                return
            yield
    finally:
        for block in blocks:
            block.close()


def _block() -> mmap.mmap:
    """A mebibyte that is really there: written to, page by page."""
    block = mmap.mmap(-1, MIB)
    for page in range(0, MIB, mmap.PAGESIZE):
        block[page] = 1
    return block
