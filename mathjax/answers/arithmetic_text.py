"""Finds written arithmetic in prose: `12 hours/day * 5 days = 60 hours`, `$20 - 20% of $20 = $16`.

One pass over the tokens of a line, from left to right, so that the time is linear in the text. A
side of an equation becomes a program for the stack machine of `arithmetic_value`; no text is ever
evaluated. What is read:

    numbers      1,234.50  .5  1/2  2 1/2  20%  1.5e3, with currency and units (`5 apples`)
    operations   + - * / ^, the signs of print and LaTeX, `x` between numbers, `of` after a percent
                 or fraction, times, plus, minus, divided by, multiplied by; 2(3 + 4); square roots
    relations    =, ==, the signs for about equal, `equals`

A letter or a name in the place of a number, a function and anything unknown make a side algebra:
it is not read, and neither is a part of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mathjax.answers.arithmetic_side import (
    BULLET,
    LABELLED,
    MONEY,
    PRECEDENCE,
    UNCLEAR,
    UNITS,
    Side,
    SideReader,
)
from mathjax.answers.arithmetic_tokens import (
    ABOUT,
    NEWLINES,
    Tokens,
    goes_on,
    is_abbreviation,
)
from mathjax.answers.arithmetic_value import Program, read_number
from mathjax.answers.arithmetic_words import ABOUT_WORDS, PROSE, SCALES, SIGN_WORDS, UNCLEAR_WORDS

_SPECIAL = frozenset((*SIGN_WORDS, *SCALES, "and", "remainder", "x", "X", "R", "r"))
_FOUR = frozenset("+-*/")
_OPENING = frozenset("($s-")


class Chain(NamedTuple):
    """`a = b = c`. A side that is absent or algebra is None."""

    sides: list[Side | None]
    about: list[bool]
    """For each relation, whether it only claims to be about equal."""
    notes: list[tuple[int, int] | None]
    """For each relation, where the calculator annotation behind it stands."""


def read_chains(tokens: Tokens) -> Iterator[Chain]:
    """The equations of a line, from left to right."""
    kinds, starts, ends, values = tokens
    at, blocked, last = 0, False, len(kinds) - 1
    while at < last:
        kind = kinds[at]
        if kind in "w.)3~":
            if kind in "w)":
                blocked = ends[at] == starts[at + 1]  # x2, f(2)
            else:  # 5:30 is no 5
                blocked = (
                    values[at] == ":"
                    and kinds[at + 1] == "n"
                    and ends[at] == starts[at + 1]
                    and bool(at)
                    and kinds[at - 1] == "n"
                )
            at += 1
        elif kind in "n(v$s" or (kind == "-" and _is_sign(tokens, at)):
            side, after = _read_side(tokens, at, False)
            if kinds[after] == "=":
                chain, after = _read_chain(tokens, after, None if blocked else side)
                yield chain
            at = max(after, at + 1)
            blocked = False
        elif kind == "=" or kind == "a":
            # Nothing that was read stands left of it.
            chain, at = _read_chain(tokens, at, None)
            yield chain
            blocked = False
        else:
            begins = at == 0 or (kinds[at - 1] == "." and values[at - 1] in NEWLINES)
            blocked = not (begins and kind in "-*" and starts[at + 1] > ends[at])
            if values[at] == "**" and starts[at + 1] == ends[at]:  # bold print
                blocked = at > 0 and starts[at] == ends[at - 1] and kinds[at - 1] != "."
            at += 1


def _read_chain(tokens: Tokens, at: int, side: Side | None) -> tuple[Chain, int]:
    kinds = tokens.kinds
    chain = Chain([side], [], [])
    while kinds[at] == "=" or (kinds[at] == "a" and not chain.about):
        side, at, about, note = _read_right(tokens, at)
        chain.sides.append(side)
        chain.about.append(about)
        chain.notes.append(note)
        if side is None:
            break
    return chain, at


def _is_sign(tokens: Tokens, at: int) -> bool:
    """Whether a minus outside an expression belongs to the number behind it."""
    kinds, starts, ends, values = tokens
    if kinds[at + 1] not in ("n", "(", "$", "v") or starts[at + 1] > ends[at]:
        return False
    if at == 0:
        return True
    if kinds[at - 1] == "w":
        return starts[at] > ends[at - 1] and len(values[at - 1]) > 1
    return kinds[at - 1] in ".(:"


def _read_right(tokens: Tokens, at: int) -> tuple[Side | None, int, bool, tuple[int, int] | None]:
    """(side, next token, about, annotation) at a relation or a bare annotation."""
    kinds, starts, ends, values = tokens
    about, note, money = False, None, False
    if kinds[at] == "=":
        about = values[at] in ABOUT
        at += 1
    while True:
        kind = kinds[at]
        if kind == "a" and note is None:
            note = starts[at], ends[at]
        elif kind == "~" or (kind == "w" and values[at] in ABOUT_WORDS):
            about = True
        elif kind == "$" and kinds[at + 1] == "a":
            money = True
        elif values[at] in ("*", "**") and starts[at + 1] == ends[at]:
            pass  # set off by print
        else:
            break
        at += 1
    if kinds[at] in ("n", "(", "$", "v", "s", "-"):
        side, after = _read_side(tokens, at, True)
        if money and side is not None:
            side = side._replace(flags=side.flags | MONEY, units=["$", *side.units[1:]])
        return side, after, about, note
    return None, at, about, note


def _read_side(tokens: Tokens, at: int, right: bool) -> tuple[Side | None, int]:
    """(side or None, the token behind it)."""
    found = _read_plain(tokens, at, right)
    if found is not None and (right or found[0] is None or tokens.kinds[found[1]] != "="):
        return found
    flags = 0 if right else _flags_before(tokens, at)
    if flags < 0:
        kinds = tokens.kinds
        while kinds[at] in _OPENING:
            at += 1
        return None, at + (kinds[at] in ("n", "v"))
    if found is not None:
        side = found[0]
        return side._replace(flags=side.flags | flags) if flags else side, found[1]
    return SideReader(tokens, at, right, flags).read()


def _read_plain(tokens: Tokens, at: int, right: bool) -> tuple[Side | None, int] | None:
    """The commonest sides, fast: numbers and signs of one precedence; None for any other. A number
    of prose, with words but neither sign nor relation behind, is (None, next token)."""
    kinds, starts, ends, values = tokens
    first, flags, sign = at, 0, ""
    program: Program = []
    units = []
    while True:
        unit = ""
        if kinds[at] == "$":
            unit, flags = "$", MONEY
            at += 1
        if kinds[at] != "n":
            return None
        shown = values[at]
        if shown.isdecimal() and len(shown) < 20 and shown.isascii():
            if shown[0] == "0" and len(shown) == 4:
                return None
            program.append(int(shown))
        else:
            number = read_number(shown)
            if number is None:
                return None
            program.append(number)
        units.append(unit)
        if sign:
            program.append(sign)
        at += 1
        kind = kinds[at]
        if kind not in _FOUR:
            break
        if sign and (PRECEDENCE[sign] != PRECEDENCE[kind] or "/" in (sign, kind)):
            return None
        sign = kind
        at += 1
    operations = len(units) - 1
    if kind == "w":
        behind = at
        while kinds[behind] == "w" and values[behind] not in _SPECIAL and behind < at + 4:
            behind += 1
        stop, word = kinds[behind], values[at]
        if stop == "." and is_abbreviation(tokens, behind):
            return None
        if len(word) == 1 or (stop != "." and stop != "" and stop not in "na$"):
            return None
        if not right:
            return None, at
        word = word.lower().partition(" ")[0]
        if word not in PROSE:
            flags |= UNITS
            units[-1] = units[-1] or word
    elif kind == ".":
        if goes_on(tokens, at):
            return None
        if values[at] == "," and kinds[at + 1] == "n" and starts[at + 1] == ends[at]:
            flags |= UNCLEAR  # 1,2345
        elif values[at] == "!" and starts[at] == ends[at - 1]:
            flags |= UNCLEAR  # 7! may be a product
    elif kind not in ("=", "", "a"):
        return None
    if operations:
        shown = ""
    return Side(
        starts[first], ends[at - 1], program, operations, shown, flags, units, None, False, []
    ), at


def _flags_before(tokens: Tokens, at: int) -> int:
    """Flags from what stands before a left side; -1 if it belongs to the side and is not read."""
    if not at:
        return 0
    kinds, starts, ends, values = tokens
    before, touches = kinds[at - 1], ends[at - 1] == starts[at]
    if before == "w":
        if touches or (len(values[at - 1]) == 1 and values[at - 1] not in "aAI"):
            return -1
        words = values[at - 1].lower()
        for k in (at - 2, at - 3):
            if k >= 0 and kinds[k] == "w":
                words = f"{values[k].lower()} {words}"
        words = words.rsplit(maxsplit=3)[-3:]
        if words[-1] not in ("of", "the", "by"):
            del words[:-1]
        unclear = any(word.rpartition("-")[2] in UNCLEAR_WORDS for word in words)
        return LABELLED | UNCLEAR if unclear else LABELLED
    if before == "n":
        # 5 (3 + 2) may be a product or an aside, 14 400 one number, 2^6 7^2 a product.
        if at > 1 and kinds[at - 2] in ("^", "?"):
            return -1
        apart = kinds[at] == "n" and not (len(values[at]) == 3 and len(values[at - 1]) <= 3)
        return 0 if apart or kinds[at] == "$" else -1
    if before == ")":
        return -1 if touches else UNCLEAR
    if before == "-":
        return BULLET
    if before == "." and touches and at > 1 and values[at - 1] == "," and kinds[at - 2] == "n":
        return 0 if starts[at - 1] > ends[at - 2] else -1  # 1,2345
    if before == "." and touches and values[at - 1] == "!":
        return -1  # 3!(2 + 1)
    return 0
