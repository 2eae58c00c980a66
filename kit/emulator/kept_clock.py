"""A virtual clock's time as a row, so that it goes on where it stood: what is kept beside it lies at its times."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import msgspec

from kit.emulator.clock import Clock, ManualClock
from kit.emulator.keeping.rows import Put, Read, Row

_KEY = "now"
_decode = msgspec.msgpack.Decoder(float).decode


class KeptClock:
    """A room of the keeper's; on the system's time it only holds on to what a virtual clock has left.

    ``in_use()`` says whether anything was ever asked of an engine. A clock that was neither moved nor used is not
    kept, so that an emulator that was emptied begins anew at its next start.
    """

    def __init__(self, clock: Clock, in_use: Callable[[], bool]) -> None:
        self._clock = clock if isinstance(clock, ManualClock) else None
        self._in_use = in_use
        self._begun = clock.now()
        self._row: Put | None = None

    def changes(self) -> Iterator[Row]:
        """The time, if it is another than before."""
        row = self._now()
        if row is not None and row != self._row:
            self._row = row
            yield row

    def everything(self) -> Iterator[Row]:
        """The time, if it is to be kept."""
        self._row = self._now()
        if self._row is not None:
            yield self._row

    def load(self, read: Read) -> int:
        """Set the clock; call it before any other room is filled, since engines look at the time as they are made."""
        unread = 0
        for key, body in read(_KEY):
            try:
                moment = _decode(body)
            except msgspec.DecodeError:
                moment = math.nan
            if math.isfinite(moment):
                self._row = Put(key, body)
                if self._clock is not None:
                    self._clock.resume(moment)
            else:
                unread += 1
        return unread

    def _now(self) -> Put | None:
        if self._clock is None:
            return self._row
        now = self._clock.now()
        if self._row is None and now == self._begun and not self._in_use():
            return None
        return Put(_KEY, msgspec.msgpack.encode(now))
