"""Are two scalar formulas equal? Exactly, or not decided; nothing is rounded.

Fractions are compared as such, rational functions at random points modulo primes, anything with
roots, powers or functions by balls at 20 random points: real ones where both sides are defined, and
if their domains differ complex ones. Constants must agree to some 600 digits more than they write.
"""

from __future__ import annotations

import hashlib
import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction

from flint import acb, arb, fmpq

from mathjax.answers import balls, exact_values
from mathjax.answers import formulas as f
from mathjax.answers.exact_values import POINTS, Irrational
from mathjax.answers.formulas import FormulaError, Scalar

MAX_NODES = 4_000
_PRECISIONS = (128, 512, 2048)
_EXTRA_BITS = 2048  # of constants, above the bits of their literals
_MAX_PRECISION = 100_000
_DRAWS = 120
SECONDS = 1.2
"""Of one verdict; what is not decided by then stays undecided."""

_clock = threading.local()


@contextmanager
def deadline(seconds: float = SECONDS) -> Iterator[None]:
    """What is compared inside, in this thread, ends with FormulaError "time" after so long."""
    _clock.end = time.monotonic() + seconds
    try:
        yield
    finally:
        _clock.end = None


def _check_time() -> None:
    end = getattr(_clock, "end", None)
    if end is not None and time.monotonic() > end:
        raise FormulaError("time", f"not decided in {SECONDS} seconds")


def equal(left: Scalar, right: Scalar, positive: bool = False) -> bool:
    """Whether two formulas have the same value wherever they have one; with `positive`, wherever
    all names are greater than zero.

    Raises FormulaError: "undefined" where one has no value anywhere, "limit" where it cannot be
    computed within the bounds, "domain" where they agree but are not defined in the same places.
    """
    _check_time()
    try:
        return _rationally_equal(left, right)
    except Irrational:
        pass
    except FormulaError as error:
        if error.reason != "limit" or not (left == right and _is_total(left)):
            raise
        return True
    try:
        return _equal_in_balls(left, right, positive)
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


def order(left: Scalar, right: Scalar) -> int:
    """-1, 0 or 1 as a constant is less than, equal to or greater than another, both real."""
    try:
        a, b = exact_values.value(left), exact_values.value(right)
        return (a > b) - (a < b)
    except (Irrational, FormulaError):
        pass
    if equal(left, right):
        return 0
    for bits in (*_PRECISIONS, _MAX_PRECISION):
        with balls.precision(bits):
            try:
                difference = balls.real(left, {}) - balls.real(right, {})
            except balls.Undefined:
                raise FormulaError("undefined", "no real number") from None
            except balls.Unclear:
                continue
            if not difference.contains(0):
                return 1 if difference > 0 else -1
    raise FormulaError("limit", "two values too close to order")


def is_constant(node: Scalar) -> bool:
    """Whether a formula has the same value other than zero at all points. Errors as of `equal`."""
    names = f.names_of(node)
    if not names:
        return not equal(node, f.Number(0))
    point = next(iter(_real_points(["a", "b", *names])))
    values = {name: f.Number(Fraction(int(v.p), int(v.q))) for name, v in point.items()}
    at = f.replace(node, lambda part: values[part.name] if isinstance(part, f.Name) else None)
    return equal(node, at) and not equal(at, f.Number(0))


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


def _equal_in_balls(left: Scalar, right: Scalar, positive: bool) -> bool:
    names = sorted({*f.names_of(left), *f.names_of(right)})
    if not names:
        return _equal_constants(left, right)
    found = _agree_at_real_points(left, right, names, positive)
    if found is not None:
        return found
    found = _agree_at_complex_points(left, right, names)
    if found:
        return True
    if found is None:
        raise FormulaError("undefined", "no value at any point")
    raise FormulaError("domain", "equal where both are defined, but not defined in the same places")


# Constants


def _equal_constants(left: Scalar, right: Scalar) -> bool:
    most = _EXTRA_BITS + 4 * (_written_bits(left) + _written_bits(right))
    if most > _MAX_PRECISION:
        raise FormulaError("limit", "literals too long to compare")
    for evaluate, zero in ((balls.real, arb(0)), (balls.complex_, acb(0))):
        try:
            return _same_constant(left, right, evaluate, zero, most)
        except balls.Undefined:
            continue
    raise FormulaError("undefined", "no value")


