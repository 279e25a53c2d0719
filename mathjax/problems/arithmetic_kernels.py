"""Compiled drawing of arithmetic problems; `arithmetic_reference` holds the readable definition.

Operands have at most 9 digits here, so that every value of a solution (at most a sum of two
products) fits in an int64. `arithmetic_writer` makes the text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

# As in arithmetic_reference. Not imported: cached machine code would not notice a change there.
GAMMA = np.uint64(0x9E3779B97F4A7C15)
SHAPE_TRIES, SHAPES, LEAD = 64, 256, 6
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_LOW_16, _LOW_22, _LOW_32 = (np.uint64((1 << bits) - 1) for bits in (16, 22, 32))
# Plain integers beside a uint64 would make float64.
_0, _2, _3, _4, _5, _16 = (np.uint64(v) for v in (0, 2, 3, 4, 5, 16))
_22, _27, _30, _31, _32, _54, _59 = (np.uint64(v) for v in (22, 27, 30, 31, 32, 54, 59))
_POWERS = 10 ** np.arange(19, dtype=np.int64)
_LOG_UNIFORM, _UNIFORM = 0, 2
_ADD, _SUBTRACT, _MULTIPLY, _DIVIDE = 0, 1, 2, 3
_FRACTION_ADD, _FRACTION_SUBTRACT, _FRACTION_MULTIPLY, _FRACTION_DIVIDE = 4, 5, 6, 7
_PERCENTAGE = 8

_compile = njit(nogil=True, cache=True, error_model="numpy")


class Limits(NamedTuple):
    """What the kernels need of an ArithmeticSpec and a split; bucket limits are inclusive."""

    thresholds: np.ndarray  # int64 [operation]
    exact: int
    law: int
    min_digits: np.ndarray  # int64 [operation]
    max_digits: np.ndarray  # int64 [operation]
    max_percent: int
    negative: int
    ordered: bool
    significands: np.ndarray  # int64 [NODES + 1]
    first_bucket: int
    last_bucket: int
    excluded: np.ndarray  # uint64, ascending


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
def _length(word, law, low, high):
    if law != _UNIFORM:
        return low + _scale(word >> _32, high - low + 1)
    smallest = _POWERS[low - 1]
    return _size(smallest + _scale(word >> _32, _POWERS[high] - smallest))


@_compile
def _number(word, law, length, significands):
    lead = min(length, LEAD)
    smallest = _POWERS[lead - 1]
    if law == _LOG_UNIFORM:
        node = np.int64(word >> _54)
        span = significands[node + 1] - significands[node]
        value = significands[node] + _scale((word >> _22) & _LOW_32, span)
        value = (value * smallest) >> 30
    else:
        value = smallest + _scale(word >> _32, 9 * smallest)
    rest = _POWERS[length - lead]
    return value * rest + np.int64(((word & _LOW_22) * np.uint64(rest)) >> _22)


@_compile
def _gcd(a, b):
    while b:
        a, b = b, a % b
    return a


@_compile
def _absorb(key, number):
    name = np.uint64(2 * abs(number) + np.int64(number < 0))
    return _mix((key ^ name) + GAMMA)


@_compile
def _key(operation, a, b, c, d):
    """64-bit name of what counts as the same problem."""
    key = _mix(np.uint64(operation + 1))
    if _FRACTION_ADD <= operation <= _FRACTION_DIVIDE:
        common = _gcd(abs(a), b)
        a, b = a // common, b // common
        common = _gcd(abs(c), d)
        c, d = c // common, d // common
        commutes = operation in (_FRACTION_ADD, _FRACTION_MULTIPLY)
        if commutes and (c < a or (c == a and d < b)):
            a, b, c, d = c, d, a, b
        key = _absorb(_absorb(key, a), b)
        return _absorb(_absorb(key, c), d)
    if operation in (_ADD, _MULTIPLY) and b < a:
        a, b = b, a
    return _absorb(_absorb(key, a), b)


@_compile
def _is_excluded(key, excluded):
    low, high = 0, len(excluded)
    while low < high:
        middle = (low + high) // 2
        if excluded[middle] < key:
            low = middle + 1
        else:
            high = middle
    return low < len(excluded) and excluded[low] == key


@_compile
def _candidate(counter, operation, exact, lengths, limits):
    """(a, b, c, d) of one candidate; all 0 where they make no problem of the operation."""
    law, table = limits.law, limits.significands
    first = _mix(counter + GAMMA)
    a = _number(first, law, lengths[0], table)
    b = _number(_mix(counter + GAMMA * _2), law, lengths[1], table)
    if operation == _PERCENTAGE:
        return 1 + _scale(first >> _32, limits.max_percent), b, 0, 0
    signs = _mix(counter + GAMMA * _5)
    sign_a = -1 if np.int64(signs & _LOW_16) < limits.negative else 1
    sign_b = -1 if np.int64((signs >> _16) & _LOW_16) < limits.negative else 1
    if operation >= _FRACTION_ADD:
        c = _number(_mix(counter + GAMMA * _3), law, lengths[2], table)
        d = _number(_mix(counter + GAMMA * _4), law, lengths[3], table)
        if b == 1 and d == 1:
            return 0, 0, 0, 0
        if operation == _FRACTION_SUBTRACT and limits.ordered and a * d < c * b:
            a, b, c, d = c, d, a, b
        return sign_a * a, b, sign_b * c, d
    if a < b and (operation == _DIVIDE or (operation == _SUBTRACT and limits.ordered)):
        a, b = b, a
    if operation == _DIVIDE and exact:
        smallest = _POWERS[_size(a) - 1]
        a -= a % b
        if a < smallest:
            a += b
    return sign_a * a, sign_b * b, 0, 0


@_compile
def _find_one(state, limits, lengths, numbers):
    """(operation, key) of a stream, operation -1 where there is none; fills its numbers."""
    counter = state
    for _ in range(SHAPES):
        counter += GAMMA
        word = _mix(counter)
        operation = 0
        while np.int64(word >> _32) >= limits.thresholds[operation]:
            operation += 1
        exact = np.int64(word & _LOW_32) < limits.exact
        low, high = limits.min_digits[operation], limits.max_digits[operation]
        for k in range(4):
            counter += GAMMA
            lengths[k] = _length(_mix(counter), limits.law, low, high)
        for _ in range(SHAPE_TRIES):
            a, b, c, d = _candidate(counter, operation, exact, lengths, limits)
            counter += GAMMA * _5
            if a == 0:
                continue
            key = _key(operation, a, b, c, d)
            right = limits.first_bucket <= np.int64(key >> _59) <= limits.last_bucket
            if right and not _is_excluded(key, limits.excluded):
                numbers[0], numbers[1], numbers[2], numbers[3] = a, b, c, d
                return operation, key
    return -1, _0


@_compile
def find(base, streams, limits, operations, numbers, keys):
    """Fills operation, numbers and key of each stream; False where one has no problem."""
    lengths = np.empty(4, np.int64)
    for row in range(len(streams)):
        state = _mix(base + np.uint64(streams[row]) * GAMMA)
        operations[row], keys[row] = _find_one(state, limits, lengths, numbers[row])
        if operations[row] < 0:
            return False
    return True
