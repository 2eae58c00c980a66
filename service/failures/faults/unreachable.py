"""Customers' requests get lost on their way: nothing of the service has seen them."""

from __future__ import annotations

import errno

from service.failures.here import Here
from service.failures.registry import loses, share


@loses(
    "shop",
    percent=share(),
    signal="`Requests` falls to nothing",
    look="every ratio is perfect → no trace and no access line from then on → the heartbeat goes on, the canary fails",
)
def lose(_here: Here) -> None:
    """Connections are closed without an answer, before the service or its telemetry has seen the request.

    Health checks get through: they come from beside the process, not from where customers are.
    """
    # gunicorn takes it for a client that has hung up: it closes the connection, and says nothing of it.
    raise ConnectionResetError(errno.ECONNRESET, "the connection is gone")
