"""One side of an equation in prose, read by operator precedence.

The expression is as long as the tokens allow. It ends where no sign follows a number and its unit;
a letter or name in the place of a number makes it algebra, which is not read at all.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from mathjax.answers.arithmetic_tokens import (
    SUPERSCRIPTS,
    VULGAR,
    Tokens,
    goes_on,
    is_abbreviation,
    is_time,
)
from mathjax.answers.arithmetic_value import Number, Program, read_number
from mathjax.answers.arithmetic_words import (
    ABBREVIATIONS,
    PROSE,
    SCALES,
    UNCLEAR_WORDS,
    WITH_BY,
    WORD_SIGNS,
)

MAX_OPERANDS = 2_000
"""Numbers in one side; a longer side is not read."""

MAX_UNIT_WORDS = 6
"""Words after a number that may be its unit."""

PERCENT, MONEY, UNITS, SCALED, UNCLEAR, BULLET, LABELLED, SHARE = 1, 2, 4, 8, 16, 32, 64, 128
"""Flags of a side. UNCLEAR: what stands beside the numbers may change what is computed. BULLET:
behind a dash that begins the line. LABELLED: behind a word. SHARE: `1/3 of 60`."""

PRECEDENCE = {"(": 0, "+": 1, "-": 1, "*": 2, "/": 2, "N": 3, "T": 4, "^": 5, "S": 6}


class Side(NamedTuple):
    """One side of an equation."""

    start: int
    end: int
    program: Program
    operations: int  # signs between numbers
    shown: str  # the digits where the side is a single number, else empty
    flags: int
    units: list[str]  # of each number: its first word, "$" for money, "" for none
    remainder: Number | None  # of `9 R 4`
    cut_off: bool  # an ellipsis follows the digits
    scales: list[tuple[int, int]]  # (place in the program, factor) of `1.5 million`

    @property
    def is_value(self) -> bool:
        """A number or fraction, nothing to work out."""
        program = self.program
        return self.operations == 0 or (
            self.operations == 1
            and type(program[0]) is type(program[1]) is int
            and program[2:] in (["/"], ["/", "N"], ["T"])
        )


class SideReader:
    """Reads the longest expression that begins at a token, by operator precedence."""

    __slots__ = (
        "at", "cut_off", "end", "first", "flags", "marks", "operations", "out", "remainder",
        "right", "scales", "shown", "stack", "tokens", "units",
    )  # fmt: skip

    def __init__(self, tokens: Tokens, at: int, right: bool, flags: int):
        self.tokens, self.first, self.at, self.right = tokens, at, at, right
        self.out: Program = []
        self.stack: list[str] = []
        self.marks: list[tuple[int, int, int, int]] = []  # of each open bracket
        self.units: list[str] = []
        self.scales: list[tuple[int, int]] = []
        self.flags, self.operations = flags, 0
        self.shown, self.cut_off, self.remainder = "", False, None
        self.end = tokens.starts[at]

    def read(self) -> tuple[Side | None, int]:
        """(side or None, the token behind it)."""
        tokens, stack, out = self.tokens, self.stack, self.out
        kinds, starts, ends, _ = tokens
        spaced = False  # whether the sign before is a division with blanks around
        while True:
            if not self._operand():
                return self._without_operand()
            if len(self.units) > MAX_OPERANDS or not self._behind_number():
                return None, self.at
            sign, at = self._sign()
            if not sign:
                return self._finish(), self.at
            level = PRECEDENCE[sign]
            if sign == "^" and stack and stack[-1] == "^":
                self.flags |= UNCLEAR  # 2^33^2 of LaTeX
            if sign == "/":
                tight = starts[at] == ends[at - 1] and starts[at - 1] == ends[at - 2]
                if tight and spaced and type(out[-1]) is int and kinds[at] == "n":
                    sign, level = "T", 4  # 4 / 1/2
                spaced = not tight or kinds[at - 1] != tokens.values[at - 1]
            elif kinds[at] == "(" and starts[at] == ends[at - 1] and kinds[at - 1] in ("n", ")"):
                if stack and stack[-1] == "/":
                    self.flags |= UNCLEAR  # 8/2(3)
            else:
                spaced = False
            while stack and (PRECEDENCE[stack[-1]] >= level + (sign == "^")):
                out.append(stack.pop())
            stack.append(sign)
            self.operations += 1
            self.shown = ""
            self.at = at

    def _operand(self) -> bool:
        """Signs, brackets and a number; False if there is none."""
        kinds, starts, ends, values = self.tokens
        at, stack, money = self.at, self.stack, False
        while True:
            kind = kinds[at]
            if kind == "n":
                number = read_number(values[at])
                if number is None:
                    self.at = at + 1
                    self.stack.append("?")
                    return False
                self.shown = values[at]
                if len(self.shown) == 4 and is_time(self.shown):
                    self.flags |= UNCLEAR  # 0900 - 0130
                if starts[at + 1] > ends[at] or kinds[at + 1] == "v":
                    at, number = self._mixed(at, number)
                break
            if kind == "v":
                number, self.shown = VULGAR[values[at]], ""
                break
            if kind == "-":
                stack.append("N")
            elif kind == "s":
                stack.append("S")
                self.operations += 1
            elif kind == "(":
                self.marks.append((len(self.out), at + 1, len(self.units), self.operations))
                stack.append("(")
                if len(self.marks) > MAX_OPERANDS:
                    self.at = at
                    return False
            elif kind == "$":
                money = True
            elif kind != "+" or kinds[at - 1] not in ("=", "("):
                self.at = at
                return False
            at += 1
        self.out.append(number)
        self.units.append("$" if money else "")
        if money:
            self.flags |= MONEY
        self.end = ends[at]
        self.at = at + 1
        return True

    def _mixed(self, at: int, whole: Number) -> tuple[int, Number]:
        """2 1/2 as one number."""
        kinds, starts, ends, values = self.tokens
        first = at
        if kinds[at + 1] == "v":
            self.shown = ""
            return at + 1, whole + VULGAR[values[at + 1]]
        at += kinds[at + 1] == "w" and values[at + 1] == "and"  # 2 and 1/2
        if kinds[at + 1 : at + 4] == ["n", "/", "n"] and ends[at + 1] + 1 == starts[at + 3]:
            above, below = values[at + 1], values[at + 3]
            small = len(above) < 4 > len(below) and above.isdecimal() and below.isdecimal()
            if small and type(whole) is int and 0 < int(above) < int(below):
                self.shown = ""
                return at + 3, whole + Fraction(int(above), int(below))
        return first, whole

    def _behind_number(self) -> bool:
        """Percent, ellipsis, unit, closing brackets and the same again; False for algebra."""
        kinds, starts, ends, values = self.tokens
        at, out = self.at, self.out
        words = 0
        while True:
            kind = kinds[at]
            if kind == "w":
                group = values[at].lower().split(" ", MAX_UNIT_WORDS + 1)
                word = group[0]
                if word == "percent":
                    out.append("P")
                    self.flags |= PERCENT
                elif self._word_sign(at)[0] or not PROSE.isdisjoint(group):
                    break
                elif len(word) == 1 and (word != "a" or starts[at] == ends[at - 1]):
                    if word == "r" and self._remainder(at + 1):
                        return True
                    self.at = at
                    return False
                elif starts[at] == ends[at - 1] and len(word) < 5 and word not in ABBREVIATIONS:
                    self.at = at
                    return False  # 3ab
                elif word == "remainder" and self._remainder(at + 1):
                    return True
                elif words + len(group) > MAX_UNIT_WORDS or (
                    self.right and not UNCLEAR_WORDS.isdisjoint(group)
                ):
                    break
                else:
                    words += len(group)
                    self._unit(word, group)
                at += 1
                continue
            if kind == "%":
                self._percent_of_fraction()
                out.append("P")
                self.flags |= PERCENT
                self.end = ends[at]
            elif kind == ")" and self.marks:
                mark = self.marks.pop()
                while self.stack[-1] != "(":
                    out.append(self.stack.pop())
                self.stack.pop()
                if self.operations > mark[3]:
                    self.shown = ""
                self.end = ends[at]
            elif kind == "3" and "." in self.shown and starts[at] == self.end:
                self.cut_off = True
                self.end = ends[at]
            elif kind == "2" and kinds[at - 1] == "w":
                pass  # cm\u00b3
            elif kind == "2":
                out += [SUPERSCRIPTS[values[at]], "^"]
                self.operations += 1
                self.end = ends[at]
            elif kind == "$" and (kinds[at + 1] not in ("n", "(") or starts[at] == ends[at - 1]):
                self._unit("$")
            elif kind == "^" and kinds[at - 1] == "w" and kinds[at + 1] == "n":
                at += 1  # 8 cm^2
            elif kind == "^" and kinds[at - 1] == "w" and kinds[at + 1 : at + 4] == ["(", "n", ")"]:
                at += 3
            elif kind == "." and is_abbreviation(self.tokens, at):
                pass
            elif kind == "/" and kinds[at + 1] == "w" and words < MAX_UNIT_WORDS:
                if len(values[at + 1]) == 1:
                    self.at = at + 1
                    return False
                words += 1
                self._unit("/")
                at += 1
            elif kind == "-" and kinds[at + 1] == "w" and starts[at + 1] == ends[at]:
                if len(values[at + 1]) == 1 or starts[at] > ends[at - 1]:
                    break
                self._unit(values[at + 1].lower().partition(" ")[0])
                at += 1
            else:
                break
            at += 1
        self.at = at
        return True

    def _percent_of_fraction(self) -> None:
        """300/7 % is the whole fraction, if anything is."""
        out = self.out
        if self.stack[-1:] == ["/"] and len(out) > 1 and type(out[-1]) is type(out[-2]) is int:
            out.append(self.stack.pop())
            self.flags |= UNCLEAR

    def _unit(self, word: str, group: Iterable[str] = ()) -> None:
        self.flags |= UNITS
        if word in SCALES:
            self.flags |= SCALED
            self.scales.append((len(self.out) - 1, SCALES[word]))
        elif not self.units[-1]:
            self.units[-1] = word
        if not UNCLEAR_WORDS.isdisjoint(group):
            self.flags |= UNCLEAR

    def _remainder(self, at: int) -> bool:
        """`R 4` behind a quotient."""
        kinds, _, ends, values = self.tokens
        at += values[at] == "." and kinds[at + 1] == "n"
        minus = kinds[at] == "-"
        at += minus
        rest = read_number(values[at]) if kinds[at] == "n" else None
        if not self.right or self.operations or rest is None:
            return False
        self.remainder = -rest if minus else rest
        self.end = ends[at]
        self.at = at + 1
        return True

    def _sign(self) -> tuple[str, int]:
        """(the sign behind a number or "", the token behind the sign)."""
        kinds, starts, ends, _ = self.tokens
        at = self.at
        kind = kinds[at]
        if kind in ("+", "-", "*", "/", "^"):
            if kind == "/" and kinds[at - 1] == "w" and starts[at + 1] == ends[at - 1] + 1:
                self.flags |= UNCLEAR  # 150 minutes / 5 minutes/100 meters
            return kind, at + 1
        if kind == "w":
            return self._word_sign(at)
        if kind in ("(", "s") and starts[at] == ends[at - 1] and kinds[at - 1] in ("n", ")", "%"):
            return "*", at
        return "", at

    def _word_sign(self, at: int) -> tuple[str, int]:
        kinds, starts, ends, values = self.tokens
        word, after = values[at].lower(), at + 1
        sign = WORD_SIGNS.get(word, "")
        if word in WITH_BY and values[after] == "by":
            sign, after = WITH_BY[word], after + 1
        elif word == "of" and (kinds[at - 1] != "w" or values[at - 1] == "percent"):
            sign = "*" if self.out[-1] == "P" or self._is_fraction() else ""
            self.flags |= SHARE
            after += values[after] == "the"
        if not sign:
            return "", at
        if kinds[after] == "-" and word == "x":  # 3x - 5 is algebra
            tight = starts[after + 1] == ends[after] and starts[after] > ends[at]
            if not tight or starts[at] == ends[at - 1]:
                return "", at
            return sign, after
        if word == "x" and kinds[after] == "(" and starts[at] == ends[at - 1]:
            self.flags |= UNCLEAR  # 3x(2 + 1)
        if kinds[after] in ("n", "(", "$", "v", "s"):
            return sign, after
        if kinds[after] == "-" and kinds[after + 1] == "n":
            return sign, after
        return "", at

    def _is_fraction(self) -> bool:
        value = self.out[-1]
        return type(value) is Fraction or (bool(self.stack) and self.stack[-1] in "/T")

    def _without_operand(self) -> tuple[Side | None, int]:
        """Behind a sign stands no number: a dash of prose, or algebra."""
        kinds, starts, ends, values = self.tokens
        at, stack = self.at, self.stack
        if not (self.right and self.out and stack) or self.marks:
            return None, at
        spaced = starts[at] > ends[at - 1] or kinds[at] != "w"
        dash = kinds[at - 1] == "-" and starts[at] > ends[at - 1]
        print_mark = values[at - 1] in ("*", "**") and starts[at - 1] == ends[at - 2] and spaced
        if not (dash or print_mark) or stack[-1] not in ("-", "*", "^"):
            return None, at
        if kinds[at] not in ("w", ".", "") or (kinds[at] == "w" and len(values[at]) == 1):
            return None, at
        stack.pop()
        self.operations -= 1
        if not self.operations:
            self.shown = self._first_shown()
        return self._finish(), at

    def _first_shown(self) -> str:
        kinds, _, _, values = self.tokens
        at = next(k for k in range(self.first, self.at) if kinds[k] in "nv")
        return values[at] if kinds[at] == "n" and len(self.out) == 1 else ""

    def _finish(self) -> Side | None:
        """The side; of `(3 + 4 = 7` the part behind the bracket."""
        kinds, starts, _, values = self.tokens
        out, stack, flags = self.out, self.stack, self.flags
        start, units, operations = starts[self.first], self.units, self.operations
        scales = self.scales
        at = self.at
        if kinds[at] == "n" and kinds[at - 1] == "n" and len(values[at]) == 3 and self.right:
            flags |= UNCLEAR  # = 14 400
        if values[at] == "!" and self.end == starts[at]:
            flags |= UNCLEAR  # 7! may be a product
        if goes_on(self.tokens, at):
            return None
        if kinds[at] in ("n", "(") and operations and kinds[at + 1] in ("n", "-", "^", "("):
            flags |= UNCLEAR  # 2^3 (4 - 1), 2^3 3^2
        if self.marks:
            if self.right:
                return None
            size, token, unit, done = self.marks[-1]
            place = len(stack) - 1 - stack[::-1].index("(")
            out, stack = out[size:], stack[place + 1 :]
            start, units, operations = starts[token], units[unit:], operations - done
            scales = [(k - size, factor) for k, factor in scales if k >= size]
            flags &= ~LABELLED
            if place and self.stack[place - 1] != "(":
                flags |= UNCLEAR  # 20 + (3 * 4 = 12
        out += reversed(stack)
        return Side(
            start, self.end, out, operations, self.shown, flags, units, self.remainder,
            self.cut_off, scales,
        )  # fmt: skip
