"""Where a formula may change its law: |x - 3| at 3, sqrt(x^2 - 5x) where it begins and ends.

On a line along one name these places are real roots of polynomials, which FLINT isolates; between
two neighbours a formula follows one law. So points drawn from every such stretch tell all that a
formula of one name does, and a formula of several all that it does along that line.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from fractions import Fraction

import flint
from flint import fmpq, fmpq_poly

from mathjax.answers import balls, exact_values
from mathjax.answers import formulas as f
from mathjax.answers.exact_values import Irrational
from mathjax.answers.formulas import FormulaError, Name, Scalar
from mathjax.answers.polynomials import Field, size
from mathjax.answers.time_limit import check_time

STEPS = ("floor", "ceil", "sign")
_INVERSES = ("asin", "acos", "atan", "acot", "asec", "acsc")
_MAX_DEGREE, _MAX_WORK = 20, 3_000
_MAX_LAWS = 32
_MAX_PLACES = 200


def places(node: Scalar) -> list[Scalar]:
    """Formulas of names that are zero where a formula may change its law or begin to be defined."""
    found: list[Scalar] = []
    for part in f.walk(node):
        check_time()
        if len(found) > _MAX_PLACES:
            raise FormulaError("limit", f"more than {_MAX_PLACES} places where the law may change")
        match part:
            case f.Call("abs" | "sign", (inner,)):
                found.append(inner)
            case f.Call("max" | "min", arguments):
                if len(arguments) ** 2 > _MAX_PLACES:
                    raise FormulaError("limit", "a maximum or minimum of too many values")
                for i, a in enumerate(arguments):
                    found += [f.Sum((a, f.Negative(b))) for b in arguments[:i]]
            case f.Call("log", (inner, *_)) | f.Root(inner):
                found.append(inner)
            case f.Call(function, (inner,)) if function in _INVERSES or function == "acosh":
                found += [f.Sum((inner, f.Number(1))), f.Sum((inner, f.Number(-1)))]
            case f.Power(base, exponent) if f.names_of(base) and not _is_integer(exponent):
                found.append(base)
    laws = [law for inner in dict.fromkeys(found) for law in _laws(inner)]
    return [law for law in dict.fromkeys(laws) if f.names_of(law)]


def _laws(node: Scalar) -> list[Scalar]:
    """A formula as it is between its own places: |u| is u or -u, max(a, b) is a or b."""
    open_, done = [node], []
    while open_ and len(open_) + len(done) < _MAX_LAWS:
        node = open_.pop()
        inner = next((part for part in f.walk(node) if _choices(part)), None)
        if inner is None:
            done.append(node)
            continue
        for choice in _choices(inner):
            open_.append(f.replace(node, lambda part, i=inner, c=choice: c if part == i else None))
    return open_ + done


def _choices(node: Scalar) -> tuple[Scalar, ...]:
    match node:
        case f.Call("abs", (inner,)):
            return inner, f.Negative(inner)
        case f.Call("sign", _):
            return f.Number(1), f.Number(-1)
        case f.Call("max" | "min", arguments):
            return arguments
    return ()


def steps(node: Scalar, function: str) -> list[Scalar]:
    """Arguments of a function of STEPS, which jumps at single points."""
    return [
        part.arguments[0]
        for part in f.walk(node)
        if isinstance(part, f.Call) and part.function == function and f.names_of(part.arguments[0])
    ]


def folds(node: Scalar) -> list[Scalar]:
    """What absolute values are taken of, openly or by max, min or the root of a square."""
    found: list[Scalar] = []
    stack = [node]
    while stack:
        part = stack.pop()
        match part:
            case f.Power(f.Call("abs", (inner,)), f.Number(n)) if n % 2 == 0:
                stack.append(inner)  # |u|^2 is u^2
                continue
            case f.Call("abs", (inner,)):
                found += _split(inner)
            case f.Call("max" | "min", arguments):
                for i, a in enumerate(arguments):
                    for b in arguments[:i]:
                        found += _split(f.Sum((a, f.Negative(b))))
            case f.Root(inner, index) if index % 2 == 0:
                found += _squared(inner)
            case f.Call("log", (inner, *_)):
                found += _squared(inner)
            case f.Call(function, (inner,)) if function in (*_INVERSES, "acosh"):
                if f.has(inner, f.Call):  # acosh(cosh(u)) is |u|
                    found.append(inner)
            case f.Power(inner, exponent) if not _is_integer(exponent):
                found += _squared(inner)
        stack += f.children(part)
    return [one for one in dict.fromkeys(found) if f.names_of(one)]


def _squared(node: Scalar) -> list[Scalar]:
    """What even powers are taken of among the factors of a formula."""
    found: list[Scalar] = []
    for factor in _factors(node):
        match factor:
            case f.Power(base, f.Number(n)) if isinstance(n, int) and n % 2 == 0:
                found += _split(base)
    return found


def _is_integer(exponent: Scalar) -> bool:
    try:
        exact_values.integer_exponent(exponent)
    except Irrational:
        return False
    return True


def _split(node: Scalar) -> list[Scalar]:
    """Factors whose absolute values make up that of a product."""
    return [
        factor.base
        if isinstance(factor, f.Power) and isinstance(factor.exponent, f.Number)
        else factor
        for factor in _factors(node)
    ]


def _factors(node: Scalar) -> list[Scalar]:
    match node:
        case f.Negative(inner):
            return _factors(inner)
        case f.Product() | f.Quotient():
            return [factor for part in f.children(node) for factor in _factors(part)]
    return [node]


def is_rational(node: Scalar) -> bool:
    """Whether a formula is a rational function, constants of any kind apart."""
    for part in f.walk(node):
        if f.names_of(part) and isinstance(part, f.Call | f.Root):
            return False
        if isinstance(part, f.Power) and f.names_of(part) and not _is_integer(part.exponent):
            return False
    return True


def has_inverses(node: Scalar) -> bool:
    """Whether an inverse of a periodic function is there: arcsin(sin(x)) changes without end."""
    return any(isinstance(part, f.Call) and part.function in _INVERSES for part in f.walk(node))


def stretches(
    formulas: list[Scalar], name: str, others: Mapping[str, Fraction]
) -> tuple[list[tuple[Fraction, Fraction]], bool]:
    """(stretches along `name` between the places, whether all places were found).

    others: values of the other names.
    """
    roots: list[Fraction] = []
    complete = True
    for formula in formulas:
        try:
            roots += _real_roots(formula, name, others)
        except FormulaError:
            complete = False
    roots = sorted(set(roots))
    if not roots:
        return [], complete
    reach = 2 * max(abs(roots[0]), abs(roots[-1])) + 1
    ends = [-reach, *roots, reach]
    return list(itertools.pairwise(ends)), complete


def _real_roots(formula: Scalar, name: str, others: Mapping[str, Fraction]) -> list[Fraction]:
    """Real roots of numerator and denominator, to some 60 digits."""

    def known(part: Scalar) -> Scalar | None:
        if isinstance(part, Name):
            return f.Number(others[part.name]) if part.name in others else None
        return _number(part) if not f.names_of(part) else None

    formula = f.replace(formula, known)
    field = Field(formula)
    if field.keys != [Name(name)]:
        if not field.keys:
            return []
        raise FormulaError("limit", "places that are no roots of polynomials")
    roots = []
    for polynomial in field.quotient(formula)[:2]:
        degree = polynomial.total_degree()
        if degree > _MAX_DEGREE or (degree > 2 and degree * size(polynomial) > _MAX_WORK):
            raise FormulaError("limit", "roots that may lie too close to be told apart")
        if not polynomial.is_constant():
            roots += _roots(polynomial)
    return roots


def _roots(polynomial: flint.fmpq_mpoly) -> list[Fraction]:
    coefficients = [fmpq(0)] * (polynomial.total_degree() + 1)
    for (power,), coefficient in polynomial.to_dict().items():
        coefficients[int(power)] = coefficient
    integral = fmpq_poly(coefficients).numer()
    with balls.precision(256):
        return [
            _fraction(root.real)
            for root, _ in integral.complex_roots()
            if root.imag.is_exact() and root.imag == 0
        ]


def _fraction(ball: flint.arb) -> Fraction:
    mantissa, exponent = ball.mid().man_exp()
    return Fraction(int(mantissa)) * Fraction(2) ** int(exponent)


def _number(node: Scalar) -> Scalar:
    """A part without names as a fraction near its value."""
    try:
        return f.Number(exact_values.value(node))
    except (Irrational, FormulaError):
        pass
    with balls.precision(256):
        try:
            ball, size = balls.real(node, {}, True)
        except (balls.Undefined, balls.Unclear):
            raise FormulaError("limit", "a number that cannot be computed") from None
    if size > 20_000:
        raise FormulaError("limit", "a number too large")
    return f.Number(_fraction(ball))
