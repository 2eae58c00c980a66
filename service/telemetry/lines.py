"""What waits of log records and requests -> one JSON object a line: text, redaction, JSON, repeats.

Nothing that a caller sends can make a second line or a field of its own: JSON escapes every control character, and the
names of names.LOG_FIELDS are ours alone.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from traceback import TracebackException
from typing import Any

import msgspec

from . import redaction
from .delivery import Record
from .jsontext import RecordIds, frozen, quoted, to_json
from .names import ACCESS_LOGGER, LOG_FIELDS, xray_trace_id
from .repeats import Repeats
from .settings import Settings
from .unpacking import Ended
from .waiting import Logged

# What logging itself puts on a record; the rest is the caller's extra.
STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
RESERVED = frozenset(LOG_FIELDS)
MESSAGE_LENGTH = 8_192
STACK_LENGTH = 16_384
# Operations, methods and statuses whose part of the access line is remembered.
ACCESS_KINDS = 1_024
LINE_LENGTH = 256 * 1024 - 26

_encode = msgspec.json.Encoder().encode


class Lines:
    """Snapshots -> lines. One thread's, but for ``text``."""

    def __init__(self, settings: Settings) -> None:
        self._about = {
            "service": settings.service,
            "environment": settings.environment,
            "release": settings.release,
        }
        self._second = (0, "")
        self._about_text = to_json(self._about)[1:-1]
        self._careful: dict[tuple[str, ...], bool] = {}
        self._access: dict[tuple[str, str, int], tuple[str, str]] = {}
        self.reset()

    def reset(self) -> None:
        """In a child after a fork: ids of its own, and nothing held back."""
        self._repeats: Repeats[Logged] = Repeats()
        self._record_id = RecordIds()

    def record(self, item: Logged) -> Record | None:
        """The line of a log record; None when it is held back as a repetition."""
        message = _formatted(item.message, item.arguments)
        held = self._repeats.held_back(_key(item, message), item)
        if held < 0:
            return None
        return Record(int(item.created * 1000), self._line(item, message, held), 1 + held)

    def repeated(self, now: float, *, end: bool = False) -> list[Record]:
        """The lines that tell of repetitions held back, when their time has come."""
        return [
            Record(int(item.created * 1000), self._line(item, _formatted(item.message, item.arguments), held), 1 + held)
            for item, held in self._repeats.over(now, end=end)
        ]

    def text(self, item: Logged) -> str:
        """The line of a log record, repeated or not."""
        return self._line(item, _formatted(item.message, item.arguments), 0)

    def access(self, ended: Ended) -> str:
        """The access line of a request."""
        if not ended.error_type and not ended.bound:
            return self._usual_access(ended)
        fields: dict[str, Any] = {
            "timestamp": self._timestamp(ended.end_time // 1_000_000),
            "level": "INFO",
            "logger": ACCESS_LOGGER,
            "message": f"{ended.operation} {ended.code}",
            **self._about,
            "record_id": self._record_id(),
        }
        if ended.trace:
            _trace(fields, ended.trace, ended.span_id)
        fields["request_id"] = ended.request_id
        fields["operation"] = ended.operation
        fields["method"] = ended.method
        fields["status"] = ended.code
        fields["duration_ms"] = round(ended.milliseconds, 3)
        if ended.error_type:
            fields["error_type"] = ended.error_type
        if ended.bound:
            _add(fields, ended.bound)
        return to_json(fields)

    def _usual_access(self, ended: Ended) -> str:
        """The same, where nothing has to be escaped but what all requests of an operation have in common."""
        operation, method, status = ended.operation, ended.method, ended.code
        key = operation, method, status
        known = self._access.get(key)
        if known is None:
            if len(self._access) >= ACCESS_KINDS:
                self._access.clear()
            first = {"level": "INFO", "logger": ACCESS_LOGGER, "message": f"{operation} {status}", **self._about}
            last = {"operation": operation, "method": method, "status": status}
            known = self._access[key] = to_json(first)[1:-1], to_json(last)[1:-1]
        trace = _trace_text(ended.trace, ended.span_id) if ended.trace else ""
        at = self._timestamp(ended.end_time // 1_000_000)
        # A request id is hexadecimal, or has passed SAFE_ID.
        return (
            f'{{"timestamp":"{at}",{known[0]},"record_id":"{self._record_id()}"{trace}'
            f',"request_id":"{ended.request_id}",{known[1]},"duration_ms":{ended.milliseconds:.3f}}}'
        )

    def _line(self, item: Logged, message: str, held: int) -> str:
        """The line of a snapshot with that message, ``held`` repetitions of which were held back."""
        if not held and item.thrown is None and item.request is None and item.bound is None:
            line = self._usual_line(item, message)
            if line is not None:
                return line
        return self._any_line(item, message, held)

    def _usual_line(self, item: Logged, message: str) -> str | None:
        """The same, where a look at the whole tells that there is nothing to redact; None where it does not."""
        keys, more = item.keys, ""
        if keys:
            if self._careful_with(keys):
                return None
            try:
                encoded = _encode(dict(zip(keys, item.values, strict=True)))
            except (TypeError, ValueError, OverflowError):  # half a surrogate pair, a number beyond 64 bits
                return None
            if not encoded.isascii() or b"null" in encoded:  # which may be an infinite number
                return None
            more = "," + encoded[1:-1].decode("ascii")
        elif item.extras is not None:
            return None
        told = message + more
        if not told.isascii() or not told.isprintable() or not redaction.clean(told):
            return None
        trace = _trace_text(item.trace, item.span_id) if item.trace else ""
        if item.request_id:  # hexadecimal, or has passed SAFE_ID
            trace += f',"request_id":"{item.request_id}","operation":{quoted(item.operation)}'
        at = self._timestamp(int(item.created * 1000))
        # A text without arguments comes often.
        text = quoted(message) if item.arguments is None else to_json(message)
        line = (
            f'{{"timestamp":"{at}","level":{quoted(item.level)},"logger":{quoted(item.logger)},'
            f'"message":{text},{self._about_text},"record_id":"{self._record_id()}"{trace}{more}}}'
        )
        return line if len(line) <= LINE_LENGTH else None

    def _careful_with(self, keys: tuple[str, ...]) -> bool:
        """Whether extras of these names have to be looked at one by one: a name that hides its value, or is ours."""
        known = self._careful.get(keys)
        if known is None:
            if len(self._careful) >= ACCESS_KINDS:
                self._careful.clear()
            known = self._careful[keys] = any(
                key.__class__ is not str or key in STANDARD or key in RESERVED or redaction.hides(key) for key in keys
            )
        return known

    def _any_line(self, item: Logged, message: str, held: int) -> str:
        fields: dict[str, Any] = {
            "timestamp": self._timestamp(int(item.created * 1000)),
            "level": item.level,
            "logger": item.logger,
            "message": redaction.text(message),
            **self._about,
            "record_id": self._record_id(),
        }
        if item.trace:
            _trace(fields, item.trace, item.span_id)
        if item.request_id:
            fields["request_id"] = item.request_id
            fields["operation"] = item.operation if item.request is None else item.request.operation
        if held:
            fields["repeated"] = held
        if item.bound:
            _add(fields, item.bound)
        if item.keys:
            _add(fields, dict(zip(item.keys, map(frozen, item.values), strict=True)))
        elif item.extras:
            _add(fields, item.extras)
        if item.thrown is not None:
            fields["exception"] = _exception(item.thrown)
        line = to_json(fields)
        if len(line) > LINE_LENGTH:
            line = to_json({key: fields[key] for key in LOG_FIELDS if key in fields} | {"truncated": True})
        return line

    def _timestamp(self, milliseconds: int) -> str:
        at, rest = divmod(milliseconds, 1000)
        second, text = self._second
        if at != second:
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at))
            self._second = at, text
        return f"{text}.{rest:03d}Z"


