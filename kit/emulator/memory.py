"""Keeping the long-running process small."""

from __future__ import annotations

import ctypes
import gc
import sys

_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2
_M_MMAP_THRESHOLD = -3
_LARGE_BYTES = 128 * 1024  # glibc's own start, which it raises with every large block that is freed unless it is set


def settle() -> None:
    """Call once at start: glibc would give every thread an arena of its own, and keep what each once needed.

    Large blocks (bodies of requests) go back to the system when they are freed.
    """
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, _ARENAS)
            mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    gc.freeze()
