"""The fault control's process: ``python -m service.failures.control``.

It is apart from the service, so that a worker that is stuck cannot keep a fault alive. It reads ``FAULTS_ENABLED``,
``FAULTS_TOKEN``, ``FAULTS_BIND`` (host:port), ``FAULTS_STATE`` and, for which service it is, ``OTEL_SERVICE_NAME``.
"""

from __future__ import annotations

import logging
import os
import re
import select
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import waitress
from waitress import wasyncore

from service.failures.api import MAX_BODY_BYTES, Api
from service.failures.registry import known
from service.settings import READERS, SettingsError, faults_state

SHORTEST_TOKEN = 16
LOOK_EVERY_S = 1.0
ANSWERING_S = 1.0


@dataclass(frozen=True, slots=True)
class ControlSettings:
    """What the control process needs to know."""

    service: str
    state: Path
    token: str
    host: str
    port: int


def read_control(environ: Mapping[str, str]) -> ControlSettings:
    """Settings of the control process; raises SettingsError: it must never run by accident or without a token."""
    state = faults_state(environ)
    if state is None:
        raise SettingsError("FAULTS_ENABLED: is not 1, so there is no fault control. Set it where faults are allowed.")
    service = environ.get("OTEL_SERVICE_NAME", "")
    if service not in READERS:
        raise SettingsError(f"OTEL_SERVICE_NAME: {service!r} has no faults. Use one of {', '.join(READERS)}.")
    token = environ.get("FAULTS_TOKEN", "")
    if not re.fullmatch(rf"[!-~]{{{SHORTEST_TOKEN},}}", token):
        raise SettingsError(f"FAULTS_TOKEN: missing or weak. Give at least {SHORTEST_TOKEN} visible ASCII characters.")
    bind = environ.get("FAULTS_BIND", "")
    match = re.fullmatch(r"\[?([^\s\[\]/@]+)\]?:([0-9]{1,5})", bind)
    if match is None or not 1 <= int(match[2]) <= 65535:
        raise SettingsError(f"FAULTS_BIND: {bind!r} is not an address. Write it as 127.0.0.1:8090.")
    return ControlSettings(service, state, token, match[1], int(match[2]))


def main(environ: Mapping[str, str]) -> None:
    """Serve until SIGTERM or Ctrl-C; leaves with one line when it cannot start."""
    connections: dict[int, Any] = {}
    try:
        settings = read_control(environ)
        api = Api(settings.service, known(settings.service), settings.state, settings.token, time.time)
        server = waitress.create_server(
            api,
            map=connections,
            host=settings.host,
            port=settings.port,
            threads=1,
            ident=None,
            channel_timeout=10,
            connection_limit=50,
            # Its own answer to an oversized body is plain text: ours comes first, up to here.
            max_request_body_size=16 * MAX_BODY_BYTES,
        )
    except SettingsError as error:
        sys.exit(str(error))
    except OSError as error:
        sys.exit(f"FAULTS_BIND: {environ.get('FAULTS_BIND')} cannot be bound: {error.strerror}. Choose a free port.")
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that a few requests wait is no news
    _serve(server, connections, f"fault control of {settings.service}: http://{settings.host}:{settings.port}")


def _serve(server: Any, connections: dict[int, Any], announcement: str) -> None:
    """Until a signal; then nobody else is let in, and what was asked is answered."""
    signals: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        signals.append(number)
        server.pull_trigger()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_signal)
    print(announcement, flush=True)  # noqa: T201  # all it says
    while not signals:
        wasyncore.poll(LOOK_EVERY_S, connections)
    until = time.monotonic() + ANSWERING_S
    while _let_go(server, connections) and (left := until - time.monotonic()) > 0:
        wasyncore.poll(left, connections)


def _let_go(server: Any, connections: dict[int, Any]) -> bool:
    """Close each socket at which nobody waits for an answer; whether that leaves any."""
    sockets = {fd: item for fd, item in connections.items() if item is not server.trigger}
    arrived, _, _ = select.select(list(sockets), [], [], 0)
    for fd in sockets.keys() - set(arrived):
        item = sockets[fd]
        if item is server:
            wasyncore.dispatcher.close(server)  # its own close would take along what its worker wakes this loop by
        elif not (item.request or item.requests or item.writable()):
            item.handle_close()
    return len(connections) > 1


if __name__ == "__main__":
    main(os.environ)
