"""Is `left = right` true as it is written? Exact values, and the readings that prose allows.

Rounding that the text shows, percent signs, units and words beside the numbers: see `steps` for
what counts as right, wrong and undecided.
"""

from __future__ import annotations

import re
from fractions import Fraction

from mathjax.answers import arithmetic_side as read
from mathjax.answers.arithmetic_side import Side
from mathjax.answers.arithmetic_value import (
    NoValueError,
    Number,
    decimal_places,
    evaluate,
    is_rounded,
    run,
    trailing_zeros,
)
from mathjax.answers.step_report import Remainder, Step, Value, scaled

_ROUNDED = re.compile(r"\b(?:round|approx)|nearest|\u2248|~", re.IGNORECASE)
_ROUNDED_UP = re.compile(r"\bround(?:s|ed|ing)?\s{1,3}(?:it\s)?(up|down)\b", re.IGNORECASE)
_FRACTION = re.compile(r"\$?(?:\d++/\d++|\\[dt]?frac\{\d++\}\{\d++\})")
_REMAINS = re.compile(r"\b(?:remain|left ?over|left\b)", re.IGNORECASE)
_DIGITS = re.compile(r"\d++")
_NEAR = 48  # characters behind a result in which the text may say that it is rounded


class Claims:
    """Judges the equations of one text, in their order."""

    def __init__(self, text: str, size: int):
        self.text, self.size = text, size
        self.exact: dict[Number, Number] = {}
        """Rounded results, as shown, to what was rounded."""

    def judge(self, left: Side, right: Side, about: bool, inside: bool) -> Step | None:
        """None if `left = right` is no step. `inside` a chain that has computed something."""
        plain = left.operations == 0 and right.operations == 0
        if plain and not inside:
            return None
        if not inside and left.is_value and self._is_label(left):
            return None
        status, reason, expected = self._compare(left, right, about)
        if plain and status == "right" and left.shown == right.shown:
            return None  # 7 = 7
        if plain and status != "right" and (left.flags | right.flags) & (read.UNITS | read.MONEY):
            return None  # 120 minutes = 2 hours
        text = self.text
        start, end = left.start, right.end
        return Step(
            text[start:end],
            start,
            end,
            text[start : left.end],
            text[right.start : end],
            status,
            expected,
            reason,
        )

    def _is_label(self, left: Side) -> bool:
        """Whether a number is only a name for what comes: `Day 2 = 5 * 3`, `1/2 a cup = ...`."""
        if left.flags & read.UNITS:
            return "/" not in left.program or bool(
                _FRACTION.fullmatch(self.text, left.start, left.end)
            )
        bare = left.operations == 0 or self.text[left.start] == "("
        return bare and bool(left.flags & read.LABELLED)

    def _compare(self, left: Side, right: Side, about: bool) -> tuple[str, str, Value | None]:
        """(status, reason, what the right side should be)."""
        try:
            a = evaluate(left.program)
            if right.remainder is not None:
                return _compare_remainder(left, right)
            b = evaluate(right.program)
        except NoValueError as error:
            if error.reason == "division":
                return "wrong", "division", None
            return "undecided", error.reason, None
        if a == b and left.flags & read.SCALED and _scales_differ(left, right):
            return "undecided", "units", a  # 2 dozen + 3 = 5
        if a == b or self._readings_equal(left, right, a, b, about):
            if right.is_value and a != b:
                self.exact[b] = a
            elif self.exact and right.is_value:
                self.exact.pop(b, None)
            return "right", "right", a
        if (left.flags | right.flags) & read.UNCLEAR or right.flags & read.SHARE or _is_range(left):
            return "undecided", "words", a
        if right.operations and left.operations and right.program[0] == a:
            return "undecided", "run_on", a
        if about and 10 * abs(a - b) <= abs(a):
            return "undecided", "about", a
        if _mixes_units(left, right):
            return "undecided", "units", a
        return "wrong", "arithmetic", a

    def _readings_equal(self, left: Side, right: Side, a: Number, b: Number, about: bool) -> bool:
        """Whether rounding, percent signs, scale words or earlier rounding explain a difference."""
        try:
            if self.equal(a, right, about):
                return True
            flags = left.flags | right.flags
            if flags & read.PERCENT and self._percent_readings(left, right, a, b, about):
                return True
            if flags & read.SCALED and scaled(left) == scaled(right):
                return True
            if left.flags & read.BULLET:
                negative = evaluate([left.program[0], "N", *left.program[1:]])
                if self.equal(negative, right, about):
                    return True
            if left.is_value and self.equal(b, left, about):
                return True
            if left.program[-1] == "/" and right.shown and self._names_remainder(left, right):
                return True
            if self.exact and self.equal(evaluate(left.program, self.exact), right, about):
                return True
            return not right.is_value and _is_near(a, right, b)
        except NoValueError:
            return False

    def equal(self, value: Number, shown: Side, about: bool, percent: int = 100) -> bool:
        """Whether a side is a value, or a decimal that it rounds to."""
        claimed = evaluate(shown.program, None, percent)
        if value == claimed:
            return True
        if not shown.shown or shown.operations:
            return False
        if shown.flags & read.PERCENT:
            value, claimed = value * percent, claimed * percent
        places = decimal_places(shown.shown)
        if places > 0:
            return is_rounded(value, claimed, places, shown.cut_off)
        if places < 0:
            return False
        if not about:
            near = self.text[shown.end : min(shown.end + _NEAR, self.size)]
            near = near.partition("\n")[0].partition("=")[0]
            if not _ROUNDED.search(near):
                return False
            way = _ROUNDED_UP.search(near)
            if way:
                gap = claimed - value if way[1].lower() == "up" else value - claimed
                return 0 <= gap < 1
        return is_rounded(value, claimed, -trailing_zeros(shown.shown)) or is_rounded(
            value, claimed, 0
        )

    def _names_remainder(self, left: Side, right: Side) -> bool:
        """`100 / 3 = 33 each, with 1 remaining`."""
        a, b = run(left.program[:-1])[-2:]
        near = self.text[right.end : min(right.end + _NEAR, self.size)]
        near = near.partition("\n")[0].partition("=")[0]
        if not _REMAINS.search(near):
            return False
        rest = a - evaluate(right.program) * b
        return 0 < rest < b and str(rest) in _DIGITS.findall(near)

    def _percent_readings(self, left: Side, right: Side, a: Number, b: Number, about: bool) -> bool:
        if right.flags & read.PERCENT and right.is_value and self.equal(a, right, about, 1):
            return True  # 40/80*100 = 50%
        if _sums_percents(left):
            bare = evaluate(left.program, None, 1)
            if self.equal(bare, right, about, 1) or self.equal(bare, right, about):
                return True
        program = left.program
        hundreds = all(program[k - 1] == 100 for k, item in enumerate(program) if item == "P")
        if hundreds and self.equal(evaluate(program, None, 1), right, about):
            return True  # 3/21 * 100% = 14.29
        if len(program) == 4 and program[2] == "P" and program[3] in "+-" and right.is_value:
            # 200 - 10% as a calculator takes it.
            base, share = program[0], Fraction(program[1]) / 100
            value = base * (1 + share if program[3] == "+" else 1 - share)
            return self.equal(value, right, about)
        return False


