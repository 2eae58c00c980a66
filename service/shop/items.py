"""The catalogue, to look at."""

from __future__ import annotations

import msgspec
from flask import Blueprint, Response
from sqlalchemy import select

from service.bodies import answer, known_form
from service.problem import Problem
from service.shop.models import CURRENCY, Item
from service.shop.parts import shop

blueprint = Blueprint("items", __name__)

ITEM_ID = r"[a-z0-9-]{1,64}"
FRESH_FOR = {"Cache-Control": "public, max-age=60"}


class ItemView(msgspec.Struct, frozen=True):
    """An item as clients see it."""

    item_id: str
    name: str
    price_cents: int
    currency: str = CURRENCY


class ItemsView(msgspec.Struct, frozen=True):
    """All items."""

    items: list[ItemView]


@blueprint.get("/items")
def list_items() -> Response:
    """Everything for sale, by id."""
    with shop().database.begin() as session:
        found = session.scalars(select(Item).order_by(Item.id)).all()
    return answer(ItemsView([_view(item) for item in found]), headers=FRESH_FOR)


@blueprint.get("/items/<item_id>")
def show_item(item_id: str) -> Response:
    """One item."""
    item = None
    if known_form(ITEM_ID, item_id):
        with shop().database.begin() as session:
            item = session.get(Item, item_id)
    if item is None:
        raise unknown_item()
    return answer(_view(item), headers=FRESH_FOR)


def unknown_item() -> Problem:
    """404 for an item that the shop does not sell."""
    return Problem(404, "There is no such item.", kind="item-unknown")


def _view(item: Item) -> ItemView:
    return ItemView(item.id, item.name, item.price_cents)
