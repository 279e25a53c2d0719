"""Exact values of written arithmetic: a stack machine over integers and fractions.

A program holds numbers and signs in postfix order: + - * / ^ as usual, T a division that binds
first, N minus, P percent, S square root. Powers and long literals are bounded before anything is
computed, so that `9^9^9^9` costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction

Number = int | Fraction
Program = list[int | Fraction | str]

MAX_DIGITS = 1_000
"""Digits of a literal."""

MAX_BITS = 8_192
"""Of any value on the way: products of two literals of the longest kind fit."""


class NoValueError(ArithmeticError):
    """`reason` is "division" (by zero), "root" (not rational) or "limit" (too large)."""

    def __init__(self, reason: str):
        super().__init__(reason)
        self.reason = reason


def read_number(text: str) -> Number | None:
    """An ASCII literal such as 1,234.50 or 1.5e3; None if too long."""
    if len(text) > MAX_DIGITS + MAX_DIGITS // 3 or not text.isascii():
        return None
    if text.isdigit():
        return int(text) if len(text) <= MAX_DIGITS else None
    text = text.replace("{,}", "").replace("\\!", "").replace(",", "")
    digits, _, exponent = text.replace("E", "e").partition("e")
    whole, _, places = digits.partition(".")
    if len(digits) > MAX_DIGITS:
        return None
    value: Number = int(whole + places)
    power = (int(exponent) if exponent else 0) - len(places)
    return value * 10**power if power >= 0 else Fraction(value, 10**-power)


def evaluate(
    program: Program, put: Mapping[Number, Number] | None = None, percent: int = 100
) -> Number:
    """The value of a program, its numbers replaced as `put` says. Raises NoValueError."""
    if len(program) == 1 and not put:
        return program[0]
    return run(program, put, percent)[-1]


def run(
    program: Program, put: Mapping[Number, Number] | None = None, percent: int = 100
) -> list[Number]:
    """The stack that a program leaves; `p%` is p/percent."""
    stack: list[Number] = []
    push, pop = stack.append, stack.pop
    for item in program:
        if type(item) is not str:
            push(put.get(item, item) if put else item)
            continue
        b = pop()
        if item == "+":
            value = pop() + b
        elif item == "-":
            value = pop() - b
        elif item == "*":
            value = pop() * b
        elif item in "/T":
            value = divide(pop(), b)
        elif item == "N":
            value = -b
        elif item == "P":
            value = divide(b, percent)
        elif item == "^":
            value = power(pop(), b)
        else:
            value = root(b)
        if type(value) is int:
            if value.bit_length() > MAX_BITS:
                raise NoValueError("limit")
        elif value.numerator.bit_length() + value.denominator.bit_length() > MAX_BITS:
            raise NoValueError("limit")
        push(value)
    return stack


def divide(a: Number, b: Number) -> Number:
    if not b:
        raise NoValueError("division")
    if type(a) is int and type(b) is int:
        return Fraction(a, b) if a % b else a // b
    return a / b


def power(base: Number, exponent: Number) -> Number:
    if exponent == Fraction(1, 2):
        return root(base)
    if exponent != int(exponent):
        raise NoValueError("root")
    exponent = int(exponent)
    if not base and exponent <= 0:
        raise NoValueError("division")
    bits = base.numerator.bit_length() + base.denominator.bit_length()
    if abs(base) != 1 and bits * abs(exponent) > 2 * MAX_BITS:
        raise NoValueError("limit")
    if abs(base) == 1:
        return 1 if exponent % 2 == 0 else base
    return Fraction(base) ** exponent if exponent < 0 else base**exponent


def root(square: Number) -> Number:
    """The rational square root; NoValueError where there is none."""
    if square < 0:
        raise NoValueError("root")
    above, below = math.isqrt(square.numerator), math.isqrt(square.denominator)
    if above * above != square.numerator or below * below != square.denominator:
        raise NoValueError("root")
    return divide(above, below)


def decimal_places(shown: str) -> int:
    """Of a literal: 2 for 1,234.50; with an exponent -1, for no rounding is read there."""
    if "e" in shown or "E" in shown:
        return -1
    return len(shown) - shown.index(".") - 1 if "." in shown else 0


def trailing_zeros(shown: str) -> int:
    digits = shown.replace("{,}", "").replace("\\!", "").replace(",", "")
    return len(digits) - len(digits.rstrip("0")) if "." not in digits else 0


def is_rounded(exact: Number, value: Number, places: int, cut_off: bool = False) -> bool:
    """Whether `value`, shown with so many decimals (negative: so many zeros before the point), is
    `exact` rounded to nearest, or cut off where an ellipsis says so. Nothing is rounded to 0."""
    unit = Fraction(1, 10**places) if places >= 0 else 10**-places
    if not value:
        return not exact
    if 2 * abs(exact - value) <= unit:
        return True
    return cut_off and 0 <= abs(exact) - abs(value) < unit and (exact < 0) == (value < 0)
