"""Log records on their way to the encoder, which makes lines of them for stdout and CloudWatch Logs.

    request thread: JsonHandler.handle: a snapshot, one append ──▶ encoder thread: lines.py

What boto3 and its kin log while logs are delivered is never delivered.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import get_ident
from traceback import TracebackException
from typing import Any

from opentelemetry.trace import Span

from . import unpacking
from .current import get_current
from .delivery.sender import senders
from .delivery.stdout import write
from .jsontext import VALUE_LENGTH, frozen, to_text
from .lines import MESSAGE_LENGTH, Lines
from .names import UNMATCHED
from .request import binding, current
from .tracer import OURS, SPAN_KEY, Unsampled
from .waiting import NOT_PACKED, Logged, pack

# Where the caller's extras begin among what is on a record.
FIRST_EXTRA = len(logging.LogRecord("", 0, "", 0, "", (), None).__dict__)
PLAIN = frozenset({str, int, float, bool, type(None)})
KINDS = 1_024
# The way to AWS: what these say below WARNING is noise, and may hold signatures.
PLUMBING = ("botocore", "boto3", "urllib3", "aws_xray_sdk", "s3transfer")


_texts: set[tuple[object, ...]] = set()


class JsonHandler(logging.Handler):
    """Leaves a snapshot of each record where ``lines()`` says; without such a place it is written to stdout at once."""

    no_source = True  # see records.py

    def __init__(self, lines: Lines, intake: Callable[[], Callable[[bytes | Logged], None] | None]) -> None:
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
            told = snapshot(record)
            append = self.intake()
            if plumbing or append is None or get_ident() in senders:
                write(self.lines.text(unpacking.line(told)) + "\n")
            else:
                append(told)
        except Exception:  # noqa: BLE001 - logging's contract: a bad record must not hurt who logs it
            self.handleError(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """As ``handle``, which logging calls."""
        self.handle(record)


def snapshot(record: logging.LogRecord) -> bytes | Logged:
    """What the record says now, as it waits. Only what cannot change is left to be made text later."""
    message, arguments = record.msg, None
    if record.args or message.__class__ is not str or len(message) > MESSAGE_LENGTH:
        message, arguments = _said(record)
    held = record.__dict__
    keys: tuple[str, ...] = ()
    values: tuple[Any, ...] = ()
    extras: dict[str, Any] | None = None
    if len(held) > FIRST_EXTRA:
        keys, values = tuple(held)[FIRST_EXTRA:], tuple(held.values())[FIRST_EXTRA:]
        if not PLAIN.issuperset(map(type, values)) or (keys not in _texts and not _are_texts(keys)):
            extras = {key: frozen(value) for key, value in zip(keys, values, strict=True)}
            keys = values = ()
    thrown = record.exc_info
    span: Any = get_current().get(SPAN_KEY)
    if span.__class__ in OURS and span.within is not None:
        trace, span_id = span.within.trace, span.data.span_id
    elif span.__class__ is Unsampled:
        trace, span_id = span.trace, span.span_id
    else:
        trace, span_id = _ids(span)
    request = current.get()
    held_by = binding.get()
    bound = held_by[1] if held_by is not None and held_by[0] is request else None
    request_id = operation = ""
    if request is not None:
        request_id, operation = request.request_id, request.known or request.operation
        if operation is not UNMATCHED:
            request = None
    if not thrown and extras is None and request is None and bound is None:
        try:
            told = pack(
                (
                    trace, span_id, record.created, record.levelname, record.name, message, arguments, keys, values,
                    request_id, operation,
                )
            )  # fmt: skip
            # Within that length none of its texts is longer than may be written.
            if len(told) <= VALUE_LENGTH:
                return told
        except NOT_PACKED:
            pass
    if keys:
        extras = {key: frozen(value) for key, value in zip(keys, values, strict=True)}
    return Logged(
        trace, span_id, record.created, record.levelname, record.name, message, arguments, (), (), request_id,
        operation, extras, _thrown(thrown), request, bound,
    )  # fmt: skip


def _said(record: logging.LogRecord) -> tuple[str, tuple[Any, ...] | None]:
    """A message that is more than a short text, and its arguments where they can wait."""
    message, arguments = record.msg, record.args
    if arguments:
        if message.__class__ is str and arguments.__class__ is tuple and _all_plain(arguments):
            return message, arguments
        return _message(record), None
    return (message if message.__class__ is str else to_text(message))[:MESSAGE_LENGTH], None


def _are_texts(keys: tuple[object, ...]) -> bool:
    """Whether names of extras are texts: they may be anything. A log statement's are the same each time."""
    if not all(type(key) is str for key in keys):
        return False
    if len(_texts) < KINDS:
        _texts.add(keys)
    return True


def _ids(span: object) -> tuple[str, int]:
    context = span.get_span_context() if isinstance(span, Span) else None
    return (f"{context.trace_id:032x}", context.span_id) if context is not None and context.is_valid else ("", 0)


def _all_plain(arguments: Any) -> bool:
    for argument in arguments:
        if argument.__class__ not in PLAIN or (argument.__class__ is str and len(argument) > MESSAGE_LENGTH):
            return False
    return True


def _thrown(told: Any) -> tuple[str, str, TracebackException] | None:
    if not told or told[1] is None:
        return None
    error = told[1]
    # Holds no frame: what the code had in its hands is free at once. The lines of source are read later.
    stack = TracebackException.from_exception(error, lookup_lines=False, compact=True)
    return type(error).__qualname__, to_text(error), stack


def install(handler: JsonHandler, level: str) -> None:
    """Make the handler the root logger's; an earlier one of ours goes. Other handlers stay."""
    root = logging.getLogger()
    for old in [old for old in root.handlers if isinstance(old, JsonHandler)]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(level)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()[:MESSAGE_LENGTH]
    except (TypeError, ValueError, KeyError):
        return f"{record.msg!s} {record.args!r}"[:MESSAGE_LENGTH]
