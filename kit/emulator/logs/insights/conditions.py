"""The conditions of ``filter``.

Source: Amazon CloudWatch Logs User Guide, "CloudWatch Logs Insights query syntax", filter:

    either     := both {"or" both}          both := one {"and" one}
    one        := "not" one | "(" either ")" | ["not"] "ispresent" "(" field ")" | field comparison
    comparison := ("=" | "!=" | "<" | "<=" | ">" | ">=") value | "=~" regex
                | ["not"] "like" (text | regex) | ["not"] "in" "[" value {"," value} "]"

Compared with a number, a value that is none is no match. A field that is missing matches ``!=`` and ``not like`` only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from importlib import import_module
from typing import Any

from kit.emulator.logs.insights.reader import Reader
from kit.emulator.logs.insights.records import Record, number, text

Test = Callable[[Record], bool]

_ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_DEEPEST = 40


def parse_condition(reader: Reader, depth: int = 0) -> Test:
    """Read a condition up to the next pipe. Raises MalformedQueryException."""
    if depth > _DEEPEST:
        raise reader.wrong(f"conditions nest up to {_DEEPEST} deep")
    tests = [_both(reader, depth)]
    while reader.take_word("or"):
        tests.append(_both(reader, depth))
    return tests[0] if len(tests) == 1 else lambda record: any(test(record) for test in tests)


def _both(reader: Reader, depth: int) -> Test:
    tests = [_one(reader, depth)]
    while reader.take_word("and"):
        tests.append(_one(reader, depth))
    return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)


def _one(reader: Reader, depth: int) -> Test:
    if depth > _DEEPEST:
        raise reader.wrong(f"conditions nest up to {_DEEPEST} deep")
    if reader.take_word("not"):
        return _opposite(_one(reader, depth + 1))
    if reader.take("("):
        inner = parse_condition(reader, depth + 1)
        reader.expect(")")
        return inner
    name = reader.pop("word", "name").text
    if name.lower() == "ispresent" and reader.take("("):
        present = reader.pop("word", "name").text
        reader.expect(")")
        return lambda record: record.get(present) is not None
    return _comparison(reader, name)


def _comparison(reader: Reader, name: str) -> Test:
    if reader.take_word("not"):
        if not reader.at_word("like", "in"):
            raise reader.wrong("expected like or in")
        return _opposite(_comparison(reader, name))
    if reader.take_word("like") or reader.take("=~"):
        found = _like(reader)
        return lambda record: (value := record.get(name)) is not None and found(text(value))
    if reader.take_word("in"):
        same = _listed(reader)
        return lambda record: any(one(record.get(name)) for one in same)
    sign = reader.pop("sign").text if reader.token.text in (*_ORDERINGS, "=", "!=") else ""
    if sign in _ORDERINGS:
        return _ordering(reader, name, _ORDERINGS[sign])
    if not sign:
        raise reader.wrong("expected a comparison (functions are not computed here)")
    equal = _same(reader)
    if sign == "=":
        return lambda record: equal(record.get(name))
    return lambda record: not equal(record.get(name))


def _ordering(reader: Reader, name: str, compare: Callable[[Any, Any], bool]) -> Test:
    token = reader.pop("number", "text")
    if token.kind == "number":
        limit = float(token.text)
        return lambda record: (value := number(record.get(name))) is not None and compare(value, limit)
    return lambda record: isinstance(value := record.get(name), str) and compare(value, token.text)


def _same(reader: Reader) -> Callable[[Any], bool]:
    token = reader.pop("number", "text", "word")
    if token.kind != "number":
        return lambda value: value is not None and text(value) == token.text
    wanted = float(token.text)
    return lambda value: number(value) == wanted


def _listed(reader: Reader) -> list[Callable[[Any], bool]]:
    reader.expect("[")
    same = [_same(reader)]
    while reader.take(","):
        same.append(_same(reader))
    reader.expect("]")
    return same


def _like(reader: Reader) -> Callable[[str], bool]:
    pattern = reader.regex()
    if pattern is None:
        part = reader.pop("text").text
        return lambda value: part in value
    # RE2 takes time linear in the text whatever the expression; Python's own engine could be kept busy for hours
    re2: Any = import_module("re2")
    options = re2.Options()
    options.log_errors = False
    try:
        found = re2.compile(pattern.encode(), options).search
    except re2.error as error:
        raise reader.wrong(f"the regular expression /{pattern}/ cannot be read") from error
    return lambda value: found(value.encode(errors="replace")) is not None


def _opposite(test: Test) -> Test:
    return lambda record: not test(record)
