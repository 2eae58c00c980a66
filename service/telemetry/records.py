"""Log records without what no line of ours tells: who called, by a walk over frames and paths, and threads' names.

(Python: "Logging HOWTO", Optimization; logging.setLogRecordFactory.) Only where nobody else in the process wants it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from threading import get_ident
from time import time
from typing import Any

SOURCE = ("pathname", "filename", "module", "lineno", "funcName")
NAMES = ("threadName", "processName", "taskName")
# What the standard library has of its own, to be put back.
_STANDARD = {name: vars(logging)[name] for name in ("_srcfile", "logMultiprocessing")}
_sample = logging.LogRecord("", 0, "", 0, "", (), None)
_BEGAN = _sample.created - _sample.relativeCreated / 1000
_HAS_TASK = hasattr(_sample, "taskName")
_level_name = logging.getLevelName
_process = [os.getpid()]
os.register_at_fork(after_in_child=lambda: _process.__setitem__(0, os.getpid()))


class LeanRecord(logging.LogRecord):
    """A record with every standard field, but nobody's source, and no name of thread, process and task."""

    def __init__(  # noqa: PLR0913, PLR0917 - logging's own signature
        self,
        name: str,
        level: int,
        pathname: str,
        lineno: int,
        msg: object,
        args: Any,
        exc_info: Any,
        func: Any = None,
        sinfo: str | None = None,
        **_: Any,
    ) -> None:
        # Not theirs: half of its time is for the two parts of a path. In its order: what comes after is the extra.
        now = time()
        self.name = name
        self.msg = msg
        if args and len(args) == 1 and isinstance(args[0], Mapping) and args[0]:
            args = args[0]
        self.args = args
        self.levelname = _level_name(level)
        self.levelno = level
        self.pathname = self.filename = pathname
        self.module = "(unknown file)"
        self.exc_info = exc_info
        self.exc_text = None
        self.stack_info = sinfo
        self.lineno = lineno
        self.funcName = func
        self.created = now
        self.msecs = now % 1 * 1000 // 1
        self.relativeCreated = (now - _BEGAN) * 1000
        self.thread = get_ident()
        self.threadName = None
        self.processName = None
        self.process = _process[0]
        if _HAS_TASK:
            self.taskName = None


def lean() -> None:
    """Leave out what no handler of the process asks for. What comes later finds the source "(unknown file)", names
    None, and thread and process as always.
    """
    wanted = _wanted()
    if wanted.isdisjoint(SOURCE):
        vars(logging)["_srcfile"] = None
    if "processName" not in wanted:
        logging.logMultiprocessing = False
    if not wanted and logging.getLogRecordFactory() is logging.LogRecord:
        logging.setLogRecordFactory(LeanRecord)


def whole() -> None:
    """Undo that."""
    vars(logging).update(_STANDARD)
    if logging.getLogRecordFactory() is LeanRecord:
        logging.setLogRecordFactory(logging.LogRecord)


def _wanted() -> set[str]:
    return {field for handler in set(_handlers()) for field in _fields(handler)}


def _handlers() -> Iterator[logging.Handler]:
    yield from logging.getLogger().handlers
    for logger in list(logging.Logger.manager.loggerDict.values()):
        if isinstance(logger, logging.Logger):
            yield from logger.handlers


def _fields(handler: logging.Handler) -> list[str]:
    """Which of the fields that may be left out this handler may ask for; all, unless we know better."""
    if isinstance(handler, logging.NullHandler) or getattr(handler, "no_source", False):
        return []
    formatter = handler.formatter
    # Whoever pickles records, or has handlers or formatters of their own (Sentry, pytest), may want anything.
    own = type(handler).__module__ in {"logging", "logging.handlers"} and isinstance(handler, logging.StreamHandler)
    if not own or type(formatter) not in {logging.Formatter, type(None)}:
        return [*SOURCE, *NAMES]
    text = getattr(formatter, "_fmt", None) or ""
    return [field for field in (*SOURCE, *NAMES) if field in text]
