"""Compiled writing of arithmetic problems; `arithmetic_reference` holds the readable definition.

Small helpers are repeated here from `arithmetic_kernels`: cached machine code would not notice a
change over there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

LONGEST = 2048
"""More bytes than a document of 9-digit operands can have."""

GAMMA, STYLE = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xA0761D6478BD642F)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_LOW_16 = np.uint64((1 << 16) - 1)
# Plain integers beside a uint64 would make float64.
_0, _3, _8, _10 = (np.uint64(v) for v in (0, 3, 8, 10))
_27, _30, _31, _32 = (np.uint64(v) for v in (27, 30, 31, 32))
_POWERS = 10 ** np.arange(19, dtype=np.int64)
STYLES = np.array([0] * 5 + [1] * 4 + [2] * 5 + [3] * 4 + [4] * 2, np.int64)
_ADD, _SUBTRACT, _MULTIPLY, _DIVIDE = 0, 1, 2, 3
_FRACTION_ADD, _FRACTION_SUBTRACT, _FRACTION_MULTIPLY, _FRACTION_DIVIDE = 4, 5, 6, 7
_PERCENTAGE = 8

_compile = njit(nogil=True, cache=True, error_model="numpy")


def _bytes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


_QUESTION, _THINK = _bytes("Question: "), _bytes("\nLet's think step by step")
_ANSWER_IS, _SO, _REMAINDER = _bytes("The answer is "), _bytes("So "), _bytes(" R ")
_EQUALS, _PLUS, _LESS, _TIMES, _OVER = (_bytes(f" {c} ") for c in "=+-*/")
_PERCENT_OF, _HUNDRED = _bytes("% of "), _bytes(" / 100")
_NEWLINE, _DASH, _SLASH, _OPEN, _CLOSE, _DOT, _SPACE, _ZERO, _END = _bytes("\n-/(). 0\0")


class Options(NamedTuple):
    """As in ArithmeticSpec."""

    steps: bool
    wrapper: bool
    phrasings: bool


class Phrases(NamedTuple):
    """Text t is pool[starts[t]:starts[t + 1]]: templates by operation from firsts[operation] on,
    then five operators for each operation. Bytes 1, 2 and 3 stand for {e}, {a} and {b}."""

    pool: np.ndarray  # uint8
    starts: np.ndarray  # int64
    firsts: np.ndarray  # int64 [operation + 1]
    bare: int


@_compile
def _mix(z):
    """The splitmix64 finaliser."""
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@_compile
def _scale(bits, bound):
    """0..bound - 1 from 32 random bits."""
    return np.int64((bits * np.uint64(bound)) >> _32)


@_compile
def _size(number):
    """Digits of a number >= 0."""
    size = 1
    while size < 19 and number >= _POWERS[size]:
        size += 1
    return size


@_compile
def _gcd(a, b):
    while b:
        a, b = b, a % b
    return a


@_compile
def _put(text, at, literal):
    for k in range(len(literal)):
        text[at + k] = literal[k]
    return at + len(literal)


@_compile
def _put_byte(text, at, byte):
    text[at] = byte
    return at + 1


@_compile
def _put_integer(text, at, value):
    if value < 0:
        text[at] = _DASH
        at += 1
        value = -value
    size = _size(value)
    rest = np.uint64(value)
    for k in range(size - 1, -1, -1):
        quotient = rest // _10
        text[at + k] = _ZERO + np.uint8(rest - quotient * _10)
        rest = quotient
    return at + size


@_compile
def _put_fraction(text, at, a, b, brackets):
    """Writes a/b, or a where b is 1, in brackets if wanted."""
    text[at] = _OPEN
    at = _put_integer(text, at + np.int64(brackets), a)
    if b != 1:
        text[at] = _SLASH
        at = _put_integer(text, at + 1, b)
    text[at] = _CLOSE
    return at + np.int64(brackets)


@_compile
def _put_binary(text, at, a, operator, b):
    """Writes `a operator b`, a negative b in brackets."""
    at = _put(text, _put_integer(text, at, a), operator)
    return _put_fraction(text, at, b, 1, b < 0)


@_compile
def _put_result(text, at, value):
    return _put_integer(text, _put(text, at, _EQUALS), value)


@_compile
def _place_values(number, parts):
    """Fills the place values of a number, largest first; returns how many are not 0."""
    count = 0
    for power in range(_size(number) - 1, -1, -1):
        digit = number // _POWERS[power]
        number -= digit * _POWERS[power]
        if digit:
            parts[count] = digit * _POWERS[power]
            count += 1
    return count


@_compile
def _put_multiply(text, at, a, b, parts):
    x, y, signed = abs(a), abs(b), a < 0 or b < 0
    if signed:
        at = _put(text, _put_binary(text, at, a, _TIMES, b), _EQUALS)
        opposite = (a < 0) != (b < 0)
        if opposite:
            at = _put_byte(text, _put_byte(text, at, _DASH), _OPEN)
        at = _put_binary(text, at, x, _TIMES, y)
        if opposite:
            at = _put_byte(text, at, _CLOSE)
        at = _put_byte(text, at, _NEWLINE)
    split_right = y <= x
    count = _place_values(y if split_right else x, parts)
    if count == 1 and parts[0] != _POWERS[_size(parts[0]) - 1]:
        split_right = not split_right
        count = _place_values(y if split_right else x, parts)
    at = _put_binary(text, at, x, _TIMES, y)
    if count > 1:
        whole = x if split_right else y
        at = _put(text, at, _EQUALS)
        for k in range(count):
            at = _put(text, at, _PLUS) if k else at
            left, right = (x, parts[k]) if split_right else (parts[k], y)
            at = _put_binary(text, at, left, _TIMES, right)
        at = _put(text, at, _EQUALS)
        for k in range(count):
            at = _put(text, at, _PLUS) if k else at
            at = _put_integer(text, at, parts[k] * whole)
    if count <= 2:
        at = _put_result(text, at, x * y)
    else:
        total = parts[0] * whole
        for k in range(1, count):
            value = parts[k] * whole
            at = _put_binary(text, _put_byte(text, at, _NEWLINE), total, _PLUS, value)
            total += value
            at = _put_result(text, at, total)
    if signed or count > 2:
        at = _put(text, _put_byte(text, at, _NEWLINE), _SO)
        at = _put_result(text, _put_binary(text, at, a, _TIMES, b), a * b)
    return at


@_compile
def _put_quotient(text, at, quotient, remainder):
    at = _put_integer(text, at, quotient)
    if remainder:
        at = _put_integer(text, _put(text, at, _REMAINDER), remainder)
    return at


@_compile
def _put_divide(text, at, a, b, parts):
    """Steps of a division, up to `So a / b = `."""
    x, y = abs(a), abs(b)
    left = x
    for k in range(_place_values(x // y, parts)):
        product = y * parts[k]
        at = _put_binary(text, at, left, _LESS, y)
        at = _put(text, at, _TIMES)
        at = _put_integer(text, at, parts[k])
        at = _put(text, at, _EQUALS)
        at = _put_binary(text, at, left, _LESS, product)
        left -= product
        at = _put_byte(text, _put_result(text, at, left), _NEWLINE)
    if a < 0 or b < 0:
        at = _put(text, _put_binary(text, at, x, _OVER, y), _EQUALS)
        at = _put_byte(text, _put_quotient(text, at, x // y, left), _NEWLINE)
    return _put(text, _put_binary(text, _put(text, at, _SO), a, _OVER, b), _EQUALS)


@_compile
def _put_decimal(text, at, hundredths):
    whole = hundredths // 100
    at = _put_integer(text, at, whole)
    tenth, last = hundredths // 10 - 10 * whole, hundredths % 10
    if tenth or last:
        at = _put_integer(text, _put_byte(text, at, _DOT), tenth)
    if last:
        at = _put_integer(text, at, last)
    return at


@_compile
def _fraction_result(operation, a, b, c, d):
    """(numerator, denominator) before they are reduced; the denominator is positive."""
    if operation == _FRACTION_MULTIPLY:
        return a * c, b * d
    if operation == _FRACTION_DIVIDE:
        return (a * d if c > 0 else -a * d), b * abs(c)
    bottom = b // _gcd(b, d) * d
    p, q = a * (bottom // b), c * (bottom // d)
    return (p + q if operation == _FRACTION_ADD else p - q), bottom


@_compile
def _put_fractions(text, at, operation, a, b, c, d):
    """Steps of a fraction problem, up to the last term that is not the answer and its ` = `."""
    operator = _PLUS
    if operation == _FRACTION_SUBTRACT:
        operator = _LESS
    if operation == _FRACTION_MULTIPLY:
        operator = _TIMES
    if operation == _FRACTION_DIVIDE:
        operator = _OVER
    divides = operation == _FRACTION_DIVIDE
    top, bottom = _fraction_result(operation, a, b, c, d)
    at = _put(text, _put_fraction(text, at, a, b, False), operator)
    at = _put_fraction(text, at, c, d, c < 0 or (divides and d > 1))
    at = _put(text, at, _EQUALS)
    if operation <= _FRACTION_SUBTRACT:
        p, q = a * (bottom // b), c * (bottom // d)
        if b != d:
            at = _put(text, _put_fraction(text, at, p, bottom, False), operator)
            at = _put(text, _put_fraction(text, at, q, bottom, q < 0), _EQUALS)
        at = _put_binary(text, _put_byte(text, at, _OPEN), p, operator, q)
        at = _put_byte(text, _put_byte(text, at, _CLOSE), _SLASH)
        at = _put_integer(text, at, bottom)
    else:
        if divides:
            c, d = (d, c) if c > 0 else (-d, -c)
            at = _put(text, _put_fraction(text, at, a, b, False), _TIMES)
            at = _put(text, _put_fraction(text, at, c, d, c < 0), _EQUALS)
        at = _put_binary(text, _put_byte(text, at, _OPEN), a, _TIMES, c)
        at = _put_byte(text, _put_byte(text, at, _CLOSE), _SLASH)
        at = _put_binary(text, _put_byte(text, at, _OPEN), b, _TIMES, d)
        at = _put_byte(text, at, _CLOSE)
    at = _put(text, at, _EQUALS)
    common = _gcd(abs(top), bottom)
    if common > 1:
        at = _put(text, _put_fraction(text, at, top, bottom, False), _EQUALS)
        if top:
            at = _put_byte(text, at, _OPEN)
            at = _put_binary(text, at, top // common, _TIMES, common)
            at = _put_byte(text, _put_byte(text, at, _CLOSE), _SLASH)
            at = _put_byte(text, at, _OPEN)
            at = _put_binary(text, at, bottom // common, _TIMES, common)
            at = _put(text, _put_byte(text, at, _CLOSE), _EQUALS)
    return at


@_compile
def _put_answer(text, at, operation, a, b, c, d):
    if operation >= _FRACTION_ADD and operation != _PERCENTAGE:
        top, bottom = _fraction_result(operation, a, b, c, d)
        common = _gcd(abs(top), bottom)
        return _put_fraction(text, at, top // common, bottom // common, False)
    if operation == _PERCENTAGE:
        return _put_decimal(text, at, a * b)
    if operation == _DIVIDE:
        x, y = abs(a), abs(b)
        quotient, left = x // y, x % y
        quotient = quotient if (a < 0) == (b < 0) else -quotient
        return _put_quotient(text, at, quotient, -left if a < 0 else left)
    value = a * b
    if operation == _ADD:
        value = a + b
    elif operation == _SUBTRACT:
        value = a - b
    return _put_integer(text, at, value)


@_compile
def _put_steps(text, at, operation, a, b, c, d, parts):
    if operation == _ADD:
        return _put_result(text, _put_binary(text, at, a, _PLUS, b), a + b)
    if operation == _SUBTRACT:
        return _put_result(text, _put_binary(text, at, a, _LESS, b), a - b)
    if operation == _MULTIPLY:
        return _put_multiply(text, at, a, b, parts)
    if operation == _DIVIDE:
        at = _put_divide(text, at, a, b, parts)
    elif operation == _PERCENTAGE:
        at = _put(text, _put_binary(text, at, a, _PERCENT_OF, b), _EQUALS)
        at = _put(text, _put_binary(text, at, a, _TIMES, b), _HUNDRED)
        at = _put(text, _put_result(text, at, a * b), _HUNDRED)
        at = _put(text, at, _EQUALS)
    else:
        at = _put_fractions(text, at, operation, a, b, c, d)
    return _put_answer(text, at, operation, a, b, c, d)


@_compile
def _put_operand(text, at, operation, a, b, c, d, second, inside):
    """An operand of the question; the second one inside an expression may need brackets."""
    if operation < _FRACTION_ADD or operation == _PERCENTAGE:
        value = b if second else a
        return _put_fraction(text, at, value, 1, inside and second and value < 0)
    top, bottom = (c, d) if second else (a, b)
    brackets = top < 0 or (operation == _FRACTION_DIVIDE and bottom > 1)
    return _put_fraction(text, at, top, bottom, inside and second and brackets)


@_compile
def _put_question(text, at, word, operation, a, b, c, d, phrasings, phrases):
    first, end = phrases.firsts[operation], phrases.firsts[operation + 1]
    template, style = first, 0
    if phrasings:
        style = STYLES[(np.int64((word >> _8) & _LOW_16) * len(STYLES)) >> 16]
        if word & _3 == _0:
            end = first + phrases.bare
        else:
            first += phrases.bare
        template = first + _scale(word >> _32, end - first)
    symbol = phrases.firsts[-1] + 5 * operation + style
    for k in range(phrases.starts[template], phrases.starts[template + 1]):
        byte = phrases.pool[k]
        if byte > 3:
            at = _put_byte(text, at, byte)
        elif byte > 1:
            at = _put_operand(text, at, operation, a, b, c, d, byte == 3, False)
        else:
            at = _put_operand(text, at, operation, a, b, c, d, False, True)
            for j in range(phrases.starts[symbol], phrases.starts[symbol + 1]):
                at = _put_byte(text, at, phrases.pool[j])
            at = _put_operand(text, at, operation, a, b, c, d, True, True)
    return at


@_compile
def write(base, streams, operations, numbers, options, phrases, text, bounds, prompt_sizes):
    """Writes documents to the start of `text` [LONGEST * count], and where they end from bounds[0]
    on; returns how many bytes they are."""
    parts = np.empty(20, np.int64)
    at = 0
    for row in range(len(streams)):
        begin = at
        operation = operations[row]
        a, b, c, d = numbers[row, 0], numbers[row, 1], numbers[row, 2], numbers[row, 3]
        state = _mix(base + np.uint64(streams[row]) * GAMMA)
        word = _mix(_mix(state ^ STYLE) + GAMMA)
        if options.wrapper:
            at = _put(text, at, _QUESTION)
        at = _put_question(text, at, word, operation, a, b, c, d, options.phrasings, phrases)
        if options.wrapper:
            at = _put(text, at, _THINK)
        at = _put_byte(text, at, _NEWLINE)
        prompt_sizes[row] = at - begin
        if options.steps:
            at = _put_steps(text, at, operation, a, b, c, d, parts)
            if options.wrapper:
                at = _put_byte(text, _put_byte(text, at, _DOT), _SPACE)
        if options.wrapper:
            at = _put(text, at, _ANSWER_IS)
        if options.wrapper or not options.steps:
            at = _put_answer(text, at, operation, a, b, c, d)
        if options.wrapper:
            at = _put_byte(text, at, _DOT)
        at = _put_byte(text, at, _END)
        bounds[row + 1] = bounds[row] + (at - begin)
    return at
