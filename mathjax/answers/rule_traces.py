"""Does each line of an algebra trace follow from the one before?

Reads the manner in which `mathjax.problems.rules` writes, in any of its styles: `= ...` lines equal
the expression before, equations have the same solutions, `discriminant = ...` is that of the
equation, roots are those of the equation, the answer is the last line's. The first line is the
problem's. Systems of equations and row operations are in `row_traces`.

Equations are compared where both are defined: x/y = 2 and x = 2y count as the same. A line that is
not read is undecided ("parse"), and the next one is compared with the last that was.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from mathjax.answers import row_traces
from mathjax.answers.arithmetic_value import is_rounded
from mathjax.answers.step_report import Step, StepReport
from mathjax.answers.trace_algebra import (
    Equation,
    UndecidedError,
    number_of,
    quadratic_in,
    same_expression,
    same_solutions,
)
from mathjax.problems.expression_parser import parse
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
from mathjax.problems.rewrites import substitute

MAX_LINES = 500
"""Lines of a trace that are read."""


class Line(NamedTuple):
    text: str
    start: int
    """Place in the trace; negative in the problem."""


_LATEX = re.compile(r"\\(?:frac|cdot|sqrt|mathrm)|[_^]\{")
_ROW_STEP = re.compile(r"^[ \t]*+R\d++[ \t]*+(?:<->|<-|:|->)", re.MULTILINE)
_LABEL = re.compile(
    r"[ \t]*+(isolate [^:\n]{1,60}|substitute|back-substitute|false|always true|R\d++[^:\n]{0,80}):"
)
_PROSE = re.compile(r"[^\W\d_]{2,}+ \w")
_WORDS_ALLOWED = re.compile(
    r"\\[a-z]++|no (?:real )?solution|all real numbers|infinitely many solutions|\bis about\b|"
    r"\b(?:or|isolate|substitute|back-substitute|always true|false|discriminant|free|sqrt)\b"
)
_ANSWER = re.compile(r"[ \t]*+Answer[ \t]*+:[ \t]*+", re.IGNORECASE)
_TASK = re.compile(
    r"[ \t]*+(?:[A-Z][a-z]++(?: [a-z]++){0,6}+(?: for [^:\n]{1,60})?:|[A-Z][a-z]++ [^:\n]{1,60}:"
    r"|(?:Isolate|Make) \S{1,60} (?:in|the subject of) |(?:Evaluate|Compute|Find the value of) )"
)
_UNKNOWN = re.compile(r"(?:Isolate|Make|Rearrange for|Solve for) (\S{1,60}?)(?: in|:| the subject)")
_POSITIVE = re.compile(r",? all variables positive\s*+$")
_VALUES = re.compile(r" for (?=[^ ]{1,60}(?: [\d}]{1,9})? = )")


def kind_of(text: str, prompt: str = "") -> str:
    """ "rows", "algebra" or "arithmetic": how to read a trace."""
    if _ROW_STEP.search(text):
        return "rows"
    if "Answer:" not in text and "answer:" not in text:
        return "arithmetic"
    lines = [line for line in text.split("\n", MAX_LINES) if line.strip()]
    body = lines if prompt or not _TASK.match(lines[0]) else lines[1:]
    if not body or (len(body) == 1 and not prompt and body is lines):
        return "arithmetic"
    for line in body:
        if len(line) > 20_000 or _PROSE.search(_WORDS_ALLOWED.sub("", line)):
            return "arithmetic"
        if not (_ANSWER.match(line) or "=" in line or " is about " in line or "<" in line):
            return "arithmetic"
    return "algebra"


def check(text: str, prompt: str = "", kind: str = "algebra") -> StepReport:
    """The report on an algebra or row trace."""
    lines = list(_lines(text))
    problem = None
    if prompt.strip():
        problem = Line(prompt.strip().split("\n")[-1], -1)
        tasks = [line for line in prompt.split("\n") if _TASK.match(line)]
        problem = Line(tasks[-1], -1) if tasks else problem
    elif lines and _is_problem(lines[0].text):
        problem = lines.pop(0)
    style = "latex" if _LATEX.search(text) or _LATEX.search(prompt) else "plain"
    over = len(lines) > MAX_LINES
    lines = lines[:MAX_LINES]
    systems = kind == "rows" or any(_LABEL.match(line.text) for line in lines)
    checker = row_traces.System(style) if systems else _Algebra(style)
    if problem is not None:
        checker.begin(problem.text)
    steps = []
    for line in lines:
        answer = _ANSWER.match(line.text)
        try:
            if answer:
                status, reason = checker.answer(line.text[answer.end() :].strip().rstrip("."))
            else:
                status, reason = checker.line(line.text.strip())
        except (ExpressionError, RecursionError):
            status, reason = "undecided", "parse"
        except (UndecidedError, ArithmeticError) as error:
            status, reason = "undecided", str(error) or "limit"
        if status:
            left, _, right = line.text.rpartition("=")
            end = line.start + len(line.text)
            steps.append(
                Step(line.text, line.start, end, left.strip(), right.strip(), status, None, reason)
            )
    final, mended = checker.numbers()
    return StepReport(tuple(steps), final, mended, kind, "limit" if over else "")


def _is_problem(line: str) -> bool:
    return bool(_TASK.match(line) and not _LABEL.match(line) and not _ANSWER.match(line))


def _lines(text: str) -> Iterator[Line]:
    at = 0
    for line in text.split("\n", MAX_LINES + 1):
        bare = line.strip()
        if bare:
            yield Line(bare, at + line.index(bare[0]))
        at += len(line) + 1


def subject_of(problem: str) -> str:
    """What a problem's first line asks about, without the instruction."""
    problem = _POSITIVE.sub("", problem.strip())
    match = _TASK.match(problem)
    return problem[match.end() :].strip() if match else problem


