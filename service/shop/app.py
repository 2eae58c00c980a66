"""The shop's application factory."""

from __future__ import annotations

from flask import Flask

from service.database import Database
from service.settings import ShopSettings
from service.shop import carts, checkout, items, orders
from service.shop.catalogue import seed
from service.shop.models import Base
from service.shop.parts import EXTENSION, Shop
from service.shop.payments_client import REMOTE, PaymentsClient
from service.skeleton import assemble


def create_app(settings: ShopSettings) -> Flask:
    """The shop as a WSGI app. It connects to nothing yet; raises SettingsError for a database it cannot speak to."""
    database = Database(settings.database_url, Base, seed)
    app, telemetry = assemble(
        "shop",
        settings,
        database,
        sli_operations=("POST /checkout",),
        events=("CheckoutMismatch",),
        remotes=(REMOTE,),
    )
    payments = PaymentsClient(settings.payments_url, settings.payments_timeout_s, telemetry)
    app.extensions[EXTENSION] = Shop(database, payments, telemetry)
    for room in (items, carts, checkout, orders):
        app.register_blueprint(room.blueprint)
    return app
