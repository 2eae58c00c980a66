"""Valid sets of definitions: metric alarms with every field, math alarms, composites, dashboards."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from kit.definitions import AlarmFile, CompositeFile, DashboardFile, Definitions

words = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789_-", min_size=1, max_size=12)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=40)
topics = st.sampled_from(["arn:aws:sns:us-east-1:123456789012:page", "arn:aws:sns:us-east-1:123456789012:ticket"])
actions = st.lists(topics, max_size=2, unique=True)
thresholds = st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e9, 1e9, allow_nan=False))
operators = st.sampled_from(
    ["GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"]
)
dimensions = st.dictionaries(words, words, max_size=4).map(
    lambda found: [{"Name": name, "Value": value} for name, value in found.items()]
)
statistics = st.sampled_from(["SampleCount", "Average", "Sum", "Minimum", "Maximum"])
tags = st.dictionaries(words, texts, max_size=3).map(
    lambda found: [{"Key": "kit:set", "Value": "shop"}, *({"Key": k, "Value": v} for k, v in found.items())]
)


@st.composite
def common(draw: st.DrawFn, name: str) -> dict[str, Any]:
    found = {"AlarmName": name, "Tags": draw(tags)}
    optional: dict[str, st.SearchStrategy[Any]] = {
        "AlarmDescription": texts,
        "ActionsEnabled": st.booleans(),
        "OKActions": actions,
        "AlarmActions": actions,
        "InsufficientDataActions": actions,
    }
    return found | {key: draw(value) for key, value in optional.items() if draw(st.booleans())}


@st.composite
def evaluated(draw: st.DrawFn) -> dict[str, Any]:
    periods = draw(st.integers(1, 10))
    found = {
        "EvaluationPeriods": periods,
        "Threshold": draw(thresholds),
        "ComparisonOperator": draw(operators),
    }
    if draw(st.booleans()):
        found["DatapointsToAlarm"] = draw(st.integers(1, periods))
    if draw(st.booleans()):
        found["TreatMissingData"] = draw(st.sampled_from(["breaching", "notBreaching", "ignore", "missing"]))
    return found


@st.composite
def metric_alarm(draw: st.DrawFn, name: str) -> dict[str, Any]:
    found = {
        **draw(common(name)),
        **draw(evaluated()),
        "Namespace": draw(words),
        "MetricName": draw(words),
        "Period": draw(st.sampled_from([10, 30, 60, 300, 3600])),
    }
    if draw(st.booleans()):
        found["Dimensions"] = draw(dimensions)
    if draw(st.booleans()):
        found["Unit"] = draw(st.sampled_from(["Count", "Seconds", "Percent", "Bytes/Second"]))
    if draw(st.booleans()):
        found["Statistic"] = draw(statistics)
    else:
        found["ExtendedStatistic"] = draw(st.sampled_from(["p99", "p50", "tm95", "TM(10%:90%)"]))
        if found["ExtendedStatistic"].startswith("p") and draw(st.booleans()):
            found["EvaluateLowSampleCountPercentile"] = draw(st.sampled_from(["evaluate", "ignore"]))
    return found


@st.composite
def math_alarm(draw: st.DrawFn, name: str) -> dict[str, Any]:
    period = draw(st.sampled_from([10, 60, 300, 3600]))
    count = draw(st.integers(1, 4))
    queries: list[dict[str, Any]] = []
    for index in range(count):
        metric: dict[str, Any] = {"Namespace": draw(words), "MetricName": draw(words)}
        if draw(st.booleans()):
            metric["Dimensions"] = draw(dimensions)
        stat = {"Metric": metric, "Period": period, "Stat": draw(statistics)}
        queries.append({"Id": f"m{index}", "MetricStat": stat, "ReturnData": False})
    expression = draw(st.sampled_from(["m0 * 2", "IF(m0 > 3, m0, 0)", "FILL(m0, 0) / 4", f"m0 + m{count - 1}"]))
    watched: dict[str, Any] = {"Id": "e", "Expression": expression}
    if draw(st.booleans()):
        watched["Label"] = draw(texts)
    if draw(st.booleans()):
        watched["ReturnData"] = True
    queries.insert(draw(st.integers(0, count)), watched)
    return {**draw(common(name)), **draw(evaluated()), "Metrics": queries}


@st.composite
def composite(draw: st.DrawFn, name: str, children: list[str]) -> dict[str, Any]:
    atoms = draw(st.lists(st.sampled_from(children), min_size=1, max_size=4))
    states = [f'{draw(st.sampled_from(["ALARM", "OK", "INSUFFICIENT_DATA"]))}("{atom}")' for atom in atoms]
    found = {**draw(common(name)), "AlarmRule": draw(st.sampled_from([" AND ", " OR NOT "])).join(states)}
    if draw(st.booleans()):
        found |= {"ActionsSuppressor": draw(st.sampled_from(children))}
        found |= {"ActionsSuppressorWaitPeriod": draw(st.integers(0, 600))}
        found |= {"ActionsSuppressorExtensionPeriod": draw(st.integers(0, 600))}
    return found


@st.composite
def dashboard(draw: st.DrawFn, children: list[str]) -> dict[str, Any]:
    widgets: list[dict[str, Any]] = []
    for index in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["text", "metric", "alarm"]))
        arns = [f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{child}" for child in children]
        row = [draw(words), draw(words), draw(words), draw(words), {"stat": draw(statistics)}]
        properties: dict[str, Any] = {
            "text": {"markdown": draw(texts) or "x"},
            "metric": {"region": "us-east-1", "title": draw(texts), "metrics": [row]},
            "alarm": {"alarms": arns[:3]},
        }[kind]
        widgets.append({"type": kind, "x": 0, "y": index * 6, "width": 12, "height": 6, "properties": properties})
    found: dict[str, Any] = {"widgets": widgets}
    if draw(st.booleans()):
        found["start"] = draw(st.sampled_from(["-PT3H", "-P7D"]))
    return found


@st.composite
def definitions(draw: st.DrawFn) -> Definitions:
    """A whole set of a few of each kind."""
    names = draw(st.lists(words.map(lambda word: f"shop-{word}"), min_size=1, max_size=3, unique=True))
    alarms = [draw(st.one_of(metric_alarm(name), math_alarm(name))) for name in names]
    composites = []
    known = list(names)
    for name in draw(st.lists(words.map(lambda word: f"both-{word}"), max_size=2, unique=True)):
        composites.append(draw(composite(name, known)))
        known.append(name)
    boards = draw(st.lists(words, max_size=1))
    return Definitions(
        alarms=tuple(AlarmFile(f"alarms/{one['AlarmName']}.json", one) for one in alarms),
        composites=tuple(CompositeFile(f"alarms/{one['AlarmName']}.json", one) for one in composites),
        dashboards=tuple(DashboardFile(f"dashboards/{one}.json", one, draw(dashboard(known))) for one in boards),
    )
