"""Whether the ports that the stack needs are free, asked before anything is started."""

from __future__ import annotations

import errno
import socket
from collections.abc import Collection, Iterable

from kit.errors import KitError
from kit.settings import Ports


def require_free(ports: Ports, unused: Collection[str] = ()) -> None:
    """Raise KitError naming every port that is taken, but for the ``unused``, with the setting that moves it."""
    taken = [name for name, number, kind in _wanted(ports) if name not in unused and not _free(number, kind)]
    if taken:
        names = list(dict.fromkeys(taken))
        what = ", ".join(f"{getattr(ports, name)} ({name.replace('_', ' ')})" for name in names)
        example = f"KIT_PORT_{names[0].upper()}={getattr(ports, names[0]) + 10000}"
        raise KitError(
            f"port {what}",
            "taken by another program",
            f"End that program, or choose another port: make up {example}",
        )


def _wanted(ports: Ports) -> Iterable[tuple[str, int, socket.SocketKind]]:
    for name in ports.__dataclass_fields__:
        yield name, getattr(ports, name), socket.SOCK_STREAM
    yield "xray", ports.xray, socket.SOCK_DGRAM


def _free(port: int, kind: socket.SocketKind) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            # Without it a port whose last connection is still in TIME_WAIT looks taken for a minute.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno == errno.EACCES:
                raise KitError(f"port {port}", "not allowed for this user", "Choose one above 1023.") from error
            return False
    return True
