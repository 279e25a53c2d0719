"""Expression trees of our own: what the rules rewrite, step by step.

A tree means exactly what it shows: sums and products are ordered and n-ary, nothing is simplified
or evaluated behind anybody's back (arXiv 2410.16973 avoids SymPy for that reason). Operators build
trees and do nothing else; every change is a named function of `rewrites` or `number_rewrites`.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction

RESERVED = frozenset({"sqrt", "discriminant", "or", "is", "about", "no", "free"})
"""Words of our texts; no variable may be called so."""

_MAX_EXPONENT, _MAX_BITS = 64, 10_000


class ExpressionError(ValueError):
    """A tree that cannot be built, rewritten or evaluated as asked."""


class Expression:
    """Base of all trees. `a + b` puts b at the end of a's sum, `*` likewise, `==` compares."""

    __slots__ = ()

    def __add__(self, other: Expression | int | Fraction) -> Add:
        return Add((*(self.terms if isinstance(self, Add) else (self,)), tree(other)))

    def __sub__(self, other: Expression | int | Fraction) -> Add:
        return self + Neg(tree(other))

    def __mul__(self, other: Expression | int | Fraction) -> Mul:
        return Mul((*(self.factors if isinstance(self, Mul) else (self,)), tree(other)))

    def __truediv__(self, other: Expression | int | Fraction) -> Div:
        return Div(self, tree(other))

    def __pow__(self, other: Expression | int | Fraction) -> Pow:
        return Pow(self, tree(other))

    def __neg__(self) -> Neg:
        return Neg(self)

    def __radd__(self, other: int | Fraction) -> Add:
        return tree(other) + self

    def __rsub__(self, other: int | Fraction) -> Add:
        return tree(other) - self

    def __rmul__(self, other: int | Fraction) -> Mul:
        return tree(other) * self

    def __rtruediv__(self, other: int | Fraction) -> Div:
        return tree(other) / self

    def __rpow__(self, other: int | Fraction) -> Pow:
        return tree(other) ** self


@dataclasses.dataclass(frozen=True, slots=True)
class Num(Expression):
    """An exact number; a Fraction that is whole becomes an int."""

    value: int | Fraction

    def __post_init__(self):
        if isinstance(self.value, bool) or not isinstance(self.value, (int, Fraction)):
            raise ExpressionError(f"a number is an int or a Fraction, not {self.value!r}")
        if isinstance(self.value, Fraction) and self.value.denominator == 1:
            object.__setattr__(self, "value", self.value.numerator)


@dataclasses.dataclass(frozen=True, slots=True)
class Var(Expression):
    """A variable: letters, then perhaps digits (`x`, `price`, `R1`)."""

    name: str

    def __post_init__(self):
        if not is_name(self.name):
            raise ExpressionError(f"{self.name!r} is no variable name: letters, then digits")


@dataclasses.dataclass(frozen=True, slots=True)
class Add(Expression):
    terms: tuple[Expression, ...]

    def __post_init__(self):
        _check_parts(self.terms)


@dataclasses.dataclass(frozen=True, slots=True)
class Mul(Expression):
    factors: tuple[Expression, ...]

    def __post_init__(self):
        _check_parts(self.factors)


@dataclasses.dataclass(frozen=True, slots=True)
class Neg(Expression):
    inner: Expression


@dataclasses.dataclass(frozen=True, slots=True)
class Div(Expression):
    numerator: Expression
    denominator: Expression


@dataclasses.dataclass(frozen=True, slots=True)
class Pow(Expression):
    """A power; the exponent Num(1/2) is the square root that is not negative."""

    base: Expression
    exponent: Expression


@dataclasses.dataclass(frozen=True, slots=True)
class Eq(Expression):
    """An equation. It stands at the top of a tree, never inside one."""

    left: Expression
    right: Expression


HALF = Num(Fraction(1, 2))


def _check_parts(parts: tuple[Expression, ...]) -> None:
    if not isinstance(parts, tuple) or len(parts) < 2:
        raise ExpressionError("a sum or product needs a tuple of two parts or more")


def is_name(text: str) -> bool:
    return text.rstrip("0123456789").isalpha() and text not in RESERVED


