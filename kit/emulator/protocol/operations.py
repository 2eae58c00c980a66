"""Operations are found by file name: ``operations/put_metric_data.py`` answers PutMetricData."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from kit.emulator.protocol.context import Context

Handler = Callable[[Any, dict[str, Any], Context], dict[str, Any]]


def file_name(operation: str) -> str:
    """``PutMetricData`` -> ``put_metric_data``; ``GetOTelEnrichment`` -> ``get_o_tel_enrichment``."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()


class Operations:
    """The operations of one service; each module is imported at its first call."""

    def __init__(self, package: str) -> None:
        """``package`` is the dotted name of the folder, e.g. ``kit.emulator.logs.operations``."""
        self._package = package
        self._names = frozenset(m.name for m in iter_modules(import_module(package).__path__))
        self._handlers: dict[str, Handler] = {}

    def __contains__(self, operation: str) -> bool:
        return file_name(operation) in self._names

    def handler(self, operation: str) -> Handler | None:
        """The function that answers ``operation`` (as the model names it), or None where there is none."""
        found = self._handlers.get(operation)
        if found is None and operation in self:
            found = import_module(f"{self._package}.{file_name(operation)}").handle
            self._handlers[operation] = found
        return found
