"""Arithmetic inside expressions: numbers become other numbers of the same value, each rewrite in
one named way. They keep to the rules of `mathjax.problems.rewrites`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

from mathjax.problems.expressions import (
    Add,
    Div,
    Eq,
    Expression,
    ExpressionError,
    Mul,
    Neg,
    Num,
    Pow,
    children,
    factors_of,
    mul,
    number_power,
    rebuild,
)
from mathjax.problems.terms import leading, signed


def evaluate(expression: Expression) -> Expression:
    """Every part without variables becomes its number, exactly; irrational roots stay."""
    parts = tuple(evaluate(child) for child in children(expression))
    return _computed(rebuild(expression, parts)) if parts else expression


def evaluate_once(expression: Expression) -> Expression:
    """One round of arithmetic: of the operations that are ready (numbers only) all those of the
    tightest kind there is, powers before products and quotients before sums."""
    for kinds in ((Pow,), (Mul, Div), (Add, Neg)):
        result = leading(_evaluated(expression, kinds))
        if result != expression:
            return result
    return expression


def _evaluated(node: Expression, kinds: tuple[type, ...]) -> Expression:
    parts = children(node)
    if parts and isinstance(node, kinds) and all(_is_number(part) for part in parts):
        return _computed(node)
    if not parts:
        return node
    return plain_heads(rebuild(node, tuple(_evaluated(part, kinds) for part in parts)))


def plain_heads(node: Expression) -> Expression:
    """Neg(4) written as the number -4 wherever it is not a later term of a sum: `-4 - 2` for
    `-(4) - 2`."""
    parts = children(node)
    if not parts:
        return node
    later = isinstance(node, Add)
    parts = tuple(
        plain_heads(part) if later and place else leading(plain_heads(part))
        for place, part in enumerate(parts)
    )
    return rebuild(node, parts)


def _is_number(part: Expression) -> bool:
    return isinstance(part, Num) or (isinstance(part, Neg) and isinstance(part.inner, Num))


def _computed(node: Expression) -> Expression:
    parts = [leading(child) for child in children(node)]
    if isinstance(node, Eq) or not all(isinstance(part, Num) for part in parts):
        return node
    numbers = [Fraction(part.value) for part in parts]
    match node:
        case Add():
            return Num(sum(numbers))
        case Mul():
            return Num(math.prod(numbers))
        case Neg():
            return Num(-numbers[0])
        case Div() if numbers[1]:
            return Num(numbers[0] / numbers[1])
        case Pow():
            try:
                return Num(number_power(*numbers))
            except (ExpressionError, ZeroDivisionError):
                return node
    return node


def reduce_numbers(node: Expression) -> Expression:
    """Numbers of each sum added up where the first of them stands, those of a product multiplied at
    its head, integers before a fraction bar and below it in lowest terms, parts without variables
    evaluated: `3 + x - 1` becomes `2 + x`, `6x/(4y)` becomes `3x/(2y)`."""
    parts = children(node)
    if not parts:
        return node
    node = plain_heads(_computed(rebuild(node, tuple(map(reduce_numbers, parts)))))
    match node:
        case Add(terms) if sum(map(_is_number, terms)) > 1:
            numbers = [leading(term) for term in terms if _is_number(term)]
            total = Num(sum((Fraction(number.value) for number in numbers), Fraction(0)))
            first = next(place for place, term in enumerate(terms) if _is_number(term))
            others = [[term] for term in terms if not _is_number(term)]
            others.insert(first, [total] if total.value else [])
            return _sum([term for part in others for term in part])
        case Add(terms):
            return _sum(terms)
        case Mul(factors) if sum(isinstance(factor, Num) for factor in factors) > 1:
            numbers = [Fraction(factor.value) for factor in factors if isinstance(factor, Num)]
            others = [factor for factor in factors if not isinstance(factor, Num)]
            return _with_head(mul([Num(1), *others]), math.prod(numbers))
        case Div(above, below):
            over, under = _head(above), _head(below)
            common = math.gcd(over, under)
            if common > 1:
                above = _with_head(above, over // common)
                below = _with_head(below, under // common)
                return above if below == Num(1) else Div(above, below)
    return node


def _sum(terms: Sequence[Expression]) -> Expression:
    """As `make_sum`; sums in parentheses stay there."""
    if len(terms) < 2:
        return leading(terms[0]) if terms else Num(0)
    return Add((leading(terms[0]), *map(signed, terms[1:])))


def _head(product: Expression) -> int:
    """The integer that a product begins with, 1 if with none."""
    match factors_of(product)[0]:
        case Num(int() as value) if value > 0:
            return value
    return 1


def _with_head(product: Expression, number: int | Fraction) -> Expression:
    others = factors_of(product)[1:]
    return mul([Num(number), *others] if number != 1 else list(others))
