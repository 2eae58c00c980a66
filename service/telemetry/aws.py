"""Signed calls to one AWS service, without a client of boto3.

Botocore finds the credentials and signs; a client would take 15 MB more, and 10 µs for each log event to walk it by the
service's model. urllib3 speaks HTTP: botocore's own session leaves Nagle's algorithm on, so that the body of each call
waits 40 ms for the far end to acknowledge the headers. (AWS: "Signature Version 4 for API requests".)
"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import botocore.session
import urllib3
from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError
from botocore.httpsession import get_cert_path
from botocore.utils import get_environ_proxies
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, ProxyError

CONNECT_SECONDS = 1.0
READ_SECONDS = 2.0
# A call refused for one of these may be right by the service's clock.
SKEWED = frozenset({"RequestTimeTooSkewed", "InvalidSignatureException", "RequestExpired", "SignatureDoesNotMatch"})
# And for one of these by credentials that somebody has renewed meanwhile.
EXPIRED = frozenset({"ExpiredTokenException", "ExpiredToken", "UnrecognizedClientException", "InvalidClientTokenId"})


class CallError(Exception):
    """A call that came to nothing. ``code``: AWS's, or an exception's name; ``unanswered``: it may have been obeyed."""

    def __init__(self, code: str, *, unanswered: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.unanswered = unanswered


@dataclass(frozen=True, slots=True)
class Answer:
    """What the service said: status, and the body's bytes."""

    status: int
    body: bytes


class Caller:
    """Calls of one service, for any thread. Nothing is read or connected before the first.

    A call blocks for CONNECT_SECONDS plus READ_SECONDS at most (finding credentials comes on top, once), and is tried
    once, or twice where the service's clock is another.
    """

    def __init__(self, service: str, region: str, endpoint_url: str | None) -> None:
        amazon = f"https://{service}.{region}.amazonaws.com{'.cn' if region.startswith('cn-') else ''}"
        self._url = (endpoint_url or amazon).rstrip("/")
        self._service = service
        self._region = region
        self._lock = threading.Lock()
        self._session: Any = None
        self._http: Any = None
        self._target = ""
        self._offset = timedelta()

    def call(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        """POST a body. Raises CallError for anything but a 2xx answer."""
        for attempt in (1, 2):
            answer = self._once(path, headers, body)
            if answer.status < 300:
                return Answer(answer.status, answer.data)
            error = _code(answer)
            if error in EXPIRED:
                self._session = None
            if attempt == 2 or error not in SKEWED or not self._learn_time(answer):
                break
        raise CallError(error)

    def close(self) -> None:
        """Give the connections back."""
        with self._lock:
            http, self._http = self._http, None
        if http is not None:
            http.close()

    def _once(self, path: str, headers: dict[str, str], body: bytes) -> Any:
        request = AWSRequest("POST", self._url + path, headers, body)
        try:
            session, http, target = self._ready()
            credentials = session.get_credentials()
            if credentials is None:
                raise CallError("NoCredentialsError")
            _Signer(credentials.get_frozen_credentials(), self._service, self._region, self._offset).add_auth(request)
            signed = dict(request.headers.items())
            return http.urlopen("POST", target + path, body, signed, redirect=False, assert_same_host=False)
        except (ConnectTimeoutError, NewConnectionError, ProxyError) as error:
            raise CallError(type(error).__name__) from None
        except HTTPError as error:
            raise CallError(type(error).__name__, unanswered=True) from None
        except BotoCoreError as error:
            raise CallError(type(error).__name__) from None

    def _ready(self) -> tuple[Any, Any, str]:
        with self._lock:
            if self._session is None:
                self._session = botocore.session.Session()
            if self._http is None:
                certificates = get_cert_path(self._session.get_config_variable("ca_bundle") or True)
                self._http, self._target = _http(self._url, certificates)
            return self._session, self._http, self._target

    def _learn_time(self, answer: Any) -> bool:
        """Go by the service's clock, if it says another time than ours."""
        with suppress(TypeError, ValueError):
            offset = parsedate_to_datetime(answer.headers.get("Date")) - datetime.now(UTC)
            if abs(offset - self._offset) > timedelta(minutes=1):
                self._offset = offset
                return True
        return False


def _http(url: str, certificates: str | None) -> tuple[Any, str]:
    """Connections that are kept, and what they want to stand before the path.

    They go straight, or by the proxy that the environment names for this address.
    """
    options: dict[str, Any] = {
        "timeout": urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS),
        "retries": False,
        "maxsize": 2,
        "ca_certs": certificates,
    }
    parts = urlsplit(url)
    proxy = get_environ_proxies(url).get(parts.scheme)
    if proxy is None:
        return urllib3.PoolManager(**options).connection_from_url(url), parts.path
    proxy = proxy if "://" in proxy else f"http://{proxy}"
    who = urllib3.util.parse_url(proxy).auth
    headers = urllib3.make_headers(proxy_basic_auth=unquote(who)) if who else None
    pool = urllib3.ProxyManager(proxy, proxy_headers=headers, **options).connection_from_url(url)
    return pool, url if parts.scheme == "http" else parts.path


class _Signer(SigV4Auth):
    """Signs by a clock that is ``offset`` from ours."""

    def __init__(self, credentials: Any, service: str, region: str, offset: timedelta) -> None:
        super().__init__(credentials, service, region)
        self._offset = offset

    def _modify_request_before_signing(self, request: Any) -> None:
        if self._offset:
            request.context["timestamp"] = (datetime.now(UTC) + self._offset).strftime(SIGV4_TIMESTAMP)
        super()._modify_request_before_signing(request)  # type: ignore[misc]  # the stubs leave it out


def _code(answer: Any) -> str:
    """AWS's error code (AWS JSON and REST-JSON protocols): the last part of ``__type`` or of a header."""
    named = answer.headers.get("x-amzn-errortype", "").partition(":")[0]
    with suppress(ValueError, AttributeError):
        named = named or str(json.loads(answer.data).get("__type", ""))
    return named.rpartition("#")[2] or f"HTTP {answer.status}"
