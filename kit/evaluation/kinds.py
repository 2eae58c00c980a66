"""The kind of every part of an expression: S scalar, TS time series, TS[] array (User Guide, "Using metric math")."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kit.evaluation.expression import (
    Array,
    Binary,
    Call,
    Expression,
    ExpressionError,
    Name,
    Node,
    Number,
    Text,
    Unary,
    Word,
    operands,
)
from kit.evaluation.functions import FUNCTIONS, KINDS, REFUSED
from kit.evaluation.search_calls import search_call

WORDS = {
    choice
    for function in FUNCTIONS.values()
    for signature in function.signatures
    for choices in signature.arguments
    for choice in choices
}.difference(KINDS)
"""The words that some function takes, such as REPEAT; each is a kind of its own."""

SCALAR, SERIES, ARRAY, TEXT = KINDS
_ARITHMETIC = frozenset("+-*/^")


def kind_of(expression: Expression, ids: Mapping[str, str], metrics: frozenset[str]) -> str:
    """The kind of the whole expression, given the kind of every id that it may name.

    ``metrics`` are the ids that stand for a metric itself. Raises ExpressionError at the first part that does not fit.
    """
    stack: list[str] = []
    for node in expression.steps:
        arity = len(operands(node))
        kinds = stack[len(stack) - arity :]
        del stack[len(stack) - arity :]
        stack.append(_kind(node, kinds, ids, metrics))
    root = expression.root
    if stack[0] not in (SCALAR, SERIES, ARRAY):
        raise ExpressionError("expected an expression that gives a time series", root.position)
    return stack[0]


def _kind(node: Node, kinds: Sequence[str], ids: Mapping[str, str], metrics: frozenset[str]) -> str:
    match node:
        case Number():
            kind = SCALAR
        case Text():
            kind = TEXT
        case Word():
            kind = _word_kind(node)
        case Name(name):
            kind = _name_kind(node, ids.get(name))
        case Unary():
            kind = _unary_kind(node, kinds[0])
        case Binary():
            kind = _binary_kind(node, kinds[0], kinds[1])
        case Array():
            kind = _array_kind(node, kinds)
        case Call():
            kind = _call_kind(node, kinds, metrics)
    return kind


def _name_kind(node: Name, kind: str | None) -> str:
    if kind is None:
        raise ExpressionError(f"there is no metric or expression with the id '{node.id}'", node.position)
    return kind


def _word_kind(node: Word) -> str:
    if node.text not in WORDS:
        raise ExpressionError(f"the word {node.text} has no meaning in metric math", node.position)
    return node.text


def _unary_kind(node: Unary, kind: str) -> str:
    if kind not in (SCALAR, SERIES, ARRAY):
        raise ExpressionError(f"the operand of '-' must be a number or a time series, not {kind}", node.position)
    return kind


def _binary_kind(node: Binary, left: str, right: str) -> str:
    for kind, operand in ((left, node.left), (right, node.right)):
        if kind not in (SCALAR, SERIES, ARRAY):
            raise ExpressionError(
                f"an operand of '{node.operator}' must be a number or a time series, not {kind}", operand.position
            )
    if ARRAY in (left, right):
        if left == right:
            raise ExpressionError(f"'{node.operator}' can't combine two arrays of time series", node.position)
        if node.operator not in _ARITHMETIC:
            raise ExpressionError(f"'{node.operator}' can't be used on an array of time series", node.position)
        return ARRAY
    return SERIES if SERIES in (left, right) else SCALAR


def _array_kind(node: Array, kinds: Sequence[str]) -> str:
    for kind, item in zip(kinds, node.items, strict=True):
        if kind not in (SERIES, ARRAY):
            raise ExpressionError(f"an array holds time series only, not {kind}", item.position)
    return ARRAY


def _call_kind(node: Call, kinds: Sequence[str], metrics: frozenset[str]) -> str:
    if node.function in REFUSED:
        raise ExpressionError(f"{node.function} is not available here: it {REFUSED[node.function]}", node.position)
    function = FUNCTIONS.get(node.function)
    if function is None:
        raise ExpressionError(f"there is no function {node.function}", node.position)
    for signature in function.signatures:
        if signature.accepts(kinds):
            _check_period(node, metrics)
            if node.function == "SEARCH":
                search_call(node)
            return signature.result
    wanted = " or ".join(f"({signature})" for signature in function.signatures)
    raise ExpressionError(f"{node.function} expects {wanted}, but got ({', '.join(kinds)})", node.position)


def _check_period(node: Call, metrics: frozenset[str]) -> None:
    if node.function != "PERIOD":
        return
    argument = node.arguments[0]
    if not (isinstance(argument, Name) and argument.id in metrics):
        raise ExpressionError("PERIOD expects the id of a metric, not the result of an expression", argument.position)
