"""Version 2 is out for a share of the customers, and has a bug."""

from __future__ import annotations

from service.failures.here import Here
from service.failures.registry import Dial, asked, share


@asked(
    "shop",
    operation="POST /checkout",
    percent=share(10),
    n=Dial(50, 1, 100, "% of the customers who get version 2"),
    signal="errors by `version`",
    look="`version=2` alone fails, by the access lines → the span of a failed checkout → the stack trace on it",
)
def prepare(_here: Here) -> None:
    """Version 2 of the shop fails a share of its checkouts; the others get version 1.

    ``percent`` is of version 2's checkouts: 10 % of the half that it has are 5 % of all.
    """
