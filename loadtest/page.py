"""``/gameday`` beside Locust's page: the schedule, the faults there are and those in force, to be set and lifted.

Locust lets every website read and post to its own pages (CORS for all), so these ones defend themselves: only a name of
this machine is answered to, a change must come from this page, and no other site may read it. The token stays in the
process. In a blind round the page tells the time, and nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Set
from typing import Any
from urllib.parse import urlsplit

import msgspec
from flask import Blueprint, Response, abort, jsonify, render_template, request
from locust.web import WebUI

from loadtest.controls import ControlError
from loadtest.gameday import Gameday
from loadtest.scenario import EVERYTHING, Step

HEADER = "X-Gameday"
MAX_BODY_BYTES = 4_096
BLIND = "-blind"
"""So the name of a blind run ends."""
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class Wanted(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The body of a change: which fault, and its dials as the fault control takes them."""

    fault: str
    percent: float | None = None
    ms: int | None = None
    mb: int | None = None
    n: int | None = None
    expires_in_s: float | None = None


def install(web_ui: WebUI, gameday: Gameday, base_path: str) -> None:
    """Serve the page from Locust's web server."""
    blueprint = Blueprint(
        "gameday",
        __name__,
        url_prefix=f"{base_path.rstrip('/')}/gameday",
        static_folder="static",
        template_folder="templates",
    )
    hosts = LOOPBACK | set(os.environ.get("KIT_ALLOWED_HOSTS", "").replace(",", " ").split())
    blueprint.before_request(lambda: _guard(hosts))
    blueprint.after_request(_shield)
    blueprint.register_error_handler(ControlError, _refused)

    def page() -> str:
        return render_template("gameday.html")

    def state() -> Response:
        return jsonify(_state(gameday))

    def set_fault() -> Response:
        dials = msgspec.to_builtins(_wanted(gameday))
        gameday.faults.set(dials.pop("fault"), dials, "page")
        return state()

    def lift() -> Response:
        name = _wanted(gameday).fault
        gameday.faults.lift(None if name == EVERYTHING else name, "page")
        return state()

    views = (("", page, "GET"), ("/state", state, "GET"), ("/set", set_fault, "POST"), ("/lift", lift, "POST"))
    for path, view, method in views:
        # Locust's login, where it is on, covers this page too.
        checked = web_ui.auth_required_if_enabled(view)  # type: ignore[no-untyped-call]  # locust's is not annotated
        blueprint.add_url_rule(path, view.__name__, checked, methods=[method])
    if web_ui.app is not None:
        web_ui.app.register_blueprint(blueprint)


def _guard(hosts: Set[str]) -> None:
    if urlsplit(f"//{request.host}").hostname not in hosts:
        abort(421)
    if request.method == "POST":
        _refuse_strangers()


def _shield(response: Response) -> Response:
    # Locust's CORS for all leaves alone an answer that has this header: only this page's own address may read it.
    response.headers["Access-Control-Allow-Origin"] = request.host_url.rstrip("/")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _refused(error: Exception) -> tuple[Response, int]:
    return jsonify({"detail": str(error)}), 502 if getattr(error, "passing", False) else 422


def _wanted(gameday: Gameday) -> Wanted:
    if gameday.options.blind:
        abort(403)
    try:
        return msgspec.json.decode(request.get_data(), type=Wanted)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ControlError(str(error)) from None


def _refuse_strangers() -> None:
    """A form of another site has no such header; a script of one may send it, but then names where it comes from."""
    if request.headers.get(HEADER) != "1" or (request.content_length or 0) > MAX_BODY_BYTES:
        abort(403)
    if request.headers.get("Origin", request.host_url.rstrip("/")) != request.host_url.rstrip("/"):
        abort(403)
    if request.headers.get("Sec-Fetch-Site", "same-origin") != "same-origin":
        abort(403)


def _state(gameday: Gameday) -> dict[str, Any]:
    runner, conductor = gameday.runner, gameday.conductor
    shown: dict[str, Any] = {
        "blind": gameday.options.blind,
        "users": runner.user_count,
        "target_users": runner.target_user_count,
        "state": runner.state,
        "elapsed_s": conductor and conductor.elapsed_s,
    }
    if gameday.options.blind:
        return shown
    services = gameday.faults.view()
    if _in_a_blind_round(services):
        return shown | {"blind": True}
    steps = conductor.scenario.schedule if conductor else []
    return shown | {
        "run": gameday.options.run,
        "scenario": conductor and conductor.scenario.name,
        "schedule": [_step(step, number < (conductor.done if conductor else 0)) for number, step in enumerate(steps)],
        "services": services,
    }


def _in_a_blind_round(services: Iterable[Mapping[str, Any]]) -> bool:
    """Whether another Locust's blind run has set one of the faults: its name says so, and players may look here."""
    return any(str(one.get("run")).endswith(BLIND) for service in services for one in service.get("active", ()))


def _step(step: Step, done: bool) -> dict[str, Any]:
    return {"at": step.at, "what": step.text, "done": done}
