"""What the stack weighs: the proportional set size, which shares out pages that several processes have in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import psutil


def weight(pid: int) -> int:
    """Bytes of PSS of a process and all its children; where the system doesn't know PSS (macOS), of USS."""
    total = 0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(pid)
        for member in (parent, *parent.children(recursive=True)):
            total += _one(member)
    return total


def alone(pid: int) -> int:
    """Bytes of PSS (or USS) of one process without its children."""
    with contextlib.suppress(psutil.Error):
        return _one(psutil.Process(pid))
    return 0


def total(pids: Iterable[int]) -> int:
    """The sum over several families of processes that don't overlap."""
    return sum(weight(pid) for pid in pids)


def _one(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        info = process.memory_full_info()
        return int(getattr(info, "pss", 0) or info.uss)
    return 0
