"""An instrumented shop inside this process, and what came of its requests."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import flask

from service.telemetry import Settings, Telemetry, instrument
from service.telemetry.settings import DaemonAddress

from .emf_rules import check

if TYPE_CHECKING:
    from .conftest import FakeDaemon, FakeLogs  # which imports this module for its fixtures


def below(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for sub in document.get("subsegments", ()):
        whole = {**sub, "trace_id": document["trace_id"], "parent_id": document["id"]}
        yield whole
        yield from below(whole)


@dataclass
class Shop:
    app: flask.Flask
    telemetry: Telemetry
    aws: FakeLogs
    daemon: FakeDaemon

    def close(self) -> None:
        """End the telemetry, so that all of it has been sent."""
        self.telemetry.close()

    def segments(self) -> list[dict[str, Any]]:
        return [document for document in self.daemon.so_far() if "type" not in document]

    def subsegments(self) -> list[dict[str, Any]]:
        """Those within segments, told as X-Ray tells one that is sent alone, and those that were."""
        return [
            sub for document in self.daemon.so_far() for sub in ([document] if "type" in document else below(document))
        ]

    def access(self) -> list[dict[str, Any]]:
        return [message for message in self.aws.messages("/logs") if message["logger"] == "access"]

    def metrics(self, **dimensions: str) -> dict[str, Any]:
        """The document with just these dimensions beyond Service and Environment."""
        found = self.aws.messages("/emf")
        for document in found:
            check(document)
        (one,) = [
            document
            for document in found
            if {key: document[key] for key in ("Operation", "RemoteService") if key in document} == dimensions
        ]
        return one


def make_app() -> flask.Flask:
    app = flask.Flask("shop")
    app.add_url_rule("/healthz", "health", lambda: "ok")
    app.add_url_rule("/orders/<int:order_id>", "order", lambda order_id: {"id": order_id})
    app.add_url_rule("/checkout", "checkout", lambda: ({"order_id": "o-1"}, 201), methods=["POST"])

    @app.get("/boom")
    def boom() -> str:
        raise LookupError("no such thing")

    return app


@contextmanager
def instrumented_shop(aws: FakeLogs, daemon: FakeDaemon) -> Iterator[Shop]:
    """A shop that delivers to these two; the root logger is afterwards as it was."""
    root = logging.getLogger()
    before, level = list(root.handlers), root.level
    host, _, port = daemon.address.partition(":")
    settings = Settings("shop", endpoint_url=aws.url, daemon=DaemonAddress(udp=(host, int(port))))
    app = make_app()
    telemetry = instrument(
        app, sli_operations=("POST /checkout",), events=("CheckoutMismatch",), remotes=("payments",), settings=settings
    )
    yield Shop(app, telemetry, aws, daemon)
    telemetry.close()
    root.handlers[:] = before
    root.setLevel(level)
