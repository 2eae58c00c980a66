"""The one WSGI application in front: it checks a request, finds whose it is, and hands it over."""

from __future__ import annotations

import logging
import re
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import lru_cache
from random import Random
from typing import Any
from urllib.parse import parse_qs

import msgspec

from kit.emulator.clock import Clock, ManualClock
from kit.emulator.control import PREFIX, Control
from kit.emulator.engines import Engines
from kit.emulator.gate import Gate
from kit.emulator.moto_services import MotoServices, hostname, is_loopback
from kit.emulator.protocol import AwsError, Context, Request, Response
from kit.emulator.protocol.aws_cbor import PATH as CBOR_PATH
from kit.emulator.protocol.errors import internal_error
from kit.emulator.protocol.plain import plain_error
from kit.emulator.protocol.service import Service
from kit.emulator.services import SCOPES

log = logging.getLogger(__name__)

Environ = dict[str, Any]
StartResponse = Callable[..., Any]

# PutLogEvents takes 1 MiB of text, which JSON escapes can make six times as long; everything else is smaller.
LARGEST_BODY = 8 * 1024 * 1024

# A name server's names have 253 characters at most; a port comes after.
_LONGEST_HOST = 260
_FAILED = 400  # HTTP's status from here on

_CREDENTIAL = re.compile(r"Credential=[^/\s,]+/\d{8}/([^/\s,]+)/([^/\s,]+)/aws4_request")
_REGION = re.compile(r"[a-z]{2}(-[a-z]{2,12}){1,3}-\d{1,2}")

_dice = Random()  # noqa: S311 - for names, not for secrets


class Scope(msgspec.Struct, frozen=True):
    """What a request's credential says: the Region and the service that it was signed for; None where unsigned."""

    region: str | None
    service: str | None


class Door:
    """Routes to our engines by target, path or credential scope, and everything else to moto."""

    def __init__(
        self,
        services: Mapping[str, Service],
        engines: Engines,
        moto: MotoServices,
        *,
        clock: Clock,
        account: str,
        region: str,
        allowed_hosts: Collection[str],
        gate: Gate,
    ) -> None:
        """``region`` answers unsigned requests; ``allowed_hosts`` (lower case) are served besides loopback names.

        Whoever closes ``gate`` has the engines for itself.
        """
        self._services = services
        self._engines = engines
        self._moto = moto
        self._clock = clock
        self._account = account
        self._region = region
        self._allowed_hosts = allowed_hosts
        self._targets = {s.model.metadata.target_prefix: name for name, s in services.items()}
        self._xray_paths = frozenset(o.http.request_uri for o in services["xray"].model.operations.values())
        self._xray_port = ""
        self._started = clock.now()
        self._counts: Counter[str] = Counter()
        self._count_lock = threading.Lock()
        self._gate = gate
        self._control: Control | None = None
        self._more_counts: Callable[[], Mapping[str, Any]] = dict

    def serve_control(self, control: Control) -> None:
        """Answer what lies under /_kit/ with this."""
        self._control = control

    def serve_daemon_port(self, port: int, counts: Callable[[], Mapping[str, int]]) -> None:
        """On ``port`` answer X-Ray alone, as its daemon does; ``counts`` is what its UDP side has seen."""
        self._xray_port = str(port)
        self._more_counts = counts

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI entry."""
        headers = _headers(environ)
        response = self._guarded(headers, lambda request_id: self._answer(environ, headers, request_id))
        fields = [
            *([("Content-Type", response.content_type)] if response.content_type else []),
            ("Content-Length", response.headers.get("Content-Length", str(len(response.body)))),
            *((name, value) for name, value in response.headers.items() if name != "Content-Length"),
        ]
        start_response(response.status_line, fields)
        return [response.body]

    def small_write(self, request: Request) -> Response:
        """Answers a call that names an operation of CloudWatch's, from a server that has no environment for it."""
        return self._guarded(request.headers, lambda request_id: self._write(request, request_id))

    def _guarded(self, headers: Mapping[str, str], answer: Callable[[str], Response]) -> Response:
        """What ``answer(request_id)`` says, if the caller may ask; every failure is an error in AWS's form."""
        request_id = _request_id()
        try:
            self._check_caller(headers)
            response = answer(request_id)
        except AwsError as error:
            response = plain_error(headers, error, request_id)
        except Exception:
            log.exception("request %s failed", request_id)
            response = plain_error(headers, internal_error(), request_id)
        self._count("errors" if response.status >= _FAILED else "answers")
        return response

    def _write(self, request: Request, request_id: str) -> Response:
        if len(request.body) > LARGEST_BODY:
            raise _too_large()
        scope = _scope(request.headers.get("authorization", ""), request.query)
        self._count("cloudwatch")
        return self._ask("cloudwatch", scope, request, request_id)

    def _ask(self, name: str, scope: Scope, request: Request, request_id: str) -> Response:
        context = Context(self._region_of(scope), self._account, self._clock, request_id)
        with self._gate:
            return self._services[name].answer(_plain(request), self._engines.of(name, context.region), context)

    def _answer(self, environ: Environ, headers: dict[str, str], request_id: str) -> Response:
        path = environ.get("PATH_INFO", "")
        body = _body(environ)
        if path.startswith(PREFIX) and self._control is not None:
            return self._control.answer(environ["REQUEST_METHOD"], path, headers["content-type"], body)
        query = environ.get("QUERY_STRING", "")
        scope = _scope(headers.get("authorization", ""), query)
        name = self._service_of(environ, scope)
        self._count(name or "moto")
        if name is None:
            return self._ask_moto(environ, body, scope)
        return self._ask(name, scope, Request(environ["REQUEST_METHOD"], path, query, headers, body), request_id)

    def _service_of(self, environ: Environ, scope: Scope) -> str | None:
        if environ.get("SERVER_PORT") == self._xray_port:
            return "xray"
        prefix = environ.get("HTTP_X_AMZ_TARGET", "").partition(".")[0]
        if prefix in self._targets:
            return self._targets[prefix]
        if scope.service is None:
            return self._unsigned(environ.get("PATH_INFO", ""))
        return SCOPES.get(scope.service)

    def _unsigned(self, path: str) -> str | None:
        """X-Ray's paths and those of CBOR name their service; a form doesn't."""
        named = CBOR_PATH.fullmatch(path)
        if named is not None:
            return self._targets.get(named["service"])
        return "xray" if path in self._xray_paths else None

    def _region_of(self, scope: Scope) -> str:
        region = scope.region or self._region
        if not _REGION.fullmatch(region):
            raise AwsError("UnrecognizedClientException", f"{region[:64]!r} is not the name of a Region.")
        return region

    def _ask_moto(self, environ: Environ, body: bytes, scope: Scope) -> Response:
        path = environ.get("PATH_INFO", "")
        if scope.service is None or path.startswith(("/moto-api", "/latest/")):
            raise AwsError("MissingAuthenticationToken", "Missing Authentication Token", status=403)
        self._region_of(scope)
        return self._moto.answer(environ, body)

    def _check_caller(self, headers: Mapping[str, str]) -> None:
        """A page of another site must not reach in, be it by a rebound name or by a form it posts."""
        field = headers.get("host", "")
        host = _host(field) if len(field) <= _LONGEST_HOST else ""
        if not self._known(host):
            shown = (host or field)[:100]
            text = f"Host {shown!r} is not served here; KIT_ALLOWED_HOSTS names those that are besides loopback."
            raise AwsError("InvalidHostHeader", text, status=403)
        origin = headers.get("origin")
        if origin is not None and not self._known(hostname(origin)):
            raise AwsError("InvalidOrigin", f"Origin {origin[:100]!r} may not call this endpoint.", status=403)

    def _known(self, host: str) -> bool:
        return is_loopback(host) or host in self._allowed_hosts

    def health(self) -> Mapping[str, Any]:
        """What the health page says."""
        with self._count_lock:
            requests = dict(self._counts)
        return {
            "status": "ok",
            "uptime_s": round(self._clock.now() - self._started, 3),
            "clock": {
                "kind": "virtual" if isinstance(self._clock, ManualClock) else "system",
                "epoch": round(self._clock.now(), 3),
            },
            "requests": requests,
            "engines": self._engines.counts(),
            "xray_datagrams": self._more_counts(),
            "moto_loaded": self._moto.loaded,
        }

    def _count(self, what: str) -> None:
        with self._count_lock:
            self._counts[what] += 1


