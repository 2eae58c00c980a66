"""Alarms and their history as rows.

    a/<name>     an alarm: what was put, and the state it is in
    h/<number>   a record of the history, as it is shown

What an alarm holds is replaced, never changed in place; so an alarm has changed where it no longer holds the same
objects as when it was written, and no operation needs to say so.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from operator import is_
from typing import Any, Literal

import msgspec

from kit.emulator.cloudwatch import alarm_rules
from kit.emulator.cloudwatch.alarms import Alarm, AlarmType, CompositeAlarm, MetricAlarm, alarm_arn
from kit.emulator.cloudwatch.book import AlarmBook
from kit.emulator.cloudwatch.records import Remembered, Subject, Transition, history_item
from kit.emulator.keeping.rows import Drop, Put, Read, Row
from kit.emulator.protocol import AwsError
from kit.evaluation.state import AlarmState
from kit.evaluation.suppression import Suppression


class _Withheld(msgspec.Struct, frozen=True, array_like=True):
    at: float
    old: AlarmState
    new: AlarmState


class _StoredAlarm(msgspec.Struct, frozen=True, array_like=True):
    type: AlarmType
    settings: dict[str, Any]
    configured_at: float
    state: AlarmState
    updated_at: float
    tags: dict[str, str]
    stale: Literal["created", "updated", "child"] | None = None
    suppression: Suppression | None = None
    withheld: _Withheld | None = None


class _StoredRecord(msgspec.Struct, frozen=True, array_like=True):
    name: str
    arn: str
    type: AlarmType
    at: float
    item_type: str
    summary: str
    text: str


_encode = msgspec.msgpack.Encoder().encode
_decode_alarm = msgspec.msgpack.Decoder(_StoredAlarm).decode
_decode_record = msgspec.msgpack.Decoder(_StoredRecord).decode

# What an alarm held when it was written.
_Held = tuple[Any, ...]


class KeptAlarms:
    """A room of the keeper's, of the Region and account whose alarms' ARNs are as ``alarm_arn`` says."""

    def __init__(self, book: AlarmBook, region: str, account: str) -> None:
        self._book = book
        self._region = region
        self._account = account
        self._written: dict[str, _Held] = {}
        self._first = self._next = 0

    def changes(self) -> Iterator[Row]:
        """Alarms that hold something else than before, and new records."""
        book = self._book
        with book.lock:
            alarms = book.all()
            held = {alarm.name: _held(alarm) for alarm in alarms}
            changed = [
                (alarm.name, _stored(alarm, book.withheld(alarm.name)))
                for alarm in alarms
                if not _same(self._written.get(alarm.name), held[alarm.name])
            ]
            records = book.history.since(self._next)
            first = book.history.first
        gone = self._written.keys() - held.keys()
        self._written = held
        yield from (Drop(f"a/{name}") for name in gone)
        yield from (Put(f"a/{name}", _encode(stored)) for name, stored in changed)
        yield from (Drop(f"h/{number}") for number in range(self._first, min(first, self._next)))
        for number, record in records:
            self._next = number + 1
            item = history_item(record)
            stored = _StoredRecord(
                record.subject.name,
                record.subject.arn,
                record.subject.type,
                record.at,
                record.item_type,
                item["HistorySummary"],
                item["HistoryData"],
            )
            yield Put(f"h/{number}", zlib.compress(_encode(stored), 1))
        self._first = first

    def everything(self) -> Iterator[Row]:
        """All alarms and records."""
        self._written = {}
        self._first = self._next = 0
        return self.changes()

    def load(self, read: Read) -> int:
        """Fills the book; nothing is evaluated or sent."""
        unread = 0
        for key, body in read(""):
            kind, _, name = key.partition("/")
            try:
                if kind == "a":
                    self._restore(name, _decode_alarm(body))
                else:
                    self._remember(int(name), _decode_record(zlib.decompress(body)))
            except (msgspec.DecodeError, zlib.error, ValueError, KeyError, AwsError):
                unread += 1
        with self._book.lock:
            self._written = {alarm.name: _held(alarm) for alarm in self._book.all()}
            self._first = self._book.history.first
        return unread

    def _restore(self, name: str, stored: _StoredAlarm) -> None:
        settings = stored.settings
        common: dict[str, Any] = {
            "name": name,
            "arn": alarm_arn(self._region, self._account, name),
            "settings": settings,
            "configured_at": stored.configured_at,
            "state": stored.state,
            "updated_at": stored.updated_at,
            "tags": stored.tags,
        }
        alarm: Alarm
        if stored.type == "MetricAlarm":
            alarm = MetricAlarm(**common, definition=alarm_rules.metric_alarm(settings))
        else:
            rule, suppressor = alarm_rules.composite_alarm(settings), alarm_rules.suppressor(settings)
            alarm = CompositeAlarm(**common, rule=rule, stale=stored.stale, suppressor=suppressor)
            alarm.suppression = stored.suppression or alarm.suppression
        held = stored.withheld
        self._book.restore(alarm, Transition(Subject.of(alarm), held.at, held.old, held.new) if held else None)

    def _remember(self, number: int, stored: _StoredRecord) -> None:
        subject = Subject(stored.name, stored.arn, stored.type, {}, 0.0)
        record = Remembered(subject, stored.at, stored.item_type, stored.summary, stored.text)
        with self._book.lock:
            self._book.history.restore(number, record)
        self._next = number + 1


def _held(alarm: Alarm) -> _Held:
    more = (alarm.stale, alarm.suppression) if isinstance(alarm, CompositeAlarm) else ()
    return (alarm.settings, alarm.state, alarm.tags, alarm.configured_at, alarm.updated_at, *more)


def _same(before: _Held | None, now: _Held) -> bool:
    return before is not None and len(before) == len(now) and all(map(is_, before, now))


def _stored(alarm: Alarm, withheld: Transition | None) -> _StoredAlarm:
    common = (alarm.type, alarm.settings, alarm.configured_at, alarm.state, alarm.updated_at, alarm.tags)
    if not isinstance(alarm, CompositeAlarm):
        return _StoredAlarm(*common)
    waiting = _Withheld(withheld.at, withheld.old, withheld.new) if withheld is not None else None
    return _StoredAlarm(*common, alarm.stale, alarm.suppression, waiting)
