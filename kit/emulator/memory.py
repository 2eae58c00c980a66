"""Keeping the long-running process small."""

from __future__ import annotations

import ctypes
import gc
import sys

_M_ARENA_MAX = -8  # malloc.h
_ARENAS = 2


def settle() -> None:
    """Call once at start: glibc would give every thread an arena of its own, and keep what each once needed."""
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, _ARENAS)
    gc.freeze()
