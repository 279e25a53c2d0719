"""Every rewrite changes what its name says, and the result is equal to what it was made of."""

from fractions import Fraction

import pytest
import sympy
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from test_expressions import to_sympy

from mathjax.problems import number_rewrites, rewrites
from mathjax.problems.expression_parser import parse
from mathjax.problems.expression_printers import to_text
from mathjax.problems.expressions import (
    Add,
    Div,
    Eq,
    ExpressionError,
    Mul,
    Neg,
    Num,
    Pow,
    Var,
    evaluate_at,
    terms_of,
)
from mathjax.problems.terms import build_term, split_term

VALUES = {"x": Fraction(3, 7), "y": Fraction(-5, 2), "z": Fraction(11, 3)}

NUMBERS = st.one_of(
    st.integers(-9, 9), st.fractions(min_value=-3, max_value=3, max_denominator=4)
).map(Num)
NAMES = st.sampled_from("xyz").map(Var)


def _grow(parts):
    some = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        some.map(Add),
        some.map(Mul),
        parts.map(Neg),
        st.builds(Div, parts, parts),
        st.builds(Pow, parts, st.integers(0, 3).map(Num)),
    )


TREES = st.recursive(st.one_of(NUMBERS, NAMES), _grow, max_leaves=8)
SUMS = st.lists(TREES, min_size=2, max_size=4).map(lambda terms: Add(tuple(terms)))
POLYNOMIALS = st.recursive(
    st.one_of(st.integers(-9, 9).map(Num), NAMES),
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=3).map(lambda p: Add(tuple(p))),
        st.lists(parts, min_size=2, max_size=3).map(lambda p: Mul(tuple(p))),
        parts.map(Neg),
    ),
    max_leaves=8,
)


def value(expression):
    try:
        return evaluate_at(expression, VALUES)
    except (ZeroDivisionError, ExpressionError):
        assume(False)


def of(name):
    return getattr(rewrites, name, None) or getattr(number_rewrites, name)


@settings(max_examples=300, deadline=None)
@given(SUMS, st.sampled_from(["group", "collect", "evaluate_products", "combine_fractions",
                              "evaluate", "evaluate_once", "expand", "plain_heads",
                              "reduce_numbers"]))  # fmt: skip
def test_sums_keep_their_value(total, name):
    before = value(total)
    assert value(of(name)(total)) == before


@settings(max_examples=150, deadline=None)
@given(SUMS)
def test_gathered_coefficients_and_orders_keep_the_value(total):
    before = value(total)
    assert value(rewrites.collect(total, evaluate=False)) == before
    assert value(rewrites.order_terms(total, key=to_text)) == before
    factor = rewrites.common_factor(total)
    assume(value(factor) != 0)
    assert value(rewrites.factor_out(total, factor)) == before
    assert value(rewrites.show_factor(total, factor)) == before


@settings(max_examples=150, deadline=None)
@given(SUMS, TREES, st.booleans(), st.booleans())
def test_distribute_keeps_the_value(total, other, first, negative):
    product = Mul((total, other) if first else (other, total))
    product = Neg(product) if negative else product
    before = value(product)
    for evaluated in (False, True):
        assert value(rewrites.distribute(product, evaluated)) == before


@settings(max_examples=100, deadline=None)
@given(POLYNOMIALS)
def test_expand_is_sympys(expression):
    ours = rewrites.expand(expression)
    assert sympy.expand(to_sympy(expression)) - to_sympy(ours) == 0
    kinds = [frozenset(split_term(term)[1]) for term in terms_of(ours)]
    assert len(set(kinds)) == len(kinds)


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_terms_split_and_build(term):
    before = value(term)
    coefficient, powers = split_term(term)
    assert value(build_term(coefficient, powers)) == before


@settings(max_examples=200, deadline=None)
@given(SUMS, SUMS, TREES)
def test_equations_keep_their_solutions(left, right, by):
    """Both sides change together: their difference is multiplied by what the name says."""
    equation = Eq(left, right)
    gap, factor = value(left) - value(right), value(by)
    assume(factor != 0)

    def gap_of(changed):
        return value(changed.left) - value(changed.right)

    assert gap_of(rewrites.swap_sides(equation)) == -gap
    assert gap_of(rewrites.negate_both_sides(equation)) == -gap
    assert gap_of(rewrites.add_to_both_sides(equation, by)) == gap
    assert gap_of(rewrites.multiply_both_sides(equation, by)) == gap * factor
    assert gap_of(rewrites.divide_both_sides(equation, by)) == gap / factor
    assert gap_of(rewrites.multiply_terms(equation, 6)) == gap * 6
    assert gap_of(rewrites.divide_terms(equation, 6)) == gap / 6
    for from_left in (True, False):
        moved = rewrites.move_term(equation, 1, from_left)
        assert gap_of(moved) == gap
    assume(value(left) != 0 and value(right) != 0)
    inverted = rewrites.invert_both_sides(equation)
    assert (value(inverted.left), value(inverted.right)) == (1 / value(left), 1 / value(right))


