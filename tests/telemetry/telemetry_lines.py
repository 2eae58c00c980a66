"""The line that a log record becomes."""

from __future__ import annotations

import json
import logging
from typing import Any

from service.telemetry import unpacking
from service.telemetry.lines import Lines
from service.telemetry.logs import snapshot
from service.telemetry.settings import Settings

SETTINGS = Settings("shop", environment="prod", release="7")
lines = Lines(SETTINGS)


def written(record: logging.LogRecord) -> str:
    return lines.text(unpacking.line(snapshot(record)))


def line(message: Any = "hello", level: int = logging.INFO, *arguments: Any, **extra: Any) -> dict[str, Any]:
    record = logging.getLogger("shop.orders").makeRecord(
        "shop.orders", level, "", 0, message, arguments, None, extra=extra
    )
    text = written(record)
    assert "\n" not in text
    assert "\r" not in text
    loaded = json.loads(text)
    assert isinstance(loaded, dict)
    return loaded
