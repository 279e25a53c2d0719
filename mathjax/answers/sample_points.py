"""Values of names at which two formulas are compared: random, a function of the names alone."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction

from flint import acb, arb, fmpq

from mathjax.answers import exact_values, kinks
from mathjax.answers import formulas as f
from mathjax.answers.exact_values import POINTS, Irrational
from mathjax.answers.formulas import FormulaError, Scalar

_MAX_DRAWS = 300
_MAX_NUMBERS = 8
_MAX_EXPONENT = 2_000
_RANGES = ((0, 1), (0, 4), (-4, 4), (1, 12), (-1, 1), (-30, 30))
_SIZES = (Fraction(1, 1000), Fraction(10**3), Fraction(10**6), Fraction(10**12))


def real_points(
    left: Scalar, right: Scalar, names: list[str]
) -> Iterator[tuple[dict[str, fmpq], str]]:
    """(values of the names, standing of the point).

    "near": of moderate size; "sure": on a stretch on which the formula follows one law; "far":
    perhaps too far out to compute a value; "spare": for formulas with few values at the others.
    """
    draws = _stream(names, "real")
    for i in range(4 * len(_RANGES)):
        yield _drawn(names, [_RANGES[i % len(_RANGES)]], draws), "near"
    formulas = kinks.places(left) + kinks.places(right)
    complete = True
    if formulas:
        # Along lines on which all places are known where a formula changes its law.
        for i in range(1 if len(names) == 1 else min(3 * len(names), 12)):
            name = names[i % len(names)]
            point = _drawn(names, _RANGES, draws)
            others = {key: _fraction(value) for key, value in point.items() if key != name}
            found, all_found = kinks.stretches(formulas, name, others)
            complete &= all_found
            for stretch in found:
                for _ in range(3 if len(names) == 1 else 2):
                    yield {**point, name: _between(*stretch, next(draws))}, "sure"
    if not complete or kinks.has_inverses(left) or kinks.has_inverses(right):
        ranges = _far_ranges(left, right)
        for place in ranges:
            yield _drawn(names, [place], draws), "far"
        for _ in range(len(ranges) if len(names) > 1 else 0):
            yield _drawn(names, ranges, draws), "far"
    ranges = [*_RANGES, *_far_ranges(left, right)]
    for i in range(_MAX_DRAWS):
        yield _drawn(names, [ranges[i % len(ranges)]], draws), "spare"


def _drawn(names: list[str], ranges: Sequence[tuple], draws: Iterator[int]) -> dict[str, fmpq]:
    """A value of each name, from one of the ranges."""
    point = {}
    for name in names:
        low, high = map(Fraction, ranges[next(draws) % len(ranges)])
        point[name] = _between(low, high, next(draws))
    return point


def _fraction(value: fmpq) -> Fraction:
    return Fraction(int(value.p), int(value.q))


def _far_ranges(left: Scalar, right: Scalar) -> list[tuple[Fraction, Fraction]]:
    """On both sides of every number that stands in the formulas, its root, square, reciprocal and a
    power with it as the exponent, where |ln(x) - 1000| may change its law."""
    found: set[Fraction] = set()
    for side in (left, right):
        _collect_numbers(side, found)
    numbers = sorted(found)
    if len(numbers) > _MAX_NUMBERS:
        numbers = [
            numbers[i * (len(numbers) - 1) // (_MAX_NUMBERS - 1)] for i in range(_MAX_NUMBERS)
        ]
    sizes = {*_SIZES}
    for number in numbers:
        root = Fraction(math.isqrt(math.ceil(number)))
        sizes |= {number, number**2, 1 / number, *({root} if root > 1 else ())}
        if 1 < number <= _MAX_EXPONENT:  # ln(x) passes it at exp(number)
            sizes.add(Fraction(3 ** math.ceil(2 * number)))
    ranges = [*_RANGES]
    for size in sorted(sizes):
        ranges += [(size, 2 * size), (-2 * size, -size), (-size, size)]
    return ranges


def _collect_numbers(node: Scalar, found: set[Fraction]) -> None:
    """Absolute values of the parts without names, as far as they are moderate fractions."""
    if not f.names_of(node):
        try:
            number = abs(exact_values.value(node))
        except (Irrational, FormulaError):
            number = Fraction(0)
        if number and max(number.numerator.bit_length(), number.denominator.bit_length()) < 1000:
            found.add(number)
            return
    for part in f.children(node):
        _collect_numbers(part, found)


def _between(low: Fraction, high: Fraction, draw: int) -> fmpq:
    value = low + (high - low) * Fraction(2 * draw + 1, 1 << 33)
    return fmpq(value.numerator, value.denominator)


def complex_points(left: Scalar, right: Scalar, names: list[str]) -> Iterator[dict[str, acb]]:
    draws = _stream(names, "complex")
    far = _far_ranges(left, right)
    for i in range(3 * POINTS):
        ranges = [(-4, 4)] if i < POINTS else far
        real, imaginary = _drawn(names, ranges, draws), _drawn(names, ranges, draws)
        yield {name: acb(arb(real[name]), arb(imaginary[name])) for name in names}


def _stream(names: list[str], label: str) -> Iterator[int]:
    """Random integers below 2^32, a function of the names."""
    counter = 0
    while True:
        seed = f"{label}\0{counter}\0" + "\0".join(names)
        data = hashlib.shake_128(seed.encode("utf-8", "surrogatepass")).digest(1024)
        for i in range(0, 1024, 4):
            yield int.from_bytes(data[i : i + 4], "little")
        counter += 1
