"""A waitress server that ends in order: what was asked is answered, and nothing is closed that is still used."""

from __future__ import annotations

import logging
import math
import select
import threading
import time
from collections.abc import Callable
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.server import BaseWSGIServer, create_server
from waitress.trigger import trigger

# Connections that have been silent for long are looked for this often.
_LOOK_EVERY_S = 1.0
_NEW = -1


class OrderlyServer:
    """``run`` reads requests, in the thread that calls it, until some thread or signal handler calls ``stop``."""

    def __init__(self, app: Callable[..., Any], answering_s: float, **options: Any) -> None:
        """The options are waitress's. What was asked before the end has ``answering_s`` seconds to be answered."""
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that a few requests wait is no news
        self._map = Watched()
        self._answering_s = answering_s
        self._stopping = False
        self._ending = threading.RLock()  # a signal may come while the thread that it interrupts holds it
        self.workers = create_server(app, map=self._map, **options).task_dispatcher
        self._waker = next(item for item in self._map.values() if isinstance(item, trigger))

    @property
    def listeners(self) -> list[BaseWSGIServer]:
        """Those of the sockets that are not closed yet."""
        return [item for item in self._map.values() if isinstance(item, BaseWSGIServer)]

    def run(self) -> None:
        """Serve. It returns with all sockets closed; a worker that took too long may still be at work."""
        while not self._stopping:
            self._map.poll(_LOOK_EVERY_S)
        until = time.monotonic() + self._answering_s
        while self._let_go() and (left := until - time.monotonic()) > 0:
            self._map.poll(left)
        for item in self._sockets().values():
            _close(item)

    def stop(self) -> None:
        """Have ``run`` end; returns at once. Once stopped it stays so."""
        with self._ending:
            if not self._stopping:
                self._stopping = True
                self._waker.pull_trigger()

    def close(self) -> None:
        """After ``run``: wait for the workers, then close what wakes the loop.

        A worker does that when its answer is out, and whoever has read that answer may have us end before it does:
        closed by then, it would be a bad descriptor, or a good one of the file that was opened next. A process that
        ends need not wait for them, nor call this.
        """
        self.workers.shutdown(timeout=math.inf)
        with self._ending:
            wasyncore.close_all(self._map)

    def _let_go(self) -> bool:
        """Close each socket at which nobody waits for an answer; whether that leaves any."""
        sockets = self._sockets()
        arrived, _, _ = select.select(list(sockets), [], [], 0)
        for fd, item in sockets.items():
            if fd not in arrived and (isinstance(item, BaseWSGIServer) or _all_answered(item)):
                _close(item)
        return bool(self._sockets())

    def _sockets(self) -> dict[int, Any]:
        """Listeners and connections by their descriptors."""
        return {fd: item for fd, item in self._map.items() if not isinstance(item, trigger)}


class Watched(dict[int, Any]):
    """Waitress's map of what it reads and writes, by descriptor, which knows what each of them waits for.

    Waitress asks all of them before every look, which costs more than the look: here are asked those that something
    was done to, and all of them where another thread may have done it (it wakes the loop then) and every second.
    """

    def __init__(self) -> None:
        super().__init__()
        self._poller = select.poll()
        self._asked: dict[int, int] = {}  # _NEW, or what is looked for
        self._ask_all = True
        self._ask_at = 0.0

    def __setitem__(self, fd: int, item: Any) -> None:
        super().__setitem__(fd, item)
        self._asked[fd] = _NEW
        self._ask_all = True

    def __delitem__(self, fd: int) -> None:
        super().__delitem__(fd)
        if self._asked.pop(fd) > 0:
            self._poller.unregister(fd)
        self._ask_all = True

    def poll(self, most_s: float) -> None:
        """Wait until there is something to do, so many seconds at most, and do it."""
        now = time.monotonic()
        if self._ask_all or now >= self._ask_at:
            self._ask_all, self._ask_at = False, now + _LOOK_EVERY_S
            for fd in list(self):
                if fd in self:  # a listener that is asked closes connections that were silent for long
                    self._ask(fd)
        for fd, found in self._poller.poll(most_s * 1000):
            asked = self._asked.get(fd, _NEW)
            if asked == _NEW:  # another one's descriptor until a moment ago
                continue
            # A broken connection can be read and written: to do so tells.
            events = found if found & asked else asked
            if events & select.POLLIN:
                wasyncore.read(self[fd])
            if events & select.POLLOUT and self._asked.get(fd) == asked:
                wasyncore.write(self[fd])
            if self._asked.get(fd) == asked:
                self._ask_all |= isinstance(self[fd], trigger)
                self._ask(fd)

    def _ask(self, fd: int) -> None:
        item = self[fd]
        wanted = select.POLLIN if item.readable() else 0
        if item.writable() and not item.accepting:
            wanted |= select.POLLOUT
        asked = self._asked[fd]
        if wanted == asked:
            return
        self._asked[fd] = wanted
        if wanted:
            self._poller.register(fd, wanted)
        elif asked > 0:
            self._poller.unregister(fd)


def _all_answered(channel: HTTPChannel) -> bool:
    with channel.requests_lock:  # a worker takes a request off once its answer is written
        return not (channel.request or channel.requests or channel.writable())


def _close(item: HTTPChannel | BaseWSGIServer) -> None:
    if isinstance(item, BaseWSGIServer):
        wasyncore.dispatcher.close(item)  # a listener's own close would take its trigger along
    else:
        item.handle_close()  # wakes a worker that waits for the client to read
