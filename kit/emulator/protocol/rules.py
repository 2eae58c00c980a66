"""The constraints of a shape in the words of the API framework: ``Member must have length less than or equal to 5``."""

from __future__ import annotations

from kit.emulator.protocol.model import Shape

_COUNTED = frozenset({"blob", "list", "map", "string"})


def bound_rule(shape: Shape, *, low: bool) -> str:
    """That a value is not below its ``min``, or not above its ``max``."""
    what = "length" if shape.type in _COUNTED else "value"
    return f"Member must have {what} {'greater' if low else 'less'} than or equal to {shown_bound(shape, low=low)}"


def shown_bound(shape: Shape, *, low: bool) -> float | None:
    """The bound itself, whole where it is a whole number."""
    limit = shape.min if low else shape.max
    return int(limit) if limit is not None and float(limit).is_integer() else limit


def enum_rule(shape: Shape) -> str:
    """That a text is one of those listed."""
    return f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"


def pattern_rule(shape: Shape) -> str:
    """That a text has the form of the pattern."""
    return f"Member must satisfy regular expression pattern: {shape.pattern}"


def all_rules(shape: Shape) -> str:
    """Every constraint of a shape in brackets, as they stand when a list or map is told of what it holds."""
    rules = [bound_rule(shape, low=False)] if shape.max is not None else []
    rules += [bound_rule(shape, low=True)] if shape.min is not None else []
    rules += [enum_rule(shape)] if shape.enum else []
    rules += [pattern_rule(shape)] if shape.pattern is not None else []
    return f"[{', '.join(rules)}]"
