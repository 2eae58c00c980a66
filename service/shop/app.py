"""The shop's application factory."""

from __future__ import annotations

from flask import Flask

from service.database import Database
from service.settings import ShopSettings
from service.shop import carts, checkout, items, orders, recommendations, recommender
from service.shop.catalogue import seed
from service.shop.models import Base
from service.shop.parts import EXTENSION, Shop
from service.shop.payments_client import REMOTE, PaymentsClient
from service.skeleton import assemble


def create_app(settings: ShopSettings) -> Flask:
    """The shop as a WSGI app. It connects to nothing yet; raises SettingsError for a database it cannot speak to."""
    database = Database(
        settings.database_url, Base, seed, pool_size=settings.pool_size, pool_timeout_s=settings.pool_timeout_s
    )
    app, telemetry = assemble(
        "shop",
        settings,
        database,
        sli_operations=("POST /checkout",),
        events=("CheckoutMismatch",),
        remotes=(REMOTE, recommendations.REMOTE),
        unseen=(recommendations.PATH,),
        shed_above=settings.shed_above,
    )
    payments = PaymentsClient(
        settings.payments_url,
        settings.payments_timeout_s,
        telemetry,
        retries=settings.retries,
        at_once=settings.payments_at_once,
    )
    beside = None
    if settings.recommender_url:
        beside = recommendations.Recommendations(
            settings.recommender_url, settings.recommender_timeout_s, telemetry, fallback=settings.fallback
        )
    app.extensions[EXTENSION] = Shop(database, payments, beside, telemetry, app.extensions.get("points"))
    for room in (items, carts, checkout, orders, recommender):
        app.register_blueprint(room.blueprint)
    return app
