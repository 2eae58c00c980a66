"""The on-call page: where SNS posts to, what the page shows, and what its buttons do.

A page of another origin must not be able to acknowledge anything: what changes something is a POST whose Content-Type
is ``application/json``, which such a page can send only after a CORS preflight, and nothing here grants one.
"""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Any

from flask import Flask, Response, abort, jsonify, render_template, request

from kit import aws
from kit.console.cloud import MissingError
from kit.console.fresh import Fresh
from kit.console.views import Json, Views
from kit.errors import KitError
from kit.incidents import Act, Incident, open_inbox
from kit.incidents.history import catch_up
from kit.incidents.inbox import Inbox, secret_path
from kit.incidents.messages import LARGEST
from kit.incidents.model import Kind
from kit.incidents.people import NAME_LENGTH, TEXT_LENGTH, myself, tidy
from kit.incidents.receiver import Receiver
from kit.settings import Settings

SHOWN = 50
CAUGHT_UP_FOR_S = 60.0
"""The alarms' history is looked at so often, while somebody looks at the page."""

_KINDS: Mapping[str, Kind] = {"ack": "ack", "note": "note", "resolve": "resolve"}
_LARGEST_ACT = 20_000
_QUIET = {"counts": {"ALARM": 0, "INSUFFICIENT_DATA": 0, "OK": 0}, "states": {}, "names": []}

log = logging.getLogger(__name__)


def add_oncall(
    app: Flask,
    settings: Settings,
    views: Views,
    clock: Callable[[], float],
    *,
    shared: Mapping[str, Any],
    cloudwatch: Callable[[], Any],
    allowed_hosts: Collection[str] = (),
) -> None:
    """Add the page, its JSON and the receiver to the console. ``cloudwatch()`` makes a client."""
    inbox = open_inbox(settings)
    receiver = Receiver(settings, inbox, clock, private_networks=bool(allowed_hosts))
    history = Fresh(CAUGHT_UP_FOR_S, clock)
    frames = Fresh(float(shared["refresh_ms"]) / 1000, clock)

    @app.get("/oncall")
    def oncall() -> str:
        return render_template("oncall.html", page="oncall", **shared)

    @app.post("/oncall/sns/<secret>")
    def sns(secret: str) -> Response:
        if not hmac.compare_digest(secret.encode(), secret_path(settings).encode()):
            abort(404)
        request.max_content_length = LARGEST
        answer = receiver.take(request.get_data(cache=False), request.remote_addr)
        return Response(answer.text + "\n", answer.status, mimetype="text/plain")

    @app.get("/api/oncall")
    def oncall_json() -> Response:
        trouble = _trouble(lambda: history.get("history", lambda: _catch_up(settings, inbox, cloudwatch(), clock())))
        now = clock()
        frame = dict(_QUIET)
        _trouble(lambda: frame.update(frames.get("frame", views.frame)))
        found = [_shown(each) for each in inbox.incidents(now)[:SHOWN]]
        told = {"at": round(now * 1000), "incidents": found, "me": myself(settings.root), "trouble": trouble}
        return jsonify(frame | told)

    @app.post("/api/oncall/<int:number>/<kind>")
    def act(number: int, kind: str) -> Response:
        if kind not in _KINDS:
            abort(404)
        if request.mimetype != "application/json" or request.headers.get("Sec-Fetch-Site", "none") not in _OWN:
            abort(415, "Send JSON from this page.")
        request.max_content_length = _LARGEST_ACT
        told = request.get_json(silent=True)
        if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
            abort(400, "Send an object of texts.")
        text = tidy(told.get("text", ""), TEXT_LENGTH)
        if kind == "note" and not text:
            abort(400, "A note says something.")
        actor = tidy(told.get("actor", ""), NAME_LENGTH) or myself(settings.root)
        if inbox.incident(number, clock()) is None:
            raise MissingError(f"incident {number}", "there is none of this number")
        return jsonify({"incident": _shown(inbox.act(number, Act(clock(), actor, _KINDS[kind], text)))})


_OWN = ("same-origin", "none")


def _catch_up(settings: Settings, inbox: Inbox, cloudwatch: Any, now: float) -> int:
    with aws.readable_errors(settings, "reading the alarms' history"):
        return catch_up(cloudwatch, inbox, settings.stage.actions, now)


def _trouble(call: Callable[[], Any]) -> Json | None:
    """What went wrong, as the page tells it; what had come in is shown anyway."""
    try:
        call()
    except KitError as error:
        return {"where": error.where, "problem": error.problem, "remedy": error.remedy}
    return None


def _shown(incident: Incident) -> Json:
    def moment(at: float | None) -> int | None:
        return None if at is None else round(at * 1000)

    took = incident.time_to_acknowledge_s
    return {
        "id": incident.id,
        "state": incident.state,
        "severity": incident.severity,
        "title": incident.title,
        "about": incident.about,
        "opened": moment(incident.opened),
        "acknowledged_by": incident.acknowledged_by,
        "took": None if took is None else round(took * 1000),
        "resolved": moment(incident.resolved),
        "resolved_by": incident.resolved_by,
        "pages": incident.pages,
        "reopened": incident.reopened,
        "alarms": [{"name": name, "state": state} for name, state in sorted(incident.alarms.items()) if name],
        "timeline": [
            {"at": moment(entry.at), "kind": entry.kind, "actor": entry.actor, "text": entry.text}
            for entry in incident.timeline
        ],
    }
