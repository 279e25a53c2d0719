"""Exact comparison of the expressions and equations of a worked solution, on trees.

Expressions are evaluated at the same random points modulo a prime of 61 bits: a difference shows
at each with a chance of at least 1 - degree / 2**61 (Schwartz, Zippel). Equations are compared as
polynomials: left minus right over a common denominator, up to a constant factor. A square root is
a symbol s with s^2 known; against an equation without it the norm counts, and the other branch must
have no positive solution, for such exercises are about positive numbers.
"""

from __future__ import annotations

import hashlib
import itertools
import random
from collections.abc import Mapping, Sequence
from fractions import Fraction

from mathjax.problems.expressions import (
    HALF,
    Add,
    Div,
    Eq,
    Expression,
    Mul,
    Neg,
    Num,
    Pow,
    Var,
    variables,
)

PRIME = 2**61 - 1
POINTS = 3

MAX_TERMS = 600
"""Terms of a polynomial, and work of a product; beyond it a comparison is undecided."""

MAX_EXPONENT = 64

Monomial = tuple[tuple[str, int], ...]
Polynomial = dict[Monomial, Fraction]

ONE: Polynomial = {(): Fraction(1)}


class UndecidedError(ArithmeticError):
    """A comparison that is too large or not of a kind that is decided here."""


class _PointError(ArithmeticError):
    """Not defined at this point."""


def same_expression(a: Expression, b: Expression) -> bool:
    """Whether two expressions without roots are equal. Raises UndecidedError."""
    names = list(dict.fromkeys((*variables(a), *variables(b))))
    seed = hashlib.blake2b(" ".join(names).encode(), digest_size=8).digest()
    rng = random.Random(int.from_bytes(seed, "big"))
    points = 0
    for _ in range(4 * POINTS):
        values = {name: rng.randrange(2, PRIME) for name in names}
        try:
            if _modular(a, values) != _modular(b, values):
                return False
        except _PointError:
            continue
        points += 1
        if points == POINTS:
            return True
    raise UndecidedError("undefined")


def _modular(node: Expression, values: Mapping[str, int]) -> int:
    match node:
        case Num(value):
            return value.numerator * _inverse(value.denominator) % PRIME
        case Var(name):
            return values[name]
        case Add(terms):
            return sum(_modular(term, values) for term in terms) % PRIME
        case Mul(factors):
            product = 1
            for factor in factors:
                product = product * _modular(factor, values) % PRIME
            return product
        case Neg(inner):
            return -_modular(inner, values) % PRIME
        case Div(above, below):
            return _modular(above, values) * _inverse(_modular(below, values)) % PRIME
        case Pow(base, Num(exponent)) if isinstance(exponent, int) and abs(exponent) < PRIME - 1:
            value = _modular(base, values)
            return pow(value if exponent >= 0 else _inverse(value), abs(exponent), PRIME)
    raise UndecidedError("a root or a power that is no number")


def _inverse(value: int) -> int:
    value %= PRIME
    if value == 1:
        return 1
    if not value:
        raise _PointError
    return pow(value, -1, PRIME)


def number_of(node: Expression) -> Fraction | None:
    """The value of an expression of numbers without roots, else None."""
    if variables(node):
        return None
    above, below = _Fractions().read(node)
    return None if not below else above.get((), Fraction(0)) / below[()]


class Equation:
    """left - right as a polynomial, with the denominators that must not be 0."""

    def __init__(self, node: Eq):
        reader = _Fractions()
        left, right = reader.read(node.left), reader.read(node.right)
        self.sides = left, right
        self.polynomial = add(
            multiply(left[0], right[1]), multiply(right[0], left[1]), Fraction(-1)
        )
        self.denominators = [d for d in reader.denominators if d != ONE]
        for name in {name for d in self.denominators if len(d) == 1 for n in d for name, _ in n}:
            self.polynomial = _without_factor(self.polynomial, name)
        if len(reader.roots) > 1:
            raise UndecidedError("several roots")
        self.root = reader.roots[0] if reader.roots else None
        """(numerator, denominator) of what stands under the root."""

    @property
    def kind(self) -> str:
        """ "all", "none" or "some" solutions."""
        if not self.polynomial:
            return "all"
        return "none" if set(self.polynomial) == {()} else "some"


