"""Takes the actions of a state change, apart from whoever caused it: a slow subscriber must not delay an evaluation."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress

from kit.emulator.clock import Clock
from kit.emulator.cloudwatch import notices
from kit.emulator.cloudwatch.alarms import ACTION_LISTS
from kit.emulator.cloudwatch.records import ActionOutcome, Transition

Notify = Callable[[str, str, str], None]

log = logging.getLogger(__name__)

# As many actions may wait; what comes on top is recorded in the alarm's history as failed.
WAITING_LIMIT = 10_000


class Actions:
    """Sends a transition's notifications and reports each outcome.

    ``notify(topic_arn, subject, message)`` publishes to SNS and raises if it can't. ``report`` stores the outcome.
    In the background, one thread takes the actions in order, started by the first; else ``take`` returns when all is
    done.
    """

    def __init__(
        self, clock: Clock, notify: Notify, report: Callable[[ActionOutcome], None], *, background: bool
    ) -> None:
        self._clock = clock
        self._notify = notify
        self._report = report
        self._background = background
        self._waiting: queue.Queue[Transition | None] = queue.Queue(WAITING_LIMIT)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()

    def take(self, transition: Transition) -> None:
        """Takes the actions configured for the state that was entered, if actions are enabled."""
        settings = transition.subject.settings
        if not settings.get("ActionsEnabled", True) or not _arns(transition):
            return
        if not self._background:
            self._run(transition)
            return
        self._start()
        try:
            self._waiting.put_nowait(transition)
        except queue.Full:
            for arn in _arns(transition):
                self._done(transition, arn, "too many actions are waiting", None)

    def wait_idle(self, seconds: float) -> bool:
        """Waits until every action taken so far is done, for so many seconds at most; whether that is so."""
        waiting = self._waiting
        with waiting.all_tasks_done:
            return waiting.all_tasks_done.wait_for(lambda: waiting.unfinished_tasks == 0, seconds)

    def close(self) -> None:
        """Ends the background thread after the action at hand; what waits is dropped."""
        if self._thread is None:
            return
        with suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()
                self._waiting.task_done()
        self._waiting.put(None)
        self._thread.join(timeout=5)
        self._thread = None

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._loop, name="alarm-actions", daemon=True)
                self._thread.start()

    def _loop(self) -> None:
        while (transition := self._waiting.get()) is not None:
            try:
                self._run(transition)
            except Exception:
                # without this thread no later action would be taken, and whoever waits for it would wait in vain
                log.exception("alarm %r: its actions were not all taken", transition.subject.name)
            finally:
                self._waiting.task_done()
        self._waiting.task_done()

    def _run(self, transition: Transition) -> None:
        for arn in _arns(transition):
            if not _is_topic(arn):
                self._done(transition, arn, "this emulator performs no actions but SNS notifications", None)
                continue
            region, account = transition.subject.arn.split(":")[3:5]
            text = None
            try:
                text = notices.message(transition, region, account)
                self._notify(arn, notices.subject_line(transition, region), text)
            except Exception as error:  # noqa: BLE001 - whatever the topic's subscriber did, the next action must be taken
                self._done(transition, arn, f"{type(error).__name__}: {error}", text)
            else:
                self._done(transition, arn, None, text)

    def _done(self, transition: Transition, arn: str, error: str | None, published: str | None) -> None:
        if error is not None:
            log.warning("alarm %r: action %r failed: %r", transition.subject.name, arn, error)
        self._report(ActionOutcome(transition, arn, self._clock.now(), error, published))


def _arns(transition: Transition) -> list[str]:
    return list(transition.subject.settings.get(ACTION_LISTS[transition.new.value], ()))


def _is_topic(arn: str) -> bool:
    return arn.split(":")[2:3] == ["sns"]
