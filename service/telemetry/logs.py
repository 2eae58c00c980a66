"""Log records -> one JSON object a line, on stdout and to CloudWatch Logs.

Nothing that a caller sends can make a second line or a field of its own: JSON escapes every control character, and the
names of names.LOG_FIELDS are ours alone. What boto3 and its kin log while logs are delivered is never delivered.
"""

from __future__ import annotations

import json
import logging
import math
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from opentelemetry.trace import get_current_span

from .delivery import EVENT_BYTES, Delivery, in_pump
from .names import LOG_FIELDS, xray_trace_id
from .request import current
from .settings import Settings

# What logging itself puts on a record; the rest is the caller's extra.
STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
RESERVED = frozenset(LOG_FIELDS)
MESSAGE_LENGTH = 8_192
VALUE_LENGTH = 4_096
STACK_LENGTH = 16_384
# The way to AWS: what these say below WARNING is noise, and may hold signatures.
PLUMBING = ("botocore", "boto3", "urllib3", "aws_xray_sdk", "s3transfer")


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON with the fields of names.LOG_FIELDS and the caller's extras."""

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._about = {
            "service": settings.service,
            "environment": settings.environment,
            "release": settings.release,
        }

    def format(self, record: logging.LogRecord) -> str:
        """The line, without its end; at most EVENT_BYTES."""
        when = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = {
            "timestamp": when.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": _message(record),
            **self._about,
            **_where(),
        }
        for key, value in record.__dict__.items():
            if key not in STANDARD:
                # An extra with a name of ours would lie about who, where or when.
                fields["extra_" + key if key in RESERVED else key] = value
        if record.exc_info and record.exc_info[1] is not None:
            fields["exception"] = _exception(record.exc_info[1])
        line = _json(fields)
        if len(line) > EVENT_BYTES:
            line = _json({key: fields[key] for key in RESERVED & fields.keys()} | {"truncated": True})
        return line


class JsonHandler(logging.Handler):
    """Writes each line to stdout, and hands it to the delivery that ``delivery()`` gives (None: stdout only)."""

    def __init__(self, settings: Settings, delivery: Callable[[], Delivery | None]) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter(settings))
        self.addFilter(_worth_a_line)
        self._delivery = delivery

    def emit(self, record: logging.LogRecord) -> None:
        """Write and hand over; a stdout that is gone does not stop the delivery."""
        try:
            line = self.format(record)
        except Exception:  # noqa: BLE001 - logging's contract: a bad record must not hurt who logs it
            self.handleError(record)
            return
        try:
            sys.stdout.write(line + "\n")
            sys.stdout.flush()
        except (OSError, ValueError):
            pass  # a closed pipe or stream; there is nowhere left to say so
        if getattr(in_pump, "yes", False) or record.name.startswith(PLUMBING):
            return
        delivery = self._delivery()
        if delivery is not None:
            delivery.put(int(record.created * 1000), line)


def install(handler: JsonHandler, level: str) -> None:
    """Make the handler the root logger's; an earlier one of ours goes. Other handlers stay."""
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, JsonHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)


def _worth_a_line(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING or not record.name.startswith(PLUMBING)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()[:MESSAGE_LENGTH]
    except (TypeError, ValueError, KeyError):  # arguments that do not fit the format
        return f"{record.msg!s} {record.args!r}"[:MESSAGE_LENGTH]


def _where() -> dict[str, Any]:
    """Trace and request of the running code; nothing outside of one."""
    where: dict[str, Any] = {}
    context = get_current_span().get_span_context()
    if context.is_valid:
        where["trace_id"] = f"{context.trace_id:032x}"
        where["span_id"] = f"{context.span_id:016x}"
        where["xray_trace_id"] = xray_trace_id(context.trace_id)
    request = current.get()
    if request is not None:
        where["request_id"] = request.request_id
        where["operation"] = request.operation
    return where


def _exception(error: BaseException) -> dict[str, str]:
    stack = "".join(traceback.format_exception(error))
    return {
        "type": type(error).__qualname__,
        "message": _text(error),
        # The end of a Python traceback is the part that tells.
        "stacktrace": stack[-STACK_LENGTH:],
    }


def _json(fields: dict[str, Any]) -> str:
    try:
        return json.dumps(fields, separators=(",", ":"), allow_nan=False, default=_text)
    except (TypeError, ValueError, RecursionError):  # NaN, keys that are no strings, circles
        plain = {key: _plain(value) for key, value in fields.items()}
        return json.dumps(plain, separators=(",", ":"), default=_text)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return _text(value)


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    try:
        return str(value)[:VALUE_LENGTH]
    except Exception:  # noqa: BLE001 - any object may be logged, and its __str__ may do anything
        return f"<{type(value).__name__} that cannot be written>"
