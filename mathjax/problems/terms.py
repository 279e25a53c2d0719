"""Terms as a coefficient times powers of bases: what collecting, factoring and moving look at."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction

from mathjax.problems.expressions import (
    Add,
    Div,
    Expression,
    Mul,
    Neg,
    Num,
    Pow,
    mul,
    terms_of,
)

Powers = tuple[tuple[Expression, int], ...]
"""Bases with their exponents (never 0), in the order in which they are written."""

_MOST_POWER = 64


def split_term(term: Expression) -> tuple[Fraction, Powers]:
    """(coefficient, powers) of a term. What is neither product, quotient nor integer power of
    something, a sum in parentheses say, counts as a base of its own."""
    coefficient, powers = Fraction(1), {}
    stack = [(term, 1)]
    while stack:
        node, exponent = stack.pop()
        match node:
            case Num(value) if value or exponent > 0:
                coefficient *= Fraction(value) ** exponent
            case Neg(inner):
                coefficient *= -1 if exponent % 2 else 1
                stack.append((inner, exponent))
            case Mul(factors):
                stack += [(factor, exponent) for factor in reversed(factors)]
            case Div(above, below):
                stack += [(below, -exponent), (above, exponent)]
            case Pow(base, Num(int() as power)) if abs(exponent * power) <= _MOST_POWER:
                stack.append((base, exponent * power))
            case _:
                powers[node] = powers.get(node, 0) + exponent
    return coefficient, tuple((base, power) for base, power in powers.items() if power)


def like(powers: Powers) -> frozenset[tuple[Expression, int]]:
    """Equal for like terms, whatever order their factors stand in."""
    return frozenset(powers)


def build_term(coefficient: int | Fraction, powers: Iterable[tuple[Expression, int]]) -> Expression:
    """A term in the usual writing: the sign before it, no coefficient 1, negative powers below a
    fraction bar, a fractional coefficient as one number unless there is a bar anyway."""
    coefficient = Fraction(coefficient)
    powers = tuple(powers)
    above = [_power(base, exponent) for base, exponent in powers if exponent > 0]
    below = [_power(base, -exponent) for base, exponent in powers if exponent < 0]
    size = abs(coefficient)
    if below:
        number, divisor = size.numerator, size.denominator
        below = ([Num(divisor)] if divisor > 1 else []) + below
    else:
        number = size
    if not above:
        above = [Num(number)]
    elif number != 1:
        above = [Num(number), *above]
    term = Div(mul(above), mul(below)) if below else mul(above)
    if coefficient < 0:
        return Num(-term.value) if isinstance(term, Num) else Neg(term)
    return term


def build_sum(terms: Sequence[tuple[int | Fraction, Powers]]) -> Expression:
    """The sum of terms that are not 0, in their order; 0 if there are none."""
    built = [build_term(coefficient, powers) for coefficient, powers in terms if coefficient]
    if len(built) < 2:
        return built[0] if built else Num(0)
    return Add((built[0], *(signed(term) for term in built[1:])))


def signed(term: Expression) -> Expression:
    """A term as it stands inside a sum: `- 3` is Neg(3) there, not the number -3."""
    if isinstance(term, Num) and term.value < 0:
        return Neg(Num(-term.value))
    return term


def leading(term: Expression) -> Expression:
    """A term as it stands alone or at the head of a sum: Neg(3) becomes the number -3."""
    if isinstance(term, Neg) and isinstance(term.inner, Num):
        return Num(-term.inner.value)
    return term


def negated(term: Expression) -> Expression:
    """The term with the other sign; a sum keeps its parentheses."""
    match term:
        case Neg(inner):
            return inner
        case Num(value):
            return Num(-value)
    return Neg(term)


def make_sum(terms: Sequence[Expression]) -> Expression:
    """The sum of terms in the usual writing, nested sums opened: 0 if there are none."""
    flat = [part for term in terms for part in terms_of(term)]
    if len(flat) < 2:
        return leading(flat[0]) if flat else Num(0)
    return Add((leading(flat[0]), *(signed(term) for term in flat[1:])))


def _power(base: Expression, exponent: int) -> Expression:
    return base if exponent == 1 else Pow(base, Num(exponent))
