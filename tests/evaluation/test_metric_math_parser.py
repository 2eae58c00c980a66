from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kit.evaluation.expression import ExpressionError, parse
from kit.evaluation.unparse import unparse


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("m1+m2*m3", "m1 + (m2 * m3)"),
        ("m1-m2-m3", "(m1 - m2) - m3"),
        ("-m1^2", "-(m1 ^ 2)"),
        ("2^3^2", "2 ^ (3 ^ 2)"),
        ("m1 > 15 AND m2 > 15 OR m3", "((m1 > 15) AND (m2 > 15)) OR m3"),
        ("a && b || c", "(a AND b) OR c"),
        ("m1+m2>m3*2", "(m1 + m2) > (m3 * 2)"),
    ],
)
def test_operators_bind_in_the_usual_order(written: str, means: str) -> None:
    assert parse(written).root == parse(means).root


@pytest.mark.parametrize(
    ("text", "position", "message"),
    [
        ("", 0, "but found the end of the expression"),
        ("m1 m2", 3, "expected an operator or the end"),
        ("m1 +", 4, "expected a number, an id, a function"),
        ("(m1 + m2", 8, r"expected an operator or '\)'"),
        ("SUM(m1", 6, r"',' or '\)'"),
        ("[m1, m2", 7, r"',' or '\]'"),
        ("sum(m1)", 0, "a function in upper case"),
        ("m1 = 2", 3, "equality is =="),
        ("m1 & m2", 3, "AND"),
        ("_m1", 0, "lower-case"),
        ("SEARCH('x", 7, "closing '"),
        ("m1 + 1e999", 5, "too large"),
        ("é1", 0, "no part of metric math"),
        ("m1)", 2, "expected an operator"),
        ("SUM(,m1)", 4, "expected a number"),
        ("(" * 2000, 60, "nested"),
    ],
)
def test_an_error_names_the_position_and_what_was_expected(text: str, position: int, message: str) -> None:
    with pytest.raises(ExpressionError, match=message) as caught:
        parse(text)
    assert caught.value.position == position
    assert f"(at character {position + 1})" in str(caught.value)


def test_a_sum_of_a_thousand_terms_is_read_and_written_without_recursion() -> None:
    text = " + ".join(["m1"] * 1000)
    assert unparse(parse(text)) == text


atoms = st.one_of(
    st.sampled_from(["m1", "reqs", "a_9", "1", "0.5", "1e3", ".5", "'it'", "REPEAT", '"q\\"q"']),
    st.floats(0, 1e12, allow_nan=False).map(repr),
)


def _grow(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operators = st.sampled_from(["+", "-", "*", "/", "^", "==", "!=", "<", "<=", ">", ">=", "AND", "OR", "&&", "||"])
    return st.one_of(
        st.tuples(inner, operators, inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"-{text}"),
        st.lists(inner, min_size=1, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(inner, max_size=3).map(lambda items: f"FUNC_9({','.join(items)})"),
    )


@given(st.recursive(atoms, _grow, max_leaves=12))
def test_an_expression_written_out_again_is_the_same_expression(text: str) -> None:
    parsed = parse(text)
    written = unparse(parsed)
    again = parse(written)
    assert again.root == parsed.root
    assert unparse(again) == written


@settings(max_examples=300)
@given(
    st.one_of(
        st.text(max_size=60),
        st.text(alphabet="mABS09 .+-*/^()[],'\"<>=!&|\\\n", max_size=60),
        st.lists(
            st.sampled_from(["m1", "SUM", "(", ")", "[", "]", ",", "IF", "AND", "-", "^", "1.5", "'x'", "<", " "]),
            max_size=40,
        ).map("".join),
    )
)
def test_no_text_crashes_the_parser(text: str) -> None:
    refusal = _refusal(text)
    assert refusal is None or 0 <= refusal.position <= len(text)


def _refusal(text: str) -> ExpressionError | None:
    try:
        unparse(parse(text))
    except ExpressionError as error:
        return error
    return None
