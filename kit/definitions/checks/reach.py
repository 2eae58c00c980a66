"""Which values a metric math expression can take: interval arithmetic over its tree, operands first.

A bound is never too tight; where nothing is known it is infinite, and no rule says anything. Besides the interval each
part keeps its linear form, because intervals alone don't see that ``bad/total`` stays within 0 and 1:

1. a part of a whole (``Fault`` of ``Requests``) is at most the whole, so in a numerator it counts up to the whole;
2. for metrics that are never negative, (n1·m1 + n2·m2) / (d1·m1 + d2·m2) lies between the smallest and the largest
   n/d (the mediant inequality).

Source of what a missing point does: User Guide, "Using metric math".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from math import inf, isfinite, isnan

from kit.evaluation.expression import Array, Binary, Call, Expression, Name, Node, Number, Unary, Word, operands

CONSTANT = ""
"""The key of the constant in a linear form; all other keys are ids of metrics."""

Linear = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Reach:
    """The values of one part: ``low`` to ``high``, whether it is a series, its linear form if it has one."""

    low: float = -inf
    high: float = inf
    series: bool = True
    linear: Linear | None = None

    @property
    def known(self) -> bool:
        return self.low > -inf or self.high < inf

    def or_zero(self) -> Reach:
        """With the 0 that a missing point counts as."""
        return replace(self, low=min(self.low, 0.0), high=max(self.high, 0.0))


UNKNOWN = Reach()


def hull(*parts: Reach) -> Reach:
    """The smallest reach around all of them; its linear form is lost."""
    if not parts:
        return UNKNOWN
    return Reach(min(part.low for part in parts), max(part.high for part in parts))


@dataclass(frozen=True, slots=True)
class Metrics:
    """What is known of an alarm's metrics, by id: each one's own reach, the whole that it is a part of, the period."""

    own: Mapping[str, Reach]
    whole: Mapping[str, str]
    period: float


@dataclass(slots=True)
class Analysis:
    """The reach of every part of an alarm's expressions."""

    metrics: Metrics
    expressions: Mapping[str, Expression]
    parts: dict[int, Reach] = field(default_factory=dict)
    _ids: dict[str, Reach] = field(default_factory=dict)

    def of(self, name: str) -> Reach:
        """The reach of a metric or expression by its id; the expressions must not need each other in a ring."""
        if name in self._ids:
            return self._ids[name]
        if name in self.expressions:
            found = self._expression(self.expressions[name])
        else:
            found = replace(self.metrics.own.get(name, UNKNOWN), linear={name: 1.0})
        self._ids[name] = found
        return found

    def part(self, node: Node) -> Reach:
        """The reach of a part of an expression that ``of`` has been asked about."""
        return self.parts.get(id(node), UNKNOWN)

    def _expression(self, expression: Expression) -> Reach:
        stack: list[Reach] = []
        for node in expression.steps:
            arity = len(operands(node))
            given = stack[len(stack) - arity :]
            del stack[len(stack) - arity :]
            found = self._node(node, given)
            self.parts[id(node)] = found
            stack.append(found)
        return stack[0]

    def _node(self, node: Node, given: list[Reach]) -> Reach:
        found = UNKNOWN
        match node:
            case Number(value):
                found = _constant(value)
            case Name(name):
                found = self.of(name)
            case Unary():
                found = _scaled(given[0], -1.0)
            case Binary(operator):
                found = self._binary(operator, *given)
            case Array():
                found = hull(*given)
            case Call():
                found = self._call(node, given)
        return found

    def _binary(self, operator: str, left: Reach, right: Reach) -> Reach:
        series = left.series or right.series
        if left.series and right.series:
            left, right = left.or_zero(), right.or_zero()
        match operator:
            case "+":
                found = _sum(left, right)
            case "-":
                found = _sum(left, _scaled(right, -1.0))
            case "*":
                found = _product(left, right)
            case "/":
                found = self._quotient(left, right)
            case "^":
                found = _power(left, right)
            case _:
                found = _truth(operator, left, right)
        return replace(found, series=series)

    def _quotient(self, left: Reach, right: Reach) -> Reach:
        divisor = _fixed(right)
        if divisor:
            return _scaled(left, 1 / divisor)
        found = self._share(left.linear, right.linear)
        if found is not None:
            return found
        if right.low > 0 or right.high < 0:
            return _product(replace(left, linear=None), _inverse(right))
        return UNKNOWN

    def _share(self, above: Linear | None, below: Linear | None) -> Reach | None:
        """The two steps that the module describes; None where they can't be taken."""
        if above is None or not below or CONSTANT in below or CONSTANT in above:
            return None
        if any(n <= 0 or self.metrics.own.get(name, UNKNOWN).low < 0 for name, n in below.items()):
            return None
        least, most = ({name: above.get(name, 0.0) for name in below} for _ in range(2))
        for name, n in above.items():
            if name in below:
                continue
            whole = self.metrics.whole.get(name, "")
            if whole not in below:
                return None
            least[whole] += min(n, 0.0)
            most[whole] += max(n, 0.0)
        return Reach(
            min(least[name] / n for name, n in below.items()), max(most[name] / n for name, n in below.items())
        )

    def _call(self, node: Call, given: list[Reach]) -> Reach:
        if node.function == "METRICS":
            return hull(*(self.of(name) for name in self.metrics.own))
        if node.function == "PERIOD":
            return _constant(self.metrics.period)
        if node.function == "SUM" and node.arguments and isinstance(node.arguments[0], Array):
            return self._sum_of(node.arguments[0])
        if node.function == "FILL" and isinstance(node.arguments[1], Number) and node.arguments[1].value == 0:
            return replace(given[0].or_zero(), linear=given[0].linear)
        given = [part for part, argument in zip(given, node.arguments, strict=True) if not isinstance(argument, Word)]
        function = _FUNCTIONS.get(node.function)
        return replace(function(given), series=True, linear=None) if function and given else UNKNOWN

    def _sum_of(self, array: Array) -> Reach:
        found = _constant(0.0)
        for item in array.items:
            if isinstance(item, Array):
                return UNKNOWN
            found = _sum(found, self.part(item).or_zero())
        return replace(found, series=True)


