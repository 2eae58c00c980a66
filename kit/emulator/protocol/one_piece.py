"""Answers leave in one piece."""

from __future__ import annotations

from waitress.task import WSGITask


class OnePieceTask(WSGITask):  # type: ignore[misc]  # waitress has no types
    """Sends head and body together: apart they are two packets, and a client on loopback wakes up for each."""

    wrote_header: bool

    def write(self, data: bytes) -> None:
        """See WSGITask: here for the first and only chunk of a body of known length; else as ever."""
        if self.wrote_header or not (self.complete and self.has_body) or self.content_length != len(data):
            super().write(data)
            return
        self.channel.write_soon(self.build_response_header() + data)
        self.wrote_header = True
        self.content_bytes_written = len(data)
