"""The AlarmRule of a composite alarm (API Reference, "PutCompositeAlarm"; AT_LEAST as the AWS CDK writes it).

``Rule.steps`` holds the rule with every operand before its operator, so a rule of 500 elements needs no recursion.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Literal

from kit.evaluation.rule_tokens import RuleError, RuleToken, quoted, tokenize

__all__ = ["AtLeast", "Constant", "InState", "Operator", "Rule", "RuleError", "parse_rule"]

MAX_CHARACTERS = 10_240
MAX_CHILDREN = 100
MAX_ELEMENTS = 500
"""Children, TRUE, FALSE and parentheses. A pair of parentheses counts once; AWS does not say."""

STATES = ("ALARM", "OK", "INSUFFICIENT_DATA")
# AND before OR is the usual order; the documents do not give one.
_BINDS = {"OR": 1, "AND": 2, "NOT": 3}


@dataclass(frozen=True, slots=True)
class Constant:
    """TRUE or FALSE."""

    value: bool

    def __str__(self) -> str:
        return "TRUE" if self.value else "FALSE"


@dataclass(frozen=True, slots=True)
class InState:
    """``ALARM("name or ARN")`` and its like."""

    state: str
    child: str

    def holds(self, states: Mapping[str, str]) -> bool:
        return states.get(self.child) == self.state

    def __str__(self) -> str:
        return f"{self.state}({quoted(self.child)})"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """``AT_LEAST(threshold, [NOT] STATE, (children))``; the threshold is a number or a percentage of the children."""

    threshold: int
    percent: bool
    negated: bool
    state: str
    children: tuple[str, ...]

    def holds(self, states: Mapping[str, str]) -> bool:
        """Of a share the next whole number is needed: how AWS rounds is not documented."""
        needed = ceil(self.threshold * len(self.children) / 100) if self.percent else self.threshold
        matching = sum((states.get(child) == self.state) is not self.negated for child in self.children)
        return matching >= needed

    def __str__(self) -> str:
        threshold = f"{self.threshold}%" if self.percent else str(self.threshold)
        state = f"NOT {self.state}" if self.negated else self.state
        return f"AT_LEAST({threshold}, {state}, ({', '.join(quoted(child) for child in self.children)}))"


Operator = Literal["AND", "OR", "NOT"]
Step = Constant | InState | AtLeast | Operator


@dataclass(frozen=True, slots=True, eq=False)
class Rule:
    """A parsed rule. ``children`` are the alarms it reads, by name or ARN as it writes them."""

    text: str
    steps: tuple[Step, ...]
    children: frozenset[str]

    def holds(self, states: Mapping[str, str]) -> bool:
        """Whether the rule is true when each child, by the name it has in ``children``, is in the given state.

        A child without a state, because it was deleted, is in none.
        """
        stack: list[bool] = []
        for step in self.steps:
            match step:
                case "NOT":
                    stack[-1] = not stack[-1]
                case "AND" | "OR":
                    right = stack.pop()
                    stack[-1] = (stack[-1] and right) if step == "AND" else (stack[-1] or right)
                case Constant(value):
                    stack.append(value)
                case InState() | AtLeast():
                    stack.append(step.holds(states))
        return stack[0]

    def __str__(self) -> str:
        """The rule in one canonical spelling: names in quotes, brackets only where they are needed."""
        stack: list[tuple[str, int]] = []
        for step in self.steps:
            if step == "NOT":
                stack.append((f"NOT {_bracketed(stack.pop(), _BINDS['NOT'])}", _BINDS["NOT"]))
            elif step in ("AND", "OR"):
                binds = _BINDS[step]
                right = _bracketed(stack.pop(), binds + 1)
                stack.append((f"{_bracketed(stack.pop(), binds)} {step} {right}", binds))
            else:
                stack.append((str(step), 9))
        return stack[0][0]


def _bracketed(part: tuple[str, int], at_least: int) -> str:
    text, binds = part
    return text if binds >= at_least else f"({text})"


@lru_cache(maxsize=1024)
def parse_rule(text: str) -> Rule:
    """The rule that ``text`` spells. Raises RuleError with the position and what was expected there."""
    if len(text) > MAX_CHARACTERS:
        raise RuleError(f"the rule has {len(text)} characters; the limit is {MAX_CHARACTERS}", MAX_CHARACTERS)
    reader = _Reader(tokenize(text))
    steps = tuple(reader.steps())
    children = frozenset(_children(steps))
    if len(children) > MAX_CHILDREN:
        raise RuleError(f"the rule has {len(children)} children; the limit is {MAX_CHILDREN}", 0)
    if reader.elements > MAX_ELEMENTS:
        raise RuleError(f"the rule has {reader.elements} elements; the limit is {MAX_ELEMENTS}", 0)
    return Rule(text, steps, children)


def _children(steps: tuple[Step, ...]) -> Iterator[str]:
    for step in steps:
        if isinstance(step, InState):
            yield step.child
        elif isinstance(step, AtLeast):
            yield from step.children


class _Reader:
    """Two stacks in place of recursion: operators wait until one that binds no tighter comes."""

    def __init__(self, tokens: list[RuleToken]) -> None:
        self._tokens = tokens
        self._at = 0
        self.elements = 0

    def _take(self) -> RuleToken:
        token = self._tokens[self._at]
        self._at = min(self._at + 1, len(self._tokens) - 1)
        return token

    def steps(self) -> Iterator[Step]:
        waiting: list[RuleToken] = []
        operand_next = True
        while True:
            token = self._take()
            text = token.text if token.kind in ("word", "punctuation") else ""
            if operand_next and text in ("NOT", "("):
                waiting.append(token)
                self.elements += text == "("
            elif operand_next:
                yield self._atom(token)
                operand_next = False
            elif text in ("AND", "OR"):
                yield from _released(waiting, _BINDS[text])
                waiting.append(token)
                operand_next = True
            elif text == ")" and any(other.text == "(" for other in waiting):
                yield from _released(waiting, 0)
                waiting.pop()
            elif token.kind == "end":
                yield from _released(waiting, 0)
                if waiting:
                    raise RuleError("expected ')' for the bracket that opens here", waiting[-1].position)
                return
            else:
                raise RuleError(f"expected AND, OR or the end of the rule, but found {token}", token.position)

    def _atom(self, token: RuleToken) -> Step:
        self.elements += 1
        if token.kind == "word":
            if token.text in ("TRUE", "FALSE"):
                return Constant(token.text == "TRUE")
            if token.text in STATES:
                self._punctuation("(")
                child = self._reference()
                self._punctuation(")")
                return InState(token.text, child)
            if token.text == "AT_LEAST":
                return self._at_least()
        raise RuleError(
            f"expected ALARM, OK, INSUFFICIENT_DATA, AT_LEAST, NOT, TRUE, FALSE or '(', but found {token}",
            token.position,
        )

    def _at_least(self) -> AtLeast:
        self._punctuation("(")
        threshold = self._take()
        self._punctuation(",")
        state = self._take()
        negated = state.kind == "word" and state.text == "NOT"
        if negated:
            state = self._take()
        if state.kind != "word" or state.text not in STATES:
            raise RuleError(f"expected ALARM, OK or INSUFFICIENT_DATA, but found {state}", state.position)
        self._punctuation(",")
        self._punctuation("(")
        children = [self._reference()]
        while (token := self._take()).kind == "punctuation" and token.text == ",":
            children.append(self._reference())
        if token.kind != "punctuation" or token.text != ")":
            raise RuleError(f"expected ',' or ')', but found {token}", token.position)
        self._punctuation(")")
        self.elements += len(children) - 1
        number, percent = _threshold(threshold, len(children))
        return AtLeast(number, percent, negated, state.text, tuple(children))

    def _reference(self) -> str:
        token = self._take()
        if token.kind not in ("word", "quoted"):
            raise RuleError(f"expected the name or ARN of an alarm, but found {token}", token.position)
        return token.text

    def _punctuation(self, text: str) -> None:
        token = self._take()
        if token.kind != "punctuation" or token.text != text:
            raise RuleError(f"expected '{text}', but found {token}", token.position)


def _released(waiting: list[RuleToken], binds: int) -> Iterator[Operator]:
    """The waiting operators, back to the last bracket, that bind at least as tight."""
    while waiting and waiting[-1].text != "(" and _BINDS[waiting[-1].text] >= binds:
        match waiting.pop().text:
            case "AND":
                yield "AND"
            case "OR":
                yield "OR"
            case _:
                yield "NOT"


def _threshold(token: RuleToken, children: int) -> tuple[int, bool]:
    percent = token.text.endswith("%")
    digits = token.text.removesuffix("%")
    if token.kind != "word" or not (digits.isascii() and digits.isdigit()) or len(digits) > 3:
        raise RuleError(f"expected a number of alarms or a percentage, but found {token}", token.position)
    number, limit = int(digits), 100 if percent else children
    if not 1 <= number <= limit:
        raise RuleError(
            f"expected a threshold from 1 to {limit}{'%' if percent else ''}, but found {token}", token.position
        )
    return number, percent
