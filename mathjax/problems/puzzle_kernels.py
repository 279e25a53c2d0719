"""Compiled puzzle generation and rendering; `puzzle_reference` holds the readable definition.

`find` searches the accepted candidate of many streams at once, one stream a lane; a lane that has
found its own goes on with the next stream. Its inner loops run over the lanes, so that they become
vector instructions. `write` takes the steps of the found candidates once more and writes the text.

Live values are float64 that hold integers below 2**52: sums and accepted products are exact, a
rejected product compares rightly although it is rounded, and a division needs no slow integer
instruction (the truncated float quotient of two such integers is the true one). Division by zero
gives inf or nan and fails every comparison.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

MAX_NUMBERS = 16
NOT_FOUND = -1
SLACK = 8
"""Bytes a text buffer needs beyond its documents: short numbers are written three bytes wide."""

_MAX_LANES = 64

# As in puzzle_reference. Not imported: cached machine code would not notice a change over there.
GAMMA, SHUFFLE = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_LOW_21, _LOW_32 = np.uint64((1 << 21) - 1), np.uint64((1 << 32) - 1)
# Plain integers beside a uint64 would make float64.
_0, _1, _10, _1000 = (np.uint64(v) for v in (0, 1, 10, 1000))
_21, _22, _27, _30, _31, _32, _42 = (np.uint64(v) for v in (21, 22, 27, 30, 31, 32, 42))
_59 = np.uint64(59)

_NEWLINE, _MINUS, _EQUALS, _COMMA, _COLON, _OPEN, _CLOSE, _ZERO = np.frombuffer(
    b"\n-=,:()0", np.uint8
)
_OPERATORS = np.frombuffer(b"+-*/", np.uint8)
# Digits of 0..999 with the first one in the lowest byte, and how many they are in the fourth.
_DIGITS = np.array(
    [int.from_bytes(b"%-3d%c" % (v, len(str(v))), "little") for v in range(1000)], np.int64
)

_compile = njit(nogil=True, cache=True, error_model="numpy")


class Limits(NamedTuple):
    """What the kernels need of a PuzzleSpec and a split; bucket limits are inclusive."""

    max_number: int
    above: int
    target_min: float
    target_max: float
    max_intermediate: float
    truncate: bool
    shuffle: bool
    first_bucket: int
    last_bucket: int


@_compile
def _mix(z):
    """The splitmix64 finaliser."""
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@_compile
def _draw_numbers(counter, n, max_number, numbers):
    """Draws n distinct integers of 1..max_number; returns the counter of their last word."""
    word = _0
    for k in range(n):
        bound = max_number - n + 1 + k
        if k & 1:
            word >>= _32
        else:
            counter += GAMMA
            word = _mix(counter)
        value = np.int64(((word & _LOW_32) * np.uint64(bound)) >> _32) + 1
        for earlier in range(k):
            if numbers[earlier] == value:
                value = bound
        numbers[k] = value
    return counter


@_compile
def _pair(word, size):
    """Ordered pair of places among `size` live values."""
    i = ((word & _LOW_21) * np.uint64(size)) >> _21
    j = (((word >> _21) & _LOW_21) * np.uint64(size - 1)) >> _21
    j += _1 if j >= i else _0
    return np.int64(i), np.int64(j)


@_compile
def _quotient(a, b, truncate):
    """(a / b, whether the division rule allows it)."""
    value = np.trunc(a / b)
    return value, (value * b == a) | (truncate & (a >= 0) & (b > 0))


@_compile
def _operate(a, b, bits, limit, truncate):
    """(operator, value) of a step, uniform among the allowed; operators count + - * / from 0."""
    total, difference, product = a + b, a - b, a * b
    quotient, divides = _quotient(a, b, truncate)
    one = np.uint64(abs(total) <= limit)
    two = one + np.uint64(abs(difference) <= limit)
    three = two + np.uint64(abs(product) <= limit)
    choice = (bits * (three + np.uint64(divides))) >> _22
    value = product if choice < three else quotient
    value = difference if choice < two else value
    value = total if choice < one else value
    return np.int64(choice >= one) + np.int64(choice >= two) + np.int64(choice >= three), value


@_compile
def _count_closings(a, b, low, high, truncate):
    """How many of the eight last steps on a and b land in low..high."""
    value = a + b
    count = 2 * np.int64((value >= low) & (value <= high))
    value = a - b
    count += np.int64((value >= low) & (value <= high))
    count += np.int64((-value >= low) & (-value <= high))
    value = a * b
    count += 2 * np.int64((value >= low) & (value <= high))
    value, allowed = _quotient(a, b, truncate)
    count += np.int64(allowed & (value >= low) & (value <= high))
    value, allowed = _quotient(b, a, truncate)
    count += np.int64(allowed & (value >= low) & (value <= high))
    return count


@_compile
def _close(a, b, word, low, high, truncate):
    """(a, b, operator, value) of the last step, uniform among the landing ones; may swap a and b.

    The target range lies within the bound of intermediate values, which so needs no check here.
    """
    count = _count_closings(a, b, low, high, truncate)
    choice = np.int64(((word >> _42) * np.uint64(count)) >> _22)
    for _ in range(2):
        for operator in range(4):
            allowed = True
            if operator == 0:
                value = a + b
            elif operator == 1:
                value = a - b
            elif operator == 2:
                value = a * b
            else:
                value, allowed = _quotient(a, b, truncate)
            if allowed and low <= value <= high:
                if choice == 0:
                    return a, b, operator, value
                choice -= 1
        a, b = b, a
    return a, b, 0, a + b  # not reached: count is not 0


@_compile
def _key(numbers, n, target):
    """64-bit name of (set of numbers, target); the order of the numbers does not matter."""
    total = _0
    for k in range(n):
        total += _mix(np.uint64(numbers[k]))
    return _mix(total + _mix(np.uint64(np.int64(target)) + GAMMA))


@_compile
def _draw_lanes(states, n, max_number, words, largest, live):
    """Draws the n numbers of every lane into `live` [n, lane], and the largest of them."""
    lanes = len(states)
    largest[:] = 0.0
    for k in range(n):
        numbers = live[k]
        bound = np.uint64(max_number - n + 1 + k)
        last = np.float64(max_number - n + 1 + k)
        if k & 1:
            for lane in range(lanes):
                words[lane] >>= _32
        else:
            offset = GAMMA * np.uint64(k // 2 + 1)
            for lane in range(lanes):
                words[lane] = _mix(states[lane] + offset)
        for lane in range(lanes):
            numbers[lane] = np.float64(np.int64(((words[lane] & _LOW_32) * bound) >> _32) + 1)
        for k_earlier in range(k):
            earlier = live[k_earlier]
            for lane in range(lanes):
                numbers[lane] = last if numbers[lane] == earlier[lane] else numbers[lane]
        for lane in range(lanes):
            largest[lane] = max(largest[lane], numbers[lane])


@_compile
def _step_lanes(states, offset, size, limit, truncate, words, first, second, left, right, live):
    """One step in every lane: the result of two of the `size` live values takes their place."""
    lanes = len(states)
    for lane in range(lanes):
        word = _mix(states[lane] + offset)
        first[lane], second[lane] = _pair(word, size)
        words[lane] = word >> _42
    for lane in range(lanes):
        left[lane] = live[first[lane], lane]
        right[lane] = live[second[lane], lane]
    for lane in range(lanes):
        left[lane] = _operate(left[lane], right[lane], words[lane], limit, truncate)[1]
    last = live[size - 1]
    for lane in range(lanes):
        live[first[lane], lane] = left[lane]
        live[second[lane], lane] = last[lane]


@_compile
def _assign(lane, row, base, streams, sizes, n, rows, states, tried):
    """Gives a lane the next row, from `row` on, of n numbers, if any; returns the one after."""
    while row < len(streams) and sizes[streams[row] % len(sizes)] != n:
        row += 1
    rows[lane] = NOT_FOUND
    tried[lane] = 0
    if row < len(streams):
        rows[lane] = row
        states[lane] = _mix(base + np.uint64(streams[row]) * GAMMA)
    return row + 1


@_compile
def _find_size(base, streams, sizes, n, limits, tries, candidates, targets, keys):
    """`find` for the streams that want n numbers."""
    lanes = min(_MAX_LANES, max(8, len(streams) // len(sizes)))
    rows, tried = np.empty(lanes, np.int64), np.empty(lanes, np.int64)
    first, second = np.empty(lanes, np.int64), np.empty(lanes, np.int64)
    states, words = np.zeros(lanes, np.uint64), np.empty(lanes, np.uint64)
    left, right = np.empty(lanes, np.float64), np.empty(lanes, np.float64)
    largest, closings = np.empty(lanes, np.float64), np.empty(lanes, np.int64)
    live = np.empty((MAX_NUMBERS, lanes), np.float64)
    numbers = np.empty(MAX_NUMBERS, np.int64)
    low, high, truncate = limits.target_min, limits.target_max, limits.truncate
    half = (n + 1) // 2
    span = GAMMA * np.uint64(half + n - 1)
    upcoming = 0
    for lane in range(lanes):
        upcoming = _assign(lane, upcoming, base, streams, sizes, n, rows, states, tried)
    busy = True
    while busy:
        _draw_lanes(states, n, limits.max_number, words, largest, live)
        for size in range(n, 2, -1):
            offset = GAMMA * np.uint64(half + n - size + 1)
            limit = limits.max_intermediate
            _step_lanes(
                states, offset, size, limit, truncate, words, first, second, left, right, live
            )
        for lane in range(lanes):
            closings[lane] = _count_closings(live[0, lane], live[1, lane], low, high, truncate)
        busy = False
        for lane in range(lanes):
            row = rows[lane]
            if row < 0:
                continue
            busy = True
            done = False
            tried[lane] += 1
            if closings[lane] > 0 and largest[lane] > limits.above:
                word = _mix(states[lane] + span)
                target = _close(live[0, lane], live[1, lane], word, low, high, truncate)[3]
                _draw_numbers(states[lane], n, limits.max_number, numbers)
                key = _key(numbers, n, target)
                if limits.first_bucket <= np.int64(key >> _59) <= limits.last_bucket:
                    candidates[row], targets[row], keys[row] = tried[lane] - 1, target, key
                    done = True
            if not done and tried[lane] >= tries:
                candidates[row] = NOT_FOUND
                done = True
            if done:
                upcoming = _assign(lane, upcoming, base, streams, sizes, n, rows, states, tried)
            else:
                states[lane] += span


@_compile
def find(base, streams, sizes, limits, tries, candidates, targets, keys):
    """Fills, for each of `streams`, which candidate is accepted (or NOT_FOUND), its target, key."""
    for n in sizes:
        _find_size(base, streams, sizes, n, limits, tries, candidates, targets, keys)


@_compile
def _put_integer(text, at, value):
    """Writes a signed integer at `at`; returns the position after it, where rubbish may lie."""
    text[at] = _MINUS
    at += value < 0
    value = abs(value)
    if value < 1000:
        packed = _DIGITS[value]
        text[at] = np.uint8(packed)
        text[at + 1] = np.uint8(packed >> 8)
        text[at + 2] = np.uint8(packed >> 16)
        return at + (packed >> 24)
    rest = np.uint64(value)
    size = 3
    bound = _1000
    while rest >= bound:  # at most 16 digits, so the bound cannot overflow
        bound *= _10
        size += 1
    end = at + size
    at = end
    for _ in range(size):
        at -= 1
        quotient = rest // _10
        text[at] = _ZERO + np.uint8(rest - quotient * _10)
        rest = quotient
    return end


@_compile
def _put_step(text, at, a, b, operator, value):
    """Writes `a op b=value`, a negative right operand in parentheses."""
    at = _put_integer(text, at, np.int64(a))
    text[at] = _OPERATORS[operator]
    text[at + 1] = _OPEN
    at = _put_integer(text, at + 1 + (b < 0), np.int64(b))
    text[at] = _CLOSE
    at += b < 0
    text[at] = _EQUALS
    return _put_integer(text, at + 1, np.int64(value))


@_compile
def _put_prompt(text, at, state, n, shuffle, numbers, target):
    """Sorts (or shuffles, with words of its own) the numbers, writes the prompt and its newline."""
    for k in range(1, n):
        value = numbers[k]
        slot = k
        while slot > 0 and numbers[slot - 1] > value:
            numbers[slot] = numbers[slot - 1]
            slot -= 1
        numbers[slot] = value
    if shuffle:
        counter = _mix(state ^ SHUFFLE)
        for k in range(n - 1, 0, -1):
            counter += GAMMA
            slot = np.int64(((_mix(counter) >> _32) * np.uint64(k + 1)) >> _32)
            numbers[k], numbers[slot] = numbers[slot], numbers[k]
    for k in range(n):
        at = _put_integer(text, at, numbers[k])
        text[at] = _COMMA
        at += 1
    text[at - 1] = _COLON
    at = _put_integer(text, at, target)
    text[at] = _NEWLINE
    return at + 1


@_compile
def write(base, streams, sizes, limits, candidates, targets, text, bounds, prompt_sizes):
    """Writes the documents of what `find` found; `text` has SLACK bytes more than they can need."""
    numbers = np.empty(MAX_NUMBERS, np.int64)
    live = np.empty(MAX_NUMBERS, np.float64)
    at = 0
    bounds[0] = 0
    for row in range(len(streams)):
        stream = streams[row]
        n = sizes[stream % len(sizes)]
        half = (n + 1) // 2
        state = _mix(base + np.uint64(stream) * GAMMA)
        counter = state + np.uint64(candidates[row]) * (GAMMA * np.uint64(half + n - 1))
        counter = _draw_numbers(counter, n, limits.max_number, numbers)
        for k in range(n):
            live[k] = numbers[k]
        at = _put_prompt(text, at, state, n, limits.shuffle, numbers, targets[row])
        prompt_sizes[row] = at - bounds[row]
        for size in range(n, 2, -1):
            counter += GAMMA
            word = _mix(counter)
            i, j = _pair(word, size)
            a, b = live[i], live[j]
            operator, value = _operate(a, b, word >> _42, limits.max_intermediate, limits.truncate)
            at = _put_step(text, at, a, b, operator, value)
            text[at] = _COMMA
            at += 1
            live[i] = value
            live[j] = live[size - 1]
        a, b, operator, value = _close(
            live[0],
            live[1],
            _mix(counter + GAMMA),
            limits.target_min,
            limits.target_max,
            limits.truncate,
        )
        at = _put_step(text, at, a, b, operator, value)
        text[at] = 0
        at += 1
        bounds[row + 1] = at
