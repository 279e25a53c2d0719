"""Roots of quadratics by the discriminant: exact, and decimal where they are irrational.

Solve for x: x^2 = x + 1
x^2 - x - 1 = 0
discriminant = (-1)^2 - 4*1*(-1)
discriminant = 1 - (-4)
discriminant = 5
x = (1 - sqrt(5))/(2*1) or x = (1 + sqrt(5))/(2*1)
x = (1 - sqrt(5))/2 or x = (1 + sqrt(5))/2
x is about -0.618 or 1.618
Answer: x = (1 - sqrt(5))/2 or x = (1 + sqrt(5))/2
"""

from __future__ import annotations

import math
from fractions import Fraction

from mathjax.problems.expressions import (
    Add,
    Div,
    Eq,
    Expression,
    Mul,
    Neg,
    Num,
    Pow,
    sqrt,
    terms_of,
)
from mathjax.problems.number_rewrites import evaluate_once
from mathjax.problems.rewrites import (
    move_term,
    negate_both_sides,
)
from mathjax.problems.rule_base import TASKS, Exercise, Line, RuleSpec, nonzero, variable
from mathjax.problems.streams import Draws
from mathjax.problems.terms import build_sum, build_term, make_sum

TEMPLATES = ("Solve for {}: ", "Find all real solutions: ", "Find the roots: ")

NO_SOLUTION = "no real solution"

_X = variable(0)
_DECIMALS = 3


def draw(spec: RuleSpec, draws: Draws) -> Exercise:
    """Kinds are equally likely. One equation in three is not in standard form, one in four begins
    with a negative coefficient."""
    kind = draws.choice(spec.kinds or TASKS["quadratic"].kinds)
    while (numbers := _coefficients(spec, draws, kind)) is None:
        pass
    if draws.below(4) == 0:
        numbers = tuple(-number for number in numbers)
    terms = list(terms_of(_polynomial(*numbers)))
    equation, steps = Eq(make_sum(terms), Num(0)), []
    if len(terms) > 1 and draws.below(3) == 0:
        kept = draws.between(1, len(terms) - 1)
        for _ in range(len(terms) - kept):
            equation = move_term(equation, kept)
        moved = equation
        while moved.right != Num(0):
            moved = move_term(moved, 0, from_left=False)
        steps.append((moved,))
    if numbers[0] < 0:
        steps.append((negate_both_sides(Eq(_polynomial(*numbers), Num(0))),))
        numbers = tuple(-number for number in numbers)
    lines, answer = solve_quadratic(*numbers)
    facts = {"num_variables": 1, "num_terms": len(terms), "kind": kind}
    return Exercise((equation,), [*steps, *lines], answer, facts, 1, target=_X.name)


def _polynomial(a: int, b: int, c: int) -> Expression:
    return build_sum([(a, ((_X, 2),)), (b, ((_X, 1),)), (c, ())])


def _coefficients(spec: RuleSpec, draws: Draws, kind: str) -> tuple[int, int, int] | None:
    """(a, b, c) with a > 0, or None if the draw is of another kind."""
    most = spec.max_coefficient
    if kind in ("irrational", "none"):
        a, b, c = draws.between(1, most), draws.between(-most, most), nonzero(draws, most)
        inside = b * b - 4 * a * c
        square = inside >= 0 and math.isqrt(inside) ** 2 == inside
        return (a, b, c) if (inside < 0) == (kind == "none") and not square else None
    p, r = draws.between(-most, most), draws.between(-most, most)
    q = s = 1
    scale = draws.between(1, min(3, most))
    if kind != "integer":
        q, s = draws.between(1, min(6, most)), draws.between(1, min(6, most))
    if kind == "double":
        r, s = p, q
    first, second = Fraction(p, q), Fraction(r, s)
    whole = first.denominator == second.denominator == 1
    if (first == second) != (kind == "double") or (kind == "rational" and whole):
        return None
    return scale * q * s, -scale * (p * s + r * q), scale * p * r


def solve_quadratic(a: int, b: int, c: int) -> tuple[list[Line], Line]:
    """(steps, answer) for a*x^2 + b*x + c = 0, a > 0; the smaller root comes first."""
    total: Expression = Add((Pow(Num(b), Num(2)), Neg(Mul((Num(4), Num(a), Num(c))))))
    lines: list[Line] = [("discriminant = ", total)]
    while not isinstance(total, Num):
        total = evaluate_once(total)
        lines.append(("discriminant = ", total))
    inside = total.value
    if inside < 0:
        return [*lines, ("discriminant < 0",)], (NO_SOLUTION,)
    twice = Mul((Num(2), Num(a)))
    if inside == 0:
        root = Eq(_X, Num(Fraction(-b, 2 * a)))
        return [*lines, (Eq(_X, Div(Num(-b), twice)),), (root,)], (root,)
    lines.append(_both(*(Div(_beside(-b, sign, sqrt(Num(inside))), twice) for sign in (-1, 1))))
    root = math.isqrt(inside)
    if root * root == inside:
        below = Num(2 * a)
        lines.append(_both(*(Div(_beside(-b, sign, Num(root)), below) for sign in (-1, 1))))
        answer = _both(*(Num(Fraction(-b + sign * root, 2 * a)) for sign in (-1, 1)))
        return [*lines, answer], answer
    answer = _both(*(_irrational(-b, sign, inside, 2 * a) for sign in (-1, 1)))
    decimals = " or ".join(decimal_root(-b, sign, inside, 2 * a) for sign in (-1, 1))
    return [*lines, answer, (_X, f" is about {decimals}")], answer


def _both(first: Expression, second: Expression) -> Line:
    return Eq(_X, first), " or ", Eq(_X, second)


def _beside(number: int, sign: int, term: Expression) -> Expression:
    """`number +- term`, without a number that is 0."""
    signed = Neg(term) if sign < 0 else term
    if number:
        return Add((Num(number), signed))
    return Num(-term.value) if sign < 0 and isinstance(term, Num) else signed


def _irrational(number: int, sign: int, inside: int, below: int) -> Expression:
    """(number +- sqrt(inside))/below with the squares out of the root and in lowest terms."""
    outside = 1
    divisor = 2
    while divisor * divisor <= inside:
        while inside % (divisor * divisor) == 0:
            inside //= divisor * divisor
            outside *= divisor
        divisor += 1
    common = math.gcd(number, outside, below)
    number, outside, below = number // common, outside // common, below // common
    root = build_term(outside, ((sqrt(Num(inside)), 1),))
    above = _beside(number, sign, root)
    if below == 1:
        return above
    if isinstance(above, Neg):
        return Neg(Div(above.inner, Num(below)))
    return Div(above, Num(below))


def decimal_root(number: int, sign: int, inside: int, below: int) -> str:
    """(number +- sqrt(inside))/below rounded to three decimals, by integers alone."""
    scale = 10 ** (_DECIMALS + 30)
    root = math.isqrt(inside * scale * scale)
    value = Fraction(number * scale + sign * root, below * scale)
    thousandths = math.floor(value * 10**_DECIMALS + Fraction(1, 2))
    whole, part = divmod(abs(thousandths), 10**_DECIMALS)
    return f"{'-' if thousandths < 0 else ''}{whole}.{part:0{_DECIMALS}d}"
