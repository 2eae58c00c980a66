"""One stack a project folder: a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from pathlib import Path

import psutil

from kit.errors import KitError


@contextlib.contextmanager
def only_one(state_dir: Path) -> Iterator[None]:
    """Hold the lock of this project folder. Raises KitError naming the process that holds it already."""
    path = state_dir / "up.lock"
    with path.open("a+", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise KitError(
                "make up",
                f"already running here (process {holder(state_dir)})",
                "Use it, see `.venv/bin/kit status`, or end it with Ctrl-C where it runs.",
            ) from error
        lock.truncate(0)
        lock.write(json.dumps({"pid": os.getpid()}))
        lock.flush()
        yield
        lock.truncate(0)


def holder(state_dir: Path) -> int | None:
    """The process id of the `kit up` that holds the lock, or None."""
    try:
        pid = int(json.loads((state_dir / "up.lock").read_text(encoding="utf-8"))["pid"])
    except (OSError, ValueError, KeyError):
        return None
    return pid if psutil.pid_exists(pid) else None
