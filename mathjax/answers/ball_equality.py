"""Equality of formulas with roots, powers or functions, by balls that hold their values.

Two balls that are apart prove a difference. Formulas with names are equal when they agree at 20
random points and more: real ones of all sizes, where both or neither must have a value, or if
these places differ complex ones. The precision grows with the literals and with every value on the
way, so that what two formulas differ by is not too small to be seen. Constants agree likewise, at
one point, to over 300 digits more than their literals and values have.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from mathjax.answers import balls, exact_values, kinks
from mathjax.answers import formulas as f
from mathjax.answers.exact_values import POINTS, Irrational
from mathjax.answers.formulas import FormulaError, Scalar
from mathjax.answers.sample_points import complex_points, real_points
from mathjax.answers.time_limit import check_time

_START = 128  # bits
_EXTRA_BITS = 2048  # of constants
_MAX_PRECISION = 100_000
_MAX_POINT_PRECISION = 20_000


def equal(left: Scalar, right: Scalar, positive: bool) -> bool:
    """See `equality.equal`."""
    names = sorted({*f.names_of(left), *f.names_of(right)})
    if left == right:
        return _has_value(left, names)
    if not names:
        return _equal_constants(left, right)
    found, agreed = _agree_at_real_points(left, right, names, positive)
    if found is not None:
        return found
    found = _agree_at_complex_points(left, right, names)
    if found or (found is False and not agreed):
        return found
    if found is None:
        raise FormulaError("undefined", "no value at any point")
    raise FormulaError("domain", "equal where both are defined, but not defined in the same places")


def order(left: Scalar, right: Scalar) -> int:
    """-1 or 1 as a real constant is less or greater than another, which it does not equal."""
    for bits in (_START, 2048, _MAX_PRECISION):
        check_time()
        with balls.precision(bits):
            try:
                difference = balls.real(left, {})[0] - balls.real(right, {})[0]
            except balls.Undefined:
                raise FormulaError("undefined", "no real number") from None
            except balls.Unclear:
                continue
            if not difference.contains(0):
                return 1 if difference > 0 else -1
    raise FormulaError("limit", "two values too close to order")


def _has_value(node: Scalar, names: list[str]) -> bool:
    """True where a formula has a value somewhere; otherwise raises FormulaError."""
    unclear = False
    with balls.precision(min(1024 + 4 * _written_bits(node), _MAX_PRECISION)):
        for evaluate, points in (
            (balls.real, (point for point, _ in real_points(node, node, names))),
            (balls.complex_, complex_points(node, node, names)),
        ):
            for point, settle in itertools.product(itertools.islice(points, 12), (False, True)):
                check_time()
                try:
                    evaluate(node, point, settle)
                    return True
                except balls.Undefined:
                    continue
                except balls.Unclear:
                    unclear |= settle
    reason = "limit" if unclear else "undefined"
    raise FormulaError(reason, "no value that can be computed" if unclear else "no value")


# Constants


def _equal_constants(left: Scalar, right: Scalar) -> bool:
    written = _written_bits(left) + _written_bits(right)
    for evaluate in (balls.real, balls.complex_):
        try:
            return _same_constant(left, right, evaluate, _EXTRA_BITS + 4 * written)
        except balls.Undefined:
            continue
    raise FormulaError("undefined", "no value")


def _same_constant(left: Scalar, right: Scalar, evaluate, enough: int) -> bool:
    bits = _START
    while True:
        check_time()
        if enough > _MAX_PRECISION:
            raise FormulaError("limit", "literals or values too long to compare")
        settle = bits >= enough
        with balls.precision(bits):
            try:
                a, size = evaluate(left, {}, settle)
                b, other_size = evaluate(right, {}, settle)
            except balls.Unclear:
                if settle:
                    raise FormulaError("limit", "a value too large to compute") from None
                bits = min(8 * bits, enough)
                continue
            if not (a - b).contains(0):
                return False
            needed = max(enough, _EXTRA_BITS + 4 * max(size, other_size))
            if settle and needed == enough:
                if balls.is_small(a - b, bits // 2):
                    return True
                raise FormulaError("limit", "cancels more digits than are computed")
        enough = needed
        bits = min(8 * bits, enough)


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
) -> tuple[bool | None, int]:
    """(False for a difference, True for agreement at 20 points and equal domains, else None; at how
    many points they agree)."""
    agreed, domains_differ, unclear = 0, False, False
    has_places = bool(kinks.places(left) or kinks.places(right))
    for point, standing in real_points(left, right, names):
        if standing == "spare" and agreed >= POINTS:
            break
        if positive:
            point = {name: abs(value) for name, value in point.items()}
        try:
            outcome = _compare_at(left, right, point, balls.real)
        except FormulaError as error:
            if error.reason != "limit" or (standing == "sure" and has_places):
                raise
            unclear = True
            continue  # too large here; a formula of one law shows itself elsewhere
        if outcome is False:
            return False, agreed
        agreed += outcome is True
        domains_differ |= outcome == "one"
    if unclear and agreed < POINTS and not domains_differ:
        raise FormulaError("limit", "values too large to compute")
    if agreed < POINTS or domains_differ:
        return None, agreed
    for (kind, told), (_, other_told) in zip(
        _what_changes(left, right, names), _what_changes(right, left, names), strict=True
    ):
        alike = _in_ratio if kind in ("absolute values", "sign") else _alike
        if not (_covered(told, other_told, alike) and _covered(other_told, told, alike)):
            raise FormulaError("undecided", f"{kind} of different values")
    return True, agreed


def _what_changes(node: Scalar, other: Scalar, names: list[str]) -> list[tuple[str, list[Scalar]]]:
    """What must be alike in two formulas that agree at points, as points cannot show it all: steps,
    and where not all places of the law's change were found what absolute values are taken of."""
    changes = [(function, kinks.steps(node, function)) for function in kinks.STEPS]
    formulas = kinks.places(node) + kinks.places(other)
    if len(names) > 1 or not all(map(kinks.is_rational, formulas)):
        changes.append(("absolute values", kinks.folds(node)))
    return changes


