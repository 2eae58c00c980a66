"""The recommender fails; the cart can be shown without it."""

from __future__ import annotations

from service.failures.here import Here
from service.failures.registry import Dial, asked, share


@asked(
    "shop",
    operation="GET /recommendations",
    percent=share(),
    ms=Dial(0, 0, 10_000, "ms that it takes to fail"),
    signal="`DependencyFault` of `recommender`",
    look="carts are shown all the same → the span to the recommender is at fault → `degraded=true` on span and log",
)
def prepare(_here: Here) -> None:
    """An optional dependency, the recommender, answers 503."""
