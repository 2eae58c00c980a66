"""Clients that take for ever to send what they announced: each holds a connection, and perhaps a thread of the shop.

They ask for something harmless, a new cart, a byte a second. When the shop hangs up, they come again.
"""

from __future__ import annotations

import socket
import ssl
from time import sleep
from urllib.parse import SplitResult, urlsplit

import gevent
from gevent.pool import Group
from locust.event import Events

from loadtest.clients import OTHERS

RATE = 20
"""Connections held open at once."""

BODY_BYTES = 300
BYTE_EVERY_S = 1.0
AGAIN_AFTER_S = 1.0


def run(host: str, rate: int, events: Events) -> None:
    """Hold ``rate`` connections until killed, and with it they are closed."""
    group = Group()
    try:
        for _ in range(rate):
            group.add(gevent.spawn(_dawdle_on, host, events))
        group.join()
    finally:
        group.kill()


def _dawdle_on(host: str, events: Events) -> None:
    while True:
        with events.request.measure("POST", "/carts" + OTHERS):
            _dawdle(host)
        sleep(AGAIN_AFTER_S)


def _dawdle(host: str) -> None:
    """One request, to its slow end. The shop's hanging up is right, and so is its answer: neither is a failure."""
    url = urlsplit(host)
    head = (
        f"POST /carts HTTP/1.1\r\nHost: {url.netloc}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {BODY_BYTES}\r\nConnection: close\r\n\r\n"
    )
    with _connected(url) as connection:
        connection.sendall(head.encode())
        connection.settimeout(BYTE_EVERY_S)
        for _ in range(BODY_BYTES):
            try:
                connection.sendall(b" ")
                connection.recv(1024)
            except TimeoutError:  # still patient
                continue
            except ConnectionError:
                return
            return


def _connected(url: SplitResult) -> socket.socket:
    secure = url.scheme == "https"
    connection = socket.create_connection((url.hostname or "", url.port or (443 if secure else 80)), timeout=5)
    return ssl.create_default_context().wrap_socket(connection, server_hostname=url.hostname) if secure else connection
