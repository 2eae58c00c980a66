"""``python -m kit.emulator.operations_table`` writes the table of operations into docs/fidelity.md, between its marks.

``--check`` only says whether the table is stale.

Which operations there are is known from the files that answer them. What of one is missing is read off the code too: a
member of its input that no string in the modules behind the operation mentions can't be read, and one of its output
that the whole service doesn't mention (what one operation stores another answers) can't be answered. What the members
don't show stands in LIMITS.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from kit.emulator.protocol.model import Ref, ServiceModel
from kit.emulator.protocol.operations import file_name
from kit.emulator.protocol.service import Service
from kit.emulator.services import build_services

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "fidelity.md"
BEGIN, END = "<!-- operations: made by python -m kit.emulator.operations_table -->", "<!-- end of operations -->"

TITLES = {"cloudwatch": "CloudWatch", "logs": "CloudWatch Logs", "xray": "X-Ray"}

# What is missing though every member is known.
LIMITS: Mapping[tuple[str, str], str] = {
    (
        "cloudwatch",
        "GetMetricData",
    ): "no Metrics Insights queries; [metric math](#metric-math) names the functions that are refused",
    (
        "cloudwatch",
        "PutMetricAlarm",
    ): "no anomaly detection, Metrics Insights or PromQL; only SNS actions are performed",
    ("cloudwatch", "PutCompositeAlarm"): "only SNS actions are performed",
    ("cloudwatch", "PutDashboard"): "`custom` and `chart` widgets are taken unchecked",
    (
        "logs",
        "StartQuery",
    ): "`fields`, `display`, `filter`, `sort`, `limit` and one `stats` with `bin`; other commands and functions are "
    "refused as malformed",
    ("logs", "StopQuery"): "always refused: a query has ended when its id is known",
    ("xray", "GetSamplingRules"): "always the default rule, since none can be made",
    ("xray", "PutTelemetryRecords"): "taken, and thrown away",
}
# Members that AWS, too, no longer heeds.
_MEANINGLESS = {("logs", "PutLogEvents"): {"sequenceToken"}, ("logs", "FilterLogEvents"): {"interleaved"}}

_HEAD = """## Operations

Made from the code by `python -m kit.emulator.operations_table`; a test fails when it is stale. Members are named as in
AWS's API. One that is "not read" is taken and has no effect, or is refused by name. An operation that is not here says
so with `UnknownOperationException` (`InvalidAction` in the query protocol).

CloudWatch is spoken in AWS JSON, Smithy RPC v2 CBOR and the query protocol, Logs in AWS JSON, X-Ray in REST-JSON;
bodies may be packed with gzip. SNS, SQS, EventBridge, STS, CloudFormation and others are answered by moto.
"""


@dataclass(slots=True)
class Words:
    """What a module's strings, attributes and keywords may spell."""

    exact: set[str] = field(default_factory=set)
    patterns: list[re.Pattern[str]] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)

    def __contains__(self, name: str) -> bool:
        return name in self.exact or any(pattern.fullmatch(name) for pattern in self.patterns)


def render() -> str:
    """What stands between the marks."""
    return "\n".join([_HEAD, *(_service(service) for service in build_services().values())])


def missing(service: Service, operation: str) -> tuple[list[str], list[str]]:
    """The members of an operation's input that nothing reads, and those of its output that nothing answers."""
    words = _behind([_module(service, operation)], service.name)
    everything = _behind(
        [_module(service, o) for o in service.model.operations if o in service.operations], service.name
    )
    described = service.model.operations[operation]
    meaningless = _MEANINGLESS.get((service.name, operation), set())
    unread = [name for name in _unknown(service.model, described.input, words) if name not in meaningless]
    return unread, _unknown(service.model, described.output, everything)


def _service(service: Service) -> str:
    here = [name for name in sorted(service.model.operations) if name in service.operations]
    absent = [name for name in sorted(service.model.operations) if name not in service.operations]
    lines = [
        f"### {TITLES[service.name]}: operations",
        "",
        f"{len(here)} of the {len(service.model.operations)} operations.",
        "",
        "| operation | here | what is missing |",
        "|---|---|---|",
        *(_row(service, name) for name in here),
        "",
        f"No: {', '.join(f'`{name}`' for name in absent)}.",
        "",
    ]
    return "\n".join(lines)


