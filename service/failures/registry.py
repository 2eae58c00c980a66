"""The faults there are. Each file in ``faults/`` registers itself; its name, with dashes, is the fault's.

This module and the faults must stay importable without Flask and SQLAlchemy: the control process only wants to know
their names, and is small because of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import msgspec

from service.failures.state import Setting

if TYPE_CHECKING:
    from service.failures.here import Here

Service = Literal["shop", "payments"]
Strike = Callable[["Here"], None]
Hold = Callable[["Here"], Iterator[None]]
Prepare = Callable[["Here"], None]
Lose = Callable[["Here"], None]
F = TypeVar("F", bound=Callable[["Here"], Any])

DIALS = ("percent", "ms", "mb", "n")


@dataclass(frozen=True, slots=True)
class Dial:
    """A number that may be turned: what it is when nobody turns it, how far it goes, and what it means."""

    default: float
    low: float
    high: float
    meaning: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A way to fail. One of the four functions makes it; ``operation`` is what it hits unless a scope says otherwise
    (None: every operation).

    ``strike`` runs in the place of a request that is hit: it may wait, or raise a Problem to answer it; if it returns,
    the request goes on. ``hold`` is a generator that a thread of each worker steps through while the fault is in
    force; its ``finally`` gives back. ``prepare`` runs once, when the app is made, for a fault that the service's own
    code asks for (``points.py``). ``lose`` runs before anything of the app has seen a request (``doorstep.py``), and
    raises OSError to have the connection closed.
    """

    name: str
    summary: str
    services: frozenset[Service]
    dials: Mapping[str, Dial]
    signal: str
    look: str
    operation: str | None = None
    strike: Strike | None = None
    hold: Hold | None = None
    prepare: Prepare | None = None
    lose: Lose | None = None

    @property
    def scoped(self) -> bool:
        """Whether it hits requests that are known, so that a scope means something."""
        return self.hold is None and self.lose is None and "percent" in self.dials

    def filled(self, setting: Setting) -> Setting:
        """The setting with every dial of this fault turned to something."""
        lacking = {name: dial.default for name, dial in self.dials.items() if getattr(setting, name) is None}
        return msgspec.structs.replace(setting, **lacking) if lacking else setting


_known: dict[str, Fault] = {}


def strikes(*services: Service, operation: str | None = None, **about: Any) -> Callable[[F], F]:
    """Register the decorated function as a fault that strikes requests; see ``_register`` for ``about``."""
    return lambda strike: _register(strike, services, operation=operation, strike=strike, **about)


def holds(*services: Service, **about: Any) -> Callable[[F], F]:
    """Register the decorated generator function as a fault that holds something in each worker."""
    return lambda hold: _register(hold, services, hold=hold, percent=None, **about)


def asked(*services: Service, **about: Any) -> Callable[[F], F]:
    """Register a fault that sits in the service's own code, which asks for it by name."""
    return lambda prepare: _register(prepare, services, prepare=prepare, **about)


def loses(*services: Service, **about: Any) -> Callable[[F], F]:
    """Register the decorated function as a fault that loses requests before the service has seen them."""
    return lambda lose: _register(lose, services, lose=lose, **about)


def share(default: float = 100) -> Dial:
    """The dial of nearly every fault: how many of the requests in scope it hits."""
    return Dial(default, 0, 100, "% of the requests")


def _register(
    function: F, services: tuple[Service, ...], *, signal: str, look: str, percent: Dial | None, **more: Any
) -> F:
    """``signal`` is where the fault shows first, ``look`` how to see it; a docstring's first line is the summary."""
    turned = {"percent": percent, **{name: more.pop(name, None) for name in ("ms", "mb", "n")}}
    name = function.__module__.rpartition(".")[2].replace("_", "-")
    summary = (function.__doc__ or "").strip().partition("\n")[0]
    dials = {name: dial for name, dial in turned.items() if dial is not None}
    _known[name] = Fault(name, summary, frozenset(services), dials, signal, look, **more)
    return function


def known(service: str) -> Mapping[str, Fault]:
    """The faults of one service by name."""
    return {name: fault for name, fault in catalogue().items() if service in fault.services}


@cache
def catalogue() -> Mapping[str, Fault]:
    """All faults by name."""
    package = import_module("service.failures.faults")
    for module in iter_modules(package.__path__):
        import_module(f"{package.__name__}.{module.name}")
    return dict(sorted(_known.items()))
