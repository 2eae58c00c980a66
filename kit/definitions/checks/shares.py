"""Divisions of one count by another inside an alarm: which ids count failures, which count everything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from kit.definitions.checks.reach import CONSTANT
from kit.definitions.checks.watch import COUNTS, Watch
from kit.evaluation.expression import Binary


@dataclass(frozen=True, slots=True)
class Share:
    """``part`` counts some of what ``whole`` counts. ``good``: the part counts successes; ``apart``: the whole is the
    sum of the part and the others. ``others`` are the remaining ids of the alarm."""

    part: str
    whole: tuple[str, ...]
    good: bool
    apart: bool
    others: tuple[str, ...]

    def with_failures(self, failures: int, traffic: int) -> Mapping[str, float]:
        """The value of each id when ``failures`` of ``traffic`` requests fail."""
        part = traffic - failures if self.good else failures
        rest = traffic - part if self.apart else traffic
        values = dict.fromkeys(self.others, 0.0)
        return {**values, **dict.fromkeys(self.whole, float(rest)), self.part: float(part)}


def shares(watch: Watch) -> Iterator[Share]:
    """Each quotient of counts in the alarm's expressions."""
    for expression in watch.expressions.values():
        for node in expression.steps:
            if isinstance(node, Binary) and node.operator == "/":
                yield from _share(watch, node)


def _share(watch: Watch, node: Binary) -> Iterator[Share]:
    above, below = (watch.analysis.part(part).linear for part in (node.left, node.right))
    if not above or not below or CONSTANT in above or CONSTANT in below:
        return
    if any(watch.uses[name].stat not in COUNTS for name in (*above, *below)):
        return
    parts = sorted(above.keys() - below.keys()) or sorted(above)
    apart = parts[0] in below
    whole = tuple(sorted(below.keys() - {parts[0]}))
    if not whole or len(parts) > 2:
        return
    others = tuple(watch.uses.keys() - {parts[0], *whole})
    for good in (False, True):
        share = Share(parts[0], whole, good, apart, others)
        all_fail, none_fail = (watch.value(share.with_failures(count, 100_000)) for count in (100_000, 0))
        if all_fail is None or none_fail is None or all_fail == none_fail:
            continue
        # Of the two readings only the one in which failing is the breaching direction makes sense.
        if (all_fail > none_fail) is watch.upwards:
            yield share
            return
