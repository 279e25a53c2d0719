"""Compiled drawing and writing of "expand" exercises: the bytes of `rule_expand`.

`rule_expand_writer` calls `write`. A term is a coefficient and a monomial packed into 64 bits, one
byte a variable, the lowest number in the lowest byte. Everything that a document shows is written
by tables of signs and names, so that all styles and names are served alike.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

# As in `streams`. Not imported: cached machine code would not notice a change over there.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_LOW_32 = np.uint64((1 << 32) - 1)
_0, _8, _27, _30, _31, _32, _59, _255 = (np.uint64(v) for v in (0, 8, 27, 30, 31, 32, 59, 255))
TRIES = 10_000

# Places in the table of signs, as `rule_expand_writer` orders them.
_PLUS, _MINUS, _NEGATE, _TIMES, _BESIDE, _OPEN, _CLOSE, _POWER, _POWER_END = range(9)
_MOST_FACTORS = 6

_KEY = np.frombuffer(b"expand  ", np.uint8)  # as `rules` begins the canonical form
_STEP = np.frombuffer(b"= ", np.uint8)
_ANSWER = np.frombuffer(b"Answer: ", np.uint8)

_compile = njit(nogil=True, cache=True, error_model="numpy")


class Table(NamedTuple):
    """Entry i is data[bounds[i]:bounds[i + 1]]."""

    data: np.ndarray  # uint8
    bounds: np.ndarray  # int64


class Limits(NamedTuple):
    """What the kernel needs of a RuleSpec and a split; ranges and buckets are inclusive."""

    low_variables: int
    high_variables: int
    low_terms: int
    high_terms: int
    low_factors: int
    high_factors: int
    max_coefficient: int
    steps: bool
    first_bucket: int
    last_bucket: int


@_compile
def _mix(z):
    """The splitmix64 finaliser."""
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@_compile
def _below(state, bound):
    """`streams.Draws.below` for a bound under 2**32; `state` [1] moves on."""
    state[0] += _GAMMA
    word = _mix(state[0])
    b = np.uint64(bound)
    return np.int64(((word >> _32) * b + (((word & _LOW_32) * b) >> _32)) >> _32)


@_compile
def _put(text, at, table, entry):
    for k in range(table.bounds[entry], table.bounds[entry + 1]):
        text[at] = table.data[k]
        at += 1
    return at


@_compile
def _put_bytes(text, at, data):
    for byte in data:
        text[at] = byte
        at += 1
    return at


@_compile
def _put_integer(text, at, value):
    """A value that is not negative."""
    size, rest = 1, value // 10
    while rest:
        size += 1
        rest //= 10
    end = at + size
    while at < end:
        end -= 1
        text[end] = np.uint8(48 + value % 10)
        value //= 10
    return at + size


@_compile
def _put_monomial(text, at, monomial, names, chosen, signs):
    first = True
    while monomial:
        name = monomial & _255
        exponent = 0
        while monomial & _255 == name and monomial:
            exponent += 1
            monomial >>= _8
        if not first:
            at = _put(text, at, signs, _TIMES)
        first = False
        at = _put(text, at, names, chosen[np.int64(name) - 1])
        if exponent > 1:
            at = _put(text, at, signs, _POWER)
            at = _put_integer(text, at, exponent)
            at = _put(text, at, signs, _POWER_END)
    return at


@_compile
def _put_term(text, at, size, monomial, names, chosen, signs):
    """A term without its sign."""
    if not monomial:
        return _put_integer(text, at, size)
    if size != 1:
        at = _put_integer(text, at, size)
        at = _put(text, at, signs, _BESIDE)
    return _put_monomial(text, at, monomial, names, chosen, signs)


@_compile
def _put_sign(text, at, negative, first, signs):
    if first:
        return _put(text, at, signs, _NEGATE) if negative else at
    return _put(text, at, signs, _MINUS if negative else _PLUS)


@_compile
def _put_sum(text, at, numbers, monomials, start, end, names, chosen, signs):
    for k in range(start, end):
        at = _put_sign(text, at, numbers[k] < 0, k == start, signs)
        at = _put_term(text, at, abs(numbers[k]), monomials[k], names, chosen, signs)
    return at


@_compile
def _put_factors(text, at, numbers, monomials, starts, j, end, names, chosen, signs):
    """Sums j, ..., end - 1 in parentheses, side by side; a sign stands before each."""
    for k in range(j, end):
        at = _put(text, at, signs, _BESIDE)
        at = _put(text, at, signs, _OPEN)
        at = _put_sum(text, at, numbers, monomials, starts[k], starts[k + 1], names, chosen, signs)
        at = _put(text, at, signs, _CLOSE)
    return at


@_compile
def _put_product(text, at, numbers, monomials, starts, count, names, chosen, signs):
    """The exercise: a single first term gives its sign to the whole."""
    if starts[1] == 1:
        at = _put_sign(text, at, numbers[0] < 0, True, signs)
        at = _put_term(text, at, abs(numbers[0]), monomials[0], names, chosen, signs)
        at = _put(text, at, signs, _TIMES if monomials[0] else _BESIDE)
        at = _put(text, at, signs, _OPEN)
        at = _put_sum(text, at, numbers, monomials, starts[1], starts[2], names, chosen, signs)
        at = _put(text, at, signs, _CLOSE)
        return _put_factors(text, at, numbers, monomials, starts, 2, count, names, chosen, signs)
    at = _put(text, at, signs, _OPEN)
    at = _put_sum(text, at, numbers, monomials, starts[0], starts[1], names, chosen, signs)
    at = _put(text, at, signs, _CLOSE)
    return _put_factors(text, at, numbers, monomials, starts, 1, count, names, chosen, signs)


@_compile
def _joined(a, b):
    """Product of monomials: the variables of both in ascending order."""
    result, shift = _0, _0
    while a or b:
        take_b = b and (not a or (b & _255) < (a & _255))
        name = b & _255 if take_b else a & _255
        if take_b:
            b >>= _8
        else:
            a >>= _8
        result |= name << shift
        shift += _8
    return result


@_compile
def _draw(state, limits, numbers, monomials, starts, owners, names, work):
    """Draws as `rule_expand.draw_factors`; returns (number of factors, number of variables)."""
    count = limits.low_variables + _below(state, limits.high_variables - limits.low_variables + 1)
    while True:
        factors = limits.low_factors + _below(state, limits.high_factors - limits.low_factors + 1)
        single = _below(state, 4) == 0
        starts[0] = 0
        most = min(limits.high_terms, count + 1)
        for j in range(factors):
            size = limits.low_terms + _below(state, most - limits.low_terms + 1)
            if j == 0 and single:
                size = 1
            starts[j + 1] = starts[j] + size
        if starts[factors] >= count:
            break
    total = starts[factors]
    for j in range(factors):
        for slot in range(starts[j], starts[j + 1]):
            owners[slot] = j
    for slot in range(total):
        work[slot] = slot
        names[slot] = -1
    for last in range(total - 1, 0, -1):
        slot = _below(state, last + 1)
        work[last], work[slot] = work[slot], work[last]
    for k in range(count):
        names[work[k]] = k + 1
    for slot in range(total):
        if names[slot] >= 0:
            continue
        start, end = starts[owners[slot]], starts[owners[slot] + 1]
        used = 0
        for other in range(start, end):
            used += names[other] >= 0
        pick = _below(state, count + 1 - used)
        for name in range(count + 1):
            free = True
            for other in range(start, end):
                free &= names[other] != name
            if free:
                if pick == 0:
                    names[slot] = name
                    break
                pick -= 1
    for k in range(count + 1):
        work[k] = 0  # from here on the new number of each variable
    found = 0
    for slot in range(total):
        size = 1 + _below(state, limits.max_coefficient)
        start = starts[owners[slot]]
        negative = _below(state, 2 if slot > start else 4) == 0
        if starts[owners[slot] + 1] - start == 1 and names[slot] == 0 and size == 1:
            size = 2
        if names[slot] and not work[names[slot]]:
            found += 1
            work[names[slot]] = found
        numbers[slot] = -size if negative else size
        monomials[slot] = np.uint64(work[names[slot]])
    return factors, found


@_compile
def _hash(text, size):
    """`streams.hash64` of ASCII text."""
    key = _mix(np.uint64(size))
    for start in range(0, size, 8):
        chunk = _0
        for k in range(min(8, size - start)):
            chunk |= np.uint64(text[start + k]) << np.uint64(8 * k)
        key = _mix(key ^ chunk)
    return key


@_compile
def _same(text, a, b, size):
    differing = 0
    for k in range(size):
        differing += text[a + k] != text[b + k]
    return differing == 0


@_compile
def _put_steps(
    text, at, limits, numbers, monomials, starts, factors, left, right, names, chosen, signs
):
    """The response. `left` and `right` hold (number, monomial) columns of the running sum."""
    size = starts[1]
    for k in range(size):
        left[k, 0] = numbers[k]
        left[k, 1] = np.int64(monomials[k])
    line = 0  # where the text of the last step begins, and its size
    line_size = -1
    for j in range(1, factors):
        closing = j + 1 < factors
        made = 0
        for stage in range(3):
            start = _put_bytes(text, at, _STEP)
            end = start
            if closing:
                end = _put(text, end, signs, _OPEN)
            if stage == 0:
                for a in range(size):
                    for b in range(starts[j], starts[j + 1]):
                        n, m = left[a, 0], np.uint64(left[a, 1])
                        right[made, 0] = n * numbers[b]
                        right[made, 1] = np.int64(_joined(m, monomials[b]))
                        if limits.steps:
                            end = _put_sign(
                                text, end, (n < 0) != (numbers[b] < 0), made == 0, signs
                            )
                            end = _put_term(text, end, abs(n), m, names, chosen, signs)
                            beside = not m and abs(n) != 1 and abs(numbers[b]) == 1 and monomials[b]
                            end = _put(text, end, signs, _BESIDE if beside else _TIMES)
                            end = _put_term(
                                text, end, abs(numbers[b]), monomials[b], names, chosen, signs
                            )
                        made += 1
            else:
                if stage == 2:
                    size = 0
                    for k in range(made):
                        place = 0
                        while place < size and left[place, 1] != right[k, 1]:
                            place += 1
                        if place == size:
                            left[size, 0] = 0
                            left[size, 1] = right[k, 1]
                            size += 1
                        left[place, 0] += right[k, 0]
                    kept = 0
                    for k in range(size):
                        if left[k, 0]:
                            left[kept, 0] = left[k, 0]
                            left[kept, 1] = left[k, 1]
                            kept += 1
                    size = kept
                if limits.steps:
                    rows = right if stage == 1 else left
                    for k in range(made if stage == 1 else size):
                        end = _put_sign(text, end, rows[k, 0] < 0, k == 0, signs)
                        end = _put_term(
                            text,
                            end,
                            abs(rows[k, 0]),
                            np.uint64(rows[k, 1]),
                            names,
                            chosen,
                            signs,
                        )
            if not limits.steps:
                continue
            if closing:
                end = _put(text, end, signs, _CLOSE)
                end = _put_factors(
                    text, end, numbers, monomials, starts, j + 1, factors, names, chosen, signs
                )
            if end - start == line_size and _same(text, start, line, line_size):
                continue
            line, line_size = start, end - start
            text[end] = 10
            at = end + 1
    at = _put_bytes(text, at, _ANSWER)
    for k in range(size):
        at = _put_sign(text, at, left[k, 0] < 0, k == 0, signs)
        at = _put_term(text, at, abs(left[k, 0]), np.uint64(left[k, 1]), names, chosen, signs)
    return at


@_compile
def write(
    base,
    streams,
    done,
    limits,
    templates,
    names,
    signs,
    keys,
    plain,
    longest,
    text,
    bounds,
    prompt_sizes,
):
    """Writes documents from stream `done` on while there is room for the longest; returns how many
    are written in all, -1 if a stream has no exercise for the split."""
    slots = limits.high_factors * limits.high_terms
    numbers, monomials = np.empty(slots, np.int64), np.empty(slots, np.uint64)
    owners, places = np.empty(slots, np.int64), np.empty(slots, np.int64)
    starts = np.empty(_MOST_FACTORS + 1, np.int64)
    work = np.empty(max(slots, limits.high_variables + 1), np.int64)
    most = limits.high_terms**limits.high_factors
    left, right = np.empty((most, 2), np.int64), np.empty((most, 2), np.int64)
    chosen = np.empty(limits.high_variables, np.int64)
    identity = np.arange(limits.high_variables)
    state = np.empty(1, np.uint64)
    first = bounds[done]
    at = 0
    while done < len(streams) and at + longest <= len(text):
        state[0] = _mix(base + np.uint64(streams[done]) * _GAMMA)
        tries = 0
        while True:
            template = _below(state, len(templates.bounds) - 1)
            factors, count = _draw(state, limits, numbers, monomials, starts, owners, places, work)
            picked = 0
            while picked < count:
                name = _below(state, len(names.bounds) - 1)
                new = True
                for k in range(picked):
                    new &= chosen[k] != name
                if new:
                    chosen[picked] = name
                    picked += 1
            end = _put_bytes(text, at, _KEY)
            end = _put_product(
                text, end, numbers, monomials, starts, factors, keys, identity, plain
            )
            bucket = np.int64(_hash(text[at:], end - at) >> _59)
            if limits.first_bucket <= bucket <= limits.last_bucket:
                break
            tries += 1
            if tries == TRIES:
                return -1
        start = at
        at = _put(text, at, templates, template)
        at = _put_product(text, at, numbers, monomials, starts, factors, names, chosen, signs)
        text[at] = 10
        at += 1
        prompt_sizes[done] = at - start
        at = _put_steps(
            text, at, limits, numbers, monomials, starts, factors, left, right, names, chosen, signs
        )
        text[at] = 0
        at += 1
        done += 1
        bounds[done] = first + at
    return done
