"""The fault control's HTTP API as a plain WSGI app, without a framework: its process is to stay under 20 MB.

``GET /v1/faults`` · ``PUT /v1/faults/{name}`` · ``DELETE /v1/faults[/{name}]`` · ``POST /v1/heartbeat``
"""

from __future__ import annotations

import threading

# hmac.compare_digest by its other name: hmac would load OpenSSL, a fifth of this process's memory.
from _operator import _compare_digest as same_in_constant_time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from service.failures.registry import DIALS, Fault
from service.failures.state import Scope, Setting, State, load, save
from service.problem import MEDIA_TYPE, Problem

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES = 4_096
EXPIRES_IN_S = 600
LONGEST_S = 3_600
HEARTBEAT_TTL_S = 10

T = TypeVar("T")
Run = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9._:-]{1,100}\Z")]
Answer = tuple[int, object]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``PUT /v1/faults/{name}``. ``expires_in_s`` is bounded: nobody can forget a fault for long."""

    percent: Annotated[float, Meta(gt=0, le=100)] | None = None
    ms: Annotated[int, Meta(ge=0)] | None = None
    mb: Annotated[int, Meta(ge=0)] | None = None
    n: Annotated[int, Meta(ge=0)] | None = None
    scope: Scope = Scope()
    expires_in_s: Annotated[float, Meta(ge=1, le=LONGEST_S)] = EXPIRES_IN_S
    run: Run | None = None


class Heartbeat(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The body of ``POST /v1/heartbeat``: this run is alive, and counts as such for ``ttl_s`` seconds."""

    run: Run
    ttl_s: Annotated[float, Meta(ge=1, le=60)] = HEARTBEAT_TTL_S


class Api:
    """The faults of one service, set and lifted by whoever has the token."""

    def __init__(
        self, service: str, faults: Mapping[str, Fault], path: Path, token: str, clock: Callable[[], float]
    ) -> None:
        self._service = service
        self._faults = faults
        self._path = path
        self._token = token.encode()
        self._clock = clock
        self._writing = threading.Lock()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        media, extra = "application/json", {}
        try:
            self._authorise(environ)
            status, body = self._route(environ)
        except Problem as problem:
            status, body, media, extra = problem.status, problem.body(), MEDIA_TYPE, problem.headers
        data = b"" if body is None else msgspec.json.encode(body)
        headers = [("Cache-Control", "no-store"), ("Content-Length", str(len(data))), *extra.items()]
        if data:
            headers.append(("Content-Type", media))
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [data]

    def _authorise(self, environ: WSGIEnvironment) -> None:
        scheme, _, token = str(environ.get("HTTP_AUTHORIZATION", "")).partition(" ")
        right = same_in_constant_time(token.strip().encode("latin-1"), self._token)  # headers reach WSGI as latin-1
        if scheme.lower() != "bearer" or not right:
            raise Problem(401, "Send the bearer token.", headers={"WWW-Authenticate": 'Bearer realm="faults"'})

    def _route(self, environ: WSGIEnvironment) -> Answer:
        parts = tuple(str(environ.get("PATH_INFO", "")).split("/"))
        if parts == ("", "v1", "faults"):
            return self._choose(environ, {"GET": self._list, "DELETE": self._lift_all})
        if parts == ("", "v1", "heartbeat"):
            return self._choose(environ, {"POST": lambda: self._heartbeat(_read(environ, Heartbeat))})
        if len(parts) == 4 and parts[:3] == ("", "v1", "faults"):
            fault = self._faults.get(parts[3])
            if fault is None:
                raise Problem(404, f"{self._service} has no such fault.", kind="fault-unknown")
            put = lambda: self._set(fault, _read(environ, Wanted))  # noqa: E731  # the sibling of the two others
            return self._choose(environ, {"PUT": put, "DELETE": lambda: self._lift(fault.name)})
        raise Problem(404, "There is nothing here.")

    @staticmethod
    def _choose(environ: WSGIEnvironment, actions: Mapping[str, Callable[[], Answer]]) -> Answer:
        action = actions.get(environ["REQUEST_METHOD"])
        if action is None:
            raise Problem(405, "This method is not allowed here.", headers={"Allow": ", ".join(actions)})
        return action()

    def _list(self) -> Answer:
        now = self._clock()
        state = load(self._path).live(now)
        known = [_about(fault) for fault in self._faults.values()]
        active = [_view(name, setting, state, now) for name, setting in sorted(state.faults.items())]
        return 200, {"service": self._service, "known": known, "active": active}

    def _set(self, fault: Fault, wanted: Wanted) -> Answer:
        _check(fault, wanted)
        dials = {dial: getattr(wanted, dial) for dial in DIALS}

        def change(state: State, now: float) -> State:
            setting = fault.filled(
                Setting(expires_at=now + wanted.expires_in_s, scope=wanted.scope, run=wanted.run, **dials)
            )
            # A run's first fault may come before its first heartbeat: one lifetime's grace.
            runs = {wanted.run: now + HEARTBEAT_TTL_S, **state.runs} if wanted.run else state.runs
            return State(faults={**state.faults, fault.name: setting}, runs=runs)

        state, now = self._change(change)
        return 200, _view(fault.name, state.faults[fault.name], state, now)

    def _lift(self, name: str) -> Answer:
        self._change(
            lambda state, _: State(faults={n: s for n, s in state.faults.items() if n != name}, runs=state.runs)
        )
        return 204, None

    def _lift_all(self) -> Answer:
        self._change(lambda state, _: State(runs=state.runs))
        return 204, None

    def _heartbeat(self, beat: Heartbeat) -> Answer:
        state, now = self._change(
            lambda state, now: State(faults=state.faults, runs={**state.runs, beat.run: now + beat.ttl_s})
        )
        return 200, {"run": beat.run, "alive_for_s": round(state.runs[beat.run] - now, 3)}

    def _change(self, change: Callable[[State, float], State]) -> tuple[State, float]:
        """Apply a change to what is still in force: a fault whose run fell silent must not wake up again."""
        with self._writing:
            now = self._clock()
            state = change(load(self._path).live(now), now)
            try:
                save(self._path, state)
            except OSError as error:
                raise Problem(500, f"The state file cannot be written: {error.strerror}.") from error
        return state, now