def _covered(
    some: list[Scalar], others: list[Scalar], alike: Callable[[Scalar, Scalar], bool]
) -> bool:
    return all(one in others or any(alike(one, x) for x in others) for one in some)


def _alike(one: Scalar, other: Scalar) -> bool:
    """Whether arguments of steps are equal."""
    try:
        points = exact_values.Points("alike")
        return exact_values.residues(one, points) == exact_values.residues(other, points)
    except FormulaError:
        return False
    except Irrational:
        return equal(one, other, False)


def _in_ratio(one: Scalar, other: Scalar) -> bool:
    """Whether what absolute values are taken of is in a constant ratio, so that both fold alike."""
    points = exact_values.Points("ratio")
    try:
        a, b = exact_values.residues(one, points), exact_values.residues(other, points)
    except FormulaError:
        return False
    except Irrational:
        return equal(one, other, False) or equal(one, f.Negative(other), False)
    # Within the points of each prime.
    first = [points.primes.index(p) for p in points.primes]
    return all(
        (a[i] * b[k] - a[k] * b[i]) % p == 0
        for i, (k, p) in enumerate(zip(first, points.primes, strict=True))
    )


def _agree_at_complex_points(left: Scalar, right: Scalar, names: list[str]) -> bool | None:
    agreed = undefined = 0
    for point in complex_points(left, right, names):
        try:
            outcome = _compare_at(left, right, point, balls.complex_)
        except FormulaError as error:
            if error.reason != "limit":
                raise
            continue
        if outcome is False or outcome == "one":
            return False
        agreed += outcome is True
        undefined += outcome is None
    if agreed >= POINTS:
        return True
    if undefined:
        return None
    raise FormulaError("limit", "values too large to compute")


def _compare_at(left: Scalar, right: Scalar, point: Mapping, evaluate) -> bool | str | None:
    """Equal or not; "one" if only one has a value, None if neither has."""
    enough = _START + 2 * (_written_bits(left) + _written_bits(right))
    bits = _START
    while True:
        check_time()
        if enough > _MAX_POINT_PRECISION:
            raise FormulaError("limit", "literals or values too long to compare")
        settle = bits >= enough
        with balls.precision(bits):
            try:
                values = [_value(side, point, evaluate, settle) for side in (left, right)]
            except balls.Unclear:
                if bits >= 4096:
                    raise FormulaError("limit", "a value too large or too close") from None
                bits = enough = max(4 * bits, enough)
                continue
            if None in values:
                return "one" if values != [None, None] else None
            (a, size), (b, other_size) = values
            if not (a - b).contains(0):
                return False
            needed = max(enough, _START + 4 * max(size, other_size))
            if settle and needed == enough:
                whole = abs(a) + abs(b)
                relative = a - b if whole.contains(0) else (a - b) / whole
                if balls.is_small(relative, bits // 2):
                    return True
                if bits >= 4096:
                    raise FormulaError("limit", "cancels more digits than are computed")
                needed = 4 * bits
        enough = needed
        bits = max(bits, enough)


def _value(side: Scalar, point: Mapping, evaluate, settle: bool):
    try:
        return evaluate(side, point, settle)
    except balls.Undefined:
        return None
