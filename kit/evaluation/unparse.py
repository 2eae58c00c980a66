"""A tree of metric math written out again, with no bracket more than it needs."""

from __future__ import annotations

from kit.evaluation.expression import (
    PRECEDENCE,
    UNARY_PRECEDENCE,
    Array,
    Binary,
    Call,
    Expression,
    Name,
    Node,
    Number,
    Text,
    Unary,
    Word,
    operands,
)

_ATOM = 9


def unparse(expression: Expression) -> str:
    """The expression in one canonical spelling, which parses to the same tree."""
    stack: list[tuple[str, int]] = []
    for node in expression.steps:
        arity = len(operands(node))
        parts = stack[len(stack) - arity :]
        del stack[len(stack) - arity :]
        stack.append(_written(node, parts))
    return stack[0][0]


def _written(node: Node, parts: list[tuple[str, int]]) -> tuple[str, int]:
    texts = ", ".join(text for text, _ in parts)
    binds = _ATOM
    match node:
        case Number(value):
            text = _number(value)
        case Text(text) | Name(text) | Word(text):
            pass
        case Unary():
            text, binds = f"-{_bracketed(parts[0], UNARY_PRECEDENCE)}", UNARY_PRECEDENCE
        case Binary(operator):
            binds = PRECEDENCE[operator]
            from_right = operator == "^"
            left = _bracketed(parts[0], binds + from_right)
            right = _bracketed(parts[1], binds + (not from_right))
            text = f"{left} {operator} {right}"
        case Call(function):
            text = f"{function}({texts})"
        case Array():
            text = f"[{texts}]"
    return text, binds


def _bracketed(part: tuple[str, int], at_least: int) -> str:
    text, precedence = part
    return text if precedence >= at_least else f"({text})"


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and value < 1e15 else repr(value)
