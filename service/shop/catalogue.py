"""The two dozen items that the shop sells."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.shop.models import Item

CATALOGUE: tuple[tuple[str, str, int], ...] = (
    ("enamel-mug", "Enamel mug", 1450),
    ("espresso-cup", "Espresso cup", 1100),
    ("moka-pot", "Moka pot for three", 3290),
    ("pour-over-dripper", "Pour-over dripper", 2400),
    ("paper-filters", "Paper filters, pack of 100", 690),
    ("gooseneck-kettle", "Gooseneck kettle", 6900),
    ("hand-grinder", "Hand grinder", 8950),
    ("kitchen-scale", "Kitchen scale", 4500),
    ("house-blend-250", "House blend, 250 g", 990),
    ("house-blend-1000", "House blend, 1 kg", 3490),
    ("decaf-250", "Decaf, 250 g", 1090),
    ("ethiopia-250", "Ethiopia Sidamo, 250 g", 1290),
    ("colombia-250", "Colombia Huila, 250 g", 1190),
    ("oat-drink", "Oat drink for baristas, 1 l", 320),
    ("milk-jug", "Milk jug", 2100),
    ("milk-frother", "Milk frother", 3900),
    ("tamper", "Tamper, 58 mm", 2650),
    ("knock-box", "Knock box", 2990),
    ("cleaning-tabs", "Cleaning tablets", 850),
    ("descaler", "Descaler, 500 ml", 1050),
    ("travel-tumbler", "Travel tumbler", 2790),
    ("tea-strainer", "Tea strainer", 790),
    ("cocoa-tin", "Cocoa, 200 g tin", 890),
    ("gift-card", "Gift card", 5000),
)


def seed(session: Session) -> None:
    """Add the items that are missing; loses a race with an IntegrityError and then finds them there."""
    there = set(session.scalars(select(Item.id)))
    session.add_all(Item(id=i, name=name, price_cents=cents) for i, name, cents in CATALOGUE if i not in there)
