"""Reads what `expression_printers` writes, in any of its styles, back to the same tree.

It also reads what a model writes in their manner; any other text is a ParseError. Nothing is
evaluated: the text only ever becomes our own nodes. Size, depth and digits are bounded.
"""

from __future__ import annotations

import math
import re
from fractions import Fraction

from mathjax.problems.expressions import (
    Div,
    Eq,
    Expression,
    ExpressionError,
    Neg,
    Num,
    Pow,
    Var,
    add,
    is_name,
    mul,
    sqrt,
)

MAX_CHARACTERS, MAX_DEPTH, MAX_DIGITS = 20_000, 60, 1000

_PLAIN_TOKEN = re.compile(r"\s*(?:([0-9]+)|([^\W\d_]+[0-9]*)|([-+*/^()=]))")
_LATEX_TOKEN = re.compile(
    r"\s*(?:([0-9]+)|(\\mathrm\{[^\W\d_]+\}|[^\W\d_])(_\{[0-9]+\})?|(\\[a-z]+|[-+*/^(){}=]))"
)
_END = ""


class ParseError(ExpressionError):
    """The text is no expression of ours; says where."""


def parse(text: str, style: str = "plain") -> Expression:
    """The tree of an expression or equation. "plain" and "spaced" are read alike."""
    if len(text) > MAX_CHARACTERS:
        raise ParseError(f"longer than {MAX_CHARACTERS} characters")
    parser = _Parser(_tokens(text, style == "latex"), style == "latex")
    left = parser.sum()
    if parser.take("="):
        left = Eq(left, parser.sum())
    if parser.token != _END:
        raise ParseError(f"unexpected {parser.token!r}")
    return left


def _tokens(text: str, latex: bool) -> list[str]:
    """Tokens; a LaTeX name comes out as the plain name."""
    pattern, tokens, at = _LATEX_TOKEN if latex else _PLAIN_TOKEN, [], 0
    text = text.rstrip()
    while at < len(text):
        found = pattern.match(text, at)
        if not found:
            raise ParseError(f"unexpected {text[at : at + 10]!r}")
        at = found.end()
        if latex and found[2]:
            letters = found[2][len("\\mathrm{") : -1] if found[2][0] == "\\" else found[2]
            tokens.append(letters + (found[3] or "__")[2:-1])
        else:
            tokens.append(found[0].strip())
        if len(tokens[-1]) > MAX_DIGITS:
            raise ParseError(f"a number or name of more than {MAX_DIGITS} characters")
    return [*tokens, _END]


class _Parser:
    """Recursive descent; `bare` says that a literal stood there without parentheses."""

    def __init__(self, tokens: list[str], latex: bool):
        self._tokens, self._at, self._depth, self._latex = tokens, 0, 0, latex

    @property
    def token(self) -> str:
        return self._tokens[self._at]

    def take(self, token: str) -> bool:
        taken = self.token == token
        self._at += taken
        return taken

    def _need(self, token: str) -> None:
        if not self.take(token):
            raise ParseError(f"expected {token!r}, got {self.token or 'the end'!r}")

    def sum(self) -> Expression:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ParseError(f"nested more than {MAX_DEPTH} deep")
        negative = self.take("-")
        first, bare = self._product()
        if negative:
            first = Num(-first.value) if bare and isinstance(first, Num) else Neg(first)
        terms = [first]
        while self.token in ("+", "-"):
            sign, term = self.take("-"), None
            if not sign:
                self._need("+")
            term = self._product()[0]
            terms.append(Neg(term) if sign else term)
        self._depth -= 1
        return add(terms)

    def _product(self) -> tuple[Expression, bool]:
        left, bare = self._power()
        factors = [left]  # of the product that is being read
        while True:
            if self.take("/"):
                below, below_bare = self._power()
                above = mul(factors)
                if bare and below_bare and _is_fraction(above, below):
                    factors = [Num(Fraction(above.value, below.value))]
                    continue  # still bare: the whole of it may be one number
                factors = [Div(above, below)]
            elif self.take("\\cdot" if self._latex else "*") or self._begins_factor():
                factors.append(self._power()[0])
            else:
                return mul(factors), bare
            bare = False

    def _begins_factor(self) -> bool:
        """Whether a factor follows with no sign between."""
        return self.token in ("(", "\\sqrt", "\\frac") or self.token[:1].isalpha()

    def _power(self) -> tuple[Expression, bool]:
        base, bare = self._atom()
        if not self.take("^"):
            return base, bare
        if self._latex:
            return Pow(base, self._group()), False
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ParseError(f"nested more than {MAX_DEPTH} deep")
        exponent = self._power()[0]
        self._depth -= 1
        return Pow(base, exponent), False

    def _group(self, closing: str = "}") -> Expression:
        self._need("{" if closing == "}" else "(")
        inner = self.sum()
        self._need(closing)
        return inner

    def _atom(self) -> tuple[Expression, bool]:
        token = self.token
        if token == "(":
            return self._group(")"), False
        self._at += token != _END
        if token.isdigit() and token.isascii():
            return Num(int(token)), True
        if token in ("sqrt", "\\sqrt"):
            return sqrt(self._group("}" if self._latex else ")")), False
        if token == "\\frac":
            return self._fraction()
        if is_name(token):
            return Var(token), False
        raise ParseError(f"unexpected {token or 'end'!r}")

    def _fraction(self) -> tuple[Expression, bool]:
        """`\\frac{1}{2}` is a number, `\\frac{1}{(2)}` a quotient."""
        above = self._group()
        below_bare = self._tokens[self._at + 1 : self._at + 2] != ["("]
        below = self._group()
        if below_bare and _is_fraction(above, below):
            return Num(Fraction(above.value, below.value)), True
        return Div(above, below), False


def _is_fraction(above: Expression, below: Expression) -> bool:
    """Whether the two read as one number: integers, not negative, in lowest terms."""
    return (
        isinstance(above, Num)
        and isinstance(below, Num)
        and isinstance(above.value, int)
        and isinstance(below.value, int)
        and above.value >= 0
        and below.value > 1
        and math.gcd(above.value, below.value) == 1
    )
