"""Dashboards as rows, each under its name."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

import msgspec

from kit.emulator.cloudwatch.dashboards import Dashboard, Dashboards
from kit.emulator.keeping.rows import Drop, Put, Read, Row

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Dashboard).decode


class KeptDashboards:
    """A room of the keeper's. A dashboard that is put is another object; so are the tags of one that is tagged."""

    def __init__(self, dashboards: Dashboards) -> None:
        self._dashboards = dashboards
        self._written: dict[str, tuple[Dashboard, dict[str, str]]] = {}

    def changes(self) -> Iterator[Row]:
        """Dashboards that are others than before."""
        now = {dashboard.name: (dashboard, dashboard.tags) for dashboard in self._dashboards.all()}
        before, self._written = self._written, now
        yield from (Drop(name) for name in before.keys() - now.keys())
        for name, (dashboard, tags) in now.items():
            written = before.get(name)
            if written is None or written[0] is not dashboard or written[1] is not tags:
                yield Put(name, zlib.compress(_encode(dashboard), 1))

    def everything(self) -> Iterator[Row]:
        """All of them."""
        self._written = {}
        return self.changes()

    def load(self, read: Read) -> int:
        """Fills the account's dashboards."""
        unread = 0
        for _, body in read(""):
            try:
                self._dashboards.restore(_decode(zlib.decompress(body)))
            except (msgspec.DecodeError, zlib.error):
                unread += 1
        self._written = {dashboard.name: (dashboard, dashboard.tags) for dashboard in self._dashboards.all()}
        return unread