def same_solutions(a: Equation, b: Equation, unknown: str = "") -> bool:
    """Whether two equations have the same solutions where both are defined. Where the unknown is
    named, other variables are parameters that are not 0, and may be divided by. Raises
    UndecidedError."""
    if a.kind != b.kind or a.kind == "all":
        return a.kind == b.kind
    if a.kind == "none":
        return _same_falsehood(a, b)
    if a.root is not None and b.root is None:
        a, b = b, a
    p, q = a.polynomial, b.polynomial
    if unknown and a.root is None and b.root is None:
        for name in {n for monomial in (*p, *q) for n, _ in monomial} - {unknown}:
            p, q = _without_factor(p, name), _without_factor(q, name)
    if a.root is None and b.root is not None:
        norm = _norm(b)
        if proportional(p, norm) or _cancelled(p, norm, a, b):
            return _is_positive_branch(b)
        return _decide_unlike(p, norm, unknown)
    if a.root is not None and not _same_fraction(a.root, b.root):
        return _decide_unlike(_norm(a), _norm(b), unknown)
    if proportional(p, q) or _cancelled(p, q, a, b):
        return True
    if a.root is not None:
        return False
    return _decide_unlike(p, q, unknown)


def _decide_unlike(p: Polynomial, q: Polynomial, unknown: str) -> bool:
    """For polynomials that are not proportional."""
    if proportional(multiply(p, p), q) or proportional(p, multiply(q, q)):
        return True
    names = sorted({name for monomial in (*p, *q) for name, _ in monomial})
    if len(names) == 1:
        return False
    for name in names:
        if degree(p, name) == 1 and degree(q, name) == 1:
            (a, b), (c, d) = _linear_in(p, name), _linear_in(q, name)
            if add(multiply(a, d), multiply(b, c), Fraction(-1)):
                return False
            if unknown and degree(a, unknown) != degree(c, unknown):
                return False  # one is the other times something with the unknown
    if any((degree(p, name) == 0) != (degree(q, name) == 0) for name in names):
        return False
    raise UndecidedError("not linear")


def _cancelled(p: Polynomial, q: Polynomial, a: Equation, b: Equation) -> bool:
    """Whether they agree but for a factor that is a denominator."""
    return any(
        proportional(p, multiply(q, d)) or proportional(multiply(p, d), q)
        for d in (*a.denominators, *b.denominators)[:8]
    )


def _same_fraction(a: tuple[Polynomial, Polynomial], b: tuple[Polynomial, Polynomial]) -> bool:
    return multiply(a[0], b[1]) == multiply(b[0], a[1])


_ROOT = "\u221a"


def _norm(equation: Equation) -> Polynomial:
    """The polynomial without its root: multiplied by the one of the other branch."""
    even, odd = _by_root(equation)
    above, below = equation.root
    return add(
        multiply(multiply(even, even), below), multiply(multiply(odd, odd), above), Fraction(-1)
    )


def _is_positive_branch(equation: Equation) -> bool:
    """Whether the branch that is shown has positive solutions and the other has none, by signs."""
    even, odd = _by_root(equation)
    signs = {c > 0 for c in even.values()} | {c > 0 for c in odd.values()}
    mirrored = {c > 0 for c in even.values()} | {c < 0 for c in odd.values()}
    if len(signs) == len(mirrored) == 2:
        raise UndecidedError("both branches may have solutions")
    return len(signs) == 2


def _by_root(equation: Equation) -> tuple[Polynomial, Polynomial]:
    """(a, b) of a + b*root."""
    even: Polynomial = {}
    odd: Polynomial = {}
    for monomial, coefficient in equation.polynomial.items():
        power = dict(monomial).get(_ROOT, 0)
        if power > 1:
            raise UndecidedError("a power of a root")
        rest = tuple(item for item in monomial if item[0] != _ROOT)
        (odd if power else even)[rest] = coefficient
    return even, odd


def _same_falsehood(a: Equation, b: Equation) -> bool:
    """0 = -7 comes of 4 = -3 and 2 = 3 of 4 = 6, but 0 = -17 of neither."""
    if abs(a.polynomial[()]) == abs(b.polynomial[()]):
        return True
    (p, q), (r, s) = a.sides, b.sides
    if not (p[0] and q[0]):
        return False
    crossed = [multiply(p[0], s[0]), r[1], q[1]], [multiply(r[0], q[0]), p[1], s[1]]
    one, other = (multiply(multiply(x, y), z) for x, y, z in crossed)
    return one == other


def proportional(p: Polynomial, q: Polynomial) -> bool:
    if len(p) != len(q) or not p:
        return not p and not q
    monomial, value = next(iter(p.items()))
    if monomial not in q:
        return False
    factor = q[monomial] / value
    return all(q.get(m) == factor * c for m, c in p.items())


def degree(p: Polynomial, name: str) -> int:
    return max((power for monomial in p for n, power in monomial if n == name), default=0)