def value_of(side: Side, put: dict[Number, Number] | None = None) -> Number | None:
    if side.remainder is not None:
        return None
    try:
        return evaluate(side.program, put)
    except NoValueError:
        return None


def _compare_remainder(left: Side, right: Side) -> tuple[str, str, Value | None]:
    """`a / b = q R r`: a = q*b + r with |r| < |b|; the quotient may be rounded either way."""
    if not left.program or left.program[-1] not in ("/", "T") or right.flags & read.PERCENT:
        return "undecided", "remainder", None
    a, b = run(left.program[:-1])[-2:]
    if not b:
        return "wrong", "division", None
    q = abs(a) // abs(b) * (1 if (a < 0) == (b < 0) else -1)
    expected = Remainder(q, a - q * b)
    quotient, rest = evaluate(right.program), right.remainder
    whole = quotient == int(quotient) and rest == int(rest)
    if whole and a == quotient * b + rest and abs(rest) < abs(b):
        return "right", "right", expected
    return "wrong", "arithmetic", expected


def percent_equal(value: Number, side: Side) -> bool:
    shown = value_of(side)
    if shown is None:
        return False
    return bool(side.flags & read.PERCENT) and value == shown * 100


def _scales_differ(left: Side, right: Side) -> bool:
    try:
        return not (_has_products(left) or right.flags & read.SCALED) and scaled(left) != scaled(
            right
        )
    except NoValueError:
        return True


