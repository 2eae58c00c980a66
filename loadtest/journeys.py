"""What customers come for. A journey is a function of a shop and dice; adding one is a function and its weight.

Between two requests a customer thinks for a moment, so that a user count means people and not threads (Locust has
patched ``sleep`` to let the others go on).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from time import sleep

from loadtest.shop import Shop

THINK_S = (0.1, 0.5)
"""Shortest and longest pause of a customer in a hurry, in seconds."""

Journey = Callable[[Shop, Random], None]


def browse(shop: Shop, dice: Random) -> None:
    """Look around and leave."""
    shop.list_items()
    for item_id in dice.sample(sorted(shop.prices), 2):
        _think(dice)
        shop.show_item(item_id)


def abandon(shop: Shop, dice: Random) -> None:
    """Fill a cart, look at the total, and leave."""
    item_id = dice.choice(sorted(shop.prices))
    shop.show_item(item_id)
    _think(dice)
    cart = shop.open_cart()
    shop.add_line(cart, item_id, dice.randint(1, 5))
    _think(dice)
    shop.show_cart(cart)


def buy(shop: Shop, dice: Random) -> None:
    """Choose, pay, and look up the order. Some look at the catalogue or the cart again; a few have a card refused."""
    if dice.random() < 0.3:
        shop.list_items()
        _think(dice)
    chosen = dice.sample(sorted(shop.prices), 2 if dice.random() < 0.3 else 1)
    shop.show_item(chosen[0])
    _think(dice)
    cart = shop.open_cart()
    for item_id in chosen:
        shop.add_line(cart, item_id, dice.randint(1, 3))
        _think(dice)
    if dice.random() < 0.3:
        shop.show_cart(cart)
        _think(dice)
    if dice.random() < 0.03:
        shop.try_declined_card(cart)
        _think(dice)
    order_id = shop.check_out(cart)
    _think(dice)
    shop.show_order(cart, order_id)


JOURNEYS: dict[Journey, int] = {buy: 75, browse: 15, abandon: 10}
"""How many of a hundred visits are which."""


def _think(dice: Random) -> None:
    sleep(dice.uniform(*THINK_S))
