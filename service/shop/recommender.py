"""The recommender: what goes with what. It is small enough to live in the shop's process, behind its own address.

Its callers see it as any other service across HTTP; telemetry leaves it out of the shop's own requests.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from service.bodies import answer
from service.problem import unavailable
from service.shop.parts import failing
from service.shop.recommendations import PATH, Recommended

blueprint = Blueprint("recommender", __name__)

MOST = 3
GOES_WITH = {
    "moka-pot": ("house-blend-250", "milk-frother"),
    "pour-over-dripper": ("paper-filters", "gooseneck-kettle", "ethiopia-250"),
    "hand-grinder": ("house-blend-1000", "kitchen-scale"),
    "tamper": ("knock-box", "cleaning-tabs"),
    "milk-jug": ("milk-frother", "oat-drink"),
    "gooseneck-kettle": ("pour-over-dripper", "tea-strainer"),
    "espresso-cup": ("house-blend-250", "tamper"),
}
OTHERWISE = ("house-blend-250", "enamel-mug", "gift-card")


@blueprint.get(PATH)
def recommend() -> Response:
    """Up to three items that go with those in ``?items=a,b``."""
    here = failing("recommender-down")
    if here is not None:
        here.wait(here.dial("ms") / 1000)
        raise unavailable("The model is being loaded.", "model-unavailable")
    have = request.args.get("items", "").split(",")
    found = dict.fromkeys(item_id for has in have for item_id in GOES_WITH.get(has, ()))
    return answer(Recommended([i for i in [*found, *OTHERWISE] if i not in have][:MOST]))
