"""Waiting until the processes answer."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence

import urllib3

from kit.stack.processes import Process


def answers(url: str, timeout_s: float = 1.0) -> bool:
    """Whether a GET gives a status below 400."""
    with contextlib.suppress(urllib3.exceptions.HTTPError):
        response = urllib3.request("GET", url, timeout=timeout_s, retries=False, redirect=False)
        return response.status < 400
    return False


def wait(programs: Sequence[Process], within_s: float, alive: Callable[[], bool]) -> Iterator[Process]:
    """Yield each program as soon as it answers.

    Ends when all did, when ``within_s`` seconds are over, or when ``alive()`` turns false; who asked compares what
    came with what was expected.
    """
    waiting = [p for p in programs if p.health]
    deadline = time.monotonic() + within_s
    while waiting and time.monotonic() < deadline and alive():
        for program in tuple(waiting):
            if answers(program.health):
                waiting.remove(program)
                yield program
        if waiting:
            time.sleep(0.1)
