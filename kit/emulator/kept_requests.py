"""Which requests to the services behind change what alarms point to, in a form that can be asked again.

Kept are topics, subscriptions, queues, rules, targets, and stacks, which may make any of these; messages are not. moto
draws the ids it gives from one source of random numbers, so each kept request has its own seed: asked again with it, a
subscription or a stack's topic gets the same ARN.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from random import Random
from typing import Any
from urllib.parse import parse_qsl

import msgspec

_SCOPE = re.compile(r"Credential=[^/\s,]+/\d{8}/(?P<region>[^/\s,]+)/(?P<service>[^/\s,]+)/aws4_request")
_ACTIONS: Mapping[str, frozenset[str]] = {
    "sns": frozenset(
        [
            "CreateTopic",
            "DeleteTopic",
            "SetTopicAttributes",
            "AddPermission",
            "RemovePermission",
            "TagResource",
            "UntagResource",
            "Subscribe",
            "ConfirmSubscription",
            "Unsubscribe",
            "SetSubscriptionAttributes",
        ]
    ),
    "sqs": frozenset(
        [
            "CreateQueue",
            "DeleteQueue",
            "SetQueueAttributes",
            "AddPermission",
            "RemovePermission",
            "TagQueue",
            "UntagQueue",
        ]
    ),
    "events": frozenset(
        [
            "PutRule",
            "DeleteRule",
            "EnableRule",
            "DisableRule",
            "PutTargets",
            "RemoveTargets",
            "CreateEventBus",
            "DeleteEventBus",
            "PutPermission",
            "RemovePermission",
            "TagResource",
            "UntagResource",
            "CreateArchive",
            "UpdateArchive",
            "DeleteArchive",
            "CreateConnection",
            "UpdateConnection",
            "DeleteConnection",
            "CreateApiDestination",
            "UpdateApiDestination",
            "DeleteApiDestination",
        ]
    ),
    "cloudformation": frozenset(
        ["CreateStack", "UpdateStack", "DeleteStack", "CreateChangeSet", "ExecuteChangeSet", "DeleteChangeSet"]
    ),
}
# What makes something if it isn't there, or overwrites it whole: the parameters that say what. None: all of them.
_SAME: Mapping[str, tuple[str, ...] | None] = {
    "CreateTopic": None,
    "Subscribe": None,
    "CreateQueue": None,
    "PutRule": ("Name", "EventBusName"),
    "PutTargets": ("Rule", "EventBusName"),
    "SetTopicAttributes": ("TopicArn", "AttributeName"),
    "SetSubscriptionAttributes": ("SubscriptionArn", "AttributeName"),
    "SetQueueAttributes": ("QueueUrl",),
}


class KeptRequest(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request as far as moto needs it again."""

    service: str
    region: str
    action: str
    seed: int
    host: str
    body: str
    method: str = "POST"
    path: str = "/"
    query: str = ""
    target: str = ""
    content_type: str = ""
    made: str = ""
    """The ARN that the answer gave to what was made, where a deletion will name only that."""

    def environ(self) -> dict[str, Any]:
        """As a WSGI server would hand it over, but for its body."""
        scope = f"kept/20000101/{self.region}/{self.service}/aws4_request"
        environ: dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "PATH_INFO": self.path,
            "QUERY_STRING": self.query,
            "CONTENT_TYPE": self.content_type,
            "CONTENT_LENGTH": str(len(self.body.encode())),
            "HTTP_HOST": self.host,
            "HTTP_AUTHORIZATION": f"AWS4-HMAC-SHA256 Credential={scope}",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": "http",
        }
        if self.target:
            environ["HTTP_X_AMZ_TARGET"] = self.target
        return environ

    @property
    def parameters(self) -> Mapping[str, Any]:
        """What was asked, flat."""
        if self.target:
            try:
                found = json.loads(self.body)
            except ValueError:
                return {}
            return found if isinstance(found, dict) else {}
        return dict(parse_qsl(self.query) + parse_qsl(self.body))


def kept_request(environ: Mapping[str, Any], body: bytes, seed: int) -> KeptRequest | None:
    """A request to be kept, None for any other."""
    scope = _SCOPE.search(environ.get("HTTP_AUTHORIZATION", ""))
    if scope is None or scope["service"] not in _ACTIONS:
        return None
    target = environ.get("HTTP_X_AMZ_TARGET", "")
    request = KeptRequest(
        service=scope["service"],
        region=scope["region"],
        action=target.rpartition(".")[2],
        seed=seed,
        host=environ.get("HTTP_HOST", ""),
        body=body.decode(errors="replace"),
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", "/"),
        query=environ.get("QUERY_STRING", ""),
        target=target,
        content_type=environ.get("CONTENT_TYPE", ""),
    )
    if not target:
        request = msgspec.structs.replace(request, action=str(request.parameters.get("Action", "")))
    return request if request.action in _ACTIONS[request.service] else None


class Repeats:
    """Tells requests that change nothing, so that a client which makes its topics at every start adds no lines."""

    def __init__(self) -> None:
        self._latest: dict[str, dict[tuple[str, ...], Mapping[str, Any]]] = {}

    def changes(self, request: KeptRequest) -> bool:
        """Whether a request that succeeded may have changed something; to be asked of every one, in order."""
        latest = self._latest.setdefault(f"{request.service} {request.region}", {})
        if request.action not in _SAME:
            self._latest.clear()  # a deletion, say, or a stack: what was asked before may mean something again
            return True
        names = _SAME[request.action]
        parameters = request.parameters
        shown = json.dumps(parameters, sort_keys=True, default=str)
        key = (request.action, *((shown,) if names is None else (str(parameters.get(name)) for name in names)))
        if latest.get(key) == parameters:
            return False
        latest[key] = parameters
        return True


class RepeatableIds:
    """Makes moto's random numbers repeatable, for the thread that asks for it and while it does."""

    def __init__(self) -> None:
        self._here = threading.local()

    def install(self) -> None:
        """Call once moto is imported."""
        source: Any = import_module("moto.moto_api._internal").mock_random
        bits, unit = source.getrandbits, source.random

        def getrandbits(count: int) -> int:
            here = self._seeded()
            number: int = here.getrandbits(count) if here else bits(count)
            return number

        def random() -> float:
            here = self._seeded()
            number: float = here.random() if here else unit()
            return number

        source.getrandbits, source.random = getrandbits, random

    @contextmanager
    def seeded(self, seed: int) -> Iterator[None]:
        """Within, this thread gets the numbers of this seed."""
        self._here.random = Random(seed)  # noqa: S311 - ids of an emulator, no secrets
        try:
            yield
        finally:
            self._here.random = None

    def _seeded(self) -> Random | None:
        return getattr(self._here, "random", None)