def _constant(value: float) -> Reach:
    return Reach(value, value, series=False, linear={CONSTANT: value})


def _fixed(reach: Reach) -> float | None:
    return reach.low if reach.low == reach.high and not reach.series and isfinite(reach.low) else None


def _scaled(reach: Reach, factor: float) -> Reach:
    low, high = sorted((_times(reach.low, factor), _times(reach.high, factor)))
    linear = None if reach.linear is None else {name: n * factor for name, n in reach.linear.items()}
    return Reach(low, high, reach.series, linear)


def _sum(left: Reach, right: Reach) -> Reach:
    linear: dict[str, float] | None = None
    if left.linear is not None and right.linear is not None:
        linear = dict(left.linear)
        for name, n in right.linear.items():
            linear[name] = linear.get(name, 0.0) + n
    return Reach(_plus(left.low, right.low, -inf), _plus(left.high, right.high, inf), linear=linear)


def _product(left: Reach, right: Reach) -> Reach:
    for one, other in ((left, right), (right, left)):
        if (factor := _fixed(one)) is not None:
            return _scaled(other, factor)
    corners = [_times(a, b) for a in (left.low, left.high) for b in (right.low, right.high)]
    return Reach(min(corners), max(corners))


def _inverse(reach: Reach) -> Reach:
    """1 / x, where 0 is out of reach."""
    low, high = sorted((1 / reach.low, 1 / reach.high))
    return Reach(low, high)


def _power(left: Reach, right: Reach) -> Reach:
    """Of what is not negative to a fixed power above 0; all else is unknown."""
    power = _fixed(right)
    if left.low < 0 or power is None or power <= 0:
        return UNKNOWN
    try:
        return Reach(left.low**power, left.high**power)
    except OverflowError:
        return Reach(0.0)


def _truth(operator: str, left: Reach, right: Reach) -> Reach:
    """A comparison gives 1 or 0: one of them for sure where the two reaches don't meet."""
    sure: dict[str, tuple[bool, bool]] = {
        "<": (left.high < right.low, left.low >= right.high),
        "<=": (left.high <= right.low, left.low > right.high),
        ">": (left.low > right.high, left.high <= right.low),
        ">=": (left.low >= right.high, left.high < right.low),
        "==": (left.low == left.high == right.low == right.high, left.high < right.low or right.high < left.low),
        "!=": (left.high < right.low or right.high < left.low, left.low == left.high == right.low == right.high),
    }
    yes, no = sure.get(operator, (False, False))
    return Reach(1.0 if yes else 0.0, 0.0 if no else 1.0)


def _if(given: list[Reach]) -> Reach:
    """Where the condition is true and its series lacks the point, the result is 0."""
    condition = given[0]
    chosen = [given[1].or_zero() if given[1].series else given[1], *given[2:3]]
    if condition.low == condition.high == 0:
        return hull(*chosen[1:])
    if condition.low > 0 or condition.high < 0:
        return chosen[0]
    return hull(*chosen)


def _around_zero(given: list[Reach]) -> Reach:
    return hull(*given).or_zero()


def _difference(given: list[Reach]) -> Reach:
    most = given[0].high - given[0].low if given[0].low > -inf and given[0].high < inf else inf
    return Reach(-most, most)


def _absolute(given: list[Reach]) -> Reach:
    low, high = given[0].low, given[0].high
    return Reach(0.0 if low <= 0 <= high else min(abs(low), abs(high)), max(abs(low), abs(high)))


def _rounded(given: list[Reach]) -> Reach:
    return Reach(given[0].low - 1, given[0].high + 1)


def _at_least_zero(_: list[Reach]) -> Reach:
    return Reach(0.0)


def _running(given: list[Reach]) -> Reach:
    return Reach(0.0 if given[0].low >= 0 else -inf, 0.0 if given[0].high <= 0 else inf)


def _same(given: list[Reach]) -> Reach:
    return hull(given[0])


def _calendar(low: float, high: float) -> Callable[[list[Reach]], Reach]:
    return lambda _: Reach(low, high)


_FUNCTIONS: dict[str, Callable[[list[Reach]], Reach]] = {
    "IF": _if,
    "ABS": _absolute,
    "CEIL": _rounded,
    "FLOOR": _rounded,
    "DIFF": _difference,
    "DIFF_TIME": _at_least_zero,
    "STDDEV": _at_least_zero,
    "DATAPOINT_COUNT": _at_least_zero,
    "RUNNING_SUM": _running,
    "AVG": _around_zero,
    "MIN": _same,
    "MAX": _same,
    "FILL": lambda given: hull(*given),
    **dict.fromkeys(("FIRST", "LAST", "SLICE", "SORT", "REMOVE_EMPTY", "TIME_SERIES"), _same),
    "MINUTE": _calendar(0, 59),
    "HOUR": _calendar(0, 23),
    "DAY": _calendar(1, 7),
    "DATE": _calendar(1, 31),
    "MONTH": _calendar(1, 12),
    "YEAR": _calendar(1970, 9999),
}


def _times(a: float, b: float) -> float:
    return 0.0 if a == 0 or b == 0 else a * b


def _plus(a: float, b: float, instead: float) -> float:
    total = a + b
    return instead if isnan(total) else total
