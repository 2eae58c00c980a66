"""The services that moto answers in this process: SNS, SQS, EventBridge, STS, CloudFormation and its others.

moto costs 40 MB and most of a second, so it is imported by the first request that needs it; its CloudFormation costs as
much again, and waits for the first request of its own.
"""

from __future__ import annotations

import copy
import logging
import os
import secrets
import sys
import threading
from collections.abc import Collection
from datetime import datetime
from functools import lru_cache
from importlib import import_module
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs

from kit.emulator.clock import Clock, SystemClock
from kit.emulator.cloudformation.stacks import Stacks
from kit.emulator.cloudformation.stacks import install as install_stacks
from kit.emulator.foreign import error_like_the_request, no_such_operation, not_able_to, readable
from kit.emulator.hosts import hostname, is_loopback
from kit.emulator.kept_requests import KeptRequest, RepeatableIds, kept_request
from kit.emulator.kept_services import KeptServices
from kit.emulator.protocol import Response
from kit.emulator.sns.delivery import Delivery
from kit.emulator.sns.subscriptions import HttpSubscriptions

log = logging.getLogger(__name__)

_DELIVERY_TIMEOUT_S = 5.0
_NOTIFICATIONS_KEPT = 100
_FAILED = 400  # HTTP's status from here on

__all__ = ["MotoServices", "error_like_the_request", "hostname", "is_loopback"]


