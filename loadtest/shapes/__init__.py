"""Load shapes: how many customers there are at a time. One a module, found by its name; to add one, copy a sibling.

The module ``spike_x5`` is chosen by ``--shape spike-x5`` and has a class ``SpikeX5``, made from Locust's options.
"""

from __future__ import annotations

from argparse import Namespace
from importlib import import_module
from pkgutil import iter_modules

from locust import LoadTestShape


def names() -> list[str]:
    """The shapes there are."""
    return sorted(module.name.replace("_", "-") for module in iter_modules(__path__))


def find(name: str, options: Namespace) -> LoadTestShape:
    """A new shape of this name; ModuleNotFoundError if there is none."""
    module = import_module(f"{__name__}.{name.replace('-', '_')}")
    shape: LoadTestShape = getattr(module, name.title().replace("-", ""))(options)
    return shape
