"""Do row operations and eliminations on a linear system follow from the lines before?

`R3 <- R3 + 8*R1: 27/7*s + 7n = -15` must be exactly that row; the row that is changed must be kept
by the operation, or the system would lose an equation. `isolate x: E` takes an equation that the
system has, as it is; `substitute: E` must be another one with x replaced; the lines after them are
the same up to a factor. The answer must have the solutions of the system.

A wrong row is carried on as it is written, so that one mistake counts once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from mathjax.answers.trace_algebra import UndecidedError
from mathjax.problems.expression_parser import parse
from mathjax.problems.expressions import Add, Eq, ExpressionError, Neg, Var
from mathjax.problems.linear_systems import LinearSystem, equivalent, linear_form, outcome_of

MAX_EQUATIONS = 40

Row = dict[str, Fraction]
"""Coefficients of left minus right, those that are not 0; the constant has the name ""."""

_ROW = re.compile(r"R(\d{1,3})[ \t]*+(<->|<-|->|=)?[ \t]*+([^:]{0,80}?)[ \t]*+:")
_TARGET = re.compile(r"[ \t]*+Eliminate ([^:\n]{1,60}):")


class System:
    """What is known after the lines read so far."""

    def __init__(self, style: str):
        self.style = style
        self.given: list[Row] | None = None
        """Of the problem, in order."""
        self.rows: dict[int, Row] = {}
        self.left: list[Row] | None = None
        """Equations of the recursive method that still count."""
        self.solved: dict[str, Row] = {}
        """name - its value, of isolated unknowns."""
        self.values: dict[str, Row] = {}
        self.awaited: tuple[str, str, Row] | None = None
        """(label, unknown, row) that the next line goes on."""
        self.isolated = ""
        self.open: list[Row] = []
        """Equations in which the isolated unknown is still to be replaced."""
        self.eliminates = ""

    def begin(self, problem: str) -> None:
        target = _TARGET.match(problem)
        subject = problem.partition(":")[2]
        try:
            rows = [self._row(part) for part in subject.split(",")[:MAX_EQUATIONS]]
        except (ExpressionError, ArithmeticError, RecursionError):
            return
        self.given, self.left = rows, list(rows)
        self.eliminates = target[1].strip() if target else ""

    def numbers(self) -> tuple[None, None]:
        return None, None

    def line(self, text: str) -> tuple[str, str]:
        match = _ROW.match(text)
        if match:
            return self._row_line(int(match[1]), match[2], match[3], text[match.end() :])
        label, colon, rest = text.partition(":")
        if colon and label.startswith("isolate "):
            name = parse(label[len("isolate ") :], self.style)
            if not isinstance(name, Var):
                return "undecided", "parse"
            return self._isolate(name.name, self._row(rest))
        if colon and label == "substitute":
            return self._substitute(self._row(rest))
        if colon and label == "back-substitute":
            return self._back_substitute(self._equation(rest))
        if colon and label in ("false", "always true"):
            return self._constant(self._row(rest), label == "false")
        return self._follow(self._equation(text))

    def answer(self, text: str) -> tuple[str, str]:
        system = list(self.rows.values()) if self.rows else self.given
        if system is None:
            return "", ""
        if text == "no solution":
            return _status(_outcome(system) == "none")
        many = text.startswith("infinitely many solutions")
        parts = text.partition(":")[2] if many else text
        parts = [part.strip() for part in parts.split(",")[:MAX_EQUATIONS]]
        rows = [self._row(part) for part in parts if not part.endswith(" free")]
        if self.eliminates:
            return self._eliminated(rows)
        if _outcome(system) == "none":
            return _status(False)
        names = _names([*system, *rows])
        same = equivalent(_system(system, names), _system(rows, names))
        return _status(same and many == (_outcome(system) == "infinite"))

    def _eliminated(self, rows: list[Row]) -> tuple[str, str]:
        """The isolated equation and those left."""
        wanted = [row for row in (self.left or []) if row]
        isolated = self.solved.get(self.isolated)
        if isolated is None or not rows:
            return "undecided", "parse"
        wanted = [isolated, *wanted]
        shown = [row for row in rows if row]
        if len(shown) != len(wanted):
            return _status(False)
        for row in shown:
            place = next((k for k, other in enumerate(wanted) if _same(row, other)), None)
            if place is None:
                return _status(False)
            del wanted[place]
        return "right", "right"

    def _equation(self, text: str) -> Eq:
        node = parse(text.strip(), self.style)
        if not isinstance(node, Eq):
            raise ExpressionError("wants an equation")
        return node

    def _row(self, text: str) -> Row:
        return row_of(self._equation(text))

    def _row_line(self, number: int, arrow: str | None, rest: str, shown: str):
        if arrow is None:
            if rest:
                return "undecided", "parse"
            row = self._row(shown)
            self.rows[number] = row
            if self.given is None:
                return "", ""
            known = 0 < number <= len(self.given)
            return _status(known and self.given[number - 1] == row)
        if arrow == "<->":
            other = re.fullmatch(r"R(\d{1,3})", rest)
            first, _, second = shown.partition(";")
            if other is None or number not in self.rows or int(other[1]) not in self.rows:
                return "undecided", "parse"
            new = self._row(first), self._row(second)
            wanted = self.rows[int(other[1])], self.rows[number]
            self.rows[number], self.rows[int(other[1])] = new
            return _status(wanted == new)
        row = self._row(shown)
        factors, constant = linear_form(parse(rest, "plain"))
        before = dict(self.rows)
        self.rows[number] = row
        wanted: Row = {}
        for name, factor in factors.items():
            source = before.get(int(name[1:])) if re.fullmatch(r"R\d{1,3}", name) else None
            if source is None:
                return "undecided", "parse"
            wanted = _add(wanted, source, factor)
        if constant or not factors.get(f"R{number}"):
            return _status(False)
        return _status(wanted == row)

    def _isolate(self, name: str, row: Row) -> tuple[str, str]:
        status = "", ""
        if self.left is not None:
            place = next((k for k, other in enumerate(self.left) if row == other), None)
            status = _status(place is not None and name in row)
            if place is None:
                # The line is wrong; go on with the equation that it most likely means.
                having = [k for k, other in enumerate(self.left) if name in other]
                place = having[0] if having else None
            if place is not None:
                self.open = [
                    other for k, other in enumerate(self.left) if k != place and name in other
                ]
                self.left = [
                    other for k, other in enumerate(self.left) if k != place and name not in other
                ]
        self.isolated = name
        self.awaited = "isolate", name, row
        return status

    def _substitute(self, row: Row) -> tuple[str, str]:
        isolated = self.solved.get(self.isolated)
        self.awaited = "substitute", self.isolated, row
        if isolated is None or self.left is None:
            return "", ""
        wanted = [_replaced(other, self.isolated, isolated) for other in self.open]
        place = next((k for k, other in enumerate(wanted) if row == other), None)
        if self.open:
            del self.open[place or 0]
        return _status(place is not None)

    def _back_substitute(self, equation: Eq) -> tuple[str, str]:
        if not isinstance(equation.left, Var):
            return "undecided", "parse"
        name = equation.left.name
        row = row_of(equation)
        self.awaited = "back-substitute", name, row
        wanted = self.solved.get(name)
        if wanted is None:
            return "undecided", "parse"
        for other in [other for other in wanted if other and other != name]:
            if other in self.values:
                wanted = _replaced(wanted, other, self.values[other])
        return _status(_same(wanted, row))

    def _constant(self, row: Row, false: bool) -> tuple[str, str]:
        if set(row) - {""}:
            return _status(False)
        known = self.left is None or row in self.left
        if self.left is not None and not false:
            self.left = [other for other in self.left if other]
        return _status(known and bool(row) == false)

    def _follow(self, equation: Eq) -> tuple[str, str]:
        row = row_of(equation)
        if self.awaited is None:
            return "undecided", "parse"
        label, name, before = self.awaited
        self.awaited = None
        fine = _same(row, before)
        if label == "substitute":
            if self.left is not None:
                self.left.append(row)
            return _status(fine)
        shown = isinstance(equation.left, Var) and equation.left.name == name
        alone = name not in linear_form(equation.right)[0]
        if label == "isolate":
            self.solved[name] = row
        self.values[name] = row
        return _status(fine and shown and alone)


def row_of(equation: Eq) -> Row:
    """left - right. Raises ExpressionError where it is not linear."""
    names, constant = linear_form(Add((equation.left, Neg(equation.right))))
    row = {name: value for name, value in names.items() if value}
    if constant:
        row[""] = constant
    return row


def _add(row: Row, other: Row, factor: Fraction) -> Row:
    total = dict(row)
    for name, value in other.items():
        total[name] = total.get(name, Fraction(0)) + factor * value
    return {name: value for name, value in total.items() if value}


def _same(a: Row, b: Row) -> bool:
    """Whether two rows are the same up to a factor that is not 0; of equations of numbers alone,
    such as 0 = 5, up to the sign."""
    if a.keys() != b.keys():
        return False
    if not a.keys() - {""}:
        return not a or abs(a[""]) == abs(b[""])
    name = next(iter(a))
    factor = b[name] / a[name]
    return all(b[n] == factor * value for n, value in a.items())


def _replaced(row: Row, name: str, isolated: Row) -> Row:
    """The row with an unknown replaced by what `isolated` says it is."""
    if name not in row or not isolated.get(name):
        return row
    return _add(row, isolated, -row[name] / isolated[name])


def _names(rows: Sequence[Row]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for row in rows for name in row if name))


def _system(rows: Sequence[Row], names: Sequence[str]) -> LinearSystem:
    if len(rows) > MAX_EQUATIONS or len(names) > MAX_EQUATIONS:
        raise UndecidedError("limit")
    zero = Fraction(0)
    return LinearSystem(
        tuple(names),
        tuple((*(row.get(name, zero) for name in names), -row.get("", zero)) for row in rows),
    )


def _outcome(rows: Sequence[Row]) -> str:
    return outcome_of(_system(rows, _names(rows)))


def _status(right: bool) -> tuple[str, str]:
    return ("right", "right") if right else ("wrong", "not_equal")
