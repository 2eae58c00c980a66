"""The faults there are. Each file in ``faults/`` registers itself; its name, with dashes, is the fault's.

This module and the faults must stay importable without Flask and SQLAlchemy: the control process only wants to know
their names, and is small because of that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import Literal

from service.failures.state import Setting

Service = Literal["shop", "payments"]
Strike = Callable[[Setting], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to fail.

    ``strike`` runs in the place of a request that the fault applies to: it may wait, or raise a Problem to answer it;
    if it returns, the request goes on. ``percent`` and ``ms`` are the dials it has: the value used when none is given,
    or None for a dial that it does not have. ``operation`` (``POST /charges``) is what it hits unless a scope says
    otherwise; None hits every operation.
    """

    name: str
    summary: str
    services: frozenset[Service]
    strike: Strike
    operation: str | None
    percent: float | None
    ms: int | None


_known: dict[str, Fault] = {}


def fault(
    *services: Service, operation: str | None = None, percent: float | None = 100, ms: int | None = None
) -> Callable[[Strike], Strike]:
    """Register the decorated ``strike``; its docstring's first line is the summary that people see."""

    def register(strike: Strike) -> Strike:
        name = strike.__module__.rpartition(".")[2].replace("_", "-")
        summary = (strike.__doc__ or "").strip().partition("\n")[0]
        _known[name] = Fault(name, summary, frozenset(services), strike, operation, percent, ms)
        return strike

    return register


def known(service: str) -> Mapping[str, Fault]:
    """The faults of one service by name."""
    if not _known:
        package = import_module("service.failures.faults")
        for module in iter_modules(package.__path__):
            import_module(f"{package.__name__}.{module.name}")
    return {name: fault for name, fault in sorted(_known.items()) if service in fault.services}
