"""The sender of the service's own telemetry hangs; the service goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from service.failures.here import SLICE_S, Here
from service.failures.registry import asked

_originals: list[Callable[..., Any]] = []


@asked(
    "shop",
    "payments",
    percent=None,
    signal="`Heartbeat` is missing, with every other metric",
    look="a gap in all metrics and log groups, and the canary is green → the lines on stdout go on",
)
def prepare(here: Here) -> None:
    """The calls by which the service sends its logs and metrics to AWS hang.

    It sits where telemetry's signed calls go out: the sender's own threads wait where they would wait for an answer.
    Spans that go to the X-Ray daemon as datagrams cannot hang, and go on.
    """
    from service.telemetry.aws import Caller  # noqa: PLC0415  # the control process does without

    if not _originals:
        _originals.append(Caller.call)

    def call(caller: Any, *arguments: Any) -> Any:
        while here.lasts():
            time.sleep(SLICE_S)
        return _originals[0](caller, *arguments)

    patched: Any = Caller
    patched.call = call
