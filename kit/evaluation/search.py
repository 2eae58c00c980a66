"""SEARCH: which metrics a search finds (User Guide, "CloudWatch search expression syntax").

A search is ``{Namespace,Dimension,…} terms``: a schema, terms, or both. Terms stand beside each other or with AND, OR,
NOT and parentheses between them. A term in double quotes is a whole name; any other one is matched by tokens, see
``search_terms``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from kit.evaluation.request import MetricRef
from kit.evaluation.search_terms import SearchError, SearchToken, tokenize, word_matches

__all__ = ["AllOf", "AnyOf", "Not", "Schema", "Search", "SearchError", "Term", "parse_search"]

MAX_CHARACTERS = 1024
MAX_NESTING = 60
"""Parentheses in parentheses; AWS limits a search by its characters only."""

LOCAL_ACCOUNT = "LOCAL"
_ACCOUNT = ":aws.AccountId"


@dataclass(frozen=True, slots=True)
class Schema:
    """Finds the metrics of one namespace that have exactly these dimensions."""

    namespace: str
    dimensions: frozenset[str]

    def matches(self, metric: MetricRef) -> bool:
        names = {name for name, _ in metric.dimensions}
        return metric.namespace == self.namespace and names == self.dimensions


@dataclass(frozen=True, slots=True)
class Term:
    """One thing to look for. ``key`` is MetricName, Namespace, :aws.AccountId or a dimension; None looks everywhere.

    ``exact`` tells that it was written in double quotes; ``text`` is without them.
    """

    text: str
    exact: bool
    key: str | None = None

    def matches(self, metric: MetricRef, account: str) -> bool:
        if self.key == _ACCOUNT:
            return self.text in (LOCAL_ACCOUNT, account)
        return any(self._is(name) for name in self._names(metric))

    def _names(self, metric: MetricRef) -> list[str]:
        dimensions: Mapping[str, str] = dict(metric.dimensions)
        if self.key is None:
            return [metric.name, metric.namespace, *dimensions.keys(), *dimensions.values()]
        if self.key == "MetricName":
            return [metric.name]
        if self.key == "Namespace":
            return [metric.namespace]
        return [dimensions[self.key]] if self.key in dimensions else []

    def _is(self, name: str) -> bool:
        return name == self.text if self.exact else word_matches(self.text, name)


@dataclass(frozen=True, slots=True)
class Not:
    part: Node

    def matches(self, metric: MetricRef, account: str) -> bool:
        return not self.part.matches(metric, account)


@dataclass(frozen=True, slots=True)
class AllOf:
    parts: tuple[Node, ...]

    def matches(self, metric: MetricRef, account: str) -> bool:
        return all(part.matches(metric, account) for part in self.parts)


@dataclass(frozen=True, slots=True)
class AnyOf:
    parts: tuple[Node, ...]

    def matches(self, metric: MetricRef, account: str) -> bool:
        return any(part.matches(metric, account) for part in self.parts)


Node = Term | Not | AllOf | AnyOf


@dataclass(frozen=True, slots=True)
class Search:
    """A parsed search. Either part may be None, but not both."""

    schema: Schema | None
    terms: Node | None

    def matches(self, metric: MetricRef, account: str = "") -> bool:
        """Whether it finds the metric; ``account`` is the one that the metric is in."""
        if self.schema is not None and not self.schema.matches(metric):
            return False
        return self.terms is None or self.terms.matches(metric, account)

    def within(self, account: str) -> Search:
        """The same search in one account only."""
        found = Term(account, True, _ACCOUNT)
        return Search(self.schema, found if self.terms is None else AllOf((self.terms, found)))


@lru_cache(maxsize=1024)
def parse_search(text: str) -> Search:
    """The search that ``text`` spells. Raises SearchError with the position and what was expected there."""
    if len(text) > MAX_CHARACTERS:
        raise SearchError(f"a search has at most {MAX_CHARACTERS} characters, not {len(text)}", MAX_CHARACTERS)
    reader = _Reader(tokenize(text))
    schema = reader.schema() if reader.at("{") else None
    terms = None if schema is not None and reader.at_end else reader.any_of(None)
    if not reader.at_end:
        raise reader.found("a term, AND, OR, NOT or the end of the search")
    return Search(schema, terms)


class _Reader:
    """Recursive descent; NOT binds tighter than AND, and AND, written or not, tighter than OR."""

    def __init__(self, tokens: list[SearchToken]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def _next(self) -> SearchToken:
        return self._tokens[self._at]

    @property
    def at_end(self) -> bool:
        return self._next.kind == "end"

    def at(self, text: str) -> bool:
        return self._next.kind in ("punctuation", "operator") and self._next.text == text

    def found(self, expected: str) -> SearchError:
        return SearchError(f"expected {expected}, but found {self._next}", self._next.position)

    def _accept(self, text: str) -> bool:
        if not self.at(text):
            return False
        self._at += 1
        return True

    def schema(self) -> Schema:
        self._accept("{")
        names = [self._schema_name("a namespace")]
        while self._accept(","):
            names.append(self._schema_name("the name of a dimension"))
        if not self._accept("}"):
            raise self.found("',' or '}' (a name with other characters must be in double quotes)")
        self._accept(",")  # the User Guide's own examples have a comma here, and have none
        return Schema(names[0], frozenset(names[1:]))

    def _schema_name(self, what: str) -> str:
        token = self._next
        if token.kind not in ("word", "exact"):
            raise self.found(what)
        self._at += 1
        return token.text

    def any_of(self, key: str | None) -> Node:
        parts = [self._all_of(key)]
        while self._accept("OR"):
            parts.append(self._all_of(key))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def _all_of(self, key: str | None) -> Node:
        parts = [self._part(key)]
        while self._accept("AND") or not (self.at_end or self.at(")") or self.at("OR")):
            parts.append(self._part(key))
        return parts[0] if len(parts) == 1 else AllOf(tuple(parts))

    def _part(self, key: str | None) -> Node:
        negated = False
        while self._accept("NOT"):
            negated = not negated
        part = self._group(key) if self.at("(") else self._term(key)
        return Not(part) if negated else part

    def _group(self, key: str | None) -> Node:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise SearchError(f"the search is nested more than {MAX_NESTING} levels deep", self._next.position)
        self._accept("(")
        inner = self.any_of(key)
        if not self._accept(")"):
            raise self.found("a term, AND, OR, NOT or ')'")
        self._depth -= 1
        return inner

    def _term(self, key: str | None) -> Node:
        token = self._next
        if token.kind not in ("word", "exact"):
            raise self.found("a term to look for")
        self._at += 1
        if not self._accept("="):
            return Term(token.text, token.kind == "exact", key)
        if key is not None:
            raise SearchError(f"expected terms for {key}, but found the designator '{token.text}='", token.position)
        # Dimension=("a" OR "b") is how generated searches name several values
        return self._group(token.text) if self.at("(") else self._term(token.text)
