"""A worker dies in the middle of a request."""

from __future__ import annotations

import fcntl
import logging
import os
import sys
import time
from pathlib import Path

from service.failures.here import Here
from service.failures.registry import Dial, share, strikes

logger = logging.getLogger("service.worker")


@strikes(
    "shop",
    percent=share(),
    n=Dial(10, 1, 600, "s at least from one crash to the next, among all workers"),
    signal="customers' connections break off",
    look="`Heartbeat` and the process ids in the stream names change → gunicorn's `Worker exited` on stdout",
)
def strike(here: Here) -> None:
    """A worker ends at once, in the middle of a request; gunicorn starts another."""
    import tempfile  # noqa: PLC0415  # heavy, and of no use to the control process

    if supervised() and _take_turn(Path(tempfile.gettempdir()) / f"worker-turn-{os.getppid()}", here.dial("n")):
        os._exit(70)


def supervised() -> bool:
    """Whether somebody starts another worker when this one ends: under gunicorn, not in a development server."""
    return "gunicorn.arbiter" in sys.modules and os.getppid() > 1


def _take_turn(path: Path, every_s: float) -> bool:
    """Whether no worker of the same master has had its turn for so long; the file's time is that of the last one."""
    try:
        file = os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        logger.warning("no turn can be taken: %s", error.strerror)
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        status = os.fstat(file)
        if status.st_size and 0 <= time.time() - status.st_mtime < every_s:
            return False
        os.pwrite(file, b"1", 0)
    except BlockingIOError:
        return False  # another worker is about to go
    finally:
        os.close(file)
    return True
