"""The Flask app: its pages, their JSON, and the static files."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import replace

from flask import Flask, Response, jsonify, render_template, request, send_file

from kit import aws
from kit.charts.timerange import CHOICES
from kit.console.bundle import Bundle
from kit.console.cloud import ClientFor, Cloud, MissingError
from kit.console.fresh import Fresh
from kit.console.oncall import add_oncall
from kit.console.pickers import asked_for
from kit.console.security import guard
from kit.console.views import Json, Views
from kit.errors import KitError
from kit.settings import Settings

REFRESH_S = 5.0
SHARED_SHARE = 0.4
"""For this share of a refresh an answer serves every tab: 2 s of 5."""

READ_TIMEOUT_S = 6.0


def create_app(
    settings: Settings,
    *,
    client_for: ClientFor | None = None,
    allowed_hosts: Collection[str] = (),
    bundle: Bundle | None = None,
    clock: Callable[[], float] = time.time,
    refresh_s: float = REFRESH_S,
) -> Flask:
    """The console of one stage. It calls AWS only when a page asks, so it starts without an endpoint.

    ``client_for`` makes a client for a Region and a service; a page asks again every ``refresh_s`` seconds.
    """
    app = Flask(__name__)
    app.jinja_options = {"trim_blocks": True, "lstrip_blocks": True}
    guard(app, allowed_hosts)
    bundle = bundle or Bundle(settings.state_dir / "cache")
    client_for = client_for or _client_for(settings)
    cloud = Cloud(settings, client_for)
    views = Views(cloud, clock)
    shared = _pages(app, settings, bundle, refresh_s)
    _json(app, views, Fresh(refresh_s * SHARED_SHARE, clock))
    add_oncall(
        app,
        settings,
        views,
        clock,
        shared=shared,
        cloudwatch=lambda: client_for(settings.region, "cloudwatch"),
        allowed_hosts=allowed_hosts,
    )
    return app


def _client_for(settings: Settings) -> ClientFor:
    return lambda region, service: aws.client(
        replace(settings, region=region), service, attempts=2, read_timeout_s=READ_TIMEOUT_S
    )


def _pages(app: Flask, settings: Settings, bundle: Bundle, refresh_s: float) -> dict[str, object]:
    """Add the pages; gives what their frame is made of."""
    shared: dict[str, object] = {
        "stage": settings.stage.name,
        "region": settings.region,
        "vega": bundle.name,
        "choices": list(CHOICES),
        "refresh_ms": round(refresh_s * 1000),
    }

    @app.get("/")
    def overview() -> str:
        return render_template("overview.html", page="overview", **shared)

    @app.get("/dashboards/<name>")
    def dashboard(name: str) -> str:
        return render_template("dashboard.html", page="dashboard", name=name, **shared)

    @app.get("/alarm")
    def alarm() -> str:
        return render_template("alarm.html", page="alarm", name=request.args.get("name", ""), **shared)

    @app.get("/healthz")
    def healthz() -> Response:
        return Response("ok\n", mimetype="text/plain")

    @app.get("/assets/<name>")
    def vega(name: str) -> Response:
        if name != bundle.name:
            return Response("gone\n", status=404, mimetype="text/plain")
        response = send_file(bundle.path(), mimetype="text/javascript", max_age=31_536_000, conditional=True)
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response

    return shared


def _json(app: Flask, views: Views, fresh: Fresh) -> None:
    def shared(kind: str, name: str, make: Callable[[str, str | None], Json]) -> Response:
        choice = request.args.get("range")
        choice = choice if choice in CHOICES else None
        return jsonify(fresh.get((kind, name, choice), lambda: make(name, choice)))

    @app.get("/api/overview")
    def overview_json() -> Response:
        return shared("overview", "", lambda _, choice: views.overview(choice))

    @app.get("/api/dashboards/<name>")
    def dashboard_json(name: str) -> Response:
        choices = asked_for(request.args)
        # Answers are shared by those who look at the same: a choice is part of that.
        return shared(
            f"dashboard {sorted(choices.items())}", name, lambda name, range_: views.dashboard(name, range_, choices)
        )

    @app.get("/api/alarm")
    def alarm_json() -> Response:
        return shared("alarm", request.args.get("name", ""), views.alarm)

    @app.errorhandler(KitError)
    def trouble(error: KitError) -> tuple[Response, int]:
        told = {"where": error.where, "problem": error.problem, "remedy": error.remedy}
        return jsonify({"error": told}), 404 if isinstance(error, MissingError) else 503