def _row(service: Service, operation: str) -> str:
    unread, unanswered = missing(service, operation)
    limit = LIMITS.get((service.name, operation))
    parts = [limit] if limit else []
    if unread:
        parts.append(f"not read: {_listed(unread)}")
    if unanswered:
        parts.append(f"not answered: {_listed(unanswered)}")
    return f"| {operation} | {'partly' if parts else 'yes'} | {'; '.join(parts)} |"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _unknown(model: ServiceModel, ref: Ref | None, words: Words) -> list[str]:
    """Dotted names of members that the words don't hold, below members that they do."""
    return [] if ref is None else list(_walk(model, ref, words, ()))


def _walk(model: ServiceModel, ref: Ref, words: Words, above: tuple[str, ...]) -> Iterator[str]:
    shape = model.shapes[ref.shape]
    for inner in (shape.member, shape.value):
        if inner is not None and inner.shape not in above:
            yield from _walk(model, inner, words, (*above, ref.shape))
    for name, inner in shape.members.items():
        if name not in words:
            yield name
        elif inner.shape not in above:
            below = list(_walk(model, inner, words, (*above, ref.shape)))
            # a structure of which nothing is known is refused or passed over as a whole
            yield from [name] if below and set(below) >= _leaves(model, inner) else [f"{name}.{x}" for x in below]


def _leaves(model: ServiceModel, ref: Ref) -> set[str]:
    shape = model.shapes[ref.shape]
    return set(shape.members) if shape.member is None else _leaves(model, shape.member)


def _module(service: Service, operation: str) -> str:
    return f"kit.emulator.{service.name}.operations.{file_name(operation)}"


def _behind(modules: Sequence[str], service: str) -> Words:
    """The words of modules and of those they import, in the service's own room and in the evaluation."""
    found, seen, waiting = Words(), set[str](), list(modules)
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        words = _words(name)
        found.exact |= words.exact
        found.patterns += words.patterns
        waiting += [x for x in words.imports if x.startswith((f"kit.emulator.{service}", "kit.evaluation"))]
    return found


@cache
def _words(module: str) -> Words:
    words = Words()
    for node in ast.walk(ast.parse(_file(module).read_text(encoding="utf-8"))):
        match node:
            case ast.Constant(value=str(text)):
                words.exact.add(text)
            case ast.JoinedStr(values=parts):
                texts = [part.value if isinstance(part, ast.Constant) else None for part in parts]
                if sum(len(text) for text in texts if isinstance(text, str)) > 4:
                    words.patterns.append(
                        re.compile("".join(re.escape(t) if isinstance(t, str) else r"\w+" for t in texts))
                    )
            case ast.ImportFrom(module=str(source), names=names) if source.startswith("kit."):
                words.imports |= {f"{source}.{n.name}" if _is_module(f"{source}.{n.name}") else source for n in names}
    return words


def _file(module: str) -> Path:
    path = ROOT.joinpath(*module.split("."))
    return path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"


def _is_module(name: str) -> bool:
    return _file(name).exists()


def main(arguments: Sequence[str]) -> int:
    """Write the table, or with ``--check`` compare it: 1 if it is stale."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: python -m kit.emulator.operations_table [--check]\n")
        return 2
    page = PAGE.read_text(encoding="utf-8")
    before, begin, rest = page.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not (begin and end):
        sys.stderr.write(f"{PAGE.name} lacks the marks {BEGIN} and {END}\n")
        return 1
    fresh = f"\n{render()}"
    if not arguments:
        PAGE.write_text(f"{before}{begin}{fresh}{end}{after}", encoding="utf-8")
        return 0
    if table == fresh:
        return 0
    sys.stderr.write(f"the table in docs/{PAGE.name} is stale: run python -m kit.emulator.operations_table\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