@lru_cache(maxsize=64)
def _host(field: str) -> str:
    """The name in a Host field, without the port; clients say the same few again and again."""
    return hostname(f"//{field}")


def _request_id() -> str:
    """A UUID that nobody must be unable to guess, and so at a quarter of uuid4's cost."""
    digits = f"{_dice.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _body(environ: Environ) -> bytes:
    length = environ.get("CONTENT_LENGTH") or "0"
    if not length.isdigit() or int(length) > LARGEST_BODY:
        raise _too_large()
    body: bytes = environ["wsgi.input"].read(int(length))
    return body


def _too_large() -> AwsError:
    text = f"Request size exceeds the limit of {LARGEST_BODY} bytes."
    return AwsError("RequestEntityTooLargeException", text, status=413)


def _scope(authorization: str, query: str) -> Scope:
    signed = _CREDENTIAL.search(authorization)
    if signed is None and "X-Amz-Credential=" in query:
        credential = parse_qs(query).get("X-Amz-Credential", [""])[0]
        signed = _CREDENTIAL.search(f"Credential={credential}")
    return Scope(signed[1], signed[2].lower()) if signed else Scope(None, None)


def _plain(request: Request) -> Request:
    if request.headers.get("content-encoding", "").lower() != "gzip":
        return request
    return msgspec.structs.replace(request, body=_gunzip(request.body))


def _headers(environ: Environ) -> dict[str, str]:
    headers = {key[5:].replace("_", "-").lower(): value for key, value in environ.items() if key.startswith("HTTP_")}
    headers["content-type"] = environ.get("CONTENT_TYPE", "").lower()
    return headers


def _gunzip(body: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, LARGEST_BODY)
    except zlib.error as error:
        raise AwsError("SerializationException", "The request body is not valid gzip.") from error
    if inflater.unconsumed_tail:
        raise _too_large()
    if not inflater.eof:
        raise AwsError("SerializationException", "The gzip body ends too soon.")
    return plain
