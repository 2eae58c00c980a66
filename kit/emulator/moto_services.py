"""The services that moto answers in this process: SNS, SQS, EventBridge, STS, CloudFormation and its others.

moto costs 50 MB and most of a second, so it is imported by the first request that needs it.
"""

from __future__ import annotations

import html
import ipaddress
import json
import logging
import os
import threading
import uuid
from collections.abc import Collection
from importlib import import_module
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from kit.emulator.protocol import AwsError, Response
from kit.emulator.protocol.errors import internal_error

log = logging.getLogger(__name__)

_DELIVERY_TIMEOUT_S = 5.0


class MotoServices:
    """moto's WSGI application, and publishing to its SNS topics from inside the process."""

    def __init__(self, account: str, allowed_hosts: Collection[str]) -> None:
        """``allowed_hosts`` are names besides loopback that a subscription may post to."""
        self._account = account
        self._allowed_hosts = allowed_hosts
        self._lock = threading.Lock()
        self._app: Any = None

    @property
    def loaded(self) -> bool:
        """Whether moto has been imported."""
        return self._app is not None

    def answer(self, environ: dict[str, Any], body: bytes) -> Response:
        """Answer a request whose body is already read; the first call imports moto."""
        with self._lock:
            if self._app is None:
                self._app = self._load()
        environ["wsgi.input"] = BytesIO(body)
        try:
            return self._ask(environ)
        except NotImplementedError as error:
            log.info("moto: %s", error)
            return error_like_the_request(environ, _no_such_operation(environ))
        except Exception:
            log.exception("moto failed on %s %s", environ.get("HTTP_X_AMZ_TARGET", ""), environ.get("PATH_INFO"))
            return error_like_the_request(environ, internal_error())

    def _ask(self, environ: dict[str, Any]) -> Response:
        started: list[Any] = []
        chunks = self._app(environ, lambda status, headers, _exc=None: started.extend((status, headers)))
        try:
            answer = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        status, headers = int(started[0].split()[0]), dict(started[1])
        content_type = headers.pop("Content-Type", "")
        if status >= 400 and content_type.startswith("text/html"):
            return error_like_the_request(environ, _no_such_operation(environ))
        return Response(status, answer, content_type, headers)

    def publish(self, topic_arn: str, subject: str, message: str) -> None:
        """Publish to an SNS topic. Raises LookupError if there is no such topic."""
        region = topic_arn.split(":")[3] if topic_arn.count(":") == 5 else ""
        # without moto no topic was ever made, and it need not be imported to know that
        topics = import_module("moto.sns.models").sns_backends[self._account][region].topics if self.loaded else {}
        topic = topics.get(topic_arn)
        if topic is None:
            raise LookupError(f"Topic {topic_arn} does not exist")
        topic.publish(message=message, subject=subject[:100])

    def _load(self) -> Any:
        os.environ["MOTO_ACCOUNT_ID"] = self._account  # read while moto is imported
        app_module = import_module("moto.moto_server.werkzeug_app")
        guard = _GuardedRequests(self._allowed_hosts)
        for name in ("moto.sns.models", "moto.events.models"):
            vars(import_module(name))["requests"] = guard
        return app_module.DomainDispatcherApplication(app_module.create_backend_app)


def _no_such_operation(environ: dict[str, Any]) -> AwsError:
    """moto says so with an HTML page and a 500, which SDKs would retry."""
    target = environ.get("HTTP_X_AMZ_TARGET")
    code = "UnknownOperationException" if target else "InvalidAction"
    return AwsError(code, f"This emulator has no such operation: {target or environ.get('PATH_INFO', '')}")


def error_like_the_request(environ: dict[str, Any], error: AwsError) -> Response:
    """An error as XML where the request was a form (the query protocol), else as JSON."""
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-requestid": request_id}
    if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded"):
        kind = "Sender" if error.status < 500 else "Receiver"
        xml = (
            f"<ErrorResponse><Error><Type>{kind}</Type><Code>{html.escape(error.code)}</Code>"
            f"<Message>{html.escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return Response(error.status, xml.encode(), "text/xml", headers)
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    return Response(error.status, body, "application/x-amz-json-1.1", headers)


class _GuardedRequests:
    """Stands where moto's modules hold ``requests``: posts to loopback and named hosts only, with a deadline."""

    def __init__(self, allowed_hosts: Collection[str]) -> None:
        self._allowed_hosts = allowed_hosts

    def post(self, url: str, **options: Any) -> None:
        self.request("POST", url, **options)

    def request(self, method: str, url: str, **options: Any) -> None:
        """A failed delivery is a line in the log and no more: on AWS too it does not fail the publisher."""
        host = hostname(url)
        if host not in self._allowed_hosts and not is_loopback(host):
            log.warning("not delivered to %s: it is not on this machine, and no outward calls are made", host or url)
            return
        options.setdefault("timeout", _DELIVERY_TIMEOUT_S)
        options["allow_redirects"] = False  # a redirect could lead outwards
        requests = import_module("requests")
        try:
            requests.request(method, url, **options)
        except requests.RequestException as error:
            log.warning("not delivered to %s: %s", host, error)


def hostname(url: str) -> str:
    """The host of a URL in lower case; empty if there is none or it can't be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Whether a host name or address means this machine, without asking a name server for unknown names."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
