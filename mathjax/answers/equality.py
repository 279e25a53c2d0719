"""Are two scalar formulas equal? Exactly, or not decided; nothing is rounded.

Fractions are compared as such, rational functions at random points modulo primes, and anything with
roots, powers or functions in `ball_equality`.
"""

from __future__ import annotations

import hashlib
from fractions import Fraction

from mathjax.answers import ball_equality, exact_values
from mathjax.answers import formulas as f
from mathjax.answers.exact_values import Irrational
from mathjax.answers.formulas import FormulaError, Scalar
from mathjax.answers.time_limit import check_time

MAX_NODES = 4_000


def equal(left: Scalar, right: Scalar, positive: bool = False) -> bool:
    """Whether two formulas have the same value wherever they have one; with `positive`, wherever
    all names are greater than zero.

    Raises FormulaError: "undefined" where one has no value anywhere, "limit" where it cannot be
    computed within the bounds, "domain" where they agree but are not defined in the same places.
    """
    check_time()
    try:
        return _rationally_equal(left, right)
    except Irrational:
        pass
    except FormulaError as error:
        if error.reason != "limit" or not (left == right and _is_total(left)):
            raise
        return True
    try:
        return ball_equality.equal(left, right, positive)
    except FormulaError as error:
        if error.reason == "limit" and left == right and _is_total(left):
            return True
        raise


def equal_or_as_degrees(left: Scalar, right: Scalar) -> bool:
    """As `equal`; an angle in degrees on one side also equals its bare number on the other."""
    if equal(left, right):
        return True
    sides = [_without_degrees(side) for side in (left, right)]
    if (sides[0] is left) == (sides[1] is right):
        return False
    return equal(*sides)


def _without_degrees(node: Scalar) -> Scalar:
    match node:
        case f.Call("degree", (inner,)):
            return inner
        case f.Negative(f.Call("degree", (inner,))):
            return f.Negative(inner)
    return node


def check_defined(node: Scalar) -> None:
    """Raises FormulaError where a formula has no value anywhere, or none within the bounds."""
    equal(node, node)


def _is_total(node: Scalar) -> bool:
    """Whether every part has a value whatever the names are."""
    for part in f.walk(node):
        match part:
            case f.Number() | f.Name() | f.Sum() | f.Product() | f.Negative():
                continue
            case f.Power(base, exponent) if _is_natural(base) and _is_natural(exponent):
                continue
        return False
    return True


def _is_natural(node: Scalar) -> bool:
    match node:
        case f.Number(number):
            return isinstance(number, int) and number > 0
        case f.Power(base, exponent):
            return _is_natural(base) and _is_natural(exponent)
    return False


def _rationally_equal(left: Scalar, right: Scalar) -> bool:
    names = False
    for count, part in enumerate((*f.walk(left), *f.walk(right))):
        if count > MAX_NODES:
            raise FormulaError("limit", f"more than {MAX_NODES} parts")
        match part:
            case f.Root() | f.PlusMinus():
                raise Irrational
            case f.Call(function) if function not in ("percent", "factorial", "abs"):
                raise Irrational
            case f.Constant("oo"):
                raise FormulaError("undefined", "infinity is no number")
            case f.Name() | f.Constant():
                names = True
    if not names:
        try:
            return exact_values.value(left) == exact_values.value(right)
        except FormulaError as error:
            if error.reason != "limit":
                raise
    exact_values.degree_bound(left)
    exact_values.degree_bound(right)
    points = exact_values.Points(_salt(left, right))
    return exact_values.residues(left, points) == exact_values.residues(right, points)


def _salt(left: Scalar, right: Scalar) -> str:
    """A seed of random points that does not depend on which side is which."""
    digests = sorted(
        hashlib.blake2b(repr(side).encode("utf-8", "surrogatepass")).hexdigest()
        for side in (left, right)
    )
    return "".join(digests)


def order(left: Scalar, right: Scalar) -> int:
    """-1, 0 or 1 as a constant is less than, equal to or greater than another, both real."""
    try:
        a, b = exact_values.value(left), exact_values.value(right)
        return (a > b) - (a < b)
    except (Irrational, FormulaError):
        return 0 if equal(left, right) else ball_equality.order(left, right)


def is_constant(node: Scalar) -> bool:
    """Whether a formula has the same value other than zero at all points. Errors as of `equal`."""
    names = f.names_of(node)
    if not names:
        return not equal(node, f.Number(0))
    point = {name: f.Number(Fraction(2 * i + 3, 7 * i + 5)) for i, name in enumerate(names)}
    at = f.replace(node, lambda part: point[part.name] if isinstance(part, f.Name) else None)
    return equal(node, at) and not equal(at, f.Number(0))