def _is_range(side: Side) -> bool:
    """Weeks 1-2."""
    program = side.program
    return (
        bool(side.flags & read.LABELLED)
        and len(program) == 3
        and program[2] == "-"
        and type(program[0]) is type(program[1]) is int
        and program[0] < program[1]
        and side.end - side.start == len(str(program[0])) + len(str(program[1])) + 1
    )


def _sums_percents(side: Side) -> bool:
    """30% + 20%, 100 - 20%."""
    program = side.program
    return not _has_products(side) and all(
        item == 100 or program[k + 1] == "P"
        for k, item in enumerate(program[:-1])
        if type(item) is not str
    )


def _has_products(side: Side) -> bool:
    return any(item in ("*", "/", "^", "T", "S") for item in side.program if type(item) is str)


def _mixes_units(left: Side, right: Side) -> bool:
    """Whether words say that the numbers of a sum may be of different kinds: 2 adults + 3 children
    = $50, 3 feet + 6 inches = 42 inches."""
    flags = left.flags | right.flags
    if flags & read.SCALED:
        return True
    if not flags & read.UNITS:
        return False
    kinds = {word.rstrip("s") for word in left.units} | {word.rstrip("s") for word in right.units}
    sized = {_DIMENSIONS[kind] for kind in kinds if kind in _DIMENSIONS}
    measures = [kind for kind in kinds if kind in _DIMENSIONS]
    if len(measures) > len(sized):
        return True
    named = any(unit not in ("", "$", "dollar", "dollars") for unit in left.units)
    return named and ("$" in kinds or "dollar" in kinds) and not _has_products(left)


_DIMENSIONS = {
    word: dimension
    for dimension, words in {
        "time": "second sec minute min hour hr day week month year decade",
        "length": "inch inche foot feet ft yard yd mile mi m meter metre cm centimeter mm km "
        "kilometer kilometre",
        "mass": "ounce oz pound lb ton g gram kg kilogram mg",
        "volume": "cup pint quart gallon liter litre ml milliliter teaspoon tablespoon",
        "money": "$ dollar cent penny pennie dime nickel quarter",
    }.items()
    for word in words.split()
}


def _is_near(a: Number, right: Side, b: Number) -> bool:
    """Whether decimals within the right side are rounded so far that a is one of its values."""
    program = right.program
    places = [
        (k, item)
        for k, item in enumerate(program)
        if isinstance(item, Fraction) and _is_decimal(item)
    ]
    if not 0 < len(places) <= 8 or a == b:
        return False
    slack: Number = 0
    for k, item in places:
        half = Fraction(1, 2 * _decimal_unit(item))
        moved = evaluate([*program[:k], item + half, *program[k + 1 :]])
        slack += abs(moved - b)
    return abs(a - b) <= slack


def _is_decimal(value: Fraction) -> bool:
    below = value.denominator
    for prime in (2, 5):
        while below % prime == 0:
            below //= prime
    return below == 1


def _decimal_unit(value: Fraction) -> int:
    unit = 10
    while (value * unit).denominator != 1:
        unit *= 10
    return unit
