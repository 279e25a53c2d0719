"""Compiled drawing and writing of "expand" exercises: the bytes of `rule_expand`.

`rule_expand_writer` calls `write`. A term is a coefficient and a monomial packed into 64 bits, one
byte a variable, the lowest number in the lowest byte. Everything that a document shows is written
by tables of signs and names, so that all styles and names are served alike.

Pieces of text of up to 8 bytes are written as one word, whose bytes after the piece are written
over later: buffers have room for 8 bytes more.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from mathjax.problems.unaligned import load, store

# As in `streams`. Not imported: cached machine code would not notice a change over there.
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_LOW_32 = np.uint64((1 << 32) - 1)
_0, _1, _8, _27, _30, _31, _32, _59, _255 = map(np.uint64, (0, 1, 8, 27, 30, 31, 32, 59, 255))
TRIES = 10_000

# Places in the table of signs, as `rule_expand_writer` orders them.
_PLUS, _MINUS, _NEGATE, _TIMES, _BESIDE, _OPEN, _CLOSE, _POWER, _POWER_END = range(9)
_MOST_FACTORS = 6

_KEY = np.uint64(int.from_bytes(b"expand  ", "little"))  # as `rules` begins the canonical form
_STEP = np.uint64(int.from_bytes(b"= ", "little"))
_ANSWER = np.uint64(int.from_bytes(b"Answer: ", "little"))

_SHORT = 1000  # numbers below are written from a table
_DIGITS = np.array([int.from_bytes(str(n).encode(), "little") for n in range(_SHORT)], np.uint64)

_compile = njit(nogil=True, cache=True, error_model="numpy")
# Without Numba's run time, whose counting of references to arrays at every call took three quarters
# of the time. Such functions use arrays and make none.
_bare = njit(nogil=True, cache=True, error_model="numpy", _nrt=False)


class Table(NamedTuple):
    """Entry i is data[bounds[i]:bounds[i + 1]]; `words` has the first 8 bytes of each."""

    data: np.ndarray  # uint8
    bounds: np.ndarray  # int64
    words: np.ndarray  # uint64


class Style(NamedTuple):
    """How variables and signs are written: variable k is entry chosen[k] of `names`."""

    names: Table
    signs: Table
    chosen: np.ndarray  # int64


class Product(NamedTuple):
    """Terms of all factors in a row; factor j has starts[j] to starts[j + 1] - 1."""

    numbers: np.ndarray  # int64
    monomials: np.ndarray  # uint64
    starts: np.ndarray  # int64


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


@_bare
def _mix(z):
    """The splitmix64 finaliser."""
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return z ^ (z >> _31)


@_bare
def _below(state, bound):
    """`streams.Draws.below` for a bound under 2**32; `state` [1] moves on."""
    state[0] += _GAMMA
    word = _mix(state[0])
    b = np.uint64(bound)
    return np.int64(((word >> _32) * b + (((word & _LOW_32) * b) >> _32)) >> _32)


@_bare
def _put(text, at, table, entry):
    start = table.bounds[entry]
    size = table.bounds[entry + 1] - start
    store(text, at, table.words[entry])
    for k in range(8, size):
        text[at + k] = table.data[start + k]
    return at + size


@_bare
def _put_integer(text, at, value):
    """A value that is not negative."""
    if value < _SHORT:
        store(text, at, _DIGITS[value])
        return at + 1 + (value > 9) + (value > 99)
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


@_bare
def _copy(text, at, start, size):
    """`size` bytes of the text from `start` on again; they lie 8 or more before `at`."""
    for k in range(0, size, 8):
        store(text, at + k, load(text, start + k))
    return at + size


@_bare
def _put_monomial(text, at, monomial, style):
    first = True
    while monomial:
        name = monomial & _255
        exponent = 0
        while monomial & _255 == name and monomial:
            exponent += 1
            monomial >>= _8
        if not first:
            at = _put(text, at, style.signs, _TIMES)
        first = False
        at = _put(text, at, style.names, style.chosen[np.int64(name) - 1])
        if exponent > 1:
            at = _put(text, at, style.signs, _POWER)
            at = _put_integer(text, at, exponent)
            at = _put(text, at, style.signs, _POWER_END)
    return at


@_bare
def _put_term(text, at, size, monomial, style):
    """A term without its sign."""
    if not monomial:
        return _put_integer(text, at, size)
    if size != 1:
        at = _put_integer(text, at, size)
        at = _put(text, at, style.signs, _BESIDE)
    return _put_monomial(text, at, monomial, style)


@_bare
def _put_sign(text, at, negative, first, style):
    if first:
        return _put(text, at, style.signs, _NEGATE) if negative else at
    return _put(text, at, style.signs, _MINUS if negative else _PLUS)


@_bare
def _put_sum(text, at, product, factor, style):
    start = product.starts[factor]
    for k in range(start, product.starts[factor + 1]):
        at = _put_sign(text, at, product.numbers[k] < 0, k == start, style)
        at = _put_term(text, at, abs(product.numbers[k]), product.monomials[k], style)
    return at


@_bare
def _put_rows(text, at, rows, count, style):
    """The sum of (number, monomial) rows."""
    for k in range(count):
        number = rows[k, 0]
        at = _put_sign(text, at, number < 0, k == 0, style)
        at = _put_term(text, at, abs(number), np.uint64(rows[k, 1]), style)
    return at


@_bare
def _put_factors(text, at, product, j, end, style):
    """Sums j, ..., end - 1 in parentheses, side by side; a sign stands before each."""
    for k in range(j, end):
        at = _put(text, at, style.signs, _BESIDE)
        at = _put(text, at, style.signs, _OPEN)
        at = _put_sum(text, at, product, k, style)
        at = _put(text, at, style.signs, _CLOSE)
    return at


@_bare
def _put_product(text, at, product, count, style):
    """The exercise: a single first term gives its sign to the whole."""
    if product.starts[1] == 1:
        at = _put_sign(text, at, product.numbers[0] < 0, True, style)
        at = _put_term(text, at, abs(product.numbers[0]), product.monomials[0], style)
        at = _put(text, at, style.signs, _TIMES if product.monomials[0] else _BESIDE)
        at = _put(text, at, style.signs, _OPEN)
        at = _put_sum(text, at, product, 1, style)
        at = _put(text, at, style.signs, _CLOSE)
        return _put_factors(text, at, product, 2, count, style)
    at = _put(text, at, style.signs, _OPEN)
    at = _put_sum(text, at, product, 0, style)
    at = _put(text, at, style.signs, _CLOSE)
    return _put_factors(text, at, product, 1, count, style)


@_bare
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


@_bare
def _draw(state, limits, product, owners, names, work):
    """Draws as `rule_expand.draw_factors`; returns (number of factors, number of variables)."""
    count = limits.low_variables + _below(state, limits.high_variables - limits.low_variables + 1)
    while True:
        factors = limits.low_factors + _below(state, limits.high_factors - limits.low_factors + 1)
        single = _below(state, 4) == 0
        product.starts[0] = 0
        most = min(limits.high_terms, count + 1)
        for j in range(factors):
            size = limits.low_terms + _below(state, most - limits.low_terms + 1)
            if j == 0 and single:
                size = 1
            product.starts[j + 1] = product.starts[j] + size
        if product.starts[factors] >= count:
            break
    total = product.starts[factors]
    for j in range(factors):
        for slot in range(product.starts[j], product.starts[j + 1]):
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
        start, end = product.starts[owners[slot]], product.starts[owners[slot] + 1]
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
        start = product.starts[owners[slot]]
        negative = _below(state, 2 if slot > start else 4) == 0
        if product.starts[owners[slot] + 1] - start == 1 and names[slot] == 0 and size == 1:
            size = 2
        if names[slot] and not work[names[slot]]:
            found += 1
            work[names[slot]] = found
        product.numbers[slot] = -size if negative else size
        product.monomials[slot] = np.uint64(work[names[slot]])
    return factors, found


@_bare
def _hash(text, start, size):
    """`streams.hash64` of `size` bytes of ASCII text."""
    key = _mix(np.uint64(size))
    for k in range(0, size - 7, 8):
        key = _mix(key ^ load(text, start + k))
    rest = size & 7
    if rest:
        word = load(text, start + size - rest)
        key = _mix(key ^ (word & ((_1 << np.uint64(8 * rest)) - _1)))
    return key


@_bare
def _same(text, a, b, size):
    differing = 0
    for k in range(size):
        differing += text[a + k] != text[b + k]
    return differing == 0


@_bare
def _multiply(left, size, product, j, right):
    """Every term of the running sum times every one of factor j; returns how many there are."""
    made = 0
    for a in range(size):
        for b in range(product.starts[j], product.starts[j + 1]):
            right[made, 0] = left[a, 0] * product.numbers[b]
            right[made, 1] = np.int64(_joined(np.uint64(left[a, 1]), product.monomials[b]))
            made += 1
    return made


@_bare
def _put_products(text, at, left, size, product, j, style):
    """The same side by side, nothing evaluated."""
    first = True
    for a in range(size):
        n, m = left[a, 0], np.uint64(left[a, 1])
        for b in range(product.starts[j], product.starts[j + 1]):
            k, name = product.numbers[b], product.monomials[b]
            at = _put_sign(text, at, (n < 0) != (k < 0), first, style)
            at = _put_term(text, at, abs(n), m, style)
            beside = not m and abs(n) != 1 and abs(k) == 1 and name
            at = _put(text, at, style.signs, _BESIDE if beside else _TIMES)
            at = _put_term(text, at, abs(k), name, style)
            first = False
    return at


@_bare
def _collect(right, made, left):
    """Like terms added up where the first of them stands; returns how many are left."""
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
    return kept


@_bare
def _put_steps(text, at, limits, product, factors, left, right, style):
    """The response. `left` and `right` hold (number, monomial) columns of the running sum."""
    size = product.starts[1]
    for k in range(size):
        left[k, 0] = product.numbers[k]
        left[k, 1] = np.int64(product.monomials[k])
    line = 0  # where the text of the last step begins, and its size
    line_size = -1
    for j in range(1, factors):
        closing = j + 1 < factors
        made = 0
        for stage in range(3):
            store(text, at, _STEP)
            end = start = at + 2
            if closing:
                end = _put(text, end, style.signs, _OPEN)
            if stage == 0:
                made = _multiply(left, size, product, j, right)
                if limits.steps:
                    end = _put_products(text, end, left, size, product, j, style)
            else:
                if stage == 2:
                    size = _collect(right, made, left)
                    if size == made:
                        continue  # nothing to collect: the line is there already
                if limits.steps:
                    rows, count = (right, made) if stage == 1 else (left, size)
                    end = _put_rows(text, end, rows, count, style)
            if not limits.steps:
                continue
            if closing:
                end = _put(text, end, style.signs, _CLOSE)
                end = _put_factors(text, end, product, j + 1, factors, style)
            if end - start == line_size and _same(text, start, line, line_size):
                continue
            line, line_size = start, end - start
            text[end] = 10
            at = end + 1
    store(text, at, _ANSWER)
    at += 8
    if limits.steps:
        return _copy(text, at, line, line_size)
    return _put_rows(text, at, left, size, style)


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
    starts = np.empty(_MOST_FACTORS + 1, np.int64)
    product = Product(np.empty(slots, np.int64), np.empty(slots, np.uint64), starts)
    owners, places = np.empty(slots, np.int64), np.empty(slots, np.int64)
    work = np.empty(max(slots, limits.high_variables + 1), np.int64)
    most = limits.high_terms**limits.high_factors
    left, right = np.empty((most, 2), np.int64), np.empty((most, 2), np.int64)
    chosen = np.empty(limits.high_variables, np.int64)
    style = Style(names, signs, chosen)
    canonical = Style(keys, plain, np.arange(limits.high_variables))
    state = np.empty(1, np.uint64)
    first = bounds[done]
    at = 0
    while done < len(streams) and at + longest <= len(text):
        state[0] = _mix(base + np.uint64(streams[done]) * _GAMMA)
        tries = 0
        while True:
            template = _below(state, len(templates.bounds) - 1)
            factors, count = _draw(state, limits, product, owners, places, work)
            picked = 0
            while picked < count:
                name = _below(state, len(names.bounds) - 1)
                new = True
                for k in range(picked):
                    new &= chosen[k] != name
                if new:
                    chosen[picked] = name
                    picked += 1
            store(text, at, _KEY)
            end = _put_product(text, at + 8, product, factors, canonical)
            bucket = np.int64(_hash(text, at, end - at) >> _59)
            if limits.first_bucket <= bucket <= limits.last_bucket:
                break
            tries += 1
            if tries == TRIES:
                return -1
        start = at
        at = _put(text, at, templates, template)
        at = _put_product(text, at, product, factors, style)
        text[at] = 10
        at += 1
        prompt_sizes[done] = at - start
        at = _put_steps(text, at, limits, product, factors, left, right, style)
        text[at] = 0
        at += 1
        done += 1
        bounds[done] = first + at
    return done
