"""The far ends of telemetry, in a process of their own: ``python -m bench.telemetry_sinks``.

One HTTP port speaks CloudWatch Logs, the X-Ray API, OTLP and container credentials; one more is the X-Ray daemon's (UDP
for segments, TCP for sampling rules); a third is the control: ``POST /mood {"mood", "only"}``, ``POST /tally`` with
the arguments of Tally.report. The first line of standard output says the ports. It ends with its standard input.
"""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable
from typing import Any

from bench.telemetry_sinks.answers import MOODS, Answer, HangUpError, Service

Handler = Callable[[str, dict[str, str], bytes], Awaitable[Answer]]

HOST = "127.0.0.1"
LARGEST = 1 << 24


class Door:
    """A listening port that can be shut, as if nobody were there, and opened again."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._server: asyncio.Server | None = None
        self._open: set[StreamWriter] = set()
        self.port = 0

    async def open(self) -> None:
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, HOST, self.port, limit=LARGEST)
            self.port = self._server.sockets[0].getsockname()[1]

    def shut(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self.hang_up()

    def hang_up(self) -> None:
        """End every connection, those that wait for an answer too."""
        for writer in list(self._open):
            writer.transport.abort()

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        self._open.add(writer)
        try:
            while True:
                await self._exchange(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, HangUpError):
            pass
        finally:
            self._open.discard(writer)
            writer.transport.abort()

    async def _exchange(self, reader: StreamReader, writer: StreamWriter) -> None:
        first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines if line)}
        if "expect" in headers:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        path = first.split()[1]
        status, told = await self._handler(path, headers, body)
        protobuf = "protobuf" in headers.get("content-type", "")
        answer = b"" if protobuf else json.dumps(told).encode()
        kind = headers.get("content-type", "application/json")
        head = f"HTTP/1.1 {status} -\r\nContent-Type: {kind}\r\nContent-Length: {len(answer)}\r\n\r\n"
        writer.write(head.encode() + answer)
        await writer.drain()


class Daemon(asyncio.DatagramProtocol):
    """The UDP half of the X-Ray daemon."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def datagram_received(self, data: bytes, addr: Any) -> None:
        del addr
        _, _, document = data.partition(b"\n")
        self._service.tally.segments([document])


async def run() -> None:
    """Serve until standard input ends."""
    service = Service()
    aws, rules = Door(service.answer), Door(service.answer)

    async def control(path: str, headers: dict[str, str], body: bytes) -> Answer:
        del headers
        asked = json.loads(body or b"{}")
        if path == "/tally":
            return 200, service.tally.report(**asked)
        if path != "/mood" or asked.get("mood") not in MOODS:
            return 400, {"message": f"no such mood; there are {', '.join(MOODS)}"}
        service.key += asked["mood"] == "expired"
        service.mood, service.only = asked["mood"], asked.get("only", "")
        if service.mood == "refused":
            aws.shut()
        else:
            await aws.open()
        if service.mood == "ok":
            aws.hang_up()  # calls that still hang are lost, as they are when a stuck service is started again
        return 200, {}

    orders = Door(control)
    for door in (aws, rules, orders):
        await door.open()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    udp.setblocking(False)
    udp.bind((HOST, rules.port))
    loop = asyncio.get_running_loop()
    await loop.create_datagram_endpoint(lambda: Daemon(service), sock=udp)
    print(json.dumps({"aws": aws.port, "daemon": rules.port, "control": orders.port}), flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    gc.freeze()
    gc.set_threshold(100_000)  # millions of ids, and no circles among them
    asyncio.run(run())
