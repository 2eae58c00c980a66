"""Metric math read into a tree (User Guide, "Using metric math").

``Expression.steps`` holds the tree's nodes with every operand before its operator, so that whatever walks an expression
is a loop: a sum of a thousand terms needs no deep recursion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from kit.evaluation.tokens import ExpressionError, Token, tokenize

__all__ = [
    "Array",
    "Binary",
    "Call",
    "Expression",
    "ExpressionError",
    "Name",
    "Node",
    "Number",
    "Text",
    "Unary",
    "Word",
]

MAX_NESTING = 60
"""Brackets in brackets; AWS limits an expression by its 2048 characters only."""

# Not documented; the usual order. Weakest first.
PRECEDENCE = {
    "OR": 1,
    "AND": 2,
    "==": 3,
    "!=": 3,
    "<": 3,
    "<=": 3,
    ">": 3,
    ">=": 3,
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "^": 7,
}
UNARY_PRECEDENCE = 6


@dataclass(frozen=True, slots=True)
class Number:
    value: float
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text as it was written, quotes included."""

    quoted: str
    position: int = field(default=0, compare=False)

    @property
    def value(self) -> str:
        return self.quoted[1:-1]


@dataclass(frozen=True, slots=True)
class Name:
    """The id of a metric or of another expression."""

    id: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Word:
    """An upper-case word that stands for itself, such as REPEAT or DESC."""

    text: str
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """The minus before an operand, the only unary operator there is."""

    operand: Node
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    operator: str
    left: Node
    right: Node
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Node, ...]
    position: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Array:
    items: tuple[Node, ...]
    position: int = field(default=0, compare=False)


Node = Number | Text | Name | Word | Unary | Binary | Call | Array


@dataclass(frozen=True, slots=True, eq=False)
class Expression:
    """A parsed expression: its text, its tree and the tree's nodes, operands first."""

    text: str
    root: Node
    steps: tuple[Node, ...]

    @property
    def names(self) -> frozenset[str]:
        """The ids that it refers to by name."""
        return frozenset(node.id for node in self.steps if isinstance(node, Name))

    def calls(self, function: str) -> Iterator[Call]:
        """The calls of one function, e.g. SEARCH."""
        return (node for node in self.steps if isinstance(node, Call) and node.function == function)


@lru_cache(maxsize=1024)
def parse(text: str) -> Expression:
    """The expression that ``text`` spells. Raises ExpressionError with the position and what was expected there."""
    parser = _Parser(tokenize(text))
    root = parser.expression(0)
    parser.expect_end()
    return Expression(text, root, _operands_first(root))


class _Parser:
    """Precedence climbing: ``expression(p)`` reads operators that bind tighter than ``p``."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _found(self, expected: str) -> ExpressionError:
        return ExpressionError(f"expected {expected}, but found {self._next}", self._next.position)

    def _accept(self, text: str) -> bool:
        if self._next.kind == "punctuation" and self._next.text == text:
            self._at += 1
            return True
        return False

    def expect_end(self) -> None:
        if self._next.kind != "end":
            raise self._found("an operator or the end of the expression")

    def expression(self, above: int) -> Node:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise ExpressionError(f"the expression is nested more than {MAX_NESTING} levels deep", self._next.position)
        left = self._operand()
        while self._next.kind == "operator" and PRECEDENCE[self._next.text] > above:
            operator = self._take()
            # a^b^c is a^(b^c); all others group from the left
            binds = PRECEDENCE[operator.text] - (operator.text == "^")
            left = Binary(operator.text, left, self.expression(binds), operator.position)
        self._depth -= 1
        return left

    def _operand(self) -> Node:
        token = self._next
        node: Node
        match token.kind, token.text:
            case "operator", "-":
                self._take()
                node = Unary(self.expression(UNARY_PRECEDENCE - 1), token.position)
            case "number", _:
                self._take()
                node = Number(_finite(token), token.position)
            case "text", _:
                self._take()
                node = Text(token.text, token.position)
            case "id", _:
                node = self._name()
            case "word", _:
                node = self._word()
            case "punctuation", "(":
                self._take()
                node = self.expression(0)
                if not self._accept(")"):
                    raise self._found("an operator or ')'")
            case "punctuation", "[":
                self._take()
                node = Array(self._list("]"), token.position)
            case _:
                raise self._found("a number, an id, a function, '(' or '['")
        return node

    def _name(self) -> Node:
        token = self._take()
        if self._next.kind == "punctuation" and self._next.text == "(":
            raise ExpressionError(f"expected a function in upper case, but found '{token.text}('", token.position)
        return Name(token.text, token.position)

    def _word(self) -> Node:
        token = self._take()
        if self._accept("("):
            return Call(token.text, () if self._accept(")") else self._list(")"), token.position)
        return Word(token.text, token.position)

    def _list(self, closing: str) -> tuple[Node, ...]:
        items = [self.expression(0)]
        while self._accept(","):
            items.append(self.expression(0))
        if not self._accept(closing):
            raise self._found(f"an operator, ',' or '{closing}'")
        return tuple(items)


def _finite(token: Token) -> float:
    value = float(token.text)
    if value == float("inf"):
        raise ExpressionError(f"the number {token.text[:20]} is too large", token.position)
    return value


def operands(node: Node) -> tuple[Node, ...]:
    """The nodes that it is made of, from left to right."""
    match node:
        case Unary(operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Call(_, arguments):
            return arguments
        case Array(items):
            return items
    return ()


def _operands_first(root: Node) -> tuple[Node, ...]:
    found: list[Node] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting.extend(operands(node))
    return tuple(reversed(found))
