"""Clients that nobody wants: they hurt, or seem to, while customers come and go. One a module, found by its name.

The module ``bot_flood`` is ``client: bot-flood`` in a scenario's schedule. It has ``RATE``, how much of it there is
unless the scenario says otherwise, and ``run(host, rate, events)``, which goes on until its greenlet is killed.

Their requests are rows of their own in Locust's tables, ``/checkout (others)``, so that ``/checkout`` stays the
customers', and so that the page of a blind round doesn't name what goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from locust.event import Events

Run = Callable[[str, int, Events], Any]
OTHERS = " (others)"


def names() -> list[str]:
    """The clients there are."""
    return sorted(module.name.replace("_", "-") for module in iter_modules(__path__))


def find(name: str) -> tuple[Run, int]:
    """A client's ``run`` and its usual rate; ModuleNotFoundError if there is none of this name."""
    module = import_module(f"{__name__}.{name.replace('-', '_')}")
    return module.run, module.RATE