def _key(item: Logged, message: str) -> tuple[Any, ...]:
    """What makes a line the same as another: all that its author said."""
    extras, thrown = item.extras, item.thrown
    told = tuple(extras.items()) if extras else (item.keys, item.values)
    key = item.logger, item.level, message, told, thrown and thrown[:2]
    try:
        hash(key)
    except TypeError:  # lists and dictionaries
        return item.logger, item.level, message, str(told), thrown and thrown[:2]
    return key


def _formatted(message: str, arguments: Any) -> str:
    if not arguments:
        return message
    try:
        text: str = message % arguments
        return text[:MESSAGE_LENGTH]
    except (TypeError, ValueError, KeyError):  # arguments that do not fit the format
        return f"{message} {arguments!r}"[:MESSAGE_LENGTH]


def _trace_text(trace: str, span_id: int) -> str:
    """What ``_trace`` adds, as members of a JSON object that has some already."""
    return f',"trace_id":"{trace}","span_id":"{span_id:016x}","xray_trace_id":"{xray_trace_id(trace)}"'


def _trace(fields: dict[str, Any], trace: str, span_id: int) -> None:
    fields["trace_id"] = trace
    fields["span_id"] = f"{span_id:016x}"
    fields["xray_trace_id"] = xray_trace_id(trace)


def _add(fields: dict[str, Any], extras: Mapping[str, Any]) -> None:
    for key, value in extras.items():
        if key not in STANDARD:
            name = key if key.__class__ is str else str(key)
            # An extra with a name of ours would lie about who, where or when.
            fields["extra_" + name if name in RESERVED else name] = redaction.value(name, value)


def _exception(thrown: tuple[str, str, TracebackException]) -> dict[str, str]:
    stack = "".join(thrown[2].format())
    return {
        "type": thrown[0],
        "message": redaction.text(thrown[1]),
        # The end of a Python traceback is the part that tells.
        "stacktrace": redaction.text(stack[-STACK_LENGTH:]),
    }
