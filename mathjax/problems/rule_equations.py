"""Linear equations in one unknown.

Solve for x: 3(x + 2) - 4 = x + 8
3x + 6 - 4 = x + 8
3x + 2 = x + 8
3x + 2 - x = 8
2x + 2 = 8
2x = 8 - 2
2x = 6
x = 3
Answer: x = 3
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
    children,
    factors_of,
    occurrences,
    terms_of,
)
from mathjax.problems.number_rewrites import evaluate
from mathjax.problems.rewrites import (
    collect,
    distribute,
    divide_both_sides,
    move_term,
    multiply_terms,
    negate_both_sides,
)
from mathjax.problems.rule_base import Exercise, RuleSpec, nonzero, outcome, variable
from mathjax.problems.streams import Draws
from mathjax.problems.terms import build_term, make_sum, negated, signed, split_term

TEMPLATES = ("Solve for {}: ", "Solve: ", "Find {}: ")

NO_SOLUTION, ALL_REALS = "no solution", "all real numbers"

_X = variable(0)


def draw(spec: RuleSpec, draws: Draws) -> Exercise:
    wanted = outcome(draws, spec.kinds)
    while True:
        equation = _draw_equation(spec, draws, wanted)
        if equation is not None:
            break
    steps, found = solve_linear(equation, _X.name)
    answer = {"none": NO_SOLUTION, "infinite": ALL_REALS}.get(wanted) or Eq(_X, Num(found))
    size = sum(len(terms_of(side)) for side in children(equation))
    facts = {"num_variables": 1, "num_terms": size, "kind": wanted}
    return Exercise((equation,), [(s,) for s in steps], (answer,), facts, 1, target=_X.name)


def _draw_equation(spec: RuleSpec, draws: Draws, wanted: str) -> Eq | None:
    """Three in four unique solutions are made an integer by the last constant."""
    left = [_draw_term(spec, draws) for _ in range(draws.between(*spec.num_terms))]
    right = [_draw_term(spec, draws) for _ in range(draws.between(*spec.num_terms))]
    made = 2 if wanted != "unique" else 1 if draws.below(4) else 0
    right = right[: len(right) - made]
    slope, rest = _difference(left, right)
    if wanted != "unique":
        right += [] if not slope else [build_term(slope, ((_X, 1),))]
        rest += nonzero(draws, spec.max_coefficient) if wanted == "none" else 0
        right += [] if not rest else [Num(rest)]
    elif made:
        value = draws.between(-spec.max_coefficient, spec.max_coefficient)
        constant = slope * value + rest
        right += [] if not constant else [Num(constant)]
    if draws.below(2):
        left, right = right, left
    equation = Eq(_side(left), _side(right))
    final = _difference(left, right)
    if not occurrences(equation, _X.name) or (wanted == "unique") != bool(final[0]):
        return None
    # A side that repeats the other asks nothing.
    return equation if equation.left != equation.right else None


def _side(terms: list[Expression]) -> Expression:
    return Add((terms[0], *map(signed, terms[1:]))) if len(terms) > 1 else make_sum(terms)


def _draw_term(spec: RuleSpec, draws: Draws) -> Expression:
    number = nonzero(draws, spec.max_coefficient)
    kind = draws.weighted(("x", "number", "product", "quotient"), (5, 4, 2, 1))
    if kind == "x":
        return build_term(number, ((_X, 1),))
    if kind == "number":
        return Num(number)
    size = draws.between(2, spec.max_coefficient)
    inner = make_sum([_X, Num(nonzero(draws, spec.max_coefficient))])
    if kind == "product":
        return Mul((Num(size), inner)) if number > 0 else Neg(Mul((Num(size), inner)))
    top = _X if draws.below(2) else inner
    return Div(top, Num(size)) if number > 0 else Neg(Div(top, Num(size)))


def _difference(left: list[Expression], right: list[Expression]) -> tuple[Fraction, Fraction]:
    """(slope, constant) of left - right."""
    total = collect(make_sum([*map(_opened, left), *(negated(t) for t in _all_opened(right))]))
    return _slope(total)


def _all_opened(terms: list[Expression]) -> list[Expression]:
    return [part for term in terms for part in terms_of(_opened(term))]


def _slope(side: Expression) -> tuple[Fraction, Fraction]:
    """(a, b) of a collected a*x + b."""
    found = {powers: number for number, powers in map(split_term, terms_of(side))}
    constant = found.pop((), Fraction(0))
    return next(iter(found.values()), Fraction(0)), constant


def _opened(term: Expression) -> Expression:
    """A term without parentheses: `2(x + 1)` or `(x + 1)/2` as two terms."""
    negative = isinstance(term, Neg)
    inner = term.inner if negative else term
    if isinstance(inner, Div) and isinstance(inner.numerator, Add):
        parts = [Div(part, inner.denominator) for part in inner.numerator.terms]
        parts = [evaluate(_lifted(part)) for part in parts]
        return make_sum([negated(part) for part in parts] if negative else parts)
    if any(isinstance(factor, Add) for factor in factors_of(inner)):
        return distribute(term, evaluate=True)
    return term


def _lifted(quotient: Div) -> Expression:
    """`(-3)/2` as -3/2."""
    above = quotient.numerator
    return Neg(Div(above.inner, quotient.denominator)) if isinstance(above, Neg) else quotient


def solve_linear(equation: Eq, name: str) -> tuple[list[Eq], Fraction | None]:
    """(steps, solution) of an equation that is linear in `name` and has no other variable. The
    solution is None where there is none or every number is one; the last step then shows which."""
    steps: list[Eq] = []

    def step(after: Eq) -> None:
        if after != (steps[-1] if steps else equation):
            steps.append(after)

    def now() -> Eq:
        return steps[-1] if steps else equation

    step(Eq(*(make_sum([_opened(t) for t in terms_of(s)]) for s in children(now()))))
    divisors = [split_term(t)[0].denominator for s in children(now()) for t in terms_of(s)]
    if math.lcm(*divisors) > 1:
        step(multiply_terms(now(), math.lcm(*divisors)))
    step(_collected(now()))
    for from_left, holds in ((False, True), (True, False)):
        side = children(now())[not from_left]
        for place, term in enumerate(terms_of(side)):
            if (occurrences(term, name) > 0) == holds and term != Num(0):
                step(move_term(now(), place, from_left))
        step(_collected(now()))
    slope = _slope(now().left)[0]
    if not slope:
        return steps, None
    if slope == -1:
        step(negate_both_sides(now()))
    elif slope != 1:
        step(evaluate_sides(divide_both_sides(_positive(now()), Num(abs(slope)))))
    return steps, Fraction(now().right.value)


def _positive(equation: Eq) -> Eq:
    """Both sides with the other sign where the left one begins with a minus."""
    return negate_both_sides(equation) if isinstance(equation.left, Neg) else equation


def evaluate_sides(equation: Eq) -> Eq:
    return Eq(*(evaluate(side) for side in children(equation)))


def _collected(equation: Eq) -> Eq:
    return Eq(*(collect(side) for side in children(equation)))
