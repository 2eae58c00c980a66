"""What the shop's routes work with, kept by the app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from flask import current_app

from service.database import Database
from service.shop.payments_client import PaymentsClient
from service.telemetry import Telemetry

EXTENSION = "shop"


@dataclass(frozen=True, slots=True)
class Shop:
    """The parts of one shop."""

    database: Database
    payments: PaymentsClient
    telemetry: Telemetry


def shop() -> Shop:
    """The parts of the shop that serves this request."""
    return cast(Shop, current_app.extensions[EXTENSION])
