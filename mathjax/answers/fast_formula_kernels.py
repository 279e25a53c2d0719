"""Compiled comparison of two ordinary formulas in plain ASCII, in about a microsecond.

One pass over the bytes, by precedence, with a stack of open brackets; no tree is built. Each part
is evaluated at once at 20 points, each modulo a prime of 31 bits, in Montgomery's form (1985: a
stands for a * 2^32, so that a product needs no division). Beside the values go bounds, of numerator
and denominator: the sum of the sizes of all coefficients, and the degree.

`compare` answers only where the parser in `formula_parser` surely reads the same, and what it reads
is rational arithmetic within its bounds; of all other texts it is not sure.

How far an answer can be trusted (Schwartz and Zippel): unequal is proved by one point. Two
expressions that are not equal differ in a polynomial with coefficients below 2^300 and of degree
1000 at most. It vanishes altogether modulo nine of the 20 primes at most, for each is above 2^30,
and at the point of any other with a chance of 1000 / 2^30 or less: at all 20 with one of 2^-219.
Numbers are compared exactly. Equations have two points for each of ten primes, and coefficients
below 2^150, so that six primes are left: 2^-240 for equations solved for a name, 2^-160 for others,
where each pair of points is one test. The points are drawn from 63 bits, secret and of the texts:
who would write formulas for which they fail has those to guess.

All is in one file because Numba's cache notices no change of another.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numba import carray, njit, types
from numba.extending import intrinsic

EXPRESSION, NUMBER, EQUATION, EULER = 0, 1, 2, 4
EQUAL, DIFFERENT, UNSURE = 1, 0, -1

MAX_BYTES = 1800
"""Of both texts together: fewer than 4000 parts, whatever they are."""
LANES = 20
PRIMES = (
    1099420417, 1100031241, 1160317709, 1243259663, 1379481053, 1426773889, 1585321967, 1630456609,
    1681480277, 1813729373, 1839713669, 1896415769, 1970620879, 1975357931, 1979132087, 2039268667,
    2051254669, 2097432499, 2117467301, 2130016181,
)  # fmt: skip
"""Between 2^30 and 2^31, drawn once."""

_MAX_NORM, _MAX_DEGREE = 2.0**300, 1000.0
_MAX_NORM_OF_EQUATION, _MAX_DEGREE_OF_EQUATION = 2.0**150, 4.0
_MAX_NAMES_OF_EQUATION = 8  # with degree 4: at most 495 terms, as many as `polynomials` multiplies
_MAX_BRACKETS = 8
_MAX_NAMES = 16
_MAX_DIGITS = 18
_MAX_EXPONENT_DIGITS = 3
MAX_NAME = 8

# Rows of the work array; see `_constants` for the first ones.
_PRIME, _MINUS_INVERSE, _ONE, _SQUARE, _SQUARE_30, _SCALES = range(6)
_LITERAL = _SCALES + _MAX_DIGITS + 1
_POWER, _POWER_BELOW, _SPARE = _LITERAL + 1, _LITERAL + 2, _LITERAL + 3
_SIDES = _SPARE + 1  # numerator and denominator of each of four
_NAMES = _SIDES + 8
_LEVELS = _NAMES + _MAX_NAMES  # for each bracket: of the sum, then of the term in hand, both
_ROWS = _LEVELS + 4 * (_MAX_BRACKETS + 1)
# Columns of the bounds, which belong to the numerator's row.
_ABOVE, _BELOW, _DEGREE_ABOVE, _DEGREE_BELOW = range(4)
# Bits of a level's state: of the term in hand, then of the terms before it.
_STARTED, _NEGATIVE, _DIVIDES, _HAS_BELOW, _HAS_SUM, _SUM_HAS_BELOW = 1, 2, 4, 8, 16, 32
# What is read next: a term with its signs, a factor behind * or /, or what follows a factor.
_TERM, _FACTOR, _AFTER = range(3)
# Fields of the integers, each an array.
_KEYS, _STACK = 0, _MAX_NAMES
_USED = _STACK + _MAX_BRACKETS  # of each side: its names as bits,
_ALONE, _FRACTION = _USED + 4, _USED + 8  # the name that is all of it or -1, has a denominator
_ENDS = _FRACTION + 4  # where the = and the texts end
_TABLE, _NUM_WORDS = _ENDS + 4, _ENDS + 5  # which constants are in place, plus 1; words at the end
_INTEGERS = _ENDS + 6

_SPACE, _OPEN, _CLOSE, _STAR, _PLUS, _MINUS, _POINT, _SLASH, _EQUALS, _CARET, _LINE = (
    ord(c) for c in " ()*+-./=^_"
)
_DIGIT_0, _DIGIT_9, _LETTER_A, _LETTER_E, _LETTER_Z = (ord(c) for c in "09aez")
_TO_LOWER = 32
_LOW_30, _LOW_32 = np.uint64((1 << 30) - 1), np.uint64((1 << 32) - 1)
_10, _27, _30, _31, _32 = (np.uint64(v) for v in (10, 27, 30, 31, 32))
_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def _constants(primes: tuple[int, ...]) -> list[list[int]]:
    """The first rows: primes, -1/p mod 2^32, then in Montgomery's form 1, 2^32, 2^62 and the powers
    of 1/10."""
    return [
        list(primes),
        [-pow(p, -1, 1 << 32) % (1 << 32) for p in primes],
        [(1 << 32) % p for p in primes],
        [(1 << 64) % p for p in primes],
        [(1 << 94) % p for p in primes],
        *([(1 << 32) * pow(10, -k, p) % p for p in primes] for k in range(_MAX_DIGITS + 1)),
    ]


_CONSTANTS = np.array([_constants(PRIMES), _constants(PRIMES[: LANES // 2] * 2)], np.uint32)
"""For expressions and for equations."""

_compile = njit(nogil=True, cache=True, error_model="numpy")
_inline = njit(nogil=True, cache=True, error_model="numpy", forceinline=True)


@_inline
def _multiply(work, to, by):
    """to *= by, at all points; by is another row."""
    for lane in range(LANES):
        prime = np.uint64(work[_PRIME, lane])
        product = np.uint64(work[to, lane]) * np.uint64(work[by, lane])
        multiple = (product * np.uint64(work[_MINUS_INVERSE, lane])) & _LOW_32
        value = (product + multiple * prime) >> _32
        work[to, lane] = np.uint32(min(value, (value - prime) & _LOW_32))


@_inline
def _square(work, row):
    for lane in range(LANES):
        prime = np.uint64(work[_PRIME, lane])
        product = np.uint64(work[row, lane]) * np.uint64(work[row, lane])
        multiple = (product * np.uint64(work[_MINUS_INVERSE, lane])) & _LOW_32
        value = (product + multiple * prime) >> _32
        work[row, lane] = np.uint32(min(value, (value - prime) & _LOW_32))


@_inline
def _copy(work, to, source):
    for lane in range(LANES):
        work[to, lane] = work[source, lane]


@_inline
def _add(work, to, source, minus):
    """to += source, or -= with `minus`."""
    for lane in range(LANES):
        prime, term = work[_PRIME, lane], work[source, lane]
        total = np.uint32(work[to, lane] + (prime - term if minus else term))
        work[to, lane] = min(total, np.uint32(total - prime))


@_inline
def _set_bounds(bounds, row, above, below, degree_above, degree_below):
    bounds[row, _ABOVE], bounds[row, _BELOW] = above, below
    bounds[row, _DEGREE_ABOVE], bounds[row, _DEGREE_BELOW] = degree_above, degree_below


@_inline
def _copy_bounds(bounds, to, source):
    for column in range(4):
        bounds[to, column] = bounds[source, column]


@_compile
def _add_fractions(work, bounds, row, below, other, other_below, minus):
    """row += other, or -= with `minus`; whether there is a denominator now, in the row behind.

    Each is a row of numerators, the one behind it, if it has one, of denominators. Overwrites the
    other.
    """
    if other_below:
        _multiply(work, row, other + 1)
    if below:
        _multiply(work, other, row + 1)
        if other_below:
            _multiply(work, row + 1, other + 1)
    elif other_below:
        _copy(work, row + 1, other + 1)
    _add(work, row, other, minus)
    _set_bounds(
        bounds,
        row,
        bounds[row, _ABOVE] * bounds[other, _BELOW] + bounds[other, _ABOVE] * bounds[row, _BELOW],
        bounds[row, _BELOW] * bounds[other, _BELOW],
        max(
            bounds[row, _DEGREE_ABOVE] + bounds[other, _DEGREE_BELOW],
            bounds[other, _DEGREE_ABOVE] + bounds[row, _DEGREE_BELOW],
        ),
        bounds[row, _DEGREE_BELOW] + bounds[other, _DEGREE_BELOW],
    )
    return below or other_below


@_inline
def _end_term(work, bounds, row, state):
    """Adds the term in hand to the sum in `row`; whether that has a denominator now."""
    term = row + 2
    has_below, minus = state & _HAS_BELOW != 0, state & _NEGATIVE != 0
    if state & _HAS_SUM:
        below = state & _SUM_HAS_BELOW != 0
        return _add_fractions(work, bounds, row, below, term, has_below, minus)
    for lane in range(LANES):
        value = work[term, lane]
        opposite = np.uint32(work[_PRIME, lane] - value) if value else value
        work[row, lane] = opposite if minus else value
        work[row + 1, lane] = work[term + 1, lane]
    _copy_bounds(bounds, row, term)
    return has_below


@_compile
def _raise(work, to, base, exponent):
    """Writes base^exponent, the exponent above zero, to another row."""
    _copy(work, to, base)
    bit = 1
    while 2 * bit <= exponent:
        bit *= 2
    while bit > 1:
        bit //= 2
        _square(work, to)
        if exponent & bit:
            _multiply(work, to, base)


@_inline
def _write_name(work, bounds, row, key, seed):
    """Random residues, a function of seed, name and point (splitmix64's finaliser)."""
    state = key * _MIX_1 ^ seed
    for lane in range(LANES):
        z = state + np.uint64(lane + 1) * _GAMMA
        z = (z ^ (z >> _30)) * _MIX_1
        z = (z ^ (z >> _27)) * _MIX_2
        z = z ^ (z >> _31)
        work[row, lane] = np.uint32(((z >> _32) * np.uint64(work[_PRIME, lane])) >> _32)
    _set_bounds(bounds, row, 1.0, 1.0, 1.0, 0.0)


@_inline
def _is_digit(c):
    return _DIGIT_0 <= c <= _DIGIT_9


@_inline
def _is_letter(c):
    return _LETTER_A <= c | _TO_LOWER <= _LETTER_Z


@_inline
def _is_sign(c):
    return (c == _PLUS) | (c == _MINUS)


@_inline
def _ends_badly(text, at):
    """Whether what follows digits makes something else of them: 1.2.3, 1_2 or 2e5."""
    c = text[at]
    if (c == _POINT) | (c == _LINE):
        return True
    after = text[at + 1] if c | _TO_LOWER == _LETTER_E else c
    return _is_digit(after) or (after != c and _is_sign(after))


@_inline
def _read_number(text, at, work, bounds):
    """Where the literal ends, or UNSURE; its value is in the row _LITERAL."""
    value, digits, decimals = np.uint64(0), 0, 0
    while _is_digit(text[at]):
        value = value * _10 + np.uint64(text[at] - _DIGIT_0)
        digits += 1
        at += 1
        if digits > _MAX_DIGITS:
            return UNSURE
    if text[at] == _POINT:
        at += 1
        while _is_digit(text[at]):
            value = value * _10 + np.uint64(text[at] - _DIGIT_0)
            decimals += 1
            at += 1
            if digits + decimals > _MAX_DIGITS:
                return UNSURE
        if decimals == 0:
            return UNSURE
    if _ends_badly(text, at):
        return UNSURE
    low = np.uint32(value & _LOW_30)
    for lane in range(LANES):
        work[_LITERAL, lane] = low
    _multiply(work, _LITERAL, _SQUARE)
    if value > _LOW_30:
        high = np.uint32(value >> _30)
        for lane in range(LANES):
            work[_SPARE, lane] = high
        _multiply(work, _SPARE, _SQUARE_30)
        _add(work, _LITERAL, _SPARE, False)
    if decimals:
        _multiply(work, _LITERAL, _SCALES + decimals)
    # A zero counts as one, so that no later product of bounds hides what is too large.
    _set_bounds(bounds, _LITERAL, max(np.float64(value), 1.0), 10.0**decimals, 0.0, 0.0)
    return at


@_inline
def _read_name(text, at, euler, words):
    """(where the name ends or UNSURE, its key: letters and digits, packed). x1 and x_1 are one."""
    key, size = np.uint64(0), np.uint64(0)
    while _is_letter(text[at]):
        key |= np.uint64(text[at]) << size
        size += np.uint64(8)
        at += 1
        if size > 8 * MAX_NAME:
            return UNSURE, key
    if size > 8:
        low, high = 0, len(words)
        while low < high:
            middle = (low + high) // 2
            if words[middle] < key:
                low = middle + 1
            else:
                high = middle
        if text[at] == _OPEN or (low < len(words) and words[low] == key):
            return UNSURE, key
    if text[at] == _LINE:
        at += 1
        if not _is_digit(text[at]):
            return UNSURE, key
    while _is_digit(text[at]):
        key |= np.uint64(text[at]) << size
        size += np.uint64(8)
        at += 1
        if size > 8 * MAX_NAME:
            return UNSURE, key
    if text[at] == _LINE or (key == _LETTER_E and not euler):  # Euler's number is not for here
        return UNSURE, key
    return at, key


@_inline
def _read_exponent(text, at):
    """(where a power sign and its exponent end, the exponent); 0 if none follows or UNSURE."""
    if text[at] != _CARET:
        if text[at] != _STAR or text[at + 1] != _STAR:
            return at, 0
        at += 1
    at += 1
    while text[at] == _SPACE:
        at += 1
    sign = 1
    if _is_sign(text[at]):
        sign = -1 if text[at] == _MINUS else 1
        at += 1
        while text[at] == _SPACE:
            at += 1
    start, exponent = at, 0
    while _is_digit(text[at]):
        exponent = 10 * exponent + np.int64(text[at]) - _DIGIT_0
        at += 1
        if at - start > _MAX_EXPONENT_DIGITS:
            return UNSURE, 0
    if exponent == 0 or _ends_badly(text, at):
        return UNSURE, 0
    while text[at] == _SPACE:
        at += 1
    if text[at] == _CARET or (text[at] == _STAR and text[at + 1] == _STAR):
        return UNSURE, 0
    return at, sign * exponent


@_inline
def _take_factor(work, bounds, term, state, above, below, divides):
    """The state after the term in hand is multiplied or divided; UNSURE at a division by 0.

    above, below: rows of the factor's numerator and denominator, the latter -1 if it has none.
    """
    bound = above
    if divides:
        smallest = work[above, 0]
        for lane in range(1, LANES):
            smallest = min(smallest, work[above, lane])
        if smallest == 0:
            return UNSURE
    if not state & _STARTED:
        if divides:
            _copy(work, term, _ONE)
            _set_bounds(bounds, term, 1.0, 1.0, 0.0, 0.0)
        else:
            _copy(work, term, above)
            _copy_bounds(bounds, term, bound)
    elif not divides:
        _multiply(work, term, above)
        bounds[term, _ABOVE] *= bounds[bound, _ABOVE]
        bounds[term, _BELOW] *= bounds[bound, _BELOW]
        bounds[term, _DEGREE_ABOVE] += bounds[bound, _DEGREE_ABOVE]
        bounds[term, _DEGREE_BELOW] += bounds[bound, _DEGREE_BELOW]
    if divides:
        bounds[term, _ABOVE] *= bounds[bound, _BELOW]
        bounds[term, _BELOW] *= bounds[bound, _ABOVE]
        bounds[term, _DEGREE_ABOVE] += bounds[bound, _DEGREE_BELOW]
        bounds[term, _DEGREE_BELOW] += bounds[bound, _DEGREE_ABOVE]
        if below >= 0:
            _multiply(work, term, below)
        below = above
    state |= _STARTED
    if below < 0:
        return state
    if state & _HAS_BELOW:
        _multiply(work, term + 1, below)
    else:
        _copy(work, term + 1, below)
    return state | _HAS_BELOW


@_inline
def _evaluate(text, at, end, euler, seed, words, work, bounds, integers, count, side):
    """Number of names so far, or UNSURE; the value of text[at:end] is in the rows of the side.

    What text[end] is cannot continue a formula.
    """
    level, row, state = np.int64(0), np.int64(_LEVELS), np.int64(0)  # no literals: see _compare
    ready, signs, bracket = _TERM, 0, False
    names, parts, first = 0, 0, -1
    while True:
        while text[at] == _SPACE:
            at += 1
        if at >= end:
            if ready != _AFTER or level:
                return UNSURE
            break
        parts += 1
        c = text[at]
        below = -1
        if _is_sign(c):
            if ready == _AFTER:
                has_below = _end_term(work, bounds, row, state)
                state = _HAS_SUM | (_SUM_HAS_BELOW if has_below else 0)
                ready, signs = _TERM, 0
            signs += 1
            at += 1
            if signs > 2 or (c == _PLUS and text[at] == _MINUS):  # +- is one sign
                return UNSURE
            state ^= _NEGATIVE if c == _MINUS else 0
            continue
        if ready == _AFTER and (c == _STAR) | (c == _SLASH):
            state = state & ~_DIVIDES | (_DIVIDES if c == _SLASH else 0)
            ready, signs = _FACTOR, 1
            at += 1
            continue
        if ready == _AFTER and c == _CLOSE:
            if level == 0:
                return UNSURE
            factor = row
            if _end_term(work, bounds, row, state):
                below = row + 1
            level -= 1
            row -= 4
            state = integers[_STACK + level]
            at += 1
            bracket = True
        else:
            if ready == _AFTER:
                state &= ~_DIVIDES  # what stands side by side is multiplied
            if c == _OPEN:
                if level == _MAX_BRACKETS:
                    return UNSURE
                integers[_STACK + level] = state
                level += 1
                row += 4
                state, ready, signs = np.int64(0), _TERM, 0
                at += 1
                continue
            if _is_letter(c):
                at, key = _read_name(text, at, euler, words)
                if at < 0:
                    return UNSURE
                name = 0
                while name < count and np.uint64(integers[_KEYS + name]) != key:
                    name += 1
                factor = _NAMES + name
                if name == count:
                    if count == _MAX_NAMES:
                        return UNSURE
                    integers[_KEYS + count] = np.int64(key)
                    _write_name(work, bounds, factor, key, seed)
                    count += 1
                names |= 1 << name
                if parts == 1:
                    first = name
            elif (_is_digit(c) or c == _POINT) and (ready != _AFTER or bracket):
                at = _read_number(text, at, work, bounds)
                if at < 0:
                    return UNSURE
                factor = _LITERAL
            else:
                return UNSURE
            bracket = False
        while text[at] == _SPACE:
            at += 1
        divides = state & _DIVIDES != 0
        if text[at] == _CARET or text[at] == _STAR:
            at, exponent = _read_exponent(text, at)
            if at < 0:
                return UNSURE
            if exponent:
                parts += 1
                bracket = False
                divides = divides != (exponent < 0)
                exponent = abs(exponent)
            if exponent > 1:
                _raise(work, _POWER, factor, exponent)
                if below >= 0:
                    _raise(work, _POWER_BELOW, below, exponent)
                    below = _POWER_BELOW
                _set_bounds(
                    bounds,
                    _POWER,
                    bounds[factor, _ABOVE] ** exponent,
                    bounds[factor, _BELOW] ** exponent,
                    bounds[factor, _DEGREE_ABOVE] * exponent,
                    bounds[factor, _DEGREE_BELOW] * exponent,
                )
                factor = _POWER
        state = _take_factor(work, bounds, row + 2, state, factor, below, divides)
        if state < 0:
            return UNSURE
        ready = _AFTER
    has_below = _end_term(work, bounds, row, state)
    to = _SIDES + 2 * side
    _copy(work, to, row)
    _copy(work, to + 1, row + 1)
    _copy_bounds(bounds, to, row)
    integers[_USED + side], integers[_ALONE + side] = names, first if parts == 1 else -1
    integers[_FRACTION + side] = has_below
    return count


@_compile
def _subtract(work, bounds, integers, side, other):
    """The row of side - other, a fraction."""
    row, below = _SIDES + 2 * side, integers[_FRACTION + side] != 0
    other_row, other_below = _SIDES + 2 * other, integers[_FRACTION + other] != 0
    _add_fractions(work, bounds, row, below, other_row, other_below, True)
    return row


@_inline
def _is_zero(work, row):
    largest = work[row, 0]
    for lane in range(1, LANES):
        largest = max(largest, work[row, lane])
    return largest == 0


@_compile
def _same_values(work, bounds, integers, side, other, max_norm):
    row = _subtract(work, bounds, integers, side, other)
    if not (bounds[row, _ABOVE] < max_norm and bounds[row, _DEGREE_ABOVE] <= _MAX_DEGREE):
        return UNSURE
    return EQUAL if _is_zero(work, row) else DIFFERENT


@_compile
def _same_equations(work, bounds, integers, num_names):
    """Of the equations side 0 = side 1 and side 2 = side 3."""
    for i in range(2):
        for j in range(2, 4):
            ours, theirs, name = 1 - i, 5 - j, integers[_ALONE + i]
            if name >= 0 and name == integers[_ALONE + j]:
                used = integers[_USED + ours] | integers[_USED + theirs]
                if not used >> name & 1:
                    return _same_values(work, bounds, integers, ours, theirs, _MAX_NORM_OF_EQUATION)
    # Differences of the sides, polynomials: proportional ones have the same solutions.
    one = _subtract(work, bounds, integers, 0, 1)
    other = _subtract(work, bounds, integers, 2, 3)
    degree = max(bounds[one, _DEGREE_ABOVE], bounds[other, _DEGREE_ABOVE])
    if (
        not 2.0 * bounds[one, _ABOVE] * bounds[other, _ABOVE] < _MAX_NORM_OF_EQUATION
        or bounds[one, _DEGREE_BELOW] + bounds[other, _DEGREE_BELOW] > 0.0
        or degree > _MAX_DEGREE_OF_EQUATION
        or num_names > _MAX_NAMES_OF_EQUATION
        or _is_zero(work, one)
        or _is_zero(work, other)
    ):
        return UNSURE
    half = LANES // 2  # the same primes again, at other points
    for lane in range(half):
        work[_SPARE, lane], work[_SPARE, lane + half] = work[other, lane + half], work[other, lane]
    _multiply(work, one, _SPARE)
    for lane in range(half):
        if work[one, lane] != work[one, lane + half]:
            return DIFFERENT if degree <= 1.0 else UNSURE  # x and x^2 have the same zeros
    return EQUAL


@_compile
def _compare(text, split, kind, euler, seed, work, bounds, integers, words):
    table = 1 if kind == EQUATION else 0
    if integers[_TABLE] != table + 1:
        integers[_TABLE] = table + 1
        for row in range(_LITERAL):
            for lane in range(LANES):
                work[row, lane] = _CONSTANTS[table, row, lane]
    length = len(text)
    sides = 2
    integers[_ENDS], integers[_ENDS + 1] = split - 1, length - 1
    if kind == EQUATION:
        sides = 4
        for side in range(2):
            start, end = (split, length) if side else (0, split)
            found = 0
            for at in range(start, end):
                if text[at] == _EQUALS:
                    found += 1
                    integers[_ENDS + 2 * side] = at
            if found != 1:
                return UNSURE
            integers[_ENDS + 2 * side + 1] = end - 1
    # Literals here would compile all that takes them twice.
    count = start = np.int64(0)
    for side in range(sides):
        end = integers[_ENDS + side]
        count = _evaluate(text, start, end, euler, seed, words, work, bounds, integers, count, side)
        if count < 0 or (kind == NUMBER and count):
            return UNSURE
        start = end + 1
    if kind == EQUATION:
        return _same_equations(work, bounds, integers, count)
    return _same_values(work, bounds, integers, 0, 1, _MAX_NORM)


@intrinsic
def _pointer(typing_context, address):
    """An address as what `carray` takes."""

    def generate(context, builder, signature, arguments):
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.voidptr(types.intp), generate


_WORK_BYTES = 4 * _ROWS * LANES
_BOUNDS_BYTES = 8 * _ROWS * 4
_INTEGERS_BYTES = 8 * _INTEGERS


def scratch(words: Collection[str]) -> np.ndarray:
    """Memory for `compare`, for one thread. words: runs of letters that are no names."""
    keys = sorted(
        int.from_bytes(word.encode(), "little") for word in words if len(word) <= MAX_NAME
    )
    memory = np.zeros(_WORK_BYTES + _BOUNDS_BYTES + _INTEGERS_BYTES + 8 * len(keys), np.uint8)
    memory[len(memory) - 8 * len(keys) :] = np.array(keys, np.uint64).view(np.uint8)
    integers = memory[_WORK_BYTES + _BOUNDS_BYTES :].view(np.int64)
    integers[_NUM_WORDS] = len(keys)
    return memory


@_compile
def compare(texts, split, kind, seed, address):
    """EQUAL, DIFFERENT or UNSURE of two ASCII texts, each with a line end behind it.

    split: where the second one begins. kind: EXPRESSION, NUMBER (no names) or EQUATION, plus EULER
    if `e` is a name like others. seed: of the points. address: of a `scratch`, which must be alive.
    The arrays are made of addresses because Numba counts the references of others, which takes as
    long as all the rest.
    """
    length = len(texts)
    if length > MAX_BYTES:
        return UNSURE
    text = carray(_pointer(texts.ctypes.data), (length,), np.uint8)
    work = carray(_pointer(address), (_ROWS, LANES), np.uint32)
    address += _WORK_BYTES
    bounds = carray(_pointer(address), (_ROWS, 4), np.float64)
    address += _BOUNDS_BYTES
    integers = carray(_pointer(address), (_INTEGERS,), np.int64)
    address += _INTEGERS_BYTES
    words = carray(_pointer(address), (integers[_NUM_WORDS],), np.uint64)
    euler, kind = kind & EULER != 0, kind & ~EULER
    return _compare(text, split, kind, euler, np.uint64(seed), work, bounds, integers, words)
