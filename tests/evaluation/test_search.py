"""SEARCH: which metrics it finds. Examples from the User Guide, "CloudWatch search expression syntax"."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.evaluation.request import MetricRef
from kit.evaluation.search import Search, SearchError, parse_search
from kit.evaluation.search_terms import tokens_of, word_matches


def metric(name: str, namespace: str = "AWS/EC2", **dimensions: str) -> MetricRef:
    return MetricRef(namespace, name, tuple(sorted(dimensions.items())))


@pytest.mark.parametrize(
    ("original", "tokens"),
    [
        ("CustomCount1", "customcount1 custom count 1"),
        ("SDBFailure", "sdbfailure sdb failure"),
        ("Project2-trial333", "project2trial333 project 2 trial 333"),
        ("Network-Errors_2", "networkerrors2 network errors 2"),
        ("AWS/EC2", "awsec2 aws ec 2"),
        ("", ""),
        ("--", ""),
    ],
)
def test_the_documented_tokens(original: str, tokens: str) -> None:
    """Of the section "Tokenization"; the joined token of Network-Errors_2 stands in its table's other rows only."""
    assert tokens_of(original) == set(tokens.split())


@pytest.mark.parametrize(
    ("word", "name", "found"),
    [
        # "Partial matches"
        ("count", "CustomCount1", True),
        ("Count", "CustomCount1", True),
        ("COUNT", "CustomCount1", True),
        ("couNT", "CustomCount1", False),
        ("CustomCount", "CustomCount1", True),
        ("Count1", "CustomCount1", True),
        ("customcount", "CustomCount1", False),
        ("count1", "CustomCount1", False),
        ("Custom1", "CustomCount1", False),
        # "Non-alphanumeric characters"
        *((word, name, True) for word in ("network/errors", "network+errors", "network-errors", "Network_Errors")
          for name in ("Network-Errors-2", "NetworkErrors2")),
        # "Boolean operators"
        ("EC2", "AWS/EC2", True),
        ("EBS", "AWS/EBS", True),
        ("ReadOps", "DiskReadOps", True),
        ("AWS", "AWS/Lambda", True),
        ("i-1234567890123456", "i-1234567890123456", True),
        ("i-1234567890123456", "i-6543210987654321", False),
        ("micro", "t2.micro", True),
        ("-", "a-b", False),
        ("a-b", "ab-a-b", True),
        ("net-work", "NetworkErrors", False),
        ("net-work", "Network", True),
    ],
)  # fmt: skip
def test_the_documented_partial_matches(word: str, name: str, found: bool) -> None:
    assert word_matches(word, name) is found


