"""Throws requests at a real emulator process: ``python -m bench.fuzz_requests --cases 100000``.

Whatever comes, right or wrong in type, size, protocol or as HTTP, the answer must be one that AWS's clients understand:
a status below 500, the protocol's content type, and for an error a code where that protocol has it. The server must
live on, and its memory must not grow: every name that it may keep comes from a small pool. Ends with 1 and the cases
that failed; each is made from the seed and its number alone, so ``--only NUMBER`` sends one again.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import closing
from typing import Any
from xml.etree import ElementTree

import cbor2
import msgspec
import psutil

from bench.fuzz_cases import Case, make_case
from bench.weighing import TIDIED

READY = re.compile(r"ports (\d+) (\d+)")
CODE = re.compile(r"[A-Za-z][A-Za-z.]{2,60}")
# A server that holds what the pools allow is still warming up for so many cases; by then it has imported every module
# of moto's that any case needs.
WARM_UP = 0.4
# Weighed is what is in use and the pages that it lies on: what is free goes back first. A request of a megabyte takes
# many pages for a moment, and whatever is kept then holds a page for its sake, at most as many as one moment took.
GROWTH_MB = 8.0
# The alarm history keeps its 20,000 records a Region, with what they replaced: that much of a case, until it is full.
HISTORY_MB_A_CASE = 1e-4
SHOWN = 10
# The query protocol's, EC2's and S3's.
_CODES = ("{*}Error/{*}Code", "{*}Errors/{*}Error/{*}Code", "{*}Code")


class Wire:
    """One connection, opened anew when the server has closed it."""

    def __init__(self, ports: tuple[int, int]) -> None:
        self._ports = ports
        self._open: dict[int, socket.socket] = {}

    def ask(self, case: Case) -> tuple[int, dict[str, str], bytes]:
        """Send the bytes of a case; its answer's status, headers by lower-case name, and body."""
        port = self._ports[case.daemon]
        connection = self._open.pop(port, None) or socket.create_connection(("127.0.0.1", port), timeout=20)
        try:
            connection.sendall(case.raw)
            if case.broken:
                connection.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # refused half-way: the answer is there to be read
        status, headers, body = _read(connection)
        if headers.get("connection", "").lower() == "close" or case.broken:
            connection.close()
        else:
            self._open[port] = connection
        return status, headers, body


