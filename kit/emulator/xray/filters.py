"""Filter expressions over trace summaries: ``ok !partial duration < 3 AND annotation.release = "9"``.

Source: AWS X-Ray Developer Guide, "Use filter expressions":

    expression := and {"OR" and}
    and        := unary {["AND"] unary}                  two tests side by side are both asked for
    unary      := "!" unary | "(" expression ")" | test
    test       := boolean [("=" | "!=") ("true" | "false")]
                | number ("=" | "!=" | "<" | "<=" | ">" | ">=") digits
                | text ("=" | "!=" | "CONTAINS" | "BEGINSWITH" | "ENDSWITH") string
                | ("annotation." key | "annotation[" key "]") [operator value]

Keywords look at the trace as a whole. service(), edge(), id(), group, json, rootcause, and the keywords that make sense
only inside of those, are refused by name.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence

from kit.emulator.protocol import AwsError
from kit.emulator.xray.summary import Scalar, Summary

Test = Callable[[Summary], bool]

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<text>"(?:[^"\\]|\\.)*")
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)
    | (?P<word>annotation\[[^\]\s]+\]|[A-Za-z_][\w.\-]*)
    | (?P<sign>!=|<=|>=|[=<>!(){},])
    )""",
    re.VERBOSE | re.IGNORECASE,
)
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TEXT_TESTS: Mapping[str, Callable[[str, str], bool]] = {
    "=": operator.eq,
    "CONTAINS": lambda value, part: part in value,
    "BEGINSWITH": str.startswith,
    "ENDSWITH": str.endswith,
}
_BOOLEANS: Mapping[str, Test] = {
    "ok": lambda s: not (s.fault or s.error or s.throttle),
    "error": lambda s: s.error,
    "throttle": lambda s: s.throttle,
    "fault": lambda s: s.fault,
    "partial": lambda s: s.partial,
}
_NUMBERS: Mapping[str, Callable[[Summary], float | None]] = {
    "responsetime": lambda s: s.response_time,
    "duration": lambda s: s.duration,
    "http.status": lambda s: s.http.status,
}
_TEXTS: Mapping[str, Callable[[Summary], Sequence[str | None]]] = {
    "http.url": lambda s: [s.http.url],
    "http.method": lambda s: [s.http.method],
    "http.useragent": lambda s: [s.http.user_agent],
    "http.clientip": lambda s: [s.http.client_ip],
    "user": lambda s: [name for name, _ in s.users],
    "name": lambda s: [service.name for service in s.services],
    "type": lambda s: [*(service.type for service in s.services), *(kind for kind, _ in s.exceptions)],
    "message": lambda s: [message for _, message in s.exceptions],
    "availabilityzone": lambda s: s.zones,
    "instance.id": lambda s: s.instance_ids,
    "resource.arn": lambda s: s.resource_arns,
}
_REFUSED = frozenset(
    {"service", "edge", "id", "group.name", "group.arn", "json", "inferred", "first", "last", "remote", "root"}
    | {"index", "coverage"}
)
_DEEPEST = 50


def parse_filter(text: str) -> Test:
    """What tells whether a summary passes. Raises InvalidRequestException; an empty expression passes all."""
    parser = _Parser(text)
    if not parser.kind:
        return lambda _summary: True
    test = parser.either()
    if parser.kind:
        raise parser.wrong()
    return test


