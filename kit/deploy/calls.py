"""How AWS is called: at the pace that it allows, and again when it says that it was too fast.

A client made for this must not try again by itself: two loops around one call multiply.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError, ConnectionClosedError, ConnectTimeoutError, ReadTimeoutError

CALLS_A_SECOND = 3
"""PutMetricAlarm and its kin are limited to 3 calls a second ("CloudWatch service quotas")."""

THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "TooManyRequestsException",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
    }
)
BUSY = frozenset({"ConcurrentModificationException", "ConflictException", "OptimisticLockException"})
SLOWEST_GAP_S = 2.0
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 20.0


class Pace:
    """Lets through at most ``per_second`` calls a second; None means at once. Slower after each ``throttled``."""

    def __init__(
        self,
        per_second: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._least_gap = self._gap = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._sleep = sleep
        self._free_at = 0.0

    @property
    def gap(self) -> float:
        """Seconds between two calls, as it stands now."""
        return self._gap

    def wait(self) -> None:
        """Return when the next call may be made."""
        now = self._clock()
        if now < self._free_at:
            self._sleep(self._free_at - now)
        self._free_at = max(now, self._free_at) + self._gap

    def throttled(self) -> None:
        """Take it slower: others use the same limit."""
        self._gap = min(max(self._gap, 0.1) * 1.5, SLOWEST_GAP_S)

    def went_well(self) -> None:
        """Come back to the pace that is allowed, a fifth at a time."""
        self._gap = max(self._least_gap, self._gap * 0.8)


class Caller:
    """Makes calls, each again after a growing, random wait while AWS is throttling or broken, up to ``patience_s``.

    Everything that apply writes may be said twice: Put replaces, Tag sets, Delete passes over what is gone. So a call
    whose answer was lost is simply made again. Nothing listening at the address is not waited for.
    """

    def __init__(
        self,
        pace: Pace | None = None,
        patience_s: float = 90.0,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        random_part: Callable[[], float] = random.random,
    ) -> None:
        self.pace = pace or Pace(None)
        self._patience_s = patience_s
        self._clock = clock
        self._sleep = sleep
        self._random_part = random_part
        self._lock = threading.Lock()

    def read(self, operation: Callable[..., Any], **parameters: Any) -> Any:
        """Call a reading operation; threads may share this."""
        return self._call(operation, parameters, lambda: None)

    def write(self, operation: Callable[..., Any], **parameters: Any) -> Any:
        """Call a writing operation, when the pace lets it through."""
        answer = self._call(operation, parameters, self.pace.wait)
        self.pace.went_well()
        return answer

    def _call(self, operation: Callable[..., Any], parameters: dict[str, Any], before: Callable[[], None]) -> Any:
        give_up_at = self._clock() + self._patience_s
        longest = FIRST_WAIT_S
        while True:
            before()
            try:
                return operation(**parameters)
            except (ClientError, ConnectionClosedError, ReadTimeoutError) as error:
                # Full jitter: many who were refused together must not come back together.
                wait = longest * (0.1 + 0.9 * self._random_part())
                if not _passes_by(error) or self._clock() + wait > give_up_at:
                    raise
                if _is_throttling(error):
                    with self._lock:
                        self.pace.throttled()
            self._sleep(wait)
            longest = min(longest * 2, LONGEST_WAIT_S)


def _passes_by(error: Exception) -> bool:
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return _is_throttling(error) or error.response["Error"].get("Code") in BUSY or status >= 500
    return not isinstance(error, ConnectTimeoutError)


def _is_throttling(error: Exception) -> bool:
    return isinstance(error, ClientError) and error.response["Error"].get("Code") in THROTTLED
