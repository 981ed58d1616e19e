"""Formulas mean what arithmetic means, and nothing else can be written in them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from andaman.assessment.indicators.expression import evaluate, in_words, names, parse
from andaman.kernel.errors import BadRequestData

_numbers = st.integers(0, 999).map(str)
_formulas = st.recursive(
    st.one_of(_numbers, st.sampled_from(["a", "b"])),
    lambda part: st.one_of(
        st.tuples(part, st.sampled_from("+-*/"), part).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        part.map(lambda p: f"-{p}"),
        st.tuples(st.sampled_from(["min", "max"]), part, part).map(lambda t: f"{t[0]}({t[1]}, {t[2]})"),
    ),
    max_leaves=12,
)


@given(_formulas, st.floats(-9, 9), st.floats(-9, 9))
def test_agrees_with_python(formula: str, a: float, b: float) -> None:
    try:
        expected = eval(formula, {"__builtins__": {}, "min": min, "max": max}, {"a": a, "b": b})
    except (ZeroDivisionError, OverflowError) as error:
        with pytest.raises(type(error)):
            evaluate(parse(formula), {"a": a, "b": b})
        return
    got = evaluate(parse(formula), {"a": a, "b": b})
    assert got == pytest.approx(expected, rel=1e-12, abs=1e-12) or math.isnan(got)


def test_precedence_and_names() -> None:
    tree = parse("deaths / population * 100000 - 2 - 1")
    assert names(tree) == {"deaths", "population"}
    assert evaluate(tree, {"deaths": 1.0, "population": 10.0}) == 10_000 - 3


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    """No text does anything but give a tree or a BadRequestData."""
    refusal = None
    try:
        parse(text)
    except BadRequestData as error:
        refusal = error
    assert refusal is None or "position" in refusal.extra


@pytest.mark.parametrize(
    "wrong",
    ["", "a +", "a b", "(a", "a)", "a.b", "a[0]", "f(a)", "abs(a, b)", "min(a)", "a ** b", "1e", "'x'", "a = 1", "(" * 60 + "a" + ")" * 60, "a+" * 400 + "a"],
)  # fmt: skip
def test_refused(wrong: str) -> None:
    with pytest.raises(BadRequestData):
        parse(wrong)


@given(
    st.recursive(
        st.sampled_from(["a", "b", "2"]),
        lambda t: st.tuples(t, st.sampled_from("+-*/"), t).map(lambda p: f"({p[0]}{p[1]}{p[2]})"),
        max_leaves=6,
    )
)
def test_words_say_the_same_as_the_formula(text: str) -> None:
    """With names as words and the signs put back, the words are the same expression."""
    tree = parse(text)
    said = in_words(tree, {"a": "a", "b": "b"}).replace("×", "*").replace("÷", "/").replace("−", "-")
    given_ = {"a": 3.0, "b": 7.0}
    try:
        wanted = evaluate(tree, given_)
    except ZeroDivisionError:
        return
    assert evaluate(parse(said), given_) == pytest.approx(wanted)
