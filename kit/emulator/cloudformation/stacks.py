"""What stands between moto's CloudFormation and our engines, for the request that is being answered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any

from kit.emulator.cloudformation.offerings import import_ec2_without_them

if TYPE_CHECKING:
    from kit.emulator.cloudformation.calls import CloudWatchCalls

_HERE: ContextVar[Stacks] = ContextVar("stacks")
_TAGS: ContextVar[Mapping[str, str]] = ContextVar("stack_tags")

_INSTALLING = threading.Lock()
_installed: list[bool] = []

TYPES = ("alarm", "composite_alarm", "dashboard", "subscription")


@dataclass(slots=True)
class Stacks:
    """One emulator's way from a stack to CloudWatch.

    While ``silent`` nothing is written: stacks asked for again after a restart find what they made where CloudWatch
    has kept it.
    """

    calls: CloudWatchCalls | None = None
    silent: bool = False

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Within, the resources of stacks are made here. moto's state is of the process, an emulator's isn't."""
        token = _HERE.set(self)
        try:
            yield
        finally:
            _HERE.reset(token)


def install() -> None:
    """Give moto our types and our way to run a stack, for as long as this process lasts; call before it runs any.

    moto's CloudFormation imports every service that a template may name: 80 MB, which nobody else shall pay. So the
    first request for it does this.
    """
    with _INSTALLING:
        if not _installed:
            _install()
            _installed.append(True)


def _install() -> None:
    import_ec2_without_them()
    parsing, models = import_module("moto.cloudformation.parsing"), import_module("moto.cloudformation.models")
    for name in TYPES:
        kind = import_module(f"kit.emulator.cloudformation.{name}").Type
        parsing.get_model_map()[kind.TYPE] = kind
    api = import_module("kit.emulator.cloudformation.api")
    responses = import_module("moto.cloudformation.responses")
    _replace(models.Stack, "create_resources", api.create_resources)
    _replace(models.Stack, "update", api.update)
    _replace(models.CloudFormationBackend, "execute_change_set", api.execute_change_set)
    _replace(models.CloudFormationBackend, "delete_stack", api.delete_stack)
    for operation in ("create_stack", "update_stack", "create_change_set"):
        _replace(responses.CloudFormationResponse, operation, api.within_limit)
    _replace(responses.CloudFormationResponse, "_get_stack_from_s3_url", api.template_in_s3)


def _replace(owner: Any, name: str, by: Callable[..., Any]) -> None:
    original = getattr(owner, name)

    @wraps(original)
    def method(it: Any, *arguments: Any, **named: Any) -> Any:
        return by(original, it, *arguments, **named)

    setattr(owner, name, method)


def here() -> Stacks:
    """The stacks of the emulator whose request this thread answers."""
    return _HERE.get()


@contextmanager
def tagged(tags: Mapping[str, str]) -> Iterator[None]:
    """Within, what is made gets these tags of its stack besides its own."""
    token = _TAGS.set(tags)
    try:
        yield
    finally:
        _TAGS.reset(token)


def stack_tags() -> Mapping[str, str]:
    """The tags of the stack that is being worked on."""
    return _TAGS.get({})
