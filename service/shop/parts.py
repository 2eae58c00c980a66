"""What the shop's routes work with, kept by the app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from flask import current_app

from service.database import Database
from service.shop.payments_client import PaymentsClient
from service.shop.recommendations import Recommendations
from service.telemetry import Telemetry

if TYPE_CHECKING:
    from service.failures.here import Here
    from service.failures.points import Points

EXTENSION = "shop"


@dataclass(frozen=True, slots=True)
class Shop:
    """The parts of one shop. ``points`` is None where faults are not allowed."""

    database: Database
    payments: PaymentsClient
    recommendations: Recommendations | None
    telemetry: Telemetry
    points: Points | None


def shop() -> Shop:
    """The parts of the shop that serves this request."""
    return cast(Shop, current_app.extensions[EXTENSION])


def failing(name: str) -> Here | None:
    """The fault that sits where this is asked, with its dials, if it hits this request."""
    points = shop().points
    return None if points is None else points.active(name)
