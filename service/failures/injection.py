"""The side of the faults that lives in the app: before each request, those in force and in scope may strike."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from sqlalchemy import Engine

from service.failures import holding
from service.failures.doorstep import Doorstep
from service.failures.points import Points
from service.failures.registry import known
from service.failures.state import Reader

EXTENSION = "points"


def install(app: Flask, service: str, state: Path, engine: Engine) -> Points:
    """Let the faults that ``service`` knows act in this app, by what the state file says. Call it after the fork."""
    points = Points(service, known(service), Reader(state), engine)
    for name, fault in points.faults.items():
        if fault.prepare is not None:
            fault.prepare(points.here(name))

    @app.before_request
    def strike() -> None:
        if points.in_force():
            for fault, here in points.struck():
                assert fault.strike is not None  # noqa: S101  # by choice of struck()
                fault.strike(here)

    if any(fault.lose is not None for fault in points.faults.values()):
        # Around telemetry's own middleware, which is there already.
        app.wsgi_app = Doorstep(app.wsgi_app, points)  # type: ignore[method-assign]  # Flask's documented way
    holding.watch(app, points)
    app.extensions[EXTENSION] = points
    return points