class Surd(NamedTuple):
    """rational + sign * sqrt(square)."""

    rational: Fraction
    sign: int
    square: Fraction


class _Algebra:
    """What is known after the lines read so far."""

    def __init__(self, style: str):
        self.style = style
        self.expression: Expression | None = None
        self.equation: Equation | None = None
        self.discriminant: Fraction | None = None
        self.roots: list[Surd] | None = None
        self.unknown = ""
        self.first: Fraction | None = None
        self.final: Fraction | None = None

    def begin(self, problem: str) -> None:
        subject = subject_of(problem)
        try:
            unknown = _UNKNOWN.match(problem)
            if unknown:
                name = self._parse(unknown[1])
                self.unknown = name.name if isinstance(name, Var) else ""
            match = _VALUES.search(subject)
            if match and "=" in subject[match.end() :]:
                values = {}
                for part in subject[match.end() :].split(", "):
                    equation = self._parse(part)
                    if not (isinstance(equation, Eq) and isinstance(equation.left, Var)):
                        return
                    values[equation.left.name] = equation.right
                self._start(substitute(self._parse(subject[: match.start()]), values))
            else:
                self._start(self._parse(subject))
        except (ExpressionError, ArithmeticError, RecursionError):
            return

    def _start(self, node: Expression) -> None:
        if isinstance(node, Eq):
            self.equation = Equation(node)
        else:
            self.expression = node
            self.first = self._number(node)

    def _parse(self, text: str) -> Expression:
        return parse(text, self.style)

    def _number(self, node: Expression) -> Fraction | None:
        try:
            return number_of(node)
        except ArithmeticError:
            return None

    def line(self, text: str) -> tuple[str, str]:
        """(status, reason); no status where there is nothing to compare with."""
        if text.startswith("="):
            return self._compare_expression(self._parse(text[1:]))
        if " is about " in text:
            return self._compare_decimals(text.partition(" is about ")[2].split(" or "))
        if text.startswith("discriminant"):
            return self._compare_discriminant(text[len("discriminant") :].strip())
        parts = text.split(" or ")
        nodes = [self._parse(part) for part in parts[:3]]
        if not all(isinstance(node, Eq) for node in nodes) or len(parts) > 2:
            return "undecided", "parse"
        if len(nodes) == 2:
            return self._compare_roots(nodes)
        return self._compare_equation(nodes[0])

    def answer(self, text: str) -> tuple[str, str]:
        if text in ("no solution", "no real solution"):
            return self._compare_none()
        if text == "all real numbers":
            if self.equation is None:
                return "", ""
            return _status(self.equation.kind == "all")
        if " or " in text:
            return self.line(text)
        node = self._parse(text)
        if isinstance(node, Eq):
            return self._compare_equation(node)
        self.final = self._number(node)
        return self._compare_expression(node)

    def numbers(self) -> tuple[Fraction | None, Fraction | None]:
        """(the answer, the answer mended) where the trace works out a number."""
        if self.final is None:
            return None, None
        return self.final, self.first if self.first is not None else self.final

    def _compare_expression(self, node: Expression) -> tuple[str, str]:
        if isinstance(node, Eq):
            return "undecided", "parse"
        before, self.expression = self.expression, node
        if before is None:
            self.first = self._number(node)
            return "", ""
        return _status(same_expression(before, node))

    def _compare_equation(self, node: Eq) -> tuple[str, str]:
        equation = Equation(node)
        before, self.equation = self.equation, equation
        if before is None:
            return "", ""
        return _status(same_solutions(before, equation, self.unknown))

    def _compare_discriminant(self, rest: str) -> tuple[str, str]:
        if rest.startswith("="):
            value = number_of(self._parse(rest[1:]))
            if value is None:
                return "undecided", "parse"
            before, self.discriminant = self._true_discriminant(), value
            return ("", "") if before is None else _status(before == value)
        known = self._true_discriminant()
        bound = number_of(self._parse(rest[1:]))
        if known is None or bound is None or rest[:1] not in ("<", ">"):
            return "undecided", "parse"
        return _status(known < bound if rest[0] == "<" else known > bound)

    def _true_discriminant(self) -> Fraction | None:
        """The one of the line before, or of the equation."""
        if self.discriminant is not None or self.equation is None:
            return self.discriminant
        numbers = quadratic_in(self.equation.polynomial)
        if numbers is None:
            return None
        a, b, c = numbers
        return b * b - 4 * a * c

    def _compare_none(self) -> tuple[str, str]:
        known = self._true_discriminant()
        if self.equation is None and known is None:
            return "", ""
        if self.equation is not None and self.equation.kind == "none":
            return "right", "right"
        return _status(known is not None and known < 0)

    def _compare_roots(self, nodes: list[Eq]) -> tuple[str, str]:
        if nodes[0].left != nodes[1].left or not isinstance(nodes[0].left, Var):
            return "undecided", "parse"
        roots = [surd(node.right) for node in nodes]
        before, self.roots = self.roots, roots
        if before is not None:
            return _status(sorted(before) == sorted(roots))
        numbers = None if self.equation is None else quadratic_in(self.equation.polynomial)
        if numbers is None or not numbers[0]:
            return "undecided", "parse"
        a, b, c = numbers
        one, two = roots
        total, product = -b / a, c / a
        conjugate = one.square == two.square and (one.sign == -two.sign or not one.square)
        if one.rational + two.rational != total or not conjugate:
            return _status(False)
        if one.square and one.rational != two.rational:
            return _status(False)
        return _status(one.rational * two.rational - one.square == product)

    def _compare_decimals(self, shown: list[str]) -> tuple[str, str]:
        roots = self.roots
        if roots is None or len(shown) != len(roots):
            return "undecided", "parse"
        for text, root in zip(shown, roots, strict=True):
            match = re.fullmatch(r"\s*(-?[0-9]{1,18})\.([0-9]{1,12})\s*", text)
            if not match:
                return "undecided", "parse"
            size = Fraction(int(match[1] + match[2]), 10 ** len(match[2]))
            if not is_rounded(_decimal(root), size, len(match[2])):
                return _status(False)
        return "right", "right"


