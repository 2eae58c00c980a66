"""Outcomes as JUnit XML, which every CI system reads: a suite a file, a test case a case."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from xml.etree import ElementTree

from kit.backtest.outcome import Outcome
from kit.backtest.render import plain, sentence

# What XML 1.0 cannot hold, not even escaped.
_NO_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(outcomes: Sequence[Outcome]) -> str:
    """The whole document; ``outcomes`` of one file stand together."""
    suites = ElementTree.Element("testsuites", _totals(outcomes))
    for file, group in groupby(outcomes, key=lambda outcome: outcome.file):
        members = list(group)
        suite = ElementTree.SubElement(suites, "testsuite", {"name": _clean(file), **_totals(members)})
        for outcome in members:
            name = {"name": _clean(outcome.case.name), "classname": _clean(file), "file": _clean(file)}
            case = ElementTree.SubElement(suite, "testcase", {**name, "time": f"{outcome.took_s:.4f}"})
            if not outcome.passed:
                message = "; ".join(sentence(failed) for failed in outcome.failed)
                failure = ElementTree.SubElement(case, "failure", {"message": _clean(message), "type": "expectation"})
                failure.text = _clean(plain(outcome))
    ElementTree.indent(suites)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suites, encoding="unicode") + "\n"


def _totals(outcomes: Sequence[Outcome]) -> dict[str, str]:
    failed = sum(not outcome.passed for outcome in outcomes)
    took = sum(outcome.took_s for outcome in outcomes)
    return {"tests": str(len(outcomes)), "failures": str(failed), "errors": "0", "time": f"{took:.4f}"}


def _clean(text: str) -> str:
    return _NO_XML.sub("�", text)
