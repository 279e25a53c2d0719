"""Trees as text with as few parentheses as the tree needs; `expression_parser` reads them back.

"plain" is `2x*y - 3(x + 1)/4`, "spaced" has a space around every token, so that each variable name
is a whole token of a tokenizer whose tokens begin with a space, and "latex" is for LaTeX.

Three readings keep each text to one tree. A minus before a term negates the whole term, `-3x` is
Neg(3*x); before a bare number that is the whole term it belongs to the number. `p/q` of bare
integers in lowest terms at the head of a product is one number; a quotient of the two is `p/(q)`.
A fraction or negative number elsewhere stands in parentheses. LaTeX fractions need none, but get
them under an exponent, which would be set beside the bar.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from mathjax.problems.expressions import (
    HALF,
    Add,
    Div,
    Eq,
    Expression,
    ExpressionError,
    Mul,
    Neg,
    Num,
    Pow,
    Var,
)

STYLES = ("plain", "spaced", "latex")

_EQUATION, _SUM, _NEGATION, _PRODUCT, _FRACTION, _QUOTIENT, _POWER, _NUMBER, _ATOM = range(9)
_TIGHT = (_POWER, _NUMBER, _ATOM)

# What stands for each sign in a style; shared with the compiled path of `rule_expand_writer`.
SIGNS = {
    "plain": {
        "plus": " + ", "minus": " - ", "negate": "-", "times": "*", "beside": "", "divide": "/",
        "open": "(", "close": ")", "power": "^", "power_end": "", "equals": " = ",
    },
    "spaced": {
        "plus": " + ", "minus": " - ", "negate": "- ", "times": " * ", "beside": " * ",
        "divide": " / ", "open": "( ", "close": " )", "power": " ^ ", "power_end": "",
        "equals": " = ",
    },
    "latex": {
        "plus": " + ", "minus": " - ", "negate": "-", "times": " \\cdot ", "beside": "",
        "divide": "", "open": "(", "close": ")", "power": "^{", "power_end": "}", "equals": " = ",
    },
}  # fmt: skip


def to_text(
    expression: Expression, style: str = "plain", names: Mapping[str, str] | None = None
) -> str:
    """The tree in a style of STYLES; `names` renames variables on the way."""
    return _Printer(style, names or {}).emit(expression)[0]


def name_text(name: str, style: str) -> str:
    """A variable as the style writes it."""
    if style != "latex":
        return name
    letters = name.rstrip("0123456789")
    index = name[len(letters) :]
    body = letters if len(letters) == 1 else f"\\mathrm{{{letters}}}"
    return f"{body}_{{{index}}}" if index else body


def number_text(value: int | Fraction, style: str) -> str:
    """A number that is not negative."""
    if isinstance(value, int):
        return str(value)
    if style == "latex":
        return f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
    return f"{value.numerator}{SIGNS[style]['divide']}{value.denominator}"


class _Printer:
    """`emit` gives the text of a node and what kind of text it is."""

    def __init__(self, style: str, names: Mapping[str, str]):
        if style not in SIGNS:
            raise ExpressionError(f"style: must be one of {', '.join(STYLES)}, got {style!r}")
        self.style, self.names, self.signs = style, names, SIGNS[style]

    def emit(self, node: Expression) -> tuple[str, int]:
        return self._emitters[type(node)](self, node)

    def _wrap(self, text: str) -> str:
        return f"{self.signs['open']}{text}{self.signs['close']}"

    def _within(self, node: Expression, bare: tuple[int, ...]) -> str:
        """Text in parentheses unless its kind is one of `bare`."""
        text, kind = self.emit(node)
        return text if kind in bare else self._wrap(text)

    def _num(self, node: Num) -> tuple[str, int]:
        text = number_text(abs(node.value), self.style)
        if node.value < 0:
            return self.signs["negate"] + text, _NEGATION
        return text, _NUMBER if isinstance(node.value, int) else _FRACTION

    def _var(self, node: Var) -> tuple[str, int]:
        return name_text(self.names.get(node.name, node.name), self.style), _ATOM

    def _negated(self, inner: Expression, *, leading: bool) -> str:
        """What follows a minus; at the head of a sum a bare number would swallow the sign."""
        text, kind = self.emit(inner)
        swallows = leading and isinstance(inner, Num)
        return self._wrap(text) if swallows or kind <= _NEGATION else text

    def _neg(self, node: Neg) -> tuple[str, int]:
        return self.signs["negate"] + self._negated(node.inner, leading=True), _NEGATION

    def _add(self, node: Add) -> tuple[str, int]:
        text, kind = self.emit(node.terms[0])
        parts = [self._wrap(text) if kind <= _SUM else text]
        for term in node.terms[1:]:
            if isinstance(term, Neg):
                parts += [self.signs["minus"], self._negated(term.inner, leading=False)]
            else:
                text, kind = self.emit(term)
                parts += [self.signs["plus"], self._wrap(text) if kind <= _NEGATION else text]
        return "".join(parts), _SUM

    def _mul(self, node: Mul) -> tuple[str, int]:
        loose = (_FRACTION, _QUOTIENT)
        parts, previous = [], _PRODUCT
        for place, factor in enumerate(node.factors):
            text, kind = self.emit(factor)
            wrapped = kind not in _TIGHT and not (
                kind in loose and (place == 0 or self.style == "latex")
            )
            if place:
                grows = wrapped and isinstance(factor, Add)
                number = previous == _NUMBER and node.factors[place - 1] != Num(1)
                named = kind == _ATOM or (kind == _POWER and not isinstance(factor.base, Num))
                beside = (number and (named or grows)) or (previous == _SUM and grows)
                # A power of something in parentheses would read as part of what is before it.
                beside = beside and not (kind == _POWER and not isinstance(factor.base, Var))
                parts.append(self.signs["beside" if beside else "times"])
                if beside and previous == _SUM and self.style == "spaced":
                    parts[-1] = self.signs["times"]
            parts.append(self._wrap(text) if wrapped else text)
            previous = _SUM if wrapped and isinstance(factor, Add) else kind
        return "".join(parts), _PRODUCT

    def _div(self, node: Div) -> tuple[str, int]:
        above, below = node.numerator, node.denominator
        reads_as_number = (
            isinstance(above, Num)
            and isinstance(below, Num)
            and isinstance(above.value, int)
            and isinstance(below.value, int)
            and above.value >= 0
            and below.value > 1
            and math.gcd(above.value, below.value) == 1
        )
        if self.style == "latex":
            bottom = self.emit(below)[0]
            bottom = self._wrap(bottom) if reads_as_number else bottom
            return f"\\frac{{{self.emit(above)[0]}}}{{{bottom}}}", _QUOTIENT
        top = self._within(above, (_PRODUCT, _QUOTIENT, _FRACTION, *_TIGHT))
        bottom = self._within(below, () if reads_as_number else _TIGHT)
        return f"{top}{self.signs['divide']}{bottom}", _QUOTIENT

    def _pow(self, node: Pow) -> tuple[str, int]:
        if node.exponent == HALF:
            inner = self.emit(node.base)[0]
            if self.style == "latex":
                return f"\\sqrt{{{inner}}}", _ATOM
            return f"sqrt{' ' * (self.style == 'spaced')}{self._wrap(inner)}", _ATOM
        base = self._within(node.base, (_NUMBER, _ATOM))
        exponent, kind = self.emit(node.exponent)
        if self.style != "latex" and kind not in _TIGHT:
            exponent = self._wrap(exponent)
        return f"{base}{self.signs['power']}{exponent}{self.signs['power_end']}", _POWER

    def _eq(self, node: Eq) -> tuple[str, int]:
        if isinstance(node.left, Eq) or isinstance(node.right, Eq):
            raise ExpressionError("an equation stands at the top of a tree only")
        left, right = self.emit(node.left)[0], self.emit(node.right)[0]
        return f"{left}{self.signs['equals']}{right}", _EQUATION

    _emitters: dict[type, Callable[[_Printer, Expression], tuple[str, int]]] = {  # noqa: RUF012
        Num: _num, Var: _var, Neg: _neg, Add: _add, Mul: _mul, Div: _div, Pow: _pow, Eq: _eq,
    }  # fmt: skip
