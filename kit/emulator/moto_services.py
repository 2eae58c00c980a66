"""The services that moto answers in this process: SNS, SQS, EventBridge, STS, CloudFormation and its others.

moto costs 50 MB and most of a second, so it is imported by the first request that needs it.
"""

from __future__ import annotations

import copy
import html
import json
import logging
import os
import secrets
import threading
import uuid
from collections.abc import Collection
from datetime import datetime
from importlib import import_module
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

import msgspec

from kit.emulator.clock import Clock, SystemClock
from kit.emulator.hosts import hostname, is_loopback
from kit.emulator.journal import Journal
from kit.emulator.kept_requests import KeptRequest, RepeatableIds, Repeats, kept_request
from kit.emulator.protocol import AwsError, Response
from kit.emulator.protocol.errors import internal_error
from kit.emulator.sns.delivery import Delivery
from kit.emulator.sns.subscriptions import HttpSubscriptions

log = logging.getLogger(__name__)

_DELIVERY_TIMEOUT_S = 5.0
_FAILED = 400  # HTTP's status from here on

__all__ = ["MotoServices", "error_like_the_request", "hostname", "is_loopback"]


class MotoServices:
    """moto's WSGI application, and publishing to its SNS topics from inside the process."""

    def __init__(
        self,
        account: str,
        allowed_hosts: Collection[str],
        clock: Clock | None = None,
        journal: Journal | None = None,
    ) -> None:
        """``allowed_hosts`` are names besides loopback that a subscription may post to.

        ``journal`` keeps what changes topics, queues and rules, for ``restore``.
        """
        self._journal = journal
        self._keeping = threading.Lock()
        self._repeats = Repeats()
        self._ids = RepeatableIds()
        self._account = account
        self._allowed_hosts = allowed_hosts
        self._delivery = Delivery(allowed_hosts)
        self._subscriptions = HttpSubscriptions(self._delivery.send, (clock or SystemClock()).now)
        self._lock = threading.Lock()
        self._app: Any = None

    @property
    def loaded(self) -> bool:
        """Whether moto has been imported."""
        return self._app is not None

    def answer(self, environ: dict[str, Any], body: bytes) -> Response:
        """Answer a request whose body is already read; the first call imports moto."""
        self._ensure_loaded()
        environ["wsgi.input"] = BytesIO(body)
        if "HTTP_AUTHORIZATION" not in environ:
            _sign_like_the_query(environ)
        self._subscriptions.reached_at(f"http://{environ.get('HTTP_HOST', '127.0.0.1')}")
        try:
            return self._ask(environ) if self._journal is None else self._ask_and_keep(environ, body, self._journal)
        except NotImplementedError as error:
            log.info("moto: %s", error)
            return error_like_the_request(environ, _no_such_operation(environ))
        except Exception:
            log.exception("moto failed on %s %s", environ.get("HTTP_X_AMZ_TARGET", ""), environ.get("PATH_INFO"))
            return error_like_the_request(environ, internal_error())

    def restore(self) -> None:
        """Ask again, in order, what the journal has kept; imports moto if there is any. Call before serving."""
        if self._journal is None:
            return
        self._subscriptions.silent = True
        for line in self._journal.replay():
            self._ask_again(line)
        self._subscriptions.silent = False

    def _ask_again(self, line: Any) -> None:
        """What fails stays in the journal: another version may be able to repeat it."""
        try:
            request = msgspec.convert(line, KeptRequest)
            self._ensure_loaded()
            self._subscriptions.reached_at(f"http://{request.host}")
            environ = request.environ()
            environ["wsgi.input"] = BytesIO(request.body.encode())
            with self._ids.seeded(request.seed):
                status = self._ask(environ).status
        except Exception as error:  # noqa: BLE001 - one request that can't be repeated must not keep all others back
            log.warning("a kept request can't be repeated and is passed over: %s %s", type(error).__name__, error)
            return
        if status < _FAILED:
            self._repeats.changes(request)
        else:
            log.warning("a kept request now fails and is passed over: %s of %s", request.action, request.service)

    def _ask_and_keep(self, environ: dict[str, Any], body: bytes, journal: Journal) -> Response:
        request = kept_request(environ, body, secrets.randbits(63))
        if request is None:
            return self._ask(environ)
        with self._keeping, self._ids.seeded(request.seed):
            response = self._ask(environ)
            if response.status < _FAILED and self._repeats.changes(request):
                journal.append(msgspec.to_builtins(request))
            return response

    def _ensure_loaded(self) -> None:
        with self._lock:
            if self._app is None:
                self._app = self._load()

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

    def put_event(self, region: str, event: dict[str, Any]) -> None:
        """Hand an event, in its final shape, to the rules of the Region's default bus that match it."""
        if not self.loaded:
            return
        backends = import_module("moto.events.models").events_backends[self._account]
        for rule in list(backends[region].event_buses["default"].rules.values()):
            if rule.state != "ENABLED":
                continue
            for target in list(rule.targets):
                self._send(rule, target, event)

    def _send(self, rule: Any, target: dict[str, Any], event: dict[str, Any]) -> None:
        alone = copy.copy(rule)
        alone.targets = [target]
        transformed = bool(target.get("InputTransformer"))
        # moto's own default form lacks the account, so the event goes as it is; its time must be a number until then
        moment = datetime.fromisoformat(event["time"]).timestamp()
        given = event | {"time": moment} | ({"ingestion-time": moment} if transformed else {})
        try:
            alone.send_to_targets(copy.deepcopy(given), transform_input=transformed)
        except Exception as error:  # noqa: BLE001 - a target that moto can't reach must not keep others from theirs
            log.warning("rule %s: %s got no event: %s %s", rule.name, target.get("Arn"), type(error).__name__, error)

    def _load(self) -> Any:
        os.environ["MOTO_ACCOUNT_ID"] = self._account  # read while moto is imported
        app_module = import_module("moto.moto_server.werkzeug_app")
        guard = _GuardedRequests(self._allowed_hosts)
        for name in ("moto.sns.models", "moto.events.models"):
            vars(import_module(name))["requests"] = guard
        self._subscriptions.install()
        if self._journal is not None:
            self._ids.install()
        return app_module.DomainDispatcherApplication(app_module.create_backend_app)

    def close(self) -> None:
        """Give up what is still being delivered, and the journal."""
        self._delivery.close()
        if self._journal is not None:
            self._journal.close()
        self._subscriptions.uninstall()


def _sign_like_the_query(environ: dict[str, Any]) -> None:
    """moto finds the service in a header; a link, such as SNS's SubscribeURL, says it in its query."""
    credential = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    if credential.count("/") == 4:
        environ["HTTP_AUTHORIZATION"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"


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
