"""How a stack's resource reaches CloudWatch: the same operations as over the wire, with all their checks."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from functools import cached_property
from typing import Any

import msgspec

from kit.emulator.clock import Clock
from kit.emulator.cloudwatch.engine import Engine
from kit.emulator.protocol import AwsError, Context, Request
from kit.emulator.protocol.service import Service
from kit.emulator.services import build_services

_REFUSED = 400  # HTTP's status from here on


class CloudWatchCalls:
    """Calls CloudWatch's operations inside this process. ``engine_of`` gives a Region's engine."""

    def __init__(self, engine_of: Callable[[str], Engine], account: str, clock: Clock) -> None:
        self._engine_of = engine_of
        self._account = account
        self._clock = clock

    @cached_property
    def _service(self) -> Service:
        return build_services()["cloudwatch"]

    def __call__(self, region: str, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to ``operation``; AwsError where it is refused."""
        target = f"{self._service.model.metadata.target_prefix}.{operation}"
        headers = {"x-amz-target": target, "content-type": "application/x-amz-json-1.0"}
        request = Request("POST", "/", "", headers, msgspec.json.encode(params))
        context = Context(region, self._account, self._clock, str(uuid.uuid4()))
        response = self._service.answer(request, self._engine_of(region), context)
        answer: dict[str, Any] = msgspec.json.decode(response.body) if response.body else {}
        if response.status >= _REFUSED:
            raise AwsError(str(answer.get("__type")), str(answer.get("message")), response.status)
        return answer

    def exists(self, region: str, kind: str, name: str) -> bool:
        """Whether there is an ``alarm`` or ``dashboard`` of this name."""
        engine = self._engine_of(region)
        return (engine.dashboards.get(name) if kind == "dashboard" else engine.alarms.get(name)) is not None

    def mark(self, region: str, arn: str, tags: Mapping[str, str]) -> None:
        """Give an alarm or dashboard tags that only AWS itself may give."""
        resource = self._engine_of(region).tagged(arn)
        resource.tags = {**resource.tags, **tags}

    def arn(self, region: str, kind: str, name: str) -> str:
        """The ARN of an ``alarm`` or ``dashboard`` that exists; empty if it doesn't."""
        engine = self._engine_of(region)
        found = engine.dashboards.get(name) if kind == "dashboard" else engine.alarms.get(name)
        return found.arn if found is not None else ""
