"""Throws strings at every parser of the evaluation: ``python -m bench.fuzz_expressions --cases 100000``.

A quarter is noise, a quarter a soup of the language's own words, a quarter valid text with a few characters changed, a
quarter valid text put into each other. A parser
may refuse a string by its own error, whose position must lie in the string; anything else is a crash. Expressions that
parse are also planned and computed. Ends with 1 and the string if one crashes.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from kit.evaluation.expression import ExpressionError, parse
from kit.evaluation.functions import FUNCTIONS, REFUSED
from kit.evaluation.kinds import WORDS
from kit.evaluation.labels import LabelError, Shown, Where, parse_label
from kit.evaluation.query import MetricRef, MetricStat, QueryError, queries_from_api, run_queries
from kit.evaluation.rule import RuleError, parse_rule
from kit.evaluation.search import Search, SearchError, parse_search
from kit.evaluation.series import Series, slots
from kit.evaluation.statistics import StatisticError, parse_statistic
from kit.evaluation.unparse import unparse

METRIC = MetricRef("Shop", "Fault", (("Operation", "GET /items"),))
VALUES = (1.0, None, 0.0, -2.5, 1e300)


class _Source:
    """Five points of anything, and one metric that every search may find."""

    def series(self, stat: MetricStat, start: int, end: int) -> Series:
        count = slots(start, end, stat.period)
        return Series(start, stat.period, (VALUES * (count // len(VALUES) + 1))[:count])

    def search(self, wanted: Search) -> list[MetricRef]:
        return [METRIC] if wanted.matches(METRIC, "123456789012") else []


def _expression(text: str) -> None:
    tree = parse(text)
    if parse(unparse(tree)).root != tree.root:
        raise AssertionError("written out again it parses to another tree")
    stat = {"Metric": {"Namespace": "Shop", "MetricName": "Fault"}, "Period": 60, "Stat": "Sum"}
    metrics = [{"Id": name, "MetricStat": stat, "ReturnData": False} for name in ("m1", "m2")]
    queries = queries_from_api([*metrics, {"Id": "e1", "Expression": text}])
    run_queries(queries, _Source(), 0, 300)


def _rule(text: str) -> None:
    rule = parse_rule(text)
    rule.holds(dict.fromkeys(rule.children, "ALARM"))
    if str(parse_rule(str(rule))) != str(rule):
        raise AssertionError("written out again it is another rule")


def _search(text: str) -> None:
    parse_search(text).matches(METRIC, "123456789012")


def _label(text: str) -> None:
    points = [(60 * index, value) for index, value in enumerate(VALUES) if value is not None]
    for shown in (Shown("x", None, []), Shown("x", MetricStat(METRIC, 60, parse_statistic("p99")), points)):
        parse_label(text).of(shown, Where(600))


@dataclass(frozen=True)
class Target:
    """A parser: how it may refuse, the words of its language, texts that it takes, and what may stand around them."""

    run: Callable[[str], object]
    errors: tuple[type[ValueError], ...]
    words: tuple[str, ...]
    texts: tuple[str, ...]
    around: tuple[str, ...]


_EXPRESSION = (
    *(f"{name}(" for name in [*FUNCTIONS, *REFUSED]),
    *(*WORDS, "m1", "m2", "e1", "'", '"', "(", ")", "[", "]", ",", "1", "0.5", "1e308", ".", "NaN", "AND", "&&", "OR"),
    *("||", "+", "-", "*", "/", "^", "==", "!=", "<", "<=", ">", ">=", "'Sum'", "'{Shop,Operation}'", "SELECT ", "\\"),
)
_RULE = ("ALARM(", "OK(", "INSUFFICIENT_DATA(", "AT_LEAST(", "NOT ", "AND", "OR", "TRUE", "FALSE", "(", ")", ",", "50%")
TARGETS = {
    "expression": Target(
        _expression,
        (ExpressionError, QueryError),
        _EXPRESSION,
        (
            "IF(m1 > 20, 100 * m2 / m1, 0)",
            "SUM(SEARCH('{Shop,Operation} MetricName=\"Fault\"', 'Sum', 60))",
            "SORT(REMOVE_EMPTY([m1, FILL(m2, REPEAT)]), MAX, DESC, 1)",
            "TIME_SERIES(AVG(m1)) ^ 2 - -RATE(METRICS('m')) / PERIOD(m1)",
            "DATAPOINT_COUNT(SLICE(METRICS(), 0, 1)) + HOUR(m1) * (m2 == 3 || m1 <= .5)",
            *("m1", "m2", "2", "METRICS()"),
        ),
        (
            *("{} + {}", "{} / {}", "({}) ^ {}", "-({})", "{} > {} AND {}", "IF({}, {}, {})", "FILL({}, {})"),
            *(
                "ABS({})",
                "AVG({})",
                "DIFF({})",
                "RUNNING_SUM({})",
                "STDDEV({})",
                "FILL({}, LINEAR)",
                "SLICE({}, 0, {})",
            ),
            *("SORT({}, SUM, ASC, {})", "REMOVE_EMPTY({})", "FIRST({})", "TIME_SERIES({})", "[{}, {}]", "LOG10({})"),
        ),
    ),
    "rule": Target(
        _rule,
        (RuleError,),
        (*_RULE, '"', "a", "arn:aws:cloudwatch:eu-west-1:1:alarm:a", "\\", "1"),
        ('(ALARM("a") OR OK(b)) AND NOT INSUFFICIENT_DATA(c)', "AT_LEAST(50%, NOT OK, (a, b, c)) OR TRUE", "FALSE"),
        ("({})", "NOT {}", "{} AND {}", "{} OR {}", "NOT ({} OR {})"),
    ),
    "search": Target(
        _search,
        (SearchError,),
        ("{", "}", ",", '"', "(", ")", "=", "AND", "OR", "NOT", "MetricName=", "Namespace=", ":aws.AccountId=", "\\"),
        ("{Shop,Operation} MetricName=\"Fault\" NOT (items OR 'x')", '"a\\"b" (c OR D1-e) AND Operation=GET', "Fault"),
        ("({})", "NOT {}", "{} {}", "{} OR {}", "Operation=({})"),
    ),
    "label": Target(
        _label,
        (LabelError,),
        ("${", "}", "MAX", "${MAX}", "LABEL", "PROP('", "')", "Dim.", "_TIME", "_RELATIVE", "FIRST", "$"),
        ("[max: ${MAX} at ${MAX_TIME_RELATIVE}] ${LABEL} ${PROP('Dim.Operation')}", "${SUM}", "a $ b"),
        ("{}{}", "[{}]", "{} ${{LABEL}}"),
    ),
    "statistic": Target(
        parse_statistic,
        (StatisticError,),
        ("p", "tm", "TM", "WM", "TC", "TS", "PR", "(", ")", ":", "%", "99.9", "-1", "IQM", "Sum"),
        ("TM(10%:90%)", "p99.9", "PR(:300)", "Average", "IQM", "wm98.5"),
        ("{}", "{}0", "{} "),
    ),
}


def make(target: Target, dice: random.Random) -> str:
    """One string for this parser."""
    kind = dice.randrange(4)
    if kind == 0:
        return "".join(_character(dice) for _ in range(dice.randint(0, 60)))
    if kind == 1:
        return dice.choice(("", " ")).join(dice.choice(target.words) for _ in range(dice.randint(1, 25)))
    if kind == 3:
        return _nested(target, dice, dice.randint(0, 4))
    text = list(dice.choice(target.texts))
    for _ in range(dice.randint(1, 4)):
        at = dice.randrange(len(text) + 1)
        text[at : at + dice.randint(0, 2)] = dice.choice((_character(dice), dice.choice(target.words), "", "((((("))
    return "".join(text)


def _nested(target: Target, dice: random.Random, depth: int) -> str:
    if depth == 0:
        return dice.choice(target.texts)
    around = dice.choice(target.around)
    return around.format(*(_nested(target, dice, depth - 1) for _ in range(around.count("{}"))))


def _character(dice: random.Random) -> str:
    return chr(dice.choice((dice.randrange(32, 127), dice.randrange(32, 127), dice.randrange(0x110000))))


def tries(target: Target, text: str) -> str:
    """``taken`` or ``refused``; every other outcome is an exception."""
    try:
        target.run(text)
    except target.errors as error:
        position = getattr(error, "position", 0)
        if not 0 <= position <= len(text):
            raise AssertionError(f"the error's position {position} is outside of the string") from error
        if "\n" in str(error).replace(text, "") and "\n" not in text:
            raise AssertionError("the error has more than one line") from error
        return "refused"
    return "taken"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=100_000, help="how many strings, all parsers together")
    parser.add_argument("--seed", type=int, default=None, help="the same seed gives the same strings")
    given = parser.parse_args()
    seed = given.seed if given.seed is not None else random.SystemRandom().randrange(2**32)
    dice, counts, began = random.Random(seed), Counter[str](), time.perf_counter()
    for number in range(given.cases):
        name = list(TARGETS)[number % len(TARGETS)]
        text = make(TARGETS[name], dice)
        try:
            counts[f"{name} {tries(TARGETS[name], text)}"] += 1
        except Exception:  # noqa: BLE001 - whatever it is, it is what this program looks for
            traceback.print_exc()
            print(f"CRASH: {name} {text!r} (case {number} of seed {seed})", file=sys.stderr)
            return 1
    print(f"{given.cases} strings, seed {seed}, {time.perf_counter() - began:.1f} s, no crash")
    for name in TARGETS:
        print(f"  {name:11} taken {counts[f'{name} taken']:6}   refused {counts[f'{name} refused']:6}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
