"""The side of the faults that lives in the app: before each request, those in force and in scope may strike."""

from __future__ import annotations

import secrets
from pathlib import Path

from flask import Flask, request

from service import health
from service.failures.registry import Fault, known
from service.failures.state import Reader, Setting


def install(app: Flask, service: str, state: Path) -> None:
    """Let the faults that ``service`` knows strike its requests, by what the state file says.

    Health checks are never hit: a fault is there to be noticed by customers, not to get the process replaced.
    """
    faults = known(service)
    reader = Reader(state)

    @app.before_request
    def strike() -> None:
        active = reader.active()
        if not active or request.path in health.PATHS:
            return
        for name, setting in active.items():
            fault = faults.get(name)
            if fault is not None and _hits(fault, setting):
                fault.strike(setting)


def _hits(fault: Fault, setting: Setting) -> bool:
    operation = setting.scope.operation or fault.operation
    if operation is not None and operation != _operation():
        return False
    if setting.scope.client is not None and setting.scope.client != _client():
        return False
    percent = fault.percent if setting.percent is None else setting.percent
    # Not `random`: workers are forked, and copies of one generator would all draw the same numbers.
    return percent is None or secrets.randbelow(1_000_000) < percent * 10_000


def _operation() -> str:
    rule = request.url_rule.rule if request.url_rule else "UNMATCHED"
    return f"{request.method} {rule.replace('<', '{').replace('>', '}')}"


def _client() -> str | None:
    """Who asks: the name it gives itself, which the shop passes on to payments, else its address."""
    return request.headers.get("X-Client-Id") or request.remote_addr