@settings(max_examples=100, deadline=None)
@given(TREES, TREES)
def test_substitution(expression, put):
    inner = value(put)
    replaced = rewrites.substitute(expression, {"x": put})
    try:
        expected = evaluate_at(expression, VALUES | {"x": inner})
    except ZeroDivisionError:
        return
    assert value(replaced) == expected


@pytest.mark.parametrize(
    "name,before,after",
    [
        ("distribute", "(2a - 3b)(c + 4)", "2a*c + 2a*4 - 3b*c - 3b*4"),
        ("distribute", "-2(a - 3)", "-2a + 2*3"),
        ("distribute", "(a + 1)(b + 2)(c + 3)", "(a*b + a*2 + 1*b + 1*2)(c + 3)"),
        ("evaluate_products", "2a*4 - 3b*2a", "8a - 6b*a"),
        ("collect", "3x + 2y - x", "2x + 2y"),
        ("collect", "3x - 2 - 3x", "-2"),
        ("collect", "x - x", "0"),
        ("group", "3x + 2y - x + 1", "3x - x + 2y + 1"),
        ("expand", "(x + 1)^2 - x*(x + 2)", "1"),
        ("common_factor", "6a*b + 9a^2", "3a"),
        ("combine_fractions", "1/a + 1/b", "(b + a)/(a*b)"),
        ("combine_fractions", "x/2 - 1/3", "(3x - 2)/6"),
        ("evaluate_once", "2*3^2 - (4 - 1)", "2*9 - (4 - 1)"),
        ("evaluate_once", "2*9 - (4 - 1)", "18 - (4 - 1)"),
        ("evaluate_once", "18 - (4 - 1)", "18 - 3"),
        ("evaluate_once", "-2*2 - 1", "-4 - 1"),
        ("evaluate", "2*3 + x", "6 + x"),
        ("evaluate", "sqrt(9/4) + sqrt(2)", "3/2 + sqrt(2)"),
        ("reduce_numbers", "3 + x - 1", "2 + x"),
        ("reduce_numbers", "x - 2 + y + 2", "x + y"),
        ("reduce_numbers", "x + y - 1 - 2", "x + y - 3"),
        ("reduce_numbers", "6x/(4y)", "3x/(2y)"),
        ("reduce_numbers", "6x/(3)", "2x"),
        ("reduce_numbers", "3/(6x)", "1/(2x)"),
        ("reduce_numbers", "a/(6s*5n)", "a/(30s*n)"),
        ("reduce_numbers", "(8/(5) - 1)/(z - 5)", "3/5/(z - 5)"),
        ("take_root", "x^2 = a + b", "x = sqrt(a + b)"),
        ("square_both_sides", "sqrt(x) = a", "x = a^2"),
        ("invert_both_sides", "1/x = a/b", "x = b/a"),
        ("negate_both_sides", "-x = 3 - y", "x = -3 + y"),
    ],
)  # fmt: skip
def test_examples(name, before, after):
    assert to_text(of(name)(parse(before))) == after


def test_examples_with_arguments():
    equation = parse("3x + 2 = y")
    assert to_text(rewrites.move_term(equation, 1)) == "3x = y - 2"
    assert to_text(rewrites.divide_both_sides(parse("3x = y - 2"), Num(3))) == "x = (y - 2)/3"
    assert to_text(rewrites.multiply_both_sides(parse("x/3 = y"), Num(3))) == "x = 3y"
    total = parse("6a*b + 9a*c - 3a")
    assert to_text(rewrites.show_factor(total, parse("3a"))) == "3a*2b + 3a*3c - 3a*1"
    assert to_text(rewrites.factor_out(total, parse("3a"))) == "3a*(2b + 3c - 1)"
    assert to_text(rewrites.collect(parse("3x + 2y - x"), evaluate=False)) == "(3 - 1)*x + 2y"
    assert to_text(rewrites.substitute(parse("x^2 - x"), {"x": -2})) == "(-2)^2 - (-2)"
    ordered = rewrites.order_terms(parse("b + a - c"), key=to_text)
    assert to_text(ordered) == "-c + a + b"


def test_what_does_not_apply_is_refused():
    for name, text in (
        ("distribute", "a*b"),
        ("distribute", "a + b"),
        ("take_root", "x = 3"),
        ("square_both_sides", "x = 3"),
    ):
        with pytest.raises(ExpressionError):
            of(name)(parse(text))
    with pytest.raises(ExpressionError):
        rewrites.factor_out(parse("a + b"), Var("a"))
