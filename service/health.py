"""Two questions an orchestrator asks: is the process up, and can it serve."""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError

from service.bodies import answer
from service.database import Database
from service.problem import unavailable

PATHS = frozenset({"/healthz", "/readyz"})


def blueprint(database: Database) -> Blueprint:
    """``/healthz`` asks nobody else, so that a dead database gets no healthy process killed; ``/readyz`` does."""
    health = Blueprint("health", __name__)

    @health.get("/healthz")
    def healthz() -> Response:
        return answer({"status": "up"})

    @health.get("/readyz")
    def readyz() -> Response:
        try:
            database.check()
        except SQLAlchemyError:
            raise unavailable("The database does not answer.", "database-unavailable") from None
        return answer({"status": "ready"})

    return health
