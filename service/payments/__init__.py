"""Payments: charges cards, once per key. The shop's dependency."""
