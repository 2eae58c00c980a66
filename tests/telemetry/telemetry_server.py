"""A small server that keeps what is sent, and batches to send it, as the tests of the ways out use them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from service.telemetry import Settings
from service.telemetry.delivery import Batch, Outcome
from service.telemetry.delivery.batch import Record, batch
from service.telemetry.traces import way_out

from .telemetry_spans import RESOURCE, Traced

Reply = tuple[int, dict[str, str], bytes]


class Server:
    """Answers every POST as ``reply(path, headers, body)`` says; keeps what came."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.reply: Callable[[str, dict[str, str], bytes], Reply | None] = lambda *_: (200, {}, b"{}")
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                headers = {key.lower(): value for key, value in self.headers.items()}
                fake.requests.append((self.path, headers, body))
                reply = fake.reply(self.path, headers, body)
                if reply is None:
                    self.close_connection = True
                    return
                status, more, answer = reply
                self.send_response(status)
                for key, value in {**more, "Content-Length": str(len(answer))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def texts(number: int, kind: str = "light") -> list[str]:
    traced = Traced(kind)
    for i in range(number):
        traced.tracer.start_span(f"span {i}").end()
    way = way_out(Settings("shop", log_group_prefix="/shop"), RESOURCE) or pytest.fail("no way out")
    way.transport.close()
    return [way.alone(span) for span in traced.ended]


def of(documents: list[str]) -> Batch:
    return batch([Record(1_000, text) for text in documents])


def went(outcome: Outcome) -> bool:
    return not outcome.refused and not outcome.again and not outcome.trouble


def positions(outcome: Outcome) -> tuple[set[int], set[int]]:
    return set(outcome.refused), set(outcome.again)
