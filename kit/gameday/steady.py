"""The steady load of the stack: paused while a run brings its own, through the web API of its Locust.

Pausing keeps that Locust's process and page, so the stack stays healthy; what somebody paused by hand stays paused.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass
from urllib.parse import urlencode

import urllib3

TIMEOUT_S = 5.0
SPAWN_RATE = 20


@dataclass(frozen=True, slots=True)
class SteadyLoad:
    """A Locust with a page at ``url``, which may not be there; ``host`` is whom it loads."""

    url: str
    host: str

    def pause(self) -> int:
        """Stop it; how many users it had, 0 when it had none or isn't there."""
        users = self.users()
        if users:
            self._call("POST", "/stop")
        return users

    def users(self) -> int:
        """How many users it is to have, 0 while it is stopped or away.

        Asked of our own page: Locust's /stats/requests answers from a cache that is up to two seconds old.
        """
        text = self._call("GET", "/gameday/state")
        with contextlib.suppress(ValueError, TypeError, KeyError):
            found = json.loads(text)
            return int(found["target_users"]) if found["state"] in ("running", "spawning") else 0
        return 0

    def resume(self, users: int) -> bool:
        """Start it again with so many; whether it does."""
        form = {"user_count": str(users), "spawn_rate": str(SPAWN_RATE), "host": self.host}
        with contextlib.suppress(ValueError, TypeError, KeyError):
            return bool(json.loads(self._call("POST", "/swarm", form))["success"])
        return False

    def _call(self, method: str, path: str, form: dict[str, str] | None = None) -> str:
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            answer = urllib3.request(
                method,
                self.url + path,
                body=urlencode(form) if form else None,
                headers={"Content-Type": "application/x-www-form-urlencoded"} if form else None,
                timeout=TIMEOUT_S,
                retries=False,
            )
            return answer.data.decode("utf-8", "replace") if answer.status == 200 else ""
        return ""
