"""The dashboards of an account; every Region shows the same ones (CloudWatch API Reference, PutDashboard)."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Dashboard:
    """A dashboard as it was put; ``modified_at`` in epoch seconds."""

    name: str
    arn: str
    body: str
    modified_at: float
    tags: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body.encode())


class Dashboards:
    """Dashboards by name; safe to use from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_name: dict[str, Dashboard] = {}

    def put(self, name: str, account: str, body: str, now: float, tags: dict[str, str]) -> None:
        """Creates or replaces; tags count only at creation."""
        with self._lock:
            old = self._by_name.get(name)
            arn = f"arn:aws:cloudwatch::{account}:dashboard/{name}"
            self._by_name[name] = Dashboard(name, arn, body, now, old.tags if old else tags)

    def get(self, name: str) -> Dashboard | None:
        return self._by_name.get(name)

    def by_arn(self, arn: str) -> Dashboard | None:
        found = self._by_name.get(arn.rpartition("/")[2])
        return found if found is not None and found.arn == arn else None

    def all(self) -> list[Dashboard]:
        """Every dashboard, by name."""
        with self._lock:
            return sorted(self._by_name.values(), key=lambda dashboard: dashboard.name)

    def delete(self, names: list[str]) -> str | None:
        """Deletes all of them, or none and returns the first that doesn't exist."""
        with self._lock:
            for name in names:
                if name not in self._by_name:
                    return name
            for name in names:
                self._by_name.pop(name, None)
        return None

    def restore(self, dashboard: Dashboard) -> None:
        """Takes a dashboard as it was."""
        with self._lock:
            self._by_name[dashboard.name] = dashboard
