"""A cursor over the tokens of a formula, with the depth to which a parser has gone."""

from __future__ import annotations

from mathjax.answers.formula_tokens import Token
from mathjax.answers.formulas import FormulaError

MAX_DEPTH = 60
"""Of brackets, fractions and exponents in each other."""


class TokenReader:
    def __init__(self, tokens: list[Token]):
        self._tokens, self._at, self._depth = tokens, 0, 0

    @property
    def _kind(self) -> str:
        return self._tokens[self._at].kind

    def _take(self, *kinds: str) -> str | None:
        kind = self._tokens[self._at].kind
        if kind in kinds:
            self._at += 1
            return kind
        return None

    def _need(self, kind: str) -> None:
        if not self._take(kind):
            raise FormulaError("parse", f"expected {kind!r}, got {self._shown()}")

    def _shown(self) -> str:
        token = self._tokens[self._at]
        return "the end" if token.kind == "eof" else repr(str(token.value or token.kind)[:30])

    def _unexpected(self) -> FormulaError:
        return FormulaError("parse", f"unexpected {self._shown()}")

    def _enter(self) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise FormulaError("limit", f"nested more than {MAX_DEPTH} deep")
