"""Which group a request means: some operations take a name or an identifier, which may be an ARN."""

from __future__ import annotations

from typing import Any

from kit.emulator.logs.engine import Engine, Group
from kit.emulator.protocol import AwsError


def named_group(engine: Engine, params: dict[str, Any]) -> Group:
    """The group of ``logGroupName`` or ``logGroupIdentifier``: exactly one, else InvalidParameterException."""
    name, identifier = params.get("logGroupName"), params.get("logGroupIdentifier")
    if (name is None) == (identifier is None):
        text = "Exactly one of logGroupName and logGroupIdentifier must be given."
        raise AwsError("InvalidParameterException", text)
    return engine.group(name if name is not None else str(identifier))
