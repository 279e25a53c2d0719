"""The definition of the arithmetic generator in plain Python; the compiled one makes the same
bytes.

A stream first draws a shape (operation, exactness of a division, digits of each operand), then
numbers of that shape until the key of the problem belongs to the split. So the shares of operations
and digit lengths are those of the specification, although the split of small problems is not even.
A shape without a problem for the split is given up after SHAPE_TRIES candidates.

Everything is drawn by integer multiply-shifts of 16 to 32 random bits: a choice among k is off by
at most a factor 1 + k * 2**-16.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Collection
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

from mathjax.problems.arithmetic_templates import (
    ANSWER,
    BARE,
    OPERATIONS,
    OPERATORS,
    QUESTION,
    STYLES,
    TEMPLATES,
    THINK,
)
from mathjax.problems.streams import GAMMA, Draws, bucket, buckets, hash64, mix64, stream_base

if TYPE_CHECKING:
    from mathjax.problems.arithmetic import ArithmeticSpec

STYLE = 0xA0761D6478BD642F
SHAPE_TRIES, SHAPES = 64, 256
LEAD = 6
"""Leading digits that are drawn by the law of the operands; further ones are uniform."""
NODES = 1024
SHORT = 9
"""Digits up to which every value of a solution fits in 64 bits with sign."""

_MASK = (1 << 64) - 1
_LOW_16, _LOW_22, _LOW_32 = (1 << 16) - 1, (1 << 22) - 1, (1 << 32) - 1


class Drawn(NamedTuple):
    """One accepted problem. `numbers`: (a, b), (a, b, c, d) for a/b and c/d, (p, n) for p% of n."""

    operation: str
    numbers: tuple[int, ...]
    key: int


class Text(NamedTuple):
    prompt: str
    response: str
    answer: str


@functools.cache
def significands() -> tuple[int, ...]:
    """floor(2**30 * 10**(i / NODES)) for i = 0..NODES, exactly: nested integer square roots."""
    scaled = [10**i << 30 * NODES for i in range(NODES + 1)]
    for _ in range(NODES.bit_length() - 1):
        scaled = [math.isqrt(value) for value in scaled]
    return tuple(scaled)


def problem_key(operation: str, numbers: tuple[int, ...]) -> int:
    """64-bit name of what counts as the same problem: operands of sums and products in any order, a
    fraction in its lowest terms, phrasing left out."""
    if operation.startswith("fraction_"):
        a, b, c, d = numbers
        pairs = [Fraction(a, b), Fraction(c, d)]
        parts = [(pair.numerator, pair.denominator) for pair in pairs]
        if operation in ("fraction_add", "fraction_multiply"):
            parts.sort()
        numbers = (*parts[0], *parts[1])
    elif operation in ("add", "multiply"):
        numbers = tuple(sorted(numbers))
    key = mix64(OPERATIONS.index(operation) + 1)
    for number in numbers:
        name = 2 * abs(number) + (number < 0)
        name = name if name < 1 << 63 else hash64(str(number))
        key = mix64(((key ^ name) + GAMMA) & _MASK)
    return key


def draw_problem(
    spec: ArithmeticSpec, seed: int, split: str, stream: int, excluded: Collection[int] = ()
) -> Drawn | None:
    """The problem of one stream, None where none of SHAPES * SHAPE_TRIES candidates is right.

    `excluded` holds keys that no problem may have.
    """
    first, last = buckets(split)
    draws = Draws(stream_base(seed, f"arithmetic/{split}"), stream)
    for _ in range(SHAPES):
        word = draws.word()
        operation = next(
            name
            for name, threshold in zip(OPERATIONS, spec.thresholds, strict=True)
            if word >> 32 < threshold
        )
        exact = word & _LOW_32 < spec.exact_threshold
        low, high = spec.digit_range(operation)
        lengths = [_length(draws.word(), spec.operands, low, high) for _ in range(4)]
        for _ in range(SHAPE_TRIES):
            words = [draws.word() for _ in range(5)]
            numbers = _numbers(spec, operation, exact, lengths, words)
            if numbers is None:
                continue
            key = problem_key(operation, numbers)
            if first <= bucket(key) <= last and key not in excluded:
                return Drawn(operation, numbers, key)
    return None


def _length(word: int, operands: str, low: int, high: int) -> int:
    """Digits of an operand: uniform in low..high, or those of a number uniform among all."""
    if operands != "uniform":
        return low + ((word >> 32) * (high - low + 1) >> 32)
    smallest, end = 10 ** (low - 1), 10**high
    if high <= SHORT:
        return len(str(smallest + ((word >> 32) * (end - smallest) >> 32)))
    return len(str(smallest + Draws(word, 0).below(end - smallest)))


def _number(word: int, operands: str, length: int) -> int:
    """A number of `length` digits, from one word; see ArithmeticSpec.operands for its law."""
    lead = min(length, LEAD)
    smallest = 10 ** (lead - 1)
    if operands == "log_uniform":
        table, node = significands(), word >> 54
        significand = table[node] + ((table[node + 1] - table[node]) * (word >> 22 & _LOW_32) >> 32)
        value = significand * smallest >> 30
    else:
        value = smallest + ((word >> 32) * 9 * smallest >> 32)
    rest = length - lead
    if length <= SHORT:
        return value * 10**rest + ((word & _LOW_22) * 10**rest >> 22)
    return value * 10**rest + Draws(word, 0).below(10**rest)


def _numbers(
    spec: ArithmeticSpec, operation: str, exact: bool, lengths: list[int], words: list[int]
) -> tuple[int, ...] | None:
    """The numbers of one candidate; None where they make no problem of the operation."""
    a, b, c, d = (
        _number(word, spec.operands, length)
        for word, length in zip(words[:4], lengths, strict=True)
    )
    if operation == "percentage":
        return 1 + ((words[0] >> 32) * spec.max_percent >> 32), b
    signs = [-1 if words[4] >> 16 * k & _LOW_16 < spec.negative_threshold else 1 for k in (0, 1)]
    if operation.startswith("fraction_"):
        if b == d == 1:  # that would be two whole numbers
            return None
        if operation == "fraction_subtract" and not spec.negative_results and a * d < c * b:
            a, b, c, d = c, d, a, b
        return signs[0] * a, b, signs[1] * c, d
    if operation == "divide":
        a, b = max(a, b), min(a, b)
        if exact:
            a = exact_dividend(a, b)
    elif operation == "subtract" and not spec.negative_results:
        a, b = max(a, b), min(a, b)
    return signs[0] * a, signs[1] * b


def exact_dividend(a: int, b: int) -> int:
    """The largest multiple of b that is at most a, or the next one where that has fewer digits."""
    multiple = a - a % b
    return multiple if len(str(multiple)) == len(str(a)) else multiple + b


def write_problem(spec: ArithmeticSpec, seed: int, split: str, stream: int, drawn: Drawn) -> Text:
    """Prompt and response of a problem; the stream decides the phrasing."""
    operation, numbers, _ = drawn
    state = mix64((stream_base(seed, f"arithmetic/{split}") + stream * GAMMA) & _MASK)
    word = mix64((mix64(state ^ STYLE) + GAMMA) & _MASK)
    prompt = _question(spec, operation, numbers, word)
    steps, answer = solve(operation, numbers)
    if not spec.wrapper:
        return Text(prompt, steps if spec.steps else answer, answer)
    steps = f"{steps}. " if spec.steps else ""
    return Text(f"{QUESTION}{prompt}{THINK}", f"{steps}{ANSWER}{answer}.", answer)


def _question(spec: ArithmeticSpec, operation: str, numbers: tuple[int, ...], word: int) -> str:
    if operation.startswith("fraction_"):
        a, b, c, d = numbers
        left, right, bracketed = _fraction(a, b), _fraction(c, d), _right_fraction(c, d)
        if operation == "fraction_divide":
            bracketed = _divisor(c, d)
    else:
        left, right, bracketed = str(numbers[0]), str(numbers[1]), _right(numbers[1])
    style, template = 0, BARE[0]
    if spec.phrasings:
        style = STYLES[(word >> 8 & _LOW_16) * len(STYLES) >> 16]
        choices = TEMPLATES[operation]
        choices = choices[: len(BARE)] if word & 3 == 0 else choices[len(BARE) :]
        template = choices[(word >> 32) * len(choices) >> 32]
    symbol = OPERATORS[operation.removeprefix("fraction_")][style]
    return template.format(e=f"{left}{symbol}{bracketed}", a=left, b=right)


def solve(operation: str, numbers: tuple[int, ...]) -> tuple[str, str]:
    """(steps, answer). Steps are lines of equal terms; the last term of the last line is the
    answer."""
    if operation.startswith("fraction_"):
        return _solve_fractions(operation, *numbers)
    a, b = numbers
    if operation == "add":
        return f"{a} + {_right(b)} = {a + b}", str(a + b)
    if operation == "subtract":
        return f"{a} - {_right(b)} = {a - b}", str(a - b)
    if operation == "multiply":
        return _multiply(a, b), str(a * b)
    if operation == "divide":
        return _divide(a, b)
    whole, cents = divmod(a * b, 100)
    answer = f"{whole}.{cents:02d}".rstrip("0").rstrip(".")
    return f"{a}% of {b} = {a} * {b} / 100 = {a * b} / 100 = {answer}", answer


def _right(number: int) -> str:
    return f"({number})" if number < 0 else str(number)


def _fraction(a: int, b: int) -> str:
    return str(a) if b == 1 else f"{a}/{b}"


def _right_fraction(a: int, b: int) -> str:
    return f"({_fraction(a, b)})" if a < 0 else _fraction(a, b)


def _divisor(a: int, b: int) -> str:
    return f"({_fraction(a, b)})" if a < 0 or b > 1 else _fraction(a, b)


def place_values(number: int) -> list[int]:
    """[300, 40, 8] of 348; zeros are left out."""
    digits = str(number)
    size = len(digits)
    places = (int(digit) * 10 ** (size - k - 1) for k, digit in enumerate(digits))
    return [place for place in places if place]


def _multiply(a: int, b: int) -> str:
    """Place values of the smaller factor, or of the larger one where that has only one; a power of
    ten needs none."""
    x, y, head = abs(a), abs(b), f"{a} * {_right(b)}"
    lines = []
    if a < 0 or b < 0:
        lines.append(f"{head} = -({x} * {y})" if a * b < 0 else f"{head} = {x} * {y}")
    split_right = y <= x
    parts = place_values(y if split_right else x)
    if len(parts) == 1 and str(parts[0])[0] != "1":
        split_right = not split_right
        parts = place_values(y if split_right else x)
    if len(parts) == 1:
        lines.append(f"{x} * {y} = {x * y}")
    else:
        terms = [f"{x} * {part}" if split_right else f"{part} * {y}" for part in parts]
        values = [part * (x if split_right else y) for part in parts]
        line = f"{x} * {y} = {' + '.join(terms)} = {' + '.join(map(str, values))}"
        lines.append(f"{line} = {x * y}" if len(parts) == 2 else line)
        total = values[0]
        for value in values[1:] if len(parts) > 2 else ():
            lines.append(f"{total} + {value} = {total + value}")
            total += value
    if a < 0 or b < 0 or len(parts) > 2:
        lines.append(f"So {head} = {a * b}")
    return "\n".join(lines)


def _divide(a: int, b: int) -> tuple[str, str]:
    """Long division of the sizes, one line for each digit of the quotient that is not 0.

    The quotient is rounded towards 0, so that a remainder has the sign of the dividend.
    """
    x, y = abs(a), abs(b)
    lines = []
    left = x
    for part in place_values(x // y):
        lines.append(f"{left} - {y} * {part} = {left} - {y * part} = {left - y * part}")
        left -= y * part
    if a < 0 or b < 0:
        lines.append(f"{x} / {y} = {_with_remainder(x // y, left)}")
    quotient = x // y if (a < 0) == (b < 0) else -(x // y)
    answer = _with_remainder(quotient, -left if a < 0 else left)
    lines.append(f"So {a} / {_right(b)} = {answer}")
    return "\n".join(lines), answer


def _with_remainder(quotient: int, remainder: int) -> str:
    return f"{quotient} R {remainder}" if remainder else str(quotient)


def _solve_fractions(operation: str, a: int, b: int, c: int, d: int) -> tuple[str, str]:
    left = _fraction(a, b)
    if operation in ("fraction_add", "fraction_subtract"):
        sign = "+" if operation == "fraction_add" else "-"
        bottom = math.lcm(b, d)
        p, q = a * (bottom // b), c * (bottom // d)
        top = p + q if sign == "+" else p - q
        terms = [f"{left} {sign} {_right_fraction(c, d)}"]
        if b != d:
            terms.append(f"{p}/{bottom} {sign} {_right_fraction(q, bottom)}")
        terms.append(f"({p} {sign} {_right(q)})/{bottom}")
    else:
        if operation == "fraction_multiply":
            terms = [f"{left} * {_right_fraction(c, d)}"]
        else:
            terms = [f"{left} / {_divisor(c, d)}"]
            c, d = (d, c) if c > 0 else (-d, -c)
            terms.append(f"{left} * {_right_fraction(c, d)}")
        top, bottom = a * c, b * d
        terms.append(f"({a} * {_right(c)})/({b} * {d})")
    common = math.gcd(top, bottom)
    answer = _fraction(top // common, bottom // common)
    terms.append(_fraction(top, bottom))
    if top == 0:
        terms.append(answer)
    elif common > 1:
        terms.append(f"({top // common} * {common})/({bottom // common} * {common})")
        terms.append(answer)
    return " = ".join(terms), answer