def _same_constant(left: Scalar, right: Scalar, evaluate, zero, most: int) -> bool:
    bits = 128
    while True:
        settle = bits >= most
        with balls.precision(min(bits, most)):
            try:
                difference = evaluate(left, {}, settle) - evaluate(right, {}, settle)
                if not difference.contains(0):
                    return False
                if settle:
                    if _is_small(difference, min(bits, most) // 2):
                        return True
                    raise FormulaError("limit", "cancels more digits than are computed")
            except balls.Unclear:
                if settle:
                    raise FormulaError("limit", "a value too large to compute") from None
        bits *= 8


def _is_small(difference, bits: int) -> bool:
    """Whether a ball around zero has a radius below 2^-bits."""
    radius = difference.abs_upper() if isinstance(difference, acb) else abs(difference).upper()
    return radius < arb(2) ** -bits


def _written_bits(node: Scalar) -> int:
    """Bits of the literals, powers of literals written out."""
    match node:
        case f.Number(number):
            number = Fraction(number)
            return number.numerator.bit_length() + number.denominator.bit_length()
        case f.Power(base, exponent):
            try:
                scale = abs(exact_values.value(exponent))
            except (Irrational, FormulaError):
                scale = 1
            return _written_bits(exponent) + math.ceil(_written_bits(base) * max(scale, 1))
    return sum(map(_written_bits, f.children(node)))


# Formulas with names


def _agree_at_real_points(
    left: Scalar, right: Scalar, names: list[str], positive: bool
) -> bool | None:
    """False for a difference, True for agreement at 20 points and equal domains, else None."""
    agreed, domains_differ = 0, False
    for point in _real_points(names):
        if positive:
            point = {name: abs(value) for name, value in point.items()}
        outcome = _compare_at(left, right, point, balls.real)
        if outcome is False:
            return False
        if outcome is True:
            agreed += 1
        elif outcome == "one":
            domains_differ = True
        if agreed >= POINTS and domains_differ:
            break
    return True if agreed >= POINTS and not domains_differ else None


def _agree_at_complex_points(left: Scalar, right: Scalar, names: list[str]) -> bool | None:
    agreed = 0
    for point in _complex_points(names):
        outcome = _compare_at(left, right, point, balls.complex_)
        if outcome is False or outcome == "one":
            return False
        agreed += outcome is True
    return True if agreed >= POINTS else None


def _compare_at(left: Scalar, right: Scalar, point, evaluate) -> bool | str | None:
    """Equal or not; "one" if only one has a value, None if neither has."""
    _check_time()
    for bits in _PRECISIONS:
        last = bits == _PRECISIONS[-1]
        with balls.precision(bits):
            values = []
            try:
                for side in (left, right):
                    try:
                        values.append(evaluate(side, point, last))
                    except balls.Undefined:
                        values.append(None)
            except balls.Unclear:
                continue
            if None in values:
                return "one" if values != [None, None] else None
            difference = values[0] - values[1]
            if not difference.contains(0):
                return False
            size = abs(values[0]) + abs(values[1])
            if _is_small(difference / (size + 1 if last else size), 64) or difference == 0:
                return True
    raise FormulaError("limit", "a value too large or too close to compute")


def _stream(names: list[str], label: str) -> Iterator[int]:
    """Random integers below 2^32, a function of the names."""
    counter = 0
    while True:
        seed = f"{label}\0{counter}\0" + "\0".join(names)
        data = hashlib.shake_128(seed.encode("utf-8", "surrogatepass")).digest(1024)
        for i in range(0, 1024, 4):
            yield int.from_bytes(data[i : i + 4], "little")
        counter += 1


_RANGES = ((0, 1), (0, 4), (-4, 4), (1, 12), (-1, 1), (-30, 30))


def _real_points(names: list[str]) -> Iterator[dict[str, fmpq]]:
    """Fractions from several ranges, half of the points with positive values only."""
    draws = _stream(names, "real")
    for i in range(_DRAWS):
        low, high = _RANGES[i % len(_RANGES)]
        yield {
            name: fmpq(low) + fmpq((high - low) * (2 * next(draws) + 1), 1 << 33) for name in names
        }


def _complex_points(names: list[str]) -> Iterator[dict[str, acb]]:
    draws = _stream(names, "complex")

    def draw() -> arb:
        return arb(fmpq(4 * (2 * next(draws) + 1), 1 << 32) - 4)

    for _ in range(POINTS):
        yield {name: acb(draw(), draw()) for name in names}