def _status(right: bool) -> tuple[str, str]:
    return ("right", "right") if right else ("wrong", "not_equal")


def surd(node: Expression) -> Surd:
    """A number with at most one square root, in lowest terms. Raises UndecidedError."""
    match node:
        case Num(value):
            return Surd(Fraction(value), 0, Fraction(0))
        case Neg(inner):
            return _scale(surd(inner), Fraction(-1))
        case Add(terms):
            total = surd(terms[0])
            for term in terms[1:]:
                other = surd(term)
                if total.square and other.square:
                    raise UndecidedError("several roots")
                kept = total if total.square else other
                total = Surd(total.rational + other.rational, kept.sign, kept.square)
            return total
        case Mul(factors):
            product = surd(factors[0])
            for factor in factors[1:]:
                other = surd(factor)
                if product.square and other.square:
                    raise UndecidedError("several roots")
                if other.square:
                    product, other = other, product
                product = _scale(product, other.rational)
            return product
        case Div(above, below):
            divisor = surd(below)
            if divisor.square or not divisor.rational:
                raise UndecidedError("a division by a root or by 0")
            return _scale(surd(above), 1 / divisor.rational)
        case Pow(base, exponent) if exponent == HALF:
            inner = surd(base)
            if inner.square or inner.rational < 0:
                raise UndecidedError("not real")
            value = inner.rational
            root = Fraction(math.isqrt(value.numerator), math.isqrt(value.denominator))
            if root * root == value:
                return Surd(root, 0, Fraction(0))
            return Surd(Fraction(0), 1, value)
        case Pow(base, Num(int(exponent))) if 0 <= exponent <= 8:
            inner = surd(base)
            if inner.square:
                raise UndecidedError("a power of a root")
            return Surd(inner.rational**exponent, 0, Fraction(0))
    raise UndecidedError("no number")


def _scale(value: Surd, by: Fraction) -> Surd:
    if not by:
        return Surd(Fraction(0), 0, Fraction(0))
    sign = value.sign if by > 0 else -value.sign
    return Surd(value.rational * by, sign, value.square * by * by)


def _decimal(root: Surd) -> Fraction:
    """To 40 decimals, cut off."""
    scale = 10**40
    square = root.square * scale * scale
    return root.rational + root.sign * Fraction(math.isqrt(int(square)), scale)
