"""The application factory of payments."""

from __future__ import annotations

from flask import Flask

from service.database import Database
from service.payments import charges
from service.payments.models import Base
from service.settings import ServiceSettings
from service.skeleton import assemble


def create_app(settings: ServiceSettings) -> Flask:
    """Payments as a WSGI app. It connects to nothing yet; raises SettingsError for a database it cannot speak to."""
    database = Database(
        settings.database_url, Base, pool_size=settings.pool_size, pool_timeout_s=settings.pool_timeout_s
    )
    app, telemetry = assemble("payments", settings, database)
    app.extensions[charges.EXTENSION] = charges.Payments(database, telemetry)
    app.register_blueprint(charges.blueprint)
    return app
