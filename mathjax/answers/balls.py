"""Values of formulas with roots, powers and functions, as balls that hold the true value.

Arithmetic is FLINT's (python-flint): every result carries a bound of its error, so that two values
whose balls are apart are different for certain, and a huge argument gives a useless ball, never a
long wait. Where a ball does not tell on which side of a branch or pole a value lies, `Unclear` asks
for more precision; with `settle` it is then taken to lie on it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import flint
from flint import acb, arb, fmpq

from mathjax.answers import exact_values
from mathjax.answers import formulas as f
from mathjax.answers.exact_values import Irrational
from mathjax.answers.formulas import FormulaError, Scalar
from mathjax.answers.time_limit import check_time

_MAX_GAMMA_PRECISION = 8_000
_MAX_INTEGER_BITS = 100_000

_LOCK = threading.RLock()  # FLINT's precision is one for the process


class Undefined(Exception):
    """No value here."""


class Unclear(Exception):
    """The precision does not tell."""


@contextmanager
def precision(bits: int) -> Iterator[None]:
    """All values made inside have so many bits; one thread at a time."""
    with _LOCK:
        before = flint.ctx.prec
        flint.ctx.prec = bits
        try:
            yield
        finally:
            flint.ctx.prec = before


def real(node: Scalar, point: Mapping[str, fmpq], settle: bool = False) -> tuple[arb, int]:
    """(the real value, the largest binary exponent of a value on the way, up or down).

    Raises Undefined where there is none (an even root of a negative number, ...), Unclear.
    """
    evaluator = _Real(point, settle)
    return evaluator.at(node), evaluator.size


def complex_(node: Scalar, point: Mapping[str, acb], settle: bool = False) -> tuple[acb, int]:
    """As `real`, the principal value."""
    evaluator = _Complex(point, settle)
    return evaluator.at(node), evaluator.size


def is_small(ball: arb | acb, bits: int) -> bool:
    """Whether a ball around zero lies within 2^-bits of it."""
    upper = ball.abs_upper()
    return upper < arb(2) ** -bits


def _exponent(ball: arb | acb) -> int:
    """The size of the binary exponent of a value, 0 where it may be zero."""
    if isinstance(ball, acb):
        return max(_exponent(ball.real), _exponent(ball.imag))
    if ball.contains(0):
        return 0
    mantissa, exponent = ball.mid().man_exp()
    return abs(int(exponent) + int(mantissa).bit_length())


def _whole(ball: arb | acb) -> int:
    """The size of a value, rounded up; 2^62 for all that are larger."""
    if _exponent(ball) > 62 or not ball.abs_upper() < arb(2) ** 62:
        return 1 << 62
    whole = ball.abs_upper().ceil().unique_fmpz()
    return int(whole) if whole is not None else 1 << 62


def _to_fmpq(number) -> fmpq:
    return fmpq(number.numerator, number.denominator)


def _exact(node: Scalar):
    """The fraction of a formula without names, or None."""
    if isinstance(node, f.Number):
        return node.value
    try:
        return exact_values.value(node)
    except (Irrational, FormulaError):
        return None


class _Evaluator:
    """What the real and the complex reading share."""

    ball: type

    def __init__(self, point: Mapping, settle: bool):
        self._point, self._settle = point, settle
        self.size = 0

    def at(self, node: Scalar):
        check_time()
        result = self._at(node)
        if not result.is_finite():
            raise Unclear
        self.size = max(self.size, _exponent(result))
        return result

    def _at(self, node: Scalar):
        match node:
            case f.Number(number):
                return (
                    self.ball(_to_fmpq(number)) if self.ball is arb else acb(arb(_to_fmpq(number)))
                )
            case f.Name(name):
                return self.ball(self._point[name])
            case f.Constant("pi"):
                return self.ball(arb.pi())
            case f.Constant("e"):
                return self.ball(arb.const_e())
            case f.Constant():
                raise Undefined
            case f.Sum(terms):
                total = self.at(terms[0])
                for term in terms[1:]:
                    total = total + self.at(term)
                return total
            case f.Product(factors):
                product = self.at(factors[0])
                for factor in factors[1:]:
                    product = product * self.at(factor)
                return product
            case f.Negative(inner):
                return -self.at(inner)
            case f.Quotient(above, below):
                divisor = self.at(below)
                if self._is_zero(divisor):
                    raise Undefined
                return self.at(above) / divisor
            case f.Power(base, exponent):
                return self._power(base, exponent)
            case f.Root(inner, index):
                return self._root(self.at(inner), index)
            case f.Call("percent", (inner,)):
                return self.at(inner) / 100
            case f.Call("degree", (inner,)):
                return self.at(inner) * self.ball(arb.pi()) / 180
            case f.Call("factorial", (inner,)):
                return self._factorial(inner)
            case f.Call("binomial", (n, k)):
                return self._binomial(n, k)
            case f.Call("log", (inner, base)):
                divisor = self._log(self.at(base))
                if self._is_zero(divisor):
                    raise Undefined
                return self._log(self.at(inner)) / divisor
            case f.Call("log", (inner,)):
                return self._log(self.at(inner))
            case f.Call(function, arguments):
                return self._call(function, [self.at(argument) for argument in arguments])
        raise FormulaError("parse", f"no value: {type(node).__name__}")

    def _is_zero(self, ball) -> bool:
        """Whether a value is zero: by its ball, or taken so at the last precision."""
        if not ball.contains(0):
            return False
        if ball == 0 or (self._settle and is_small(ball, flint.ctx.prec // 4)):
            return True
        raise Unclear

    def _power(self, base: Scalar, exponent: Scalar):
        exact = _exact(exponent)
        if exact is not None and exact.denominator == 1:
            n = int(exact)
            if abs(n) > 2**62:
                raise FormulaError("limit", "an exponent beyond 2^62")
            below = self.at(base)
            if n <= 0 and self._is_zero(below):
                raise Undefined
            return below**n
        if isinstance(base, f.Constant) and base.name == "e":
            return self.at(exponent).exp()
        return self._general_power(self.at(base), self.at(exponent))

    def _factorial(self, inner: Scalar):
        if not f.names_of(inner):
            try:
                return self.ball(exact_values.factorial(exact_values.value(inner)))
            except Irrational:
                raise Undefined from None
        return self._gamma(self.at(inner) + 1)

    def _binomial(self, n: Scalar, k: Scalar):
        above, below = _exact(n), _exact(k)
        if above is not None and below is not None:
            if above.denominator != 1 or below.denominator != 1 or above < 0 or below < 0:
                raise Undefined
            if above > 3000:
                raise FormulaError("limit", "a binomial of a number over 3000")
            if below > above:
                return self.ball(0)
        a, b = self.at(n), self.at(k)
        return self._gamma(a + 1) / (self._gamma(b + 1) * self._gamma(a - b + 1))

    def _gamma(self, ball):
        if flint.ctx.prec > _MAX_GAMMA_PRECISION:  # one call would take too long
            raise FormulaError("limit", "a factorial to too many digits")
        if not ball.abs_upper() < arb(2) ** 40:
            raise Unclear
        return ball.gamma()

    def _reciprocal(self, ball):
        if self._is_zero(ball):
            raise Undefined
        return 1 / ball

    def _call(self, function: str, arguments: list):
        x = arguments[0]
        if function in ("tanh", "coth"):  # 1 but for exp(-2x)
            self.size = max(self.size, 3 * _whole(x))
        match function:
            case "sin" | "cos" | "sinh" | "cosh" | "tanh" | "asinh" | "atan":
                return getattr(x, function)()
            case "tan":
                return x.sin() * self._reciprocal(x.cos())
            case "cot":
                return x.cos() * self._reciprocal(x.sin())
            case "sec":
                return self._reciprocal(x.cos())
            case "csc":
                return self._reciprocal(x.sin())
            case "coth":
                return x.cosh() * self._reciprocal(x.sinh())
            case "sech":
                return self._reciprocal(x.cosh())
            case "csch":
                return self._reciprocal(x.sinh())
            case "asec":
                return self._call("acos", [self._reciprocal(x)])
            case "acsc":
                return self._call("asin", [self._reciprocal(x)])
            case "acot":  # between 0 and pi
                return self.ball(arb.pi()) / 2 - x.atan()
        return self._own_call(function, arguments)

    def _own_call(self, function: str, arguments: list):
        raise NotImplementedError


class _Real(_Evaluator):
    ball = arb

    def _sign(self, ball: arb) -> int:
        """-1, 0 or 1; Unclear where the ball lies on both sides of zero."""
        if ball > 0:
            return 1
        if ball < 0:
            return -1
        self._is_zero(ball)
        return 0

    def _root(self, inner: arb, index: int) -> arb:
        sign = self._sign(inner)
        if sign == 0:
            return arb(0)
        if sign < 0:
            if index % 2 == 0:
                raise Undefined
            return -((-inner).root(index))
        return inner.root(index)

    def _general_power(self, base: arb, exponent: arb) -> arb:
        sign = self._sign(base)
        if sign < 0:
            raise Undefined
        if sign == 0:
            if self._sign(exponent) <= 0:
                raise Undefined
            return arb(0)
        return (base.log() * exponent).exp()

    def _log(self, inner: arb) -> arb:
        if self._sign(inner) <= 0:
            raise Undefined
        return inner.log()

    def _own_call(self, function: str, arguments: list[arb]) -> arb:
        x = arguments[0]
        match function:
            case "abs":
                return abs(x)
            case "sign":
                return arb(self._sign(x))
            case "asin" | "acos":
                return self._within(function, x)
            case "acosh":
                if self._sign(x - 1) < 0:
                    raise Undefined
                return arb(0) if self._sign(x - 1) == 0 else x.acosh()
            case "atanh":
                if self._sign(x - 1) >= 0 or self._sign(x + 1) <= 0:
                    raise Undefined
                return x.atanh()
            case "floor" | "ceil":
                return self._integer_part(function, x)
            case "max" | "min":
                for other in arguments[1:]:
                    x = getattr(x, function)(other)
                return x
        raise FormulaError("parse", f"unknown function {function!r}")

    def _within(self, function: str, x: arb) -> arb:
        """asin and acos between -1 and 1, at whose ends balls reach over the edge."""
        for edge in (1, -1):
            if self._sign(edge * x - 1) > 0:
                raise Undefined
            if self._sign(edge * x - 1) == 0:
                x = arb(edge)
        return getattr(x, function)()

    def _integer_part(self, function: str, x: arb) -> arb:
        if not abs(x) < arb(2) ** _MAX_INTEGER_BITS:  # FLINT would write it out
            raise Unclear
        whole = getattr(x, function)()
        if whole.unique_fmpz() is not None:
            return whole
        nearest = (x + arb("0.5")).floor().unique_fmpz()
        if not self._settle or nearest is None or not is_small(x - nearest, flint.ctx.prec // 4):
            raise Unclear
        return arb(nearest)


class _Complex(_Evaluator):
    ball = acb

    def _root(self, inner: acb, index: int) -> acb:
        if self._is_zero(inner):
            return acb(0)
        return inner.sqrt() if index == 2 else (inner.log() / index).exp()

    def _general_power(self, base: acb, exponent: acb) -> acb:
        if self._is_zero(base):
            if exponent.real > 0:
                return acb(0)
            raise Undefined
        return (base.log() * exponent).exp()

    def _log(self, inner: acb) -> acb:
        if self._is_zero(inner):
            raise Undefined
        return inner.log()

    def _own_call(self, function: str, arguments: list[acb]) -> acb:
        x = arguments[0]
        match function:
            case "abs":
                return acb(abs(x))
            case "asin" | "acos" | "acosh" | "atanh":
                return getattr(x, function)()
        raise Undefined  # sign, floor, max and the like are of real numbers
