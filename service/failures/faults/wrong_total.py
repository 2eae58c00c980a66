"""A release adds up wrongly: the customer gets a paid order, over the wrong sum."""

from __future__ import annotations

from service.failures.here import Here
from service.failures.registry import Dial, asked, share


@asked(
    "shop",
    operation="POST /checkout",
    percent=share(10),
    n=Dial(100, 1, 10_000, "cents too much"),
    signal="`CheckoutMismatch`",
    look="all answers are 201 → `expected_cents` and `charged_cents` on the span and in the log differ",
)
def prepare(_here: Here) -> None:
    """Checkout answers 201 and charges a wrong total."""
