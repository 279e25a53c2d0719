"""Exact arithmetic on formulas without roots or functions: fractions, and residues at many points.

Two rational functions that agree modulo primes of 61 bits at 20 random points are equal but for a
chance below (degree / 2^60)^20 (Schwartz and Zippel); one difference proves them unequal.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from fractions import Fraction

from flint import fmpz

from mathjax.answers import formulas as f
from mathjax.answers.formulas import FormulaError, Scalar
from mathjax.answers.time_limit import check_time

POINTS = 20
MAX_BITS = 60_000
"""Of a number that is written out."""
MAX_DEGREE = 2**40
"""Bound of the degree, and of exponents: well below the primes."""

_NUM_PRIMES = 4  # each takes a share of the points


class Irrational(Exception):
    """Not made of literals, names, + - * / and integer exponents alone."""


def value(node: Scalar) -> Fraction:
    """The exact number a formula without names stands for.

    Raises Irrational where it is not a fraction's arithmetic, FormulaError "undefined" or "limit".
    """
    match node:
        case f.Number(number):
            return Fraction(number)
        case f.Sum(terms):
            total = Fraction(0)
            for term in terms:
                total = _written(total + value(term))
            return total
        case f.Product(factors):
            product = Fraction(1)
            for factor in factors:
                product = _written(product * value(factor))
            return product
        case f.Negative(inner):
            return -value(inner)
        case f.Quotient(above, below):
            divisor = value(below)
            if divisor == 0:
                raise FormulaError("undefined", "a division by zero")
            return _written(value(above) / divisor)
        case f.Power(base, exponent):
            return power(value(base), value(exponent))
        case f.Call("percent", (inner,)):
            return value(inner) / 100
        case f.Call("factorial", (inner,)):
            return Fraction(factorial(value(inner)))
        case f.Call("abs", (inner,)):
            return abs(value(inner))
    raise Irrational


def _written(number: Fraction) -> Fraction:
    check_time()
    if _bits(number) > MAX_BITS:
        raise FormulaError("limit", "a number too long to write")
    return number


def _bits(number: Fraction) -> int:
    return number.numerator.bit_length() + number.denominator.bit_length()


def power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise Irrational
    if base == 0 and exponent <= 0:
        raise FormulaError("undefined", "zero to a power that is not positive")
    if base in (0, 1):
        return base
    if base == -1:
        return Fraction(-1 if exponent % 2 else 1)
    if _bits(base) * abs(exponent) > MAX_BITS:
        raise FormulaError("limit", "a power too long to write")
    return base ** int(exponent)


def factorial(number: Fraction) -> int:
    if number.denominator != 1 or number < 0:
        raise FormulaError("undefined", "a factorial of what is no natural number")
    if number > 3000:
        raise FormulaError("limit", "the factorial of a number over 3000")
    return math.factorial(int(number))


def integer_exponent(node: Scalar) -> int:
    """An exponent's value; raises Irrational unless it is an integer."""
    if isinstance(node, f.Number) and isinstance(node.value, int):
        exponent = node.value
    elif any(isinstance(part, f.Name) for part in f.walk(node)):
        raise Irrational
    else:
        number = value(node)
        if number.denominator != 1:
            raise Irrational
        exponent = int(number)
    if abs(exponent) > MAX_DEGREE:
        raise FormulaError("limit", f"an exponent beyond {MAX_DEGREE}")
    return exponent


def _primes(seed: bytes) -> list[int]:
    """Primes between 2^60 and 2^61 that no text can be made to fit, as it decides them."""
    stream = hashlib.shake_128(b"primes" + seed).digest(8 * _NUM_PRIMES)
    primes = []
    for i in range(_NUM_PRIMES):
        candidate = (1 << 60) | int.from_bytes(stream[8 * i : 8 * i + 8], "little") >> 4 | 1
        while not fmpz(candidate).is_prime():
            candidate += 2
        primes.append(candidate)
    return primes


class Points:
    """Random points, drawn from the texts compared: the same verdict in every process."""

    def __init__(self, salt: str):
        self._salt = salt
        primes = _primes(salt.encode("utf-8", "surrogatepass"))
        self.primes = [prime for prime in primes for _ in range(POINTS // _NUM_PRIMES)]
        self._residues: dict[str, list[int]] = {}

    def of(self, name: str) -> list[int]:
        if name not in self._residues:
            seed = f"{self._salt}\0{name}".encode("utf-8", "surrogatepass")
            stream = hashlib.shake_128(seed).digest(8 * POINTS)
            self._residues[name] = [
                int.from_bytes(stream[8 * i : 8 * i + 8], "little") % prime
                for i, prime in enumerate(self.primes)
            ]
        return self._residues[name]


def residues(node: Scalar, points: Points) -> list[int]:
    """Values of a rational function at the points, each modulo its prime; pi and e count as names.

    Raises Irrational; FormulaError "undefined" where a denominator vanishes identically.
    """
    return _Residues(points).at(node)


class _Residues:
    def __init__(self, points: Points):
        self._points, self._primes = points, points.primes

    def at(self, node: Scalar) -> list[int]:
        check_time()
        primes = self._primes
        match node:
            case f.Number(number):
                if isinstance(number, int):
                    return [number % p for p in primes]
                return self._divided(
                    [number.numerator % p for p in primes], [number.denominator % p for p in primes]
                )
            case f.Name(name):
                return self._points.of(name)
            case f.Constant("pi" | "e" as name):
                return self._points.of("\\" + name)
            case f.Sum(terms):
                total = self.at(terms[0])
                for term in terms[1:]:
                    total = [a + b for a, b in zip(total, self.at(term), strict=True)]
                return [a % p for a, p in zip(total, primes, strict=True)]
            case f.Product(factors):
                product = self.at(factors[0])
                for factor in factors[1:]:
                    product = [
                        a * b % p for a, b, p in zip(product, self.at(factor), primes, strict=True)
                    ]
                return product
            case f.Negative(inner):
                return [-a % p for a, p in zip(self.at(inner), primes, strict=True)]
            case f.Quotient(above, below):
                return self._divided(self.at(above), self.at(below))
            case f.Power(base, exponent):
                n = integer_exponent(exponent)
                below = self.at(base)
                if n <= 0 and not any(below):
                    raise FormulaError("undefined", "zero to a power that is not positive")
                if n < 0:
                    below = self._divided([1] * len(primes), below)
                return [pow(a, abs(n), p) for a, p in zip(below, primes, strict=True)]
            case f.Call("percent", (inner,)):
                return self._divided(self.at(inner), [100] * len(primes))
        raise Irrational

    def _divided(self, above: Sequence[int], below: Sequence[int]) -> list[int]:
        if not all(below):
            if any(below):  # a chance of 2^-60: the point is a root
                raise FormulaError("limit", "a denominator vanishes at a random point")
            raise FormulaError("undefined", "a division by zero")
        return [a * pow(b, -1, p) % p for a, b, p in zip(above, below, self._primes, strict=True)]


def degree_bound(node: Scalar) -> int:
    """No degree in any name, above or below, exceeds it. Raises FormulaError past MAX_DEGREE."""
    match node:
        case f.Name() | f.Constant():
            return 1
        case f.Power(base, exponent):
            bound = degree_bound(base) * abs(integer_exponent(exponent))
        case _:
            bound = sum(map(degree_bound, f.children(node)))
    if bound > MAX_DEGREE:
        raise FormulaError("limit", f"a degree beyond {MAX_DEGREE}")
    return bound
