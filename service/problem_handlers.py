"""Every error of an app becomes a problem document; what is unexpected is logged and told to nobody."""

from __future__ import annotations

import logging

import msgspec
from flask import Flask, Response
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

from service.bodies import MAX_BODY_BYTES
from service.problem import MEDIA_TYPE, Problem, unavailable

logger = logging.getLogger(__name__)


def install(app: Flask) -> None:
    """Register the handlers, the size limit of a body, and the headers that every answer carries."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.register_error_handler(Problem, render)
    app.register_error_handler(HTTPException, _http)
    for error in (OperationalError, InterfaceError, PoolTimeoutError):
        app.register_error_handler(error, _database)
    app.register_error_handler(Exception, _unexpected)
    app.after_request(_headers)


def render(problem: Problem) -> Response:
    """The problem as a response."""
    response = Response(msgspec.json.encode(problem.body()), problem.status, mimetype=MEDIA_TYPE)
    response.headers.update(problem.headers)
    return response


def _http(error: HTTPException) -> Response | HTTPException:
    """What Flask and Werkzeug raise; a redirect is no error and passes. Their headers (Allow, say) are kept."""
    if error.code is None or error.code < 400:
        return error
    response = render(Problem(error.code, error.description or "", title=error.name))
    for name, value in error.get_headers():
        if name.lower() != "content-type":
            response.headers[name] = value
    return response


def _database(error: Exception) -> Response:
    logger.error("database unavailable", exc_info=error)
    return render(unavailable("The database does not answer.", "database-unavailable"))


def _unexpected(error: Exception) -> Response:
    logger.error("unexpected error", exc_info=error)
    return render(Problem(500, "The request failed for a reason of our own."))


def _headers(response: Response) -> Response:
    response.headers.setdefault("Cache-Control", "no-store")
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    return response