def _read(environ: WSGIEnvironment, kind: type[T]) -> T:
    length = str(environ.get("CONTENT_LENGTH") or "0")
    if not length.isdigit() or int(length) > MAX_BODY_BYTES:
        raise Problem(413, f"A body may have {MAX_BODY_BYTES} bytes.")
    try:
        return msgspec.json.decode(environ["wsgi.input"].read(int(length)), type=kind)
    except msgspec.ValidationError as error:
        raise Problem(422, str(error), kind="body-invalid") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(400, "The body is not valid JSON.", kind="body-malformed") from None


def _about(fault: Fault) -> dict[str, Any]:
    """A fault as it is listed: its dials as they are when nobody turns them, None for those that it does not have."""
    dials = {name: fault.dials[name].default if name in fault.dials else None for name in DIALS}
    return {"name": fault.name, "summary": fault.summary, "operation": fault.operation, **dials}


def _check(fault: Fault, wanted: Wanted) -> None:
    """Raises Problem 422 for a dial that the fault does not have or that does not go so far, or a senseless scope."""
    for name in DIALS:
        value = getattr(wanted, name)
        if value is None:
            continue
        dial = fault.dials.get(name)
        if dial is None:
            raise Problem(422, f"{fault.name} has no dial {name}.", kind="dial-unknown")
        if not dial.low <= value <= dial.high:
            raise Problem(
                422, f"{fault.name}: {name} goes from {dial.low:g} to {dial.high:g}.", kind="dial-out-of-range"
            )
    if wanted.scope != Scope() and not fault.scoped:
        whom = "requests unseen" if fault.lose is not None else "whole processes"
        raise Problem(422, f"{fault.name} hits {whom}, so it has no scope.", kind="scope-senseless")


def _view(name: str, setting: Setting, state: State, now: float) -> dict[str, Any]:
    return {
        "name": name,
        **{dial: getattr(setting, dial) for dial in DIALS},
        "scope": setting.scope,
        "run": setting.run,
        "expires_in_s": round(state.ends_at(setting) - now, 1),
    }
