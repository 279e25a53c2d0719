"""Compiled reading of puzzle answers; `mathjax.answers.puzzle` is the definition.

The kernel reads text of digits, `+-*/=()`, separators, blanks and a full stop behind a step, with
numbers up to 10**18. Where anything else could matter it answers UNSURE, and somebody asks the
definition. What it does answer is the reason that the definition gives.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

REASONS = (
    "right",
    "parse",
    "unknown_operand",
    "division",
    "wrong_arithmetic",
    "step_count",
    "unused_number",
    "wrong_target",
    "limit",
)
"""Reason codes of `puzzle.verify`; a uint8 code is a place in this tuple."""

UNSURE = 255
"""Code of a response that the kernel leaves to `puzzle.verify`."""

MAX_NUMBERS = 32
"""Numbers of a puzzle; the operands still there are the bits of one word."""

MAX_RESPONSE, MAX_PIECES, SURPLUS = 4_000, 256, 16
"""As in `puzzle`. Not imported: cached machine code would not notice a change over there."""

SHORT = 24
"""Bytes from the start of a step on that are read to see whether it is a short one."""

_RIGHT, _PARSE, _UNKNOWN, _DIVISION, _ARITHMETIC, _COUNT, _UNUSED, _TARGET = range(8)

_MAX_VALUE = 10**18  # sums of two such fit int64
_MAX_PRODUCT = 4e18  # as a float, which may be off by a few hundred
_NONE, _LONG = -1, -2  # in place of a position: no step here; a step with a number too long

_TAB, _LINE_FEED, _RETURN, _BLANK, _STOP, _ZERO = b"\t\n\r .0"
_OPEN, _CLOSE, _TIMES, _PLUS, _MINUS, _DIVIDE, _EQUALS = b"()*+-/="
_TUPLE, _LIST, _INTEGER = b"([i"  # of marshal
_U_MINUS, _U_OPEN, _U_CLOSE, _U_EQUALS = (np.uint64(byte) for byte in b"-()=")
# Plain integers beside a uint64 would make float64.
_0, _1, _3, _8, _10, _16, _32, _63, _64, _255 = (
    np.uint64(v) for v in (0, 1, 3, 8, 10, 16, 32, 63, 64, 255)
)
_ALL_ZEROS, _ALL_118, _ALL_128, _ALL_BITS = (
    np.uint64(0x0101010101010101 * v) for v in (0x30, 118, 128, 255)
)
_PAIRS = np.uint64(0x000000FF000000FF)
_FACTORS_1, _FACTORS_2 = np.uint64((10**6 << 32) + 100), np.uint64((10**4 << 32) + 1)
_KNOWN, _OPERATORS, _SEPARATORS = np.zeros((3, 256), np.bool_)
_KNOWN[list(b"0123456789+-*/=() \t")] = True
_OPERATORS[list(b"+-*/")] = True
_SEPARATORS[list(b",;\n\r")] = True

_compile = njit(nogil=True, cache=True, error_model="numpy")
# Left to itself the compiler calls what is used in several places; that takes a tenth longer.
_inline = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)


@_inline
def _peek(text, at, end):
    return text[at] if at < end else np.uint8(0)


@_inline
def _skip_blanks(text, at, end):
    while at < end and (text[at] == _BLANK or text[at] == _TAB):
        at += 1
    return at


@_compile
def _literal(text, at, end):
    """(position behind the literal and the blanks after it, value); or a negative position."""
    value = np.int64(0)
    start = at
    digit = _peek(text, at, end) - _ZERO
    inside = negative = False
    if digit < 0 or digit > 9:
        inside = text[at] == _OPEN if at < end else False
        if inside:
            at = _skip_blanks(text, at + 1, end)
        sign = _peek(text, at, end)
        negative = sign == _MINUS
        if negative or sign == _PLUS:
            at = _skip_blanks(text, at + 1, end)
        start = at
        digit = _peek(text, at, end) - _ZERO
    while digit >= 0 and digit <= 9:
        if value >= _MAX_VALUE // 10:
            return _LONG, value
        value = 10 * value + digit
        at += 1
        digit = _peek(text, at, end) - _ZERO
    if at == start:
        return _NONE, value
    at = _skip_blanks(text, at, end)
    if inside:
        if _peek(text, at, end) != _CLOSE:
            return _NONE, value
        at = _skip_blanks(text, at + 1, end)
    return at, -value if negative else value


@_compile
def _step(text, at, end):
    """(position behind the step and its blanks, left, operator, right, result) of what starts at
    `at`, no blank; or a negative position."""
    right = result = np.int64(0)
    at, left = _literal(text, at, end)
    symbol = _peek(text, at, end) if at >= 0 else np.uint8(0)
    if at >= 0:
        at = _skip_blanks(text, at + 1, end) if _OPERATORS[symbol] else _NONE
    if at >= 0:
        at, right = _literal(text, at, end)
    if at >= 0:
        equals = _peek(text, at, end) == _EQUALS
        at = _skip_blanks(text, at + 1, end) if equals else _NONE
    if at >= 0:
        at, result = _literal(text, at, end)
    return at, left, symbol, right, result


@_inline
def _eight(text, at):
    """Eight bytes from an unsigned position on, the first one lowest: one load to the compiler."""
    word = _0
    for k in range(8):
        word |= np.uint64(text[at + np.uint64(k)]) << np.uint64(8 * k)
    return word


@intrinsic
def _trailing_zeros(typing_context, word):
    """Zero bits below the lowest one of a uint64; 64 for 0. NumPy and Numba have no name for it."""

    def generate(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), generate


@_inline
def _digits(word, skip, limit):
    """(place behind the digits that stand at place `skip` of eight bytes, at most `limit`; their
    value).

    Digits become 0..9 by one xor; a byte over 9 gets its highest bit by a sum, and the lowest such
    bit is behind the digits. Eight digits are then added up in pairs, fours, and all.
    """
    digits = word ^ _ALL_ZEROS
    wanted = _ALL_BITS << (skip << _3)
    others = ((digits + _ALL_118) | digits) & _ALL_128 & wanted
    end = min(_trailing_zeros(others) >> _3, limit)
    digits = (digits & wanted) << ((_64 - (end << _3)) & _63)
    digits = digits * _10 + (digits >> _8)
    value = (digits & _PAIRS) * _FACTORS_1 + ((digits >> _16) & _PAIRS) * _FACTORS_2
    return end, np.int64(value >> _32)


@_inline
def _short_step(text, start, end):
    """`_step` for text like `12-34=-22` or `12*(-3)=-36` with short numbers, almost without
    branches, which these texts make unpredictable; _NONE for all other text. Reads SHORT bytes."""
    at, end = np.uint64(start), np.uint64(end)
    word = _eight(text, at)
    sign = np.uint64((word & _255) == _U_MINUS)
    behind, left = _digits(word, sign, _8)
    fine = (behind > sign) & (behind < _8)
    left = -left if sign else left
    at += behind

    word = _eight(text, at)
    symbol = np.uint8(word & _255)
    inside = np.uint64(((word >> _8) & _255) == _U_OPEN)
    skip = _1 + inside
    sign = np.uint64(((word >> (skip << _3)) & _255) == _U_MINUS)
    behind, right = _digits(word, skip + sign, _8)
    fine &= (behind > skip + sign) & (behind < _8)
    right = -right if sign else right
    at += behind

    word = _eight(text, at)
    fine &= ((word & _255) == _U_CLOSE) | (inside == _0)
    fine &= ((word >> (inside << _3)) & _255) == _U_EQUALS
    sign = np.uint64(((word >> (skip << _3)) & _255) == _U_MINUS)
    behind, result = _digits(word, skip + sign, end - at)
    fine &= (behind > skip + sign) & (behind < _8)
    result = -result if sign else result
    at += behind
    fine &= _OPERATORS[symbol] & (at <= end)
    return np.int64(at) if fine else _NONE, left, symbol, right, result


@_compile
def _rest_of_segment(text, at, end):
    """(position of the separator behind it, equals signs, whether all its bytes are known)."""
    equations, known = 0, True
    while at < end and not _SEPARATORS[text[at]]:
        equations += text[at] == _EQUALS
        known &= _KNOWN[text[at]]
        at += 1
    return at, equations, known


@_inline
def _places(pool, size, value):
    """Bits of the places in the pool that hold a value."""
    same = _0
    for k in range(size):
        same |= np.uint64(pool[k] == value) << np.uint64(k)
    return same


@_inline
def _take(places, given):
    """One bit of `places`, 0 if there is none; a given number goes before a result."""
    first = places & given
    places = first if first else places
    return places & (~places + _1)


@_inline
def _check_value(left, symbol, right, result, truncate):
    """_RIGHT, _ARITHMETIC, _DIVISION, or UNSURE where a product might leave 64 bits."""
    factor = result if symbol == _DIVIDE else left
    if abs(np.float64(factor) * np.float64(right)) > _MAX_PRODUCT:
        return UNSURE
    # One branch, which is as a rule not taken; four operators would be guessed wrong too often.
    if (
        ((symbol == _PLUS) & (left + right == result))
        | ((symbol == _MINUS) & (left - right == result))
        | ((symbol == _TIMES) & (left * right == result))
        | ((symbol == _DIVIDE) & (right != 0) & (result * right == left))
    ):
        return _RIGHT
    if symbol != _DIVIDE:
        return _ARITHMETIC
    if right == 0:
        return _DIVISION
    if left % right == 0:
        return _ARITHMETIC
    if truncate and left >= 0 and right > 0:
        return _RIGHT if left // right == result else _ARITHMETIC
    return _DIVISION


@_compile
def _touches(text, at, end, newline):
    """_PARSE if text behind the steps, from `at` on, goes on with them; UNSURE if it need not."""
    byte = text[at]
    if byte in (_MINUS, _TIMES):  # perhaps a rule of Markdown
        return UNSURE if _peek(text, at + 1, end) == byte else _PARSE
    if byte in (_PLUS, _DIVIDE, _OPEN, _CLOSE):
        return _PARSE
    return UNSURE if newline else _PARSE  # a digit


@_compile
def _decide(text, at, end, pool, n, target, truncate):
    """Code of one response; `pool` starts with the n given numbers and has room for n more."""
    given = (_1 << np.uint64(n)) - _1
    available = given
    size, value, reason = n, np.int64(0), _RIGHT
    separators = equations = 0
    broken = stopped = behind = newline = False
    tail = _PARSE
    while True:
        at = _skip_blanks(text, at, end)
        if at >= end:
            break
        if _SEPARATORS[text[at]]:
            separators += 1
            newline |= text[at] == _LINE_FEED or text[at] == _RETURN
            at += 1
            continue
        start = at
        at = _NONE
        if start + SHORT <= len(text):
            at, left, symbol, right, result = _short_step(text, start, end)
        if at < 0 or (at < end and not _SEPARATORS[text[at]]):
            at, left, symbol, right, result = _step(text, start, end)
        if at == _LONG:
            return UNSURE
        stop = False
        if at >= 0:
            signs = 1
            stop = _peek(text, at, end) == _STOP
            if stop:
                at = _skip_blanks(text, at + 1, end)
            if at < end and not _SEPARATORS[text[at]]:
                at, more, known = _rest_of_segment(text, at, end)
                if stop or not known:
                    return UNSURE
                signs += more
                broken = True
        else:
            at, signs, known = _rest_of_segment(text, start, end)
            if not known or signs + equations == 0:
                return UNSURE
            if signs == 0:
                if not behind:
                    behind = True
                    tail = _touches(text, start, end, newline)
                continue
            broken = True
        equations += signs
        broken |= behind | stopped  # text between two equations
        stopped = stop
        newline = False
        if broken or reason != _RIGHT:
            continue
        if size == 2 * n - 1:  # all is used
            reason = _COUNT
            continue
        bit = _take(available & _places(pool, size, left), given)
        other = _take(available & ~bit & _places(pool, size, right), given)
        if (bit == 0) | (other == 0):
            reason = _UNKNOWN
            continue
        reason = _check_value(left, symbol, right, result, truncate)
        if reason == UNSURE:
            return UNSURE
        available = (available & ~(bit | other)) | (_1 << np.uint64(size))
        pool[size] = value = result
        size += 1
    if separators >= MAX_PIECES:
        return UNSURE
    if equations >= n + SURPLUS:
        return _COUNT
    if equations == 0 or broken:
        return _PARSE
    if behind:
        return tail
    if reason != _RIGHT:
        return reason
    if size < 2 * n - 1:
        return _UNUSED if available & given else _COUNT
    return _RIGHT if value == target else _TARGET


@_compile
def _has_no_equation(text, at, end):
    """Whether no byte is an equals sign, and separators are few enough to be read."""
    separators = 0
    while at < end and text[at] != _EQUALS:
        separators += _SEPARATORS[text[at]]
        at += 1
    return at == end and separators < MAX_PIECES


@_compile
def find_puzzles(tags, values, firsts, counts, targets):
    """Where the numbers of each puzzle lie in `values` (first, count), and the targets.

    `tags` and `values` [records] are a marshalled list of pairs: a record is an integer, or opens a
    tuple or list of `value` items. Returns False where they are anything else.
    """
    at = 1
    for i in range(len(counts)):
        if at + 2 >= len(tags) or values[at] != 2 or values[at + 1] < 0:
            return False
        if tags[at] not in (_TUPLE, _LIST) or tags[at + 1] not in (_TUPLE, _LIST):
            return False
        firsts[i], counts[i] = at + 2, values[at + 1]
        at += 2 + counts[i]
        if at >= len(tags):
            return False
        for tag in tags[firsts[i] : at + 1]:
            if tag != _INTEGER:
                return False
        targets[i] = values[at]
        at += 1
    return True


@_compile
def decide(text, starts, ends, numbers, firsts, counts, targets, truncate, codes):
    """Fills `codes` (uint8 [count]) for responses `text[starts[i]:ends[i]]` to the puzzles
    `numbers[firsts[i]:firsts[i] + counts[i]]` -> `targets[i]`."""
    pool = np.empty(2 * MAX_NUMBERS, np.int64)
    for i in range(len(codes)):
        at, end, n = starts[i], ends[i], counts[i]
        code = UNSURE
        if 2 <= n <= MAX_NUMBERS and end - at <= MAX_RESPONSE:
            for k in range(n):
                pool[k] = numbers[firsts[i] + k]
            code = _decide(text, at, end, pool, n, targets[i], truncate)
            if code == UNSURE and _has_no_equation(text, at, end):
                code = _PARSE
        codes[i] = code