class _Parser:
    """Recursive descent over the tokens; ``kind`` and ``symbol`` are the one at hand, ``kind`` "" at the end."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = self._depth = 0
        self.kind = self.symbol = ""
        self._next()

    def either(self) -> Test:
        tests = [self._both()]
        while self._take_word("or"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda summary: any(test(summary) for test in tests)

    def wrong(self) -> AwsError:
        found = f"'{self.symbol}' in" if self.kind else "end of"
        return _invalid(f"unexpected {found} '{self._text[:200]}'")

    def _both(self) -> Test:
        tests = [self._one()]
        while self._take_word("and") or self._begins_a_test():
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda summary: all(test(summary) for test in tests)

    def _begins_a_test(self) -> bool:
        return (self.kind == "word" and self.symbol.lower() != "or") or (self.kind == "sign" and self.symbol in "!(")

    def _one(self) -> Test:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _invalid("it is nested too deeply")
        test = self._one_inner()
        self._depth -= 1
        return test

    def _one_inner(self) -> Test:
        if self._take_sign("!"):
            negated = self._one()
            return lambda summary: not negated(summary)
        if self._take_sign("("):
            inner = self.either()
            if not self._take_sign(")"):
                raise self.wrong()
            return inner
        return self._test()

    def _test(self) -> Test:
        if self.kind != "word":
            raise self.wrong()
        word = self.symbol
        keyword = word.lower()
        self._next()
        if keyword.startswith(("annotation.", "annotation[")):
            return self._annotation(word[len("annotation.") :].removesuffix("]"))
        if keyword in _BOOLEANS:
            return self._boolean(_BOOLEANS[keyword])
        if keyword in _NUMBERS:
            return self._number(_NUMBERS[keyword])
        if keyword in _TEXTS:
            return self._string(_TEXTS[keyword])
        if keyword in _REFUSED or keyword.startswith("rootcause"):
            raise _invalid(f"{word} is not supported by this emulator")
        raise _invalid(f"unknown keyword {word}")

    def _boolean(self, test: Test) -> Test:
        sign = self.symbol if self.kind == "sign" else ""
        if sign not in ("=", "!="):
            return test
        self._next()
        wanted = self._truth() is (sign == "=")
        return lambda summary: test(summary) is wanted

    def _number(self, of: Callable[[Summary], float | None]) -> Test:
        compare = _COMPARISONS.get(self.symbol)
        if compare is None:
            raise self.wrong()
        self._next()
        limit = self._digits()

        def test(summary: Summary) -> bool:
            value = of(summary)
            return value is not None and compare(value, limit)

        return test

    def _string(self, of: Callable[[Summary], Sequence[str | None]]) -> Test:
        compare, positive = self._text_comparison()
        wanted = self._quoted()
        return lambda summary: any(v is not None and compare(v, wanted) for v in of(summary)) is positive

    def _annotation(self, key: str) -> Test:
        if self.kind != "sign" or self.symbol in "!(){},":
            if self.kind != "word" or self.symbol.upper() not in _TEXT_TESTS:
                return lambda summary: any(one.key == key for one in summary.annotations)
            compare, positive = self._text_comparison()
            return _annotated(key, _text_is(compare, self._quoted()), positive)
        sign = self.symbol
        self._next()
        if self.kind == "number":
            return _annotated(key, _number_is(_COMPARISONS[sign], self._digits()), True)
        if sign not in ("=", "!="):
            raise self.wrong()
        if self.kind == "text":
            return _annotated(key, _text_is(operator.eq, self._quoted()), sign == "=")
        wanted = self._truth()
        return _annotated(key, lambda value: value is wanted, sign == "=")

    def _text_comparison(self) -> tuple[Callable[[str, str], bool], bool]:
        word = self.symbol.upper()
        if word != "!=" and word not in _TEXT_TESTS:
            raise self.wrong()
        self._next()
        return (operator.eq, False) if word == "!=" else (_TEXT_TESTS[word], True)

    def _truth(self) -> bool:
        word = self.symbol.lower()
        if self.kind != "word" or word not in ("true", "false"):
            raise self.wrong()
        self._next()
        return word == "true"

    def _digits(self) -> float:
        if self.kind != "number":
            raise self.wrong()
        number = float(self.symbol)
        self._next()
        return number

    def _quoted(self) -> str:
        if self.kind != "text":
            raise self.wrong()
        text = re.sub(r"\\(.)", r"\1", self.symbol[1:-1])
        self._next()
        return text

    def _take_word(self, word: str) -> bool:
        if self.kind != "word" or self.symbol.lower() != word:
            return False
        self._next()
        return True

    def _take_sign(self, sign: str) -> bool:
        if self.kind != "sign" or self.symbol != sign:
            return False
        self._next()
        return True

    def _next(self) -> None:
        rest = self._text[self._position :]
        if not rest.strip():
            self.kind = self.symbol = ""
            return
        found = _TOKEN.match(self._text, self._position)
        if found is None or found.lastgroup is None:
            raise _invalid(f"unexpected '{rest.strip()[:20]}'")
        self.kind, self.symbol = found.lastgroup, found[found.lastgroup]
        self._position = found.end()


def _annotated(key: str, test: Callable[[Scalar], bool], positive: bool) -> Test:
    """A trace that lacks the annotation passes neither ``=`` nor ``!=``."""

    def passes(summary: Summary) -> bool:
        values = [one.value for one in summary.annotations if one.key == key]
        return bool(values) and any(test(value) for value in values) is positive

    return passes


def _text_is(compare: Callable[[str, str], bool], wanted: str) -> Callable[[Scalar], bool]:
    return lambda value: isinstance(value, str) and compare(value, wanted)


def _number_is(compare: Callable[[float, float], bool], limit: float) -> Callable[[Scalar], bool]:
    return lambda value: not isinstance(value, str | bool) and compare(value, limit)


def _invalid(why: str) -> AwsError:
    return AwsError("InvalidRequestException", f"Invalid filter expression: {why}")
