"""Scores as others make them, beside ours; and the majority vote."""

from fractions import Fraction

import pytest
from numeric_cases import GOLD, OPTIONS

from mathjax.answers.majority import majority, score_majority
from mathjax.answers.numeric import flexible, paper, rounded, score, strict


@pytest.mark.parametrize(
    "response,is_strict,is_flexible,is_ours",
    [
        ("#### 18", True, True, True),
        ("#### 18.", True, True, True),
        ("#### $18", False, True, True),
        ("#### 18.00", False, False, True),
        ("The answer is 18.", False, True, True),
        ("The answer is 18. She has 3 ducks.", False, False, True),
        ("#### 18\n#### 20", True, False, False),
        ("#### 20\n#### 18", False, True, True),
        ("#### 18 so 20", True, False, True),
        ("It is 20...", False, False, False),
        ("18 ...", False, False, True),
        ("#### 1,8", True, True, False),
        ("#### 18 Question: #### 20", True, True, True),
        ("#### 18</s>#### 20", True, True, True),
        ("18 Q: 20", False, False, True),
    ],
)
def test_variants_side_by_side(response, is_strict, is_flexible, is_ours):
    assert strict(response, GOLD).correct == is_strict
    assert flexible(response, GOLD).correct == is_flexible
    assert score("gsm8k", response, GOLD).correct == is_ours


def test_variants_of_the_harness_in_detail():
    assert strict("x", GOLD).reason == "no_answer"
    assert strict("x", "[invalid]").correct  # as the harness has it
    assert flexible("...", "#### ...").correct
    assert strict("The answer is 18.", GOLD, task="gsm8k_cot")
    assert not strict("the answer is 18.", GOLD, task="gsm8k_cot")
    assert flexible("-5 -6", "#### -6")
    assert strict("#### -1,000.", "foo\n#### -1000")
    with pytest.raises(ValueError):
        strict("5", "5", task="gsm9k")
    with pytest.raises(TypeError):
        flexible(None, "5")


@pytest.mark.parametrize(
    "response,expected",
    [
        ("The answer is 18", True),
        ("the answer is 18.", True),
        ("THE ANSWER IS 1,8", True),
        ("The answer is 18. The answer is 20.", True),
        ("The answer is 20. The answer is 18.", False),
        ("#### 20\n18.0", True),
        ("18 20", False),
        ("The answer is nothing. 18", True),
        ("18. The answer is nothing", False),
        ("x", False),
    ],
)
def test_paper_variant(response, expected):
    assert paper(response, GOLD).correct == expected


def test_rounded_is_a_column_of_its_own():
    reference = "26 / 6 = 4.33\n#### 4.33"
    for response in ("The answer is 26/6.", "4.333333", "4.3333", "4.33", "4 1/3"):
        assert rounded(response, reference), response
    for response in ("4.34", "4.3", "4.4", "4.336", "433", "-4.33", "no", "The answer is None"):
        assert not rounded(response, reference), response
    assert not score("gsm_plus", "The answer is 26/6.", reference)
    assert not rounded("4.4", "#### 4") and not rounded("17.9", 18) and rounded("18", 18)
    assert rounded("The answer is None.", "None")


def test_majority_by_value():
    samples = ["The answer is 17.", "#### 18", "18.0", "The answer is $18.00", "17", "who knows"]
    winner, votes = majority("gsm8k", samples)
    assert winner.value == 18 and votes == {Fraction(17): 2, Fraction(18): 3}
    assert score_majority("gsm8k", samples, GOLD)
    assert score_majority("gsm8k", ["17", "18", "18", "17"], 17)  # a tie: the first seen
    assert not score_majority("gsm8k", ["18", "17", "17", "18"], 17)
    assert majority("gsm8k", ["x", ""]) == (None, {})
    assert score_majority("gsm8k", [], 5).reason == "no_answer"
    assert score_majority("aqua", ["The answer is A", "(B)", "The answer is 21.5"], "B", OPTIONS)
    formulas = ["\\boxed{x^2-1}", "\\boxed{x}", "\\boxed{(x-1)(x+1)}", "\\boxed{y}"]
    assert majority("math", formulas)[1] == {"x^2-1": 2, "x": 1, "y": 1}
    assert score_majority("math", formulas, "\\boxed{-1+x^2}")
    assert score_majority("math", ["\\boxed{\\frac{1}{2}}", "\\boxed{0.5}", "\\boxed{3}"], "1/2")
    with pytest.raises(TypeError):
        majority("gsm8k", "18")
