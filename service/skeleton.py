"""What both apps are built on: problem documents, health, telemetry, and faults where they are allowed."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask

from service import health, problem_handlers, shedding
from service.database import Database
from service.settings import ServiceSettings
from service.telemetry import Telemetry, instrument

LATENCY_OBJECTIVE_MS = 300


def assemble(
    name: str,
    settings: ServiceSettings,
    database: Database,
    *,
    sli_operations: Sequence[str] = (),
    events: Sequence[str] = (),
    remotes: Sequence[str] = (),
    unseen: Sequence[str] = (),
    shed_above: int = 0,
) -> tuple[Flask, Telemetry]:
    """A Flask app without routes of its own, and its telemetry, which sees every answer: also a fault's.

    ``unseen``: paths that telemetry leaves out, besides health; ``shed_above``: see ``shedding.install`` (0: never).
    """
    app = Flask(name, static_folder=None)
    telemetry = instrument(
        app,
        sli_operations=sli_operations,
        latency_objective_ms=LATENCY_OBJECTIVE_MS,
        events=events,
        remotes=remotes,
        excluded_paths=(*health.PATHS, *unseen),
    )
    telemetry.instrument_engine(database.engine)
    problem_handlers.install(app)
    app.register_blueprint(health.blueprint(database))
    if shed_above:
        shedding.install(app, telemetry, shed_above)  # before the faults, to count those whom they keep waiting
    if settings.faults_state is not None:
        # Not at the top: where faults are not allowed, the code that makes them must not even be loaded.
        from service.failures import injection  # noqa: PLC0415

        injection.install(app, name, settings.faults_state, database.engine)
    return app, telemetry
