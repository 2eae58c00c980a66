"""Where the service meets its faults: what is in force here and now, and who is hit by it.

The service's own code asks ``points.active("wrong-total")`` at the place where that fault sits. ``points`` is None
where faults are not allowed, so what that costs there is one look at an attribute.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from flask import has_request_context, request

from service import health
from service.failures.here import Here
from service.failures.state import Setting

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from service.failures.registry import Fault
    from service.failures.state import Reader


class Points:
    """The faults of one app. Every question is answered from the state file, expiry included."""

    def __init__(self, service: str, faults: Mapping[str, Fault], reader: Reader, engine: Engine) -> None:
        self.faults = faults
        self._service = service
        self._reader = reader
        self._engine = engine

    def in_scope(self, name: str) -> Here | None:
        """The fault, if it is in force for such requests as the one being served, else None."""
        setting = self._reader.active().get(name)
        if setting is None or not _in_scope(self.faults[name], setting):
            return None
        return self.here(name, setting)

    def active(self, name: str) -> Here | None:
        """The same, if the dice say that it hits this very request."""
        here = self.in_scope(name)
        return here if here is not None and here.drawn() else None

    def struck(self) -> Iterator[tuple[Fault, Here]]:
        """The faults that strike this request. Health checks are never hit: customers are to notice a fault."""
        for name, setting in self._reader.active().items():
            fault = self.faults.get(name)
            if fault is None or fault.strike is None or request.path in health.PATHS:
                continue
            here = self.here(name, setting)
            if _in_scope(fault, setting) and here.drawn():
                yield fault, here

    def losing(self, path: str) -> Iterator[tuple[Fault, Here]]:
        """The faults that lose this request, of which nobody knows more than its path. Health checks are never hit."""
        for name, setting in self._reader.active().items():
            fault = self.faults.get(name)
            if fault is None or fault.lose is None or path in health.PATHS:
                continue
            here = self.here(name, setting)
            if here.drawn():
                yield fault, here

    def in_force(self) -> Mapping[str, Setting]:
        """All that is set, whoever it hits."""
        return self._reader.active()

    def here(self, name: str, setting: Setting | None = None) -> Here:
        """The fault at its place. It lasts until its end or a new setting; without a setting, while it is set."""

        def lasts() -> bool:
            now = self._reader.active().get(name)
            return now is not None and setting in (None, now)

        return Here(self._service, self._engine, self.faults[name].filled(setting or Setting(0)), lasts)


def _in_scope(fault: Fault, setting: Setting) -> bool:
    operation = setting.scope.operation or fault.operation
    if operation is not None and operation != _operation():
        return False
    return setting.scope.client is None or setting.scope.client == _client()


def _operation() -> str | None:
    if not has_request_context():
        return None
    rule = request.url_rule.rule if request.url_rule else "UNMATCHED"
    return f"{request.method} {rule.replace('<', '{').replace('>', '}')}"


def _client() -> str | None:
    """Who asks: the name it gives itself, which the shop passes on to payments, else its address."""
    return (request.headers.get("X-Client-Id") or request.remote_addr) if has_request_context() else None
