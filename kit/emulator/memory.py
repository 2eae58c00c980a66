"""Keeping the long-running process small."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable

_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2
_M_MMAP_THRESHOLD = -3
# Above it a block is the system's own. Bodies of requests are that large, and what stays of them is smaller by far: on
# one heap each would leave a hole that nothing fits in.
_LARGE_BYTES = 48 * 1024


def settle() -> None:
    """Call once at start: glibc would give every thread an arena of its own, and keep what each once needed."""
    mallopt = _glibc("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
    gc.freeze()


def give_back() -> None:
    """Call now and then: what is free amid what is in use goes back to the system. Takes a few milliseconds."""
    trim = _glibc("malloc_trim")
    if trim is not None:
        trim(0)


def _glibc(name: str) -> Callable[..., int] | None:
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
