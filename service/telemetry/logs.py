"""Log records -> one JSON object a line, on stdout and to CloudWatch Logs.

    request thread: JsonHandler.emit: a snapshot, one append ──▶ encoder thread: Lines: text, redaction, JSON, repeats

Nothing that a caller sends can make a second line or a field of its own: JSON escapes every control character, and the
names of names.LOG_FIELDS are ours alone. What boto3 and its kin log while logs are delivered is never delivered.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from math import isfinite
from traceback import TracebackException
from typing import Any

import msgspec
from opentelemetry.trace import Span

from . import redaction
from .current import get_current
from .delivery.sender import in_sender
from .delivery.stdout import write
from .jsontext import VALUE_LENGTH, RecordIds, quoted, to_json, to_text
from .names import ACCESS_LOGGER, LOG_FIELDS, UNMATCHED, xray_trace_id
from .repeats import Repeats
from .request import Ended, Request, binding, current
from .server_span import ServerSpan
from .settings import Settings
from .spans import LightSpan
from .tracer import SPAN_KEY, Unsampled

Item = tuple[
    float, str, str, str, Any, tuple[str, ...] | None, Any, tuple[str, str, TracebackException] | None, int, int,
    str, str, Request | None, Mapping[str, Any] | None,
]  # fmt: skip
"""A snapshot: time, level, logger, message, arguments, names of extras, extras, exception, trace id, span id,
request id, operation, request, bound fields.

