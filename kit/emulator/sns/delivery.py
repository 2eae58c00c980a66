"""Posts to subscribers, apart from whoever published, and to this machine only unless told otherwise.

Amazon SNS Developer Guide, "Message delivery retries": by default an HTTP endpoint gets a message once and up to 3
times more, 20 s apart; a 4xx other than 429 is final. Here the same number of retries comes after 0.5, 1 and 2 s, so
that a person at the keyboard sees the outcome, and a receiver has 5 s to answer instead of 15. What fails for good is a
line in the log.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any

from kit.emulator.hosts import hostname, is_loopback
from kit.emulator.sns.messages import Post

log = logging.getLogger(__name__)

RETRY_DELAYS_S = (0.5, 1.0, 2.0)
_ANSWER_WITHIN_S = 5.0
_AT_ONCE = 4
# As many posts may wait; what comes on top is dropped with a line.
_MOST_WAITING = 1_000
_TOO_MANY_REQUESTS = 429


class Delivery:
    """A few threads that post, retry and give up. What goes to one URL goes in order, and holds up no other."""

    def __init__(self, allowed_hosts: Collection[str]) -> None:
        """``allowed_hosts`` are names besides loopback that may be posted to."""
        self._allowed_hosts = allowed_hosts
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sns-delivery")
        self._stopping = threading.Event()
        self._lanes: dict[str, deque[Post]] = {}  # by URL; a lane's first post is the one under way
        self._waiting = 0
        self._changed = threading.Condition(threading.Lock())

    def send(self, post: Post) -> None:
        """Take a post to be delivered; returns at once."""
        host = hostname(post.url)
        if host not in self._allowed_hosts and not is_loopback(host):
            log.warning("not delivered to %s: it is not on this machine, and no outward calls are made", host or "?")
            return
        with self._changed:
            if self._stopping.is_set() or self._waiting >= _MOST_WAITING:
                log.warning("not delivered to %s: too many messages are waiting", host)
                return
            self._waiting += 1
            lane = self._lanes.setdefault(post.url, deque())
            lane.append(post)
            if len(lane) == 1:
                self._pool.submit(self._next, post.url)

    def wait_idle(self, seconds: float) -> bool:
        """Wait until nothing is under way, for so many seconds at most; whether that is so."""
        with self._changed:
            return self._changed.wait_for(lambda: self._waiting == 0, seconds)

    def forget(self) -> None:
        """Drop what waits; what is under way goes on."""
        with self._changed:
            for lane in self._lanes.values():
                while len(lane) > 1:
                    lane.pop()
                    self._waiting -= 1

    def close(self) -> None:
        """End, dropping what waits."""
        with self._changed:
            self._stopping.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _next(self, url: str) -> None:
        """Deliver the first of a lane; the rest waits in line with the other lanes."""
        self._deliver(self._lanes[url][0])
        with self._changed:
            lane = self._lanes[url]
            lane.popleft()
            self._waiting -= 1
            if not lane:
                del self._lanes[url]
            elif not self._stopping.is_set():
                self._pool.submit(self._next, url)
            self._changed.notify_all()

    def _deliver(self, post: Post) -> None:
        try:
            problem, final = self._try(post)
            for delay in RETRY_DELAYS_S:
                if problem is None or final or self._stopping.wait(delay):
                    break
                problem, final = self._try(post)
            if problem is not None:
                log.warning("not delivered to %s: %s", hostname(post.url), problem)
        except Exception:
            log.exception("delivering to %s failed", hostname(post.url))

    def _try(self, post: Post) -> tuple[str | None, bool]:
        """What went wrong, None if nothing did, and whether trying again is of no use."""
        requests: Any = import_module("requests")  # comes with moto, as costly, and is needed by few
        try:
            answer = requests.post(
                post.url,
                data=post.body,
                headers=dict(post.headers),
                timeout=_ANSWER_WITHIN_S,
                allow_redirects=False,  # a redirect could lead outwards
                stream=True,  # the body is of no interest, however long
                proxies={"http": "", "https": ""},  # a proxy of the environment would be outward too
            )
            answer.close()
        except requests.RequestException as error:
            return type(error).__name__, isinstance(error, ValueError)
        if answer.ok:
            return None, True
        status: int = answer.status_code
        return f"it answered {status}", status < 500 and status != _TOO_MANY_REQUESTS