class MotoServices:
    """moto's WSGI application, and publishing to its SNS topics from inside the process."""

    def __init__(
        self,
        account: str,
        allowed_hosts: Collection[str],
        clock: Clock | None = None,
        kept: KeptServices | None = None,
    ) -> None:
        """``allowed_hosts`` are names besides loopback that a subscription may post to.

        ``kept`` gathers what changes topics, queues and rules, for ``restore``.
        """
        self._kept = kept
        self._keeping = threading.Lock()
        self._ids = RepeatableIds()
        self._account = account
        self._allowed_hosts = allowed_hosts
        self._delivery = Delivery(allowed_hosts)
        self._subscriptions = HttpSubscriptions(self._delivery.send, (clock or SystemClock()).now)
        self.stacks = Stacks()
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
        if not _is_emulated(self._host(environ)):
            return error_like_the_request(environ, no_such_operation(environ))
        try:
            return self._ask(environ) if self._kept is None else self._ask_and_keep(environ, body, self._kept)
        except NotImplementedError as error:
            log.info("moto: %s", error)
            return error_like_the_request(environ, no_such_operation(environ))
        except Exception as error:
            # whatever moto stumbles over, the client gets an error of AWS's
            target, path = environ.get("HTTP_X_AMZ_TARGET", ""), environ.get("PATH_INFO")
            log.info("moto failed on %r %r", target, path, exc_info=error)
            return error_like_the_request(environ, not_able_to(environ))

    def restore(self) -> None:
        """Ask again, in order, what was kept; imports moto if there is any. Call before serving."""
        if self._kept is None:
            return
        self._subscriptions.silent = self.stacks.silent = True
        for request in self._kept.all():
            if self._ask_again(request):
                self._kept.again(request)
        self._subscriptions.silent = self.stacks.silent = False

    def _ask_again(self, request: KeptRequest) -> bool:
        """Whether it succeeded. What fails is kept all the same: another version may be able to repeat it."""
        try:
            self._ensure_loaded()
            self._subscriptions.reached_at(f"http://{request.host}")
            environ = request.environ()
            environ["wsgi.input"] = BytesIO(request.body.encode())
            with self._ids.seeded(request.seed):
                status = self._ask(environ).status
        except Exception as error:  # noqa: BLE001 - one request that can't be repeated must not keep all others back
            log.warning("a kept request can't be repeated and is passed over: %s %s", type(error).__name__, error)
            return False
        if status >= _FAILED:
            log.warning("a kept request now fails and is passed over: %s of %s", request.action, request.service)
        return status < _FAILED

    def _ask_and_keep(self, environ: dict[str, Any], body: bytes, kept: KeptServices) -> Response:
        request = kept_request(environ, body, secrets.randbits(63))
        if request is None:
            return self._ask(environ)
        with self._keeping, self._ids.seeded(request.seed):
            response = self._ask(environ)
            if response.status < _FAILED:
                kept.add(request, response.body)
            return response

    def _ensure_loaded(self) -> None:
        with self._lock:
            if self._app is None:
                self._app = self._load()

    def _ask(self, environ: dict[str, Any]) -> Response:
        started: list[Any] = []
        if self._host(environ).startswith("cloudformation."):
            install_stacks()
        with self.stacks.serving():
            chunks = self._app(environ, lambda status, headers, _exc=None: started.extend((status, headers)))
        try:
            answer = b"".join(chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()
        status, headers = int(started[0].split()[0]), dict(started[1])
        content_type = headers.pop("Content-Type", "")
        return readable(environ, Response(status, answer, content_type, headers))

    def _host(self, environ: dict[str, Any]) -> str:
        """The host by which moto calls the service that it takes a request to be for; empty if it can't tell."""
        try:
            return str(self._app.infer_service_region_host(environ, environ.get("PATH_INFO", "")) or "")
        except Exception:  # noqa: BLE001 - it reads headers that a wrong request lacks
            return ""

    def publish(self, topic_arn: str, subject: str, message: str) -> None:
        """Publish to an SNS topic. Raises LookupError if there is no such topic."""
        region = topic_arn.split(":")[3] if topic_arn.count(":") == 5 else ""
        # without moto no topic was ever made, and it need not be imported to know that
        topics = import_module("moto.sns.models").sns_backends[self._account][region].topics if self.loaded else {}
        topic = topics.get(topic_arn)
        if topic is None:
            raise LookupError(f"Topic {topic_arn} does not exist")
        topic.publish(message=message, subject=subject[:100])
        del topic.sent_notifications[:-_NOTIFICATIONS_KEPT]  # moto would keep them all

    def put_event(self, region: str, event: dict[str, Any]) -> None:
        """Hand an event, in its final shape, to the rules of the Region's default bus that match it."""
        if not self.loaded:
            return
        backends = import_module("moto.events.models").events_backends[self._account]
        try:
            rules = list(backends[region].event_buses["default"].rules.values())
        except KeyError:  # a Region that moto doesn't know, where nobody can have made a rule
            return
        for rule in rules:
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
        if self._kept is not None:
            self._ids.install()
        _keep_no_instances()
        return app_module.DomainDispatcherApplication(app_module.create_backend_app)

    def wait_idle(self, seconds: float) -> bool:
        """Wait until no message is on its way to a subscriber, for so many seconds at most; whether that is so."""
        return self._delivery.wait_idle(seconds)

    def reset(self) -> None:
        """Forget all that the services behind hold, and what was kept of them."""
        with self._keeping:
            self._delivery.forget()
            if self._kept is not None:
                self._kept.clear()
            # what moto holds is of the process: another emulator in it may be the one that has imported it
            backends = sys.modules.get("moto.core.base_backend")
            if backends is not None:
                backends.BackendDict.reset()

    def close(self) -> None:
        """Give up what is still being delivered."""
        self._delivery.close()
        self._subscriptions.uninstall()


@lru_cache(maxsize=256)
def _is_emulated(host: str) -> bool:
    if not host:
        return False
    patterns = import_module("moto.backend_index").backend_url_patterns
    modules = import_module("moto.backends").list_of_moto_modules()
    return host in modules or any(pattern.match(f"http://{host}") for _, pattern in patterns)


def _keep_no_instances() -> None:
    """moto remembers every object it ever made, each message of a queue included, for a page that is closed here."""
    base: Any = import_module("moto.core.common_models").BaseModel

    def new(cls: type, *_: Any, **__: Any) -> Any:
        return super(base, cls).__new__(cls)

    base.__new__ = new


def _sign_like_the_query(environ: dict[str, Any]) -> None:
    """moto finds the service in a header; a link, such as SNS's SubscribeURL, says it in its query."""
    credential = parse_qs(environ.get("QUERY_STRING", "")).get("X-Amz-Credential", [""])[0]
    if credential.count("/") == 4:
        environ["HTTP_AUTHORIZATION"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"


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