Usually nothing but numbers, texts and tuples of such, which Python's garbage collector lets go of. Extras are a tuple
of values with their names; without names a dictionary, or None. Trace and span id are 0 without a trace, request id and
operation "" without a request. The request itself is there only while its operation is not known.
"""

# What logging itself puts on a record; the rest is the caller's extra, and comes after it.
STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
FIRST_EXTRA = len(logging.LogRecord("", 0, "", 0, "", (), None).__dict__)
RESERVED = frozenset(LOG_FIELDS)
PLAIN = frozenset({str, int, float, bool, type(None)})
MESSAGE_LENGTH = 8_192
STACK_LENGTH = 16_384
# The way to AWS: what these say below WARNING is noise, and may hold signatures.
PLUMBING = ("botocore", "boto3", "urllib3", "aws_xray_sdk", "s3transfer")
# Operations, methods and statuses whose part of the access line is remembered.
ACCESS_KINDS = 1_024
LINE_LENGTH = 256 * 1024 - 26

_encode = msgspec.json.Encoder().encode


class JsonHandler(logging.Handler):
    """Leaves a snapshot of each record where ``lines()`` says; without such a place it is written to stdout at once."""

    no_source = True  # see records.py

    def __init__(self, lines: Lines, intake: Callable[[], Callable[[Item], None] | None]) -> None:
        super().__init__()
        self.lines = lines
        self.intake = intake

    def handle(self, record: logging.LogRecord) -> bool:
        """Append a snapshot; some 2 µs. Without logging's lock: an append needs none."""
        plumbing = record.name.startswith(PLUMBING)
        if plumbing and record.levelno < logging.WARNING:
            return False
        if self.filters and not self.filter(record):
            return False
        try:
            item = snapshot(record)
            append = self.intake()
            if plumbing or append is None or getattr(in_sender, "yes", False):
                write(self.lines.text(item) + "\n")
            else:
                append(item)
        except Exception:  # noqa: BLE001 - logging's contract: a bad record must not hurt who logs it
            self.handleError(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """As ``handle``, which logging calls."""
        self.handle(record)


def snapshot(record: logging.LogRecord) -> Item:
    """What the record says now. Only what cannot change is left to be made text later."""
    message, arguments = record.msg, record.args
    if arguments:
        if message.__class__ is not str or arguments.__class__ is not tuple or not _all_plain(arguments):
            message, arguments = _message(record), None
    else:
        arguments = None
        if message.__class__ is not str:
            message = to_text(message)
    if len(message) > MESSAGE_LENGTH:
        message = message[:MESSAGE_LENGTH] if arguments is None else message
    held = record.__dict__
    keys: tuple[str, ...] | None = None
    extras: Any = None
    if len(held) > FIRST_EXTRA:
        keys = tuple(held)[FIRST_EXTRA:]
        extras = tuple(held.values())[FIRST_EXTRA:]
        for value in extras:
            kind = value.__class__
            if kind not in PLAIN or (kind is str and len(value) > VALUE_LENGTH):
                extras = {key: _frozen(value) for key, value in zip(keys, extras, strict=True)}
                keys = None
                break
    thrown = record.exc_info
    span = get_current().get(SPAN_KEY)
    if type(span) is LightSpan or type(span) is ServerSpan or type(span) is Unsampled:
        trace_id, span_id = span.trace_id, span.span_id
    else:
        trace_id, span_id = _ids(span)
    request = current.get()
    held_by = binding.get()
    bound = held_by[1] if held_by is not None and held_by[0] is request else None
    request_id = operation = ""
    if request is not None:
        request_id, operation = request.request_id, request.operation
        if operation is not UNMATCHED:
            request = None
    return (
        record.created,
        record.levelname,
        record.name,
        message,
        arguments,
        keys,
        extras,
        _thrown(thrown[1]) if thrown and thrown[1] is not None else None,
        trace_id,
        span_id,
        request_id,
        operation,
        request,
        bound,
    )


def _ids(span: object) -> tuple[int, int]:
    context = span.get_span_context() if isinstance(span, Span) else None
    return (context.trace_id, context.span_id) if context is not None and context.is_valid else (0, 0)


SHORT = frozenset({int, bool, type(None)})


def _all_plain(arguments: Any) -> bool:
    for argument in arguments:
        if argument.__class__ not in PLAIN or (argument.__class__ is str and len(argument) > MESSAGE_LENGTH):
            return False
    return True


def _frozen(value: Any) -> Any:
    """A copy that nobody else can change."""
    kind = value.__class__
    if kind in SHORT:
        return value
    if kind is str:
        return value if len(value) <= VALUE_LENGTH else value[:VALUE_LENGTH]
    if kind is float:
        return value if isfinite(value) else str(value)  # JSON has no infinity and no NaN
    try:
        copy = msgspec.to_builtins(value, str_keys=True, enc_hook=to_text)
        return copy if len(msgspec.json.encode(copy)) <= STACK_LENGTH else to_text(value)
    except Exception:  # noqa: BLE001 - circles, keys that are no strings, and whatever an object does when asked
        return to_text(value)


def _thrown(error: BaseException) -> tuple[str, str, TracebackException]:
    # Holds no frame: what the code had in its hands is free at once. The lines of source are read later.
    told = TracebackException.from_exception(error, lookup_lines=False, compact=True)
    return type(error).__qualname__, to_text(error), told


class Lines:
    """Snapshots -> (epoch milliseconds, line, how many records it stands for). One thread's, but for ``text``."""

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
        self._repeats: Repeats[Item] = Repeats()
        self._record_id = RecordIds()

    def record(self, item: Item) -> tuple[int, str, int] | None:
        """The line of a log record; None when it is held back as a repetition."""
        message = _formatted(item[3], item[4])
        held = self._repeats.held_back(_key(item, message), item)
        if held < 0:
            return None
        return int(item[0] * 1000), self._line(item, message, held), 1 + held

    def repeated(self, now: float, *, end: bool = False) -> list[tuple[int, str, int]]:
        """The lines that tell of repetitions held back, when their time has come."""
        return [
            (int(item[0] * 1000), self._line(item, _formatted(item[3], item[4]), held), 1 + held)
            for item, held in self._repeats.over(now, end=end)
        ]

    def text(self, item: Item) -> str:
        """The line of a log record, repeated or not."""
        return self._line(item, _formatted(item[3], item[4]), 0)

    def access(self, ended: Ended) -> str:
        """The access line of a request."""
        at, operation, method, status, milliseconds, request_id, trace_id, span_id, _, error_type, bound, *_ = ended
        if not error_type and not bound:
            return self._usual_access(ended)
        fields: dict[str, Any] = {
            "timestamp": self._timestamp(at),
            "level": "INFO",
            "logger": ACCESS_LOGGER,
            "message": f"{operation} {status}",
            **self._about,
            "record_id": self._record_id(),
        }
        if trace_id:
            _trace(fields, trace_id, span_id)
        fields["request_id"] = request_id
        fields["operation"] = operation
        fields["method"] = method
        fields["status"] = status
        fields["duration_ms"] = round(milliseconds, 3)
        if error_type:
            fields["error_type"] = error_type
        if bound:
            _add(fields, bound)
        return to_json(fields)

    def _usual_access(self, ended: Ended) -> str:
        """The same, where nothing has to be escaped but what all requests of an operation have in common."""
        at, operation, method, status, milliseconds, request_id, trace_id, span_id, *_ = ended
        key = operation, method, status
        known = self._access.get(key)
        if known is None:
            if len(self._access) >= ACCESS_KINDS:
                self._access.clear()
            first = {"level": "INFO", "logger": ACCESS_LOGGER, "message": f"{operation} {status}", **self._about}
            last = {"operation": operation, "method": method, "status": status}
            known = self._access[key] = to_json(first)[1:-1], to_json(last)[1:-1]
        trace = _trace_text(trace_id, span_id) if trace_id else ""
        # A request id is hexadecimal, or has passed SAFE_ID.
        return (
            f'{{"timestamp":"{self._timestamp(at)}",{known[0]},"record_id":"{self._record_id()}"{trace}'
            f',"request_id":"{request_id}",{known[1]},"duration_ms":{milliseconds:.3f}}}'
        )

    def _line(self, item: Item, message: str, held: int) -> str:
        """The line of a snapshot with that message, ``held`` repetitions of which were held back."""
        if not held and item[7] is None and item[12] is None and item[13] is None:
            line = self._usual_line(item, message)
            if line is not None:
                return line
        return self._any_line(item, message, held)

    def _usual_line(self, item: Item, message: str) -> str | None:
        """The same, where a look at the whole tells that there is nothing to redact; None where it does not."""
        created, level, logger, _, _, keys, extras, _, trace_id, span_id, request_id, operation, _, _ = item
        more = ""
        if keys is not None:
            if self._careful_with(keys):
                return None
            try:
                encoded = _encode(dict(zip(keys, extras, strict=True)))
            except (TypeError, ValueError, OverflowError):  # half a surrogate pair, a number beyond 64 bits
                return None
            if not encoded.isascii() or b"null" in encoded:  # which may be an infinite number
                return None
            more = "," + encoded[1:-1].decode("ascii")
        elif extras is not None:
            return None
        told = message + more
        if not told.isascii() or not told.isprintable() or not redaction.clean(told):
            return None
        trace = _trace_text(trace_id, span_id) if trace_id else ""
        if request_id:  # hexadecimal, or has passed SAFE_ID
            trace += f',"request_id":"{request_id}","operation":{quoted(operation)}'
        line = (
            f'{{"timestamp":"{self._timestamp(created)}","level":{quoted(level)},"logger":{quoted(logger)},'
            f'"message":{to_json(message)},{self._about_text},"record_id":"{self._record_id()}"{trace}{more}}}'
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

    def _any_line(self, item: Item, message: str, held: int) -> str:
        created, level, logger, _, _, keys, extras, thrown, trace_id, span_id = item[:10]
        request_id, operation, request, bound = item[10:]
        fields: dict[str, Any] = {
            "timestamp": self._timestamp(created),
            "level": level,
            "logger": logger,
            "message": redaction.text(message),
            **self._about,
            "record_id": self._record_id(),
        }
        if trace_id:
            _trace(fields, trace_id, span_id)
        if request_id:
            fields["request_id"] = request_id
            fields["operation"] = operation if request is None else request.operation
        if held:
            fields["repeated"] = held
        if bound:
            _add(fields, bound)
        if keys is not None:
            _add(fields, dict(zip(keys, map(_frozen, extras), strict=True)))
        elif extras:
            _add(fields, extras)
        if thrown is not None:
            fields["exception"] = _exception(thrown)
        line = to_json(fields)
        if len(line) > LINE_LENGTH:
            line = to_json({key: fields[key] for key in LOG_FIELDS if key in fields} | {"truncated": True})
        return line

    def _timestamp(self, at: float) -> str:
        second, text = self._second
        if int(at) != second:
            second = int(at)
            text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = second, text
        return f"{text}.{int(at * 1000) % 1000:03d}Z"


def install(handler: JsonHandler, level: str) -> None:
    """Make the handler the root logger's; an earlier one of ours goes. Other handlers stay."""
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, JsonHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)


def _key(item: Item, message: str) -> tuple[Any, ...]:
    """What makes a line the same as another: all that its author said."""
    keys, extras, thrown = item[5], item[6], item[7]
    told = (keys, extras) if keys is not None else tuple(extras.items()) if extras else ()
    key = item[2], item[1], message, told, thrown and thrown[:2]
    try:
        hash(key)
    except TypeError:  # lists and dictionaries
        return item[2], item[1], message, str(told), thrown and thrown[:2]
    return key


def _formatted(message: str, arguments: Any) -> str:
    if not arguments:
        return message
    try:
        text: str = message % arguments
        return text[:MESSAGE_LENGTH]
    except (TypeError, ValueError, KeyError):  # arguments that do not fit the format
        return f"{message} {arguments!r}"[:MESSAGE_LENGTH]


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()[:MESSAGE_LENGTH]
    except (TypeError, ValueError, KeyError):
        return f"{record.msg!s} {record.args!r}"[:MESSAGE_LENGTH]


def _trace_text(trace_id: int, span_id: int) -> str:
    """What ``_trace`` adds, as members of a JSON object that has some already."""
    hexadecimal = "%032x" % trace_id  # noqa: UP031 - a third of an f-string's time, for numbers this long
    return (
        f',"trace_id":"{hexadecimal}","span_id":"{span_id:016x}",'
        f'"xray_trace_id":"1-{hexadecimal[:8]}-{hexadecimal[8:]}"'
    )


def _trace(fields: dict[str, Any], trace_id: int, span_id: int) -> None:
    fields["trace_id"] = f"{trace_id:032x}"
    fields["span_id"] = f"{span_id:016x}"
    fields["xray_trace_id"] = xray_trace_id(trace_id)


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
