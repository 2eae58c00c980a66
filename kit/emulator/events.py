"""Carries alarm events to EventBridge, apart from whoever changed the alarm: a slow target must not delay it."""

from __future__ import annotations

import logging
import queue
import threading
from contextlib import suppress
from typing import Any, Protocol

from kit.emulator.alarm_events import configuration_change, state_change
from kit.emulator.cloudwatch.alarms import CompositeAlarm
from kit.emulator.cloudwatch.book import AlarmBook
from kit.emulator.cloudwatch.records import ConfigurationChange, Record, Transition
from kit.evaluation.suppression import FREE, Suppression

log = logging.getLogger(__name__)

# As many events may wait; what comes on top is dropped with a line.
_MOST_WAITING = 10_000


class EventBridge(Protocol):
    """Where events go."""

    @property
    def loaded(self) -> bool:
        """Whether there can be any rule yet."""
        ...

    def put_event(self, region: str, event: dict[str, Any]) -> None:
        """Hand an event to the rules of a Region's default bus that match it."""
        ...


class AlarmEvents:
    """One thread for all Regions; it is started by the first event that may find a rule."""

    def __init__(self, eventbridge: EventBridge) -> None:
        self._eventbridge = eventbridge
        self._waiting: queue.Queue[tuple[AlarmBook, Transition | ConfigurationChange] | None]
        self._waiting = queue.Queue(_MOST_WAITING)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def follow(self, book: AlarmBook) -> None:
        """Send an event for every change of state or configuration in this book."""
        book.history.listen = lambda record: self._take(book, record)

    def wait_idle(self, seconds: float) -> bool:
        """Wait until every event so far has been handed on, for so many seconds at most; whether that is so."""
        waiting = self._waiting
        with waiting.all_tasks_done:
            return waiting.all_tasks_done.wait_for(lambda: waiting.unfinished_tasks == 0, seconds)

    def forget(self) -> None:
        """Drop what waits."""
        with suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
                self._waiting.task_done()

    def close(self) -> None:
        """End after the event at hand; what waits is dropped."""
        if self._thread is None:
            return
        self.forget()
        self._waiting.put(None)
        self._thread.join(timeout=2)

    def _take(self, book: AlarmBook, record: Record) -> None:
        if not isinstance(record, Transition | ConfigurationChange) or not self._eventbridge.loaded:
            return
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="alarm-events", daemon=True)
                self._thread.start()
        try:
            self._waiting.put_nowait((book, record))
        except queue.Full:
            log.warning("alarm %r: an event was dropped, too many are waiting", record.subject.name)

    def _run(self) -> None:
        while (item := self._waiting.get()) is not None:
            book, record = item
            try:
                if isinstance(record, Transition):
                    event = state_change(record, _suppression(book, record))
                else:
                    event = configuration_change(record)
                self._eventbridge.put_event(event["region"], event)
            except Exception:
                # whatever a target did, the next event must be sent
                log.exception("alarm %r: its event was not sent", record.subject.name)
            finally:
                self._waiting.task_done()
        self._waiting.task_done()


def _suppression(book: AlarmBook, transition: Transition) -> Suppression:
    """What held back the actions of this change. Under the lock: the book decides it after it stores the change."""
    with book.lock:
        alarm = book.get(transition.subject.name)
        same = isinstance(alarm, CompositeAlarm) and alarm.state is transition.new
        return alarm.suppression if same and isinstance(alarm, CompositeAlarm) else FREE