def _linear_in(p: Polynomial, name: str) -> tuple[Polynomial, Polynomial]:
    """(a, b) of a*name + b."""
    a, b = {}, {}
    for monomial, coefficient in p.items():
        rest = tuple(item for item in monomial if item[0] != name)
        (a if len(rest) < len(monomial) else b)[rest] = coefficient
    return a, b


def quadratic_in(p: Polynomial) -> tuple[Fraction, Fraction, Fraction] | None:
    """(a, b, c) of a polynomial of degree 1 or 2 in one variable."""
    names = {name for monomial in p for name, _ in monomial}
    if len(names) != 1 or max(power for monomial in p for _, power in monomial) > 2:
        return None
    name = names.pop()
    zero = Fraction(0)
    return p.get(((name, 2),), zero), p.get(((name, 1),), zero), p.get((), zero)


def add(p: Polynomial, q: Polynomial, factor: Fraction | int = 1) -> Polynomial:
    """p + factor * q."""
    total = dict(p)
    for monomial, coefficient in q.items():
        value = total.get(monomial, 0) + factor * coefficient
        if value:
            total[monomial] = value
        else:
            total.pop(monomial, None)
    return total


def multiply(p: Polynomial, q: Polynomial) -> Polynomial:
    if q == ONE:
        return p
    if p == ONE:
        return q
    if len(p) * len(q) > 10 * MAX_TERMS:
        raise UndecidedError("limit")
    total: Polynomial = {}
    for (m, a), (n, b) in itertools.product(p.items(), q.items()):
        powers = dict(m)
        for name, power in n:
            powers[name] = powers.get(name, 0) + power
        monomial = tuple(sorted(powers.items()))
        value = total.get(monomial, 0) + a * b
        if value:
            total[monomial] = value
        else:
            total.pop(monomial, None)
    if len(total) > MAX_TERMS:
        raise UndecidedError("limit")
    return total


def _without_factor(p: Polynomial, name: str) -> Polynomial:
    """Divided by the highest power of a variable that divides it."""
    least = min((dict(monomial).get(name, 0) for monomial in p), default=0)
    if not least:
        return p
    divided: Polynomial = {}
    for monomial, coefficient in p.items():
        powers = dict(monomial)
        powers[name] -= least
        divided[tuple(sorted((n, k) for n, k in powers.items() if k))] = coefficient
    return divided


class _Fractions:
    """Reads a tree as a quotient of polynomials."""

    def __init__(self):
        self.denominators: list[Polynomial] = []
        self.roots: list[tuple[Polynomial, Polynomial]] = []

    def read(self, node: Expression) -> tuple[Polynomial, Polynomial]:
        match node:
            case Num(value):
                return ({(): Fraction(value)} if value else {}), ONE
            case Var(name):
                return {((name, 1),): Fraction(1)}, ONE
            case Neg(inner):
                above, below = self.read(inner)
                return add({}, above, -1), below
            case Add(terms):
                return self._sum([self.read(term) for term in terms])
            case Mul(factors):
                above, below = ONE, ONE
                for factor in factors:
                    a, b = self.read(factor)
                    above, below = multiply(above, a), multiply(below, b)
                return above, below
            case Div(top, bottom):
                (a, b), (c, d) = self.read(top), self.read(bottom)
                if not c:
                    raise UndecidedError("a division by 0")
                self.denominators.append(c)
                return multiply(a, d), multiply(b, c)
            case Pow(base, exponent) if exponent == HALF:
                return self._root(self.read(base)), ONE
            case Pow(base, Num(int(exponent))) if abs(exponent) <= MAX_EXPONENT:
                a, b = self.read(base)
                if exponent < 0:
                    if not a:
                        raise UndecidedError("a division by 0")
                    self.denominators.append(a)
                    a, b = b, a
                above, below = ONE, ONE
                for _ in range(abs(exponent)):
                    above, below = multiply(above, a), multiply(below, b)
                return above, below
        raise UndecidedError("not rational")

    def _sum(self, parts: Sequence[tuple[Polynomial, Polynomial]]) -> tuple[Polynomial, Polynomial]:
        above, below = parts[0]
        for a, b in parts[1:]:
            if b == below:
                above = add(above, a)
            else:
                above = add(multiply(above, b), multiply(a, below))
                below = multiply(below, b)
        return above, below

    def _root(self, inner: tuple[Polynomial, Polynomial]) -> Polynomial:
        if not any(_same_fraction(inner, other) for other in self.roots):
            self.roots.append(inner)
        if len(self.roots) > 1:
            raise UndecidedError("several roots")
        return {((_ROOT, 1),): Fraction(1)}