CPU = metric("CPUUtilization", InstanceId="i-1234567890123456")
TYPED = metric("CPUUtilization", InstanceType="t2.micro")
WHOLE = metric("CPUUtilization")
PACKETS = metric("NetworkPacketsIn", InstanceId="i-2")
LCU = metric("ConsumedLCUs", "AWS/NetworkELB", LoadBalancer="net/a/1")
FLOWS = metric("ActiveFlowCount", "AWS/NetworkELB", LoadBalancer="net/a/1")
ERRORS = metric("Errors", "AWS/Lambda", FunctionName="ProjectC")
CALLS_A = metric("Invocations", "AWS/Lambda", FunctionName="ProjectA")
CALLS_C = metric("Invocations", "AWS/Lambda", FunctionName="ProjectC")
EBS = metric("VolumeReadOps", "AWS/EBS", VolumeId="ProjectA")
SQS = metric("ReadOps", "AWS/SQS", QueueName="q")
CUSTOM = metric("CustomCount1", "MyNamespace")
ODD = metric("Custom:Name[Special_Characters", "My Namespace", **{"Dimension@Name": "CustomCount1"})
EUROPE = metric("Europe\\France Traffic(Network)", "My Namespace")
CONNECTIONS = metric("ConnectionErrors", "MyNamespace")
EVERY = [CPU, TYPED, WHOLE, PACKETS, LCU, FLOWS, ERRORS, CALLS_A, CALLS_C, EBS, SQS, CUSTOM, ODD, EUROPE, CONNECTIONS]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        (' {AWS/EC2,InstanceId} MetricName="CPUUtilization" ', [CPU]),
        (' {AWS/EC2,InstanceType} MetricName="CPUUtilization" ', [TYPED]),
        (' {AWS/EC2} MetricName="CPUUtilization" ', [WHOLE]),
        ("{AWS/EC2,InstanceId}", [CPU, PACKETS]),
        (' {AWS/EC2,InstanceType} InstanceType=micro MetricName="CPUUtilization" ', [TYPED]),
        (' InstanceType="t2.micro" Namespace="AWS/EC2" ', [TYPED]),
        (" InstanceType=t2 ", [TYPED]),
        (' {MyNamespace}, "CustomCount1" ', [CUSTOM]),
        (' {MyNamespace}, "customcount1" ', []),
        (' {MyNamespace}, "Custom" ', []),
        (' "CustomCount1" ', [CUSTOM, ODD]),
        (' MetricName="CustomCount1" ', [CUSTOM]),
        (' {AWS/NetworkELB, LoadBalancer} "ConsumedLCUs" OR flow ', [LCU, FLOWS]),
        (' {"My Namespace", "Dimension@Name"}, "Custom:Name[Special_Characters" ', [ODD]),
        (r' "Europe\\France Traffic\(Network\)" ', [EUROPE]),
        ("{AWS/EC2,InstanceId} network AND packets", [PACKETS]),
        (" {AWS/EC2,InstanceId} network packets ", [PACKETS]),
        (' {AWS/EC2,InstanceId} MetricName="CPUUtilization" NOT i-1234567890123456 ', []),
        ("NOT Namespace=AWS ", [CUSTOM, ODD, EUROPE, CONNECTIONS]),
        (' {AWS/Lambda,FunctionName} NOT "ProjectA" NOT "ProjectB" ', [ERRORS, CALLS_C]),
        (" (EC2 OR EBS) AND MetricName=ReadOps ", [EBS]),
        (" (EC2 OR EBS) MetricName=ReadOps ", [EBS]),
        (" (EC2 OR EBS) AND ReadOps AND ProjectA ", [EBS]),
        (
            ' {AWS/Lambda,FunctionName} MetricName="Errors" OR (MetricName="Invocations" AND (ProjectA OR ProjectB)) ',
            [ERRORS, CALLS_A],
        ),
        (" Errors ", [ERRORS, CONNECTIONS]),
        (' "Errors" ', [ERRORS]),
        # as the consoles and Grafana write several values of one dimension
        ('{AWS/Lambda,FunctionName} "FunctionName"=("ProjectA" OR "ProjectC") MetricName="Invocations"',
         [CALLS_A, CALLS_C]),
        ("MetricName=NOT Errors", None),
        (":aws.AccountId = 123456789012 EBS", [EBS]),
        (":aws.AccountId=LOCAL EBS", [EBS]),
        (":aws.AccountId=999999999999", []),
        ("network OR flow AND count", [PACKETS, LCU, FLOWS, EUROPE]),
        ("NOT NOT flow", [FLOWS]),
    ],
)  # fmt: skip
def test_the_documented_searches(search: str, found: list[MetricRef] | None) -> None:
    """Also of "CloudWatch search expression examples"."""
    if found is None:
        with pytest.raises(SearchError):
            parse_search(search)
        return
    parsed = parse_search(search)
    assert [each for each in EVERY if parsed.matches(each, "123456789012")] == found


@pytest.mark.parametrize(
    ("search", "position", "message"),
    [
        ("", 0, "expected a term to look for, but found the end of the search"),
        ("{}", 1, "expected a namespace"),
        ("{AWS/EC2", 8, "expected ',' or '}'"),
        ("{My Namespace}", 4, "must be in double quotes"),
        ("{A,}", 3, "the name of a dimension"),
        ('"open', 0, "closing double quote"),
        ("(a OR b", 7, "expected a term, AND, OR, NOT or ')'"),
        ("a) b", 1, "expected a term, AND, OR, NOT or the end"),
        ("a AND", 5, "expected a term to look for"),
        ("OR a", 0, "expected a term to look for"),
        ("MetricName=", 11, "expected a term to look for"),
        ("a=b=c", 2, "found the designator 'b='"),
        ("{A} {B}", 4, "expected a term"),
        ("a\\", 1, "a character after the backslash"),
        ("(" * 61 + "a" + ")" * 61, 60, "more than 60 levels"),
        ("x" * 1025, 1024, "at most 1024 characters"),
    ],
)
def test_a_search_that_can_not_be_used_says_where_and_why(search: str, position: int, message: str) -> None:
    with pytest.raises(SearchError) as caught:
        parse_search(search)
    assert caught.value.position == position
    assert message in str(caught.value)


words = st.sampled_from(["a", "Errors", '"Errors"', "MetricName=Errors", 'Namespace="AWS/EC2"', "i-2"])


def _grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, st.sampled_from([" AND ", " OR ", " "]), inner)
    return pairs.map(lambda parts: f"({''.join(parts)})") | inner.map(lambda part: f"NOT {part}")


@given(st.recursive(words, _grown, max_leaves=6), st.recursive(words, _grown, max_leaves=6))
def test_the_laws_of_and_or_and_not_hold(left: str, right: str) -> None:
    def find(text: str) -> Any:
        parsed: Search = parse_search(text)
        return [parsed.matches(each) for each in EVERY]

    assert find(f"{left} {right}") == find(f"{left} AND {right}") == find(f"NOT (NOT {left} OR NOT {right})")
    assert find(f"NOT NOT {left}") == find(left)


@given(st.text(max_size=30))
def test_a_name_is_found_by_itself_in_double_quotes_and_by_its_own_words(name: str) -> None:
    if tokens_of(name):
        assert word_matches(name, name)
    if name:
        escaped = "".join(f"\\{c}" if c in '"\\()' else c for c in name)
        assert parse_search(f'MetricName="{escaped}"').matches(metric(name))
