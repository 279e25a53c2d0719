"""Reads the text of an answer, plain or LaTeX, into the trees of `formulas`.

A recursive descent of bounded depth over the tokens of `formula_tokens`. `^` is right-associative
and above unary minus; standing side by side multiplies, at the level of `*`. A call of anything but
a known function, a string, an attribute, a comparison of programs is an error, never a value.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from mathjax.answers import formulas as f
from mathjax.answers.formula_scalars import ScalarParser
from mathjax.answers.formula_text import is_latex, unwrap
from mathjax.answers.formula_tokens import tokenize
from mathjax.answers.formulas import FormulaError, Node, Scalar

_RELATIONS = ("=", "!=", "<", "<=", ">", ">=", "in")
_SETS = ("union", "intersection", "difference")
_SYSTEMS = ("cases", "aligned", "align*", "gathered")
_MATRICES = ("pmatrix", "bmatrix", "matrix", "Bmatrix", "array", "smallmatrix")

_EMPTY = re.compile(
    r"(?:(?:there (?:are|is) |has |have |the equation has )?(?:no|0|zero) (?:real |valid )?"
    r"(?:solutions?|roots?|values?)(?: exists?| exist)?|none|(?:the )?empty set|\{\s*\}|∅|"
    r"\\\{\s*\\\}|\\(?:emptyset|varnothing)|inconsistent|no such (?:x|number|value)s?)"
)
_REALS = re.compile(
    r"(?:(?:(?:x|[a-z]) (?:is|can be|=) )?(?:all|any|every)(?: the)? reals?(?: numbers?| values?)?"
    r"(?: of [a-z])?|(?:the )?real numbers|reals|ℝ|all [a-z]|all numbers)"
)
_INFINITE = re.compile(r"(?:there are |has |have )?infinitely many(?: solutions| roots)?")
_TEXT = re.compile(r"\\(?:text|textbf|textrm|mathrm|mbox)\s*\{([^{}]*+)\}")


def parse_set(text: str) -> Node | None:
    """A set that is told in words or by one sign; None for any other text."""
    words = _TEXT.sub(r"\1", unwrap(text)).strip()
    if len(words) > 60:
        return None
    if words in ("R", "\\R", "\\mathbb{R}", "\\mathbb R", "\\Reals"):
        return f.Whole("reals")
    words = " ".join(words.lower().split())
    for pattern, name in ((_EMPTY, "empty"), (_REALS, "reals"), (_INFINITE, "infinite")):
        if pattern.fullmatch(words):
            return f.Whole(name)
    return None


def parse(
    text: str,
    declared: Collection[str] = (),
    thousands: bool = False,
    latex: bool | None = None,
    mixed: bool = False,
    square: bool = False,
    sets: bool = False,
) -> Node:
    """The tree of a text. `mixed` reads `2 1/2` as a sum; LaTeX `2\\frac12` always is one.
    `square` lets [ ] group like ( ). `sets` reads `x=1+-2` as two values, not as 1 - 2.

    Raises FormulaError with the reason "parse" or "limit".
    """
    marked = is_latex(text) if latex is None else latex
    tokens = tokenize(unwrap(text), declared, thousands, marked)
    return _Parser(tokens, frozenset(declared), mixed, square, sets).run()


_CLOSING = {"(": (")", "]"), "[": ("]", ")"), "\\{": ("\\}",)}


class _Parser(ScalarParser):
    """Statements: alternatives of lists of relations of sets, down to scalars."""

    def run(self) -> Node:
        node = self._alternatives()
        if self._kind != "eof":
            raise self._unexpected()
        return node

    def _alternatives(self) -> Node:
        self._enter()
        parts = [self._list()]
        while self._take("or"):
            parts.append(self._list())
        self._depth -= 1
        return f.Listing("or", tuple(parts)) if len(parts) > 1 else parts[0]

    def _list(self) -> Node:
        parts, joints = [self._relation()], set()
        while joint := self._take(",", ";", "and"):
            joints.add("and" if joint == "and" else ",")
            if joint in ",;":
                if self._take("and"):  # "1, 2, and 3"
                    joints.add("and")
                elif self._kind == "or":  # "1, or 2"
                    break
            parts.append(self._relation())
        if len(parts) == 1:
            return parts[0]
        return f.Listing("and" if joints == {"and"} else ",", tuple(parts))

    def _relation(self) -> Node:
        left = self._set()
        parts = []
        while sign := self._take(*_RELATIONS):
            right = self._set()
            parts.append(f.Relation(sign, left, right))
            left = right
        if not parts:
            return left
        return parts[0] if len(parts) == 1 else f.Listing("and", tuple(parts))

    def _set(self) -> Node:
        left = self._sum()
        while operation := self._take(*_SETS):
            left = f.SetOperation(operation, left, self._sum())
        return left

    def _bracketed(self, opening: str) -> Node:
        self._enter()
        self._at += 1
        bars, self._bars = self._bars, 0
        shown = opening.lstrip("\\")
        if closing := self._take(*_CLOSING[opening]):
            node: Node = f.Bracketed(shown, (), closing.lstrip("\\"))
        elif shown == "{" and (builder := self._comprehension()):
            node = builder
        else:
            inner = self._alternatives()
            closing = self._take(*_CLOSING[opening])
            if not closing:
                raise self._unexpected()
            node = self._closed(shown, inner, closing.lstrip("\\"))
        self._bars = bars
        self._depth -= 1
        return node

    def _closed(self, opening: str, inner: Node, closing: str) -> Node:
        if isinstance(inner, f.Listing) and inner.joint == ",":
            return f.Bracketed(opening, inner.parts, closing)
        if opening == "(" and closing == ")":
            return inner
        grouping = self._square and (opening, closing) == ("[", "]")
        if grouping and isinstance(inner, Scalar) and f.children(inner):
            return inner  # [x + 1] groups, [2] is a list
        return f.Bracketed(opening, (inner,), closing)

    def _comprehension(self) -> Node | None:
        """`{x | x > 3}`, `{x : x > 3}`, `{x in R | x > 3}`: the cursor stays if it is none."""
        start = self._at
        if self._kind == "name":
            name = self._tokens[self._at].value
            self._at += 1
            if self._take("in") and not self._take("reals"):
                self._at = start
                return None
            if self._take("|", ":"):
                condition = self._alternatives()
                self._need("\\}")
                return f.Comprehension(name, condition)
        self._at = start
        return None

    def _environment(self, kind: str) -> Node:
        if kind in _SYSTEMS:
            return self._system(kind)
        rows: list[tuple[Scalar, ...]] = []
        row: list[Scalar] = []
        while self._kind != "end":
            row.append(self._scalar(self._sum()))
            if self._take("newline"):
                rows.append(tuple(row))
                row = []
                if self._kind == "end":
                    break
            elif not self._take("&"):
                break
        self._end(kind)
        if kind not in _MATRICES:
            raise FormulaError("parse", f"no matrix: {kind}")
        if row:
            rows.append(tuple(row))
        if len({len(row) for row in rows}) > 1:
            raise FormulaError("parse", "rows of different lengths")
        return f.Grid(tuple(rows))

    def _end(self, kind: str) -> None:
        if self._kind != "end" or self._tokens[self._at].value != kind:
            raise self._unexpected()
        self._at += 1

    def _system(self, kind: str) -> Node:
        """Relations one under the other, all of which hold; `&` only aligns them."""
        parts: list[Node] = []
        self._tokens = [token for token in self._tokens if token.kind != "&"]
        while self._kind != "end":
            parts.append(self._relation())
            if not self._take("newline", ","):
                break
            self._take("newline")
        self._end(kind)
        return parts[0] if len(parts) == 1 else f.Listing(",", tuple(parts))

    def _group(self) -> Node:
        """What stands between braces of LaTeX that only group; with commas it is a set."""
        node = self._alternatives()
        self._need("}")
        if isinstance(node, f.Listing) and node.joint == ",":
            return f.Bracketed("{", node.parts, "}")
        return node
