"""An AWS that misbehaves: stands before the embedded one, passes calls on, and breaks those it is told to.

It knows an operation by its name, in AWS JSON (``X-Amz-Target``) and in the query protocol (``Action=``).
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

WRITES = ("Put", "Delete", "Tag", "Untag", "Create", "Subscribe")
Rule = Callable[[str, int], str | None]
"""(operation, how many calls came before) -> an error code, "hang up", "kill before", "kill after", or None."""


class FaultProxy:
    """Serves at ``url`` until closed; ``calls`` are the operations in order, ``rule`` decides their fate."""

    def __init__(self, upstream: str) -> None:
        self.calls: list[str] = []
        self.rule: Rule = lambda _operation, _before: None
        self.victim: int | None = None
        self.born = threading.Event()
        self._lock = threading.Lock()
        self._upstream = urlsplit(upstream).netloc
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                proxy._answer(self)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the signature is http.server's
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def writes(self) -> list[str]:
        return [call for call in self.calls if call.startswith(WRITES)]

    def _answer(self, handler: BaseHTTPRequestHandler) -> None:
        body = handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
        target = handler.headers.get("X-Amz-Target", "")
        operation = target.rpartition(".")[2] or parse_qs(body.decode())["Action"][0]
        with self._lock:
            before = len(self.calls)
            self.calls.append(operation)
        fate = self.rule(operation, before)
        match fate:
            case None:
                self._forward(handler, body)
            case "hang up":
                self._hang_up(handler)
            case "kill before":
                self._kill(handler)
            case "kill after":
                self._forward(None, body, handler)
                self._kill(handler)
            case code:
                self._refuse(handler, code)

    def _forward(
        self, answers: BaseHTTPRequestHandler | None, body: bytes, asked: BaseHTTPRequestHandler | None = None
    ) -> None:
        source = answers or asked
        assert source is not None
        link = http.client.HTTPConnection(self._upstream, timeout=20)
        link.request("POST", source.path, body, dict(source.headers))
        answer = link.getresponse()
        content = answer.read()
        link.close()
        if answers is not None:
            kept = {k: v for k, v in answer.getheaders() if k.lower() not in ("content-length", "connection", "server")}
            self._send(answers, answer.status, kept, content)

    def _kill(self, handler: BaseHTTPRequestHandler) -> None:
        assert self.born.wait(10)
        assert self.victim is not None
        os.kill(self.victim, signal.SIGKILL)
        self._hang_up(handler)

    def _hang_up(self, handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.shutdown(socket.SHUT_RDWR)

    def _refuse(self, handler: BaseHTTPRequestHandler, code: str) -> None:
        status = 403 if re.search("Denied|Token|Authoriz", code) else 400
        if "X-Amz-Target" in handler.headers:
            content = json.dumps({"__type": code, "message": "the fault proxy says so"})
            self._send(handler, status, {"Content-Type": "application/x-amz-json-1.0"}, content.encode())
        else:
            text = f"<ErrorResponse><Error><Code>{code}</Code><Message>so</Message></Error></ErrorResponse>"
            self._send(handler, status, {"Content-Type": "text/xml"}, text.encode())

    def _send(self, handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], content: bytes) -> None:
        handler.send_response(status)
        for key, value in headers.items():
            handler.send_header(key, value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)
