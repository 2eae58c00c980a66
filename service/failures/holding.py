"""Faults that hold something (connections, memory, a lock): one thread of each worker keeps them, and gives back.

No request is needed for either: the thread looks at the state file itself, and a worker that dies takes all with it.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator
from contextlib import closing

from flask import Flask

from service.failures.here import Here
from service.failures.points import Points
from service.failures.registry import Fault

logger = logging.getLogger("service.worker")

STEP_S = 0.2
NAME = "worker watch"  # says nothing of faults: who rehearses may look at a process's threads


def watch(app: Flask, points: Points) -> None:
    """Start the thread that watches over the faults of ``points`` that hold something; it ends with the app."""
    held = {name: fault for name, fault in points.faults.items() if fault.hold is not None}
    if not held:
        return
    ended = threading.Event()
    weakref.finalize(app, ended.set)
    threading.Thread(target=_watch, args=(points, held, ended), name=NAME, daemon=True).start()


def _watch(points: Points, held: dict[str, Fault], ended: threading.Event) -> None:
    holding: dict[str, threading.Thread] = {}
    while not ended.wait(STEP_S):
        for name in points.in_force().keys() & held.keys():
            if name in holding and holding[name].is_alive():
                continue
            here = points.here(name, points.in_force().get(name))
            # A thread each: one that waits for a database must not keep another from giving back.
            holding[name] = threading.Thread(target=_hold, args=(held[name], here, ended), name=NAME, daemon=True)
            holding[name].start()


def _hold(fault: Fault, here: Here, ended: threading.Event) -> None:
    assert fault.hold is not None  # noqa: S101  # by choice of _watch
    steps: Iterator[None] = fault.hold(here)
    try:
        with closing(steps):  # type: ignore[type-var]  # a generator, said to be an iterator
            while here.lasts() and not ended.is_set():
                next(steps, None)
                ended.wait(STEP_S)
    except Exception:
        # Tried again at the next look, as long as it is set.
        logger.exception("a background task failed")
        ended.wait(1)