def _read(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    with closing(connection.makefile("rb")) as stream:
        first = stream.readline()
        if not first:
            raise ConnectionError("no answer")
        headers = {}
        while (line := stream.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            headers[name.decode("latin-1").lower()] = value.strip().decode("latin-1")
        return int(first.split()[1]), headers, stream.read(int(headers.get("content-length", "0")))


def complaint(status: int, headers: dict[str, str], body: bytes) -> str | None:
    """What is wrong with an answer; None if a client of AWS would understand it."""
    if status >= 500 and status != 501:  # 501 is HTTP's own word for a transfer encoding that isn't there
        return f"status {status}"
    kind = headers.get("content-type", "")
    if status >= 300:
        code = _code(kind, headers, body)
        if code is None or not CODE.fullmatch(code):
            return f"an error without a code ({kind}: {body[:80]!r})"
        return None if "x-amzn-requestid" in headers else "no request id"
    if kind == "text/plain" and not body:
        return None
    try:
        _tree(kind, body)
    except (ValueError, cbor2.CBORError, msgspec.DecodeError, ElementTree.ParseError):
        return f"a body that isn't {kind}: {body[:80]!r}"
    return None


def _code(kind: str, headers: dict[str, str], body: bytes) -> str | None:
    try:
        tree = _tree(kind, body)
    except (ValueError, cbor2.CBORError, msgspec.DecodeError, ElementTree.ParseError):
        return None
    if isinstance(tree, ElementTree.Element):
        return next((code for path in _CODES if (code := tree.findtext(path))), None)
    if not isinstance(tree, dict) or not isinstance(tree.get("message", tree.get("Message")), str):
        return None
    named = headers.get("x-amzn-errortype") or str(tree.get("__type"))
    return named.partition(":")[0].rpartition("#")[2]


def _tree(kind: str, body: bytes) -> Any:
    match kind.partition(";")[0]:
        case "application/x-amz-json-1.0" | "application/x-amz-json-1.1" | "application/json":
            return msgspec.json.decode(body) if body else {}
        case "application/cbor":
            return cbor2.loads(body)
        case "text/xml" | "application/xml":
            return ElementTree.fromstring(body)
        case "" if not body:
            return {}
    raise ValueError(kind)


class Server:
    """The emulator in a process of its own."""

    def __init__(self) -> None:
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed in stop
        # its log is no pipe, since one that nobody reads would stop the server once it is full
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.fuzz_server"], stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        assert self._process.stdout is not None
        found = READY.search(self._process.stdout.readline())
        if found is None:
            raise RuntimeError(self.stop())
        self.ports = int(found[1]), int(found[2])
        self._looked_at = psutil.Process(self._process.pid)

    def memory_mb(self) -> float:
        """What the process holds once it is tidied (Linux: without what it shares)."""
        assert self._process.stdout is not None
        self._process.send_signal(signal.SIGUSR1)
        if self._process.stdout.readline().strip() != TIDIED:
            raise RuntimeError("the server is gone")
        info = self._looked_at.memory_full_info()
        return float(getattr(info, "uss", info.rss)) / 1e6

    def stop(self) -> str:
        """End it; what it wrote to its log."""
        self._process.terminate()
        self._process.communicate(timeout=20)
        with self._log:
            self._log.seek(0)
            return self._log.read()


def main() -> int:
    """Print counts; 0 if every answer was AWS's and memory stood still."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="send this case alone, and show it")
    options = parser.parse_args()
    server = Server()
    try:
        if options.only is not None:
            return _only(server, options.seed, options.only)
        failed, grown = _run(server, options.seed, options.cases)
    finally:
        log = server.stop()
    if "Traceback" in log:
        failed.append(log[-2000:])
    if failed:
        print("\n".join(failed[:SHOWN]))
    else:
        print("every answer was one of AWS's")
    return 1 if failed or grown else 0


def _run(server: Server, seed: int, cases: int) -> tuple[list[str], bool]:
    wire, counts, failed = Wire(server.ports), Counter[str](), []
    warm, started = 0.0, time.monotonic()
    for number in range(cases):
        if number == int(cases * WARM_UP):
            warm = server.memory_mb()
        case = make_case(seed, number)
        try:
            status, headers, body = wire.ask(case)
            wrong = complaint(status, headers, body)
        except (OSError, ValueError) as error:
            status, wrong = 0, f"no answer: {error!r}"
            wire = Wire(server.ports)
        counts[f"{case.kind} {status}"] += 1
        if wrong:
            failed.append(f"case {number} ({case.kind}): {wrong}")
    took, now = time.monotonic() - started, server.memory_mb()
    for name, count in sorted(counts.items()):
        print(f"{count:8} {name}")
    print(f"{cases} requests in {took:.1f} s; {len(failed)} wrong answers; memory {warm:.1f} MB -> {now:.1f} MB")
    print(_held(server.ports[0]))
    allowed = GROWTH_MB + HISTORY_MB_A_CASE * cases * (1 - WARM_UP)
    # a short run measures its own warming up
    grown = cases >= 20_000 and now > warm + allowed
    if grown:
        print(f"memory grew by more than {allowed:.1f} MB")
    return failed, grown


def _held(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/_kit/health", timeout=20) as page:
        engines: dict[str, dict[str, int]] = json.load(page)["engines"]
    return "\n".join(f"{name}: {counts}" for name, counts in engines.items())


def _only(server: Server, seed: int, number: int) -> int:
    case = make_case(seed, number)
    print(case.kind, case.raw[:3000])
    status, headers, body = Wire(server.ports).ask(case)
    print(status, headers, body[:3000])
    return 1 if complaint(status, headers, body) else 0


if __name__ == "__main__":
    sys.exit(main())
