"""Formulas as quotients of polynomials with rational coefficients (FLINT's), within bounds.

What is no rational arithmetic (a root, a function, pi) counts as one more variable, the same for
the same subtree: what is proved so holds, though not everything true can be proved so.
"""

from __future__ import annotations

import math

from flint import Ordering, fmpq, fmpq_mpoly, fmpq_mpoly_ctx

from mathjax.answers import exact_values
from mathjax.answers import formulas as f
from mathjax.answers.exact_values import Irrational
from mathjax.answers.formulas import FormulaError, Scalar
from mathjax.answers.time_limit import check_time

MAX_TERMS = 20_000
_MAX_WORK = 400_000  # products of terms in one multiplication
_MAX_EXPONENT = 500
_MAX_TERMS_DIVIDED = 5_000
_MAX_SPACE = 1_000_000  # words of all coefficients, if every term were there
_MAX_FACTOR_SPACE = (30_000, 1_000)  # likewise, of one name and of several
_MAX_FACTOR_DEGREE = 300


class Field:
    """Polynomials in the names and atoms of some formulas."""

    def __init__(self, *nodes: Scalar):
        keys: dict[Scalar, None] = {}
        for node in nodes:
            _collect(node, keys)
        self.keys = list(keys)
        self._context = fmpq_mpoly_ctx.get([f"v{i}" for i in range(len(keys))], Ordering.lex)
        self._generators = dict(zip(self.keys, self._context.gens(), strict=True))
        self.one = self._context.constant(1)

    def quotient(self, node: Scalar) -> tuple[fmpq_mpoly, fmpq_mpoly, fmpq_mpoly]:
        """(numerator, denominator, product of all that was divided by); not reduced.

        Raises FormulaError "undefined" for a division by zero, "limit" beyond the bounds.
        """
        one = self.one
        match node:
            case f.Number(number):
                return one * fmpq(number.numerator, number.denominator), one, one
            case f.Sum(terms):
                above, below, poles = self.quotient(terms[0])
                for term in terms[1:]:
                    n, d, p = self.quotient(term)
                    if d == below:
                        above = above + n
                    else:
                        above = times(above, d) + times(n, below)
                        below = times(below, d)
                    poles = times(poles, p)
                return above, below, poles
            case f.Product(factors):
                above = below = poles = one
                for factor in factors:
                    n, d, p = self.quotient(factor)
                    above, below, poles = times(above, n), times(below, d), times(poles, p)
                return above, below, poles
            case f.Negative(inner):
                above, below, poles = self.quotient(inner)
                return -above, below, poles
            case f.Quotient(a, b):
                n, d, p = self.quotient(a)
                m, e, q = self.quotient(b)
                if m == 0:
                    raise FormulaError("undefined", "a division by zero")
                return times(n, e), times(d, m), times(times(p, q), m)
            case f.Power(base, exponent) if (n := _integer(exponent)) is not None:
                above, below, poles = self.quotient(base)
                if n < 0:
                    if above == 0:
                        raise FormulaError("undefined", "a division by zero")
                    above, below, poles = below, above, times(poles, above)
                return _raised(above, abs(n)), _raised(below, abs(n)), poles
            case f.Call("percent", (inner,)):
                above, below, poles = self.quotient(inner)
                return above * fmpq(1, 100), below, poles
        return self._generators[node], one, one


def _collect(node: Scalar, keys: dict[Scalar, None]) -> None:
    match node:
        case f.Number():
            return
        case f.Power(_, exponent) if _integer(exponent) is None:
            keys[node] = None
        case f.Power(base, _):
            _collect(base, keys)
        case f.Sum() | f.Product() | f.Negative() | f.Quotient() | f.Call("percent", _):
            for part in f.children(node):
                _collect(part, keys)
        case _:
            keys[node] = None


def _integer(exponent: Scalar) -> int | None:
    try:
        return exact_values.integer_exponent(exponent)
    except Irrational:
        return None


def times(a: fmpq_mpoly, b: fmpq_mpoly) -> fmpq_mpoly:
    check_time()
    if len(a) * len(b) * (1 + (size(a) + size(b)) // 64) > _MAX_WORK:
        raise FormulaError("limit", "a product of too many terms")
    product = a * b
    if len(product) > MAX_TERMS:
        raise FormulaError("limit", f"a polynomial of more than {MAX_TERMS} terms")
    return product


def _raised(a: fmpq_mpoly, n: int) -> fmpq_mpoly:
    terms = len(a)
    if terms > 1 and (n > _MAX_EXPONENT or math.comb(terms + n - 1, n) > MAX_TERMS):
        raise FormulaError("limit", "a power of too many terms")
    if n > 10**6:
        raise FormulaError("limit", "an exponent beyond a million")
    if n > 1 and size(a) * n > exact_values.MAX_BITS:
        raise FormulaError("limit", "a power too long to write")
    return a**n


def size(polynomial: fmpq_mpoly) -> int:
    """Bits of the largest coefficient."""
    return max((_bits(c) for c in polynomial.coeffs()), default=0)


def _bits(coefficient: fmpq) -> int:
    return int(coefficient.p).bit_length() + int(coefficient.q).bit_length()


def factors(polynomial: fmpq_mpoly) -> list[tuple[fmpq_mpoly, int]]:
    """(irreducible factor, how often), numbers left out. Raises FormulaError "limit"."""
    several = sum(degree > 0 for degree in polynomial.degrees()) > 1
    _check_size(polynomial, _MAX_FACTOR_SPACE[several])
    if polynomial.total_degree() > _MAX_FACTOR_DEGREE:
        raise FormulaError("limit", f"a degree over {_MAX_FACTOR_DEGREE} to factor")
    return polynomial.factor()[1]


def gcd(a: fmpq_mpoly, b: fmpq_mpoly) -> fmpq_mpoly:
    for polynomial in (a, b):
        _check_size(polynomial, _MAX_SPACE)
    return a.gcd(b)


def _check_size(polynomial: fmpq_mpoly, space: int) -> None:
    """FLINT cannot be interrupted, so what could take long is not begun."""
    check_time()
    dense = math.prod(degree + 1 for degree in polynomial.degrees())
    work = dense * (1 + size(polynomial) // 64)
    if len(polynomial) > _MAX_TERMS_DIVIDED or work > space:
        raise FormulaError("limit", "a polynomial too large to divide or factor")


def squarefree(polynomial: fmpq_mpoly) -> fmpq_mpoly:
    """The product of the different factors, with leading coefficient 1; not of zero."""
    _check_size(polynomial, _MAX_SPACE)
    product = polynomial / polynomial
    for factor, _ in polynomial.factor_squarefree()[1]:
        product = product * factor
    return product * (1 / product.leading_coefficient())


def without(polynomial: fmpq_mpoly, poles: fmpq_mpoly) -> fmpq_mpoly:
    """The polynomial without the factors it shares with `poles`."""
    while True:
        common = gcd(polynomial, poles)
        if common.is_constant():
            return polynomial
        polynomial = polynomial / common
