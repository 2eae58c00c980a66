"""The shop: items, carts, checkout, orders."""