def tree(value: Expression | int | Fraction) -> Expression:
    return value if isinstance(value, Expression) else Num(value)


def add(terms: list[Expression] | tuple[Expression, ...]) -> Expression:
    """The sum of any number of terms: 0 for none, the term itself for one."""
    return Add(tuple(terms)) if len(terms) > 1 else terms[0] if terms else Num(0)


def mul(factors: list[Expression] | tuple[Expression, ...]) -> Expression:
    """The product of any number of factors: 1 for none, the factor itself for one."""
    return Mul(tuple(factors)) if len(factors) > 1 else factors[0] if factors else Num(1)


def sqrt(inner: Expression) -> Pow:
    return Pow(inner, HALF)


def terms_of(expression: Expression) -> tuple[Expression, ...]:
    return expression.terms if isinstance(expression, Add) else (expression,)


def factors_of(expression: Expression) -> tuple[Expression, ...]:
    return expression.factors if isinstance(expression, Mul) else (expression,)


def children(expression: Expression) -> tuple[Expression, ...]:
    match expression:
        case Add(parts) | Mul(parts):
            return parts
        case Neg(inner):
            return (inner,)
        case Div(a, b) | Pow(a, b) | Eq(a, b):
            return a, b
    return ()


def rebuild(expression: Expression, parts: tuple[Expression, ...]) -> Expression:
    """The same kind of node with other children."""
    match expression:
        case Add():
            return Add(parts)
        case Mul():
            return Mul(parts)
        case Num() | Var():
            return expression
    return type(expression)(*parts)


def walk(expression: Expression) -> Iterator[Expression]:
    """All nodes, from left to right, each before its children."""
    yield expression
    for child in children(expression):
        yield from walk(child)


def variables(expression: Expression) -> list[str]:
    """Names in the order in which they first occur."""
    return list(dict.fromkeys(node.name for node in walk(expression) if isinstance(node, Var)))


def occurrences(expression: Expression, name: str) -> int:
    return sum(node == Var(name) for node in walk(expression) if isinstance(node, Var))


def rename(expression: Expression, names: Mapping[str, str]) -> Expression:
    """All variables renamed at once; names that are not in the mapping stay."""
    if isinstance(expression, Var):
        return Var(names.get(expression.name, expression.name))
    return rebuild(expression, tuple(rename(child, names) for child in children(expression)))


def evaluate_at(expression: Expression, values: Mapping[str, int | Fraction]) -> Fraction:
    """Exact value. Raises ExpressionError for an irrational root, a name without a value, an
    exponent that is no integer of moderate size, ZeroDivisionError for a division by zero."""
    match expression:
        case Num(value):
            return Fraction(value)
        case Var(name):
            if name not in values:
                raise ExpressionError(f"{name} has no value")
            return Fraction(values[name])
        case Add(terms):
            return sum((evaluate_at(term, values) for term in terms), Fraction(0))
        case Mul(factors):
            return math.prod((evaluate_at(f, values) for f in factors), start=Fraction(1))
        case Neg(inner):
            return -evaluate_at(inner, values)
        case Div(numerator, denominator):
            return evaluate_at(numerator, values) / evaluate_at(denominator, values)
        case Pow(base, exponent):
            return number_power(evaluate_at(base, values), evaluate_at(exponent, values))
    raise ExpressionError("an equation has no value")


def number_power(base: Fraction, exponent: Fraction) -> Fraction:
    """base ** exponent for an integer exponent or 1/2, exactly; see `evaluate_at` for errors."""
    if exponent == HALF.value:
        if base < 0:
            raise ExpressionError(f"{base} has no real root")
        root = Fraction(math.isqrt(base.numerator), math.isqrt(base.denominator))
        if root * root != base:
            raise ExpressionError(f"the root of {base} is irrational")
        return root
    if exponent.denominator != 1 or abs(exponent) > _MAX_EXPONENT:
        raise ExpressionError(f"exponent {exponent}: must be 1/2 or an integer up to 64")
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    if size * abs(exponent) > _MAX_BITS:
        raise ExpressionError("a power too large to write")
    return Fraction(base) ** int(exponent)
