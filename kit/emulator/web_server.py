"""The emulator's web server: on two sockets already bound, in a thread of its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Any

from kit.emulator.door import LARGEST_BODY
from kit.emulator.gate import Gate
from kit.emulator.protocol.at_once import AtOnce
from kit.emulator.protocol.http import Request, Response
from kit.emulator.protocol.malformed import Channel
from kit.serving import OrderlyServer

# A long poll of SQS holds a thread for up to 20 s, so there are more than the few that the engines could use.
_THREADS = 12
# At the end a long poll is cut off.
_ANSWERING_S = 1.0
_WORKERS_END_S = 0.3


class WebServer:
    """Answers on two sockets; on the first one small writes are answered by the thread that reads them."""

    def __init__(
        self,
        door: Callable[..., Any],
        small_write: Callable[[Request], Response],
        sockets: tuple[socket.socket, socket.socket],
        gate: Gate,
    ) -> None:
        """``door`` is a WSGI application. The sockets become ours."""
        self._server = OrderlyServer(
            door,
            _ANSWERING_S,
            sockets=list(sockets),
            threads=_THREADS,
            # more than the door takes, so that it is the door that refuses, in AWS's form
            max_request_body_size=4 * LARGEST_BODY,
            connection_limit=500,
            clear_untrusted_proxy_headers=True,
            ident=None,
        )
        self._thread = threading.Thread(target=self._run, name="door", daemon=True)
        # Not while the gate is closed: whoever waits there in this thread would keep all others waiting.
        at_once = AtOnce(
            small_write, lambda: threading.current_thread() is self._thread and gate.open, self._server.workers.add_task
        )
        for listener in self._server.listeners:
            listener.channel_class = Channel
            if listener.socket is sockets[0]:  # on the other one X-Ray alone is answered
                listener.at_once, listener.add_task = at_once, at_once.add_task

    @property
    def alive(self) -> bool:
        """Whether the thread that reads requests is alive."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Answer what has been asked, within a second; then nobody is listened to."""
        self._server.stop()
        self._thread.join(timeout=_ANSWERING_S + _WORKERS_END_S)

    def _run(self) -> None:
        self._server.run()
        self._server.close()
