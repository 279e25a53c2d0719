"""Systems of linear equations solved exactly, by two methods that print every step.

Gaussian elimination works on rows: exchange, division by the pivot, and elimination below it, then
above it. The recursive method isolates an unknown in one equation, substitutes it in the others,
solves what remains in the same manner and substitutes back. Both are our writing of what the study
arXiv 2410.16973 only names.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from fractions import Fraction

from mathjax.problems.expressions import (
    Add,
    Div,
    Eq,
    Expression,
    ExpressionError,
    Mul,
    Neg,
    Num,
    Var,
    variables,
)
from mathjax.problems.rewrites import substitute
from mathjax.problems.rule_base import Line
from mathjax.problems.terms import build_sum

Row = tuple[Fraction, ...]
"""Coefficients of the unknowns, then the right-hand side."""

UNIQUE, NONE, INFINITE = "unique", "none", "infinite"

NO_SOLUTION = "no solution"
MANY_SOLUTIONS = "infinitely many solutions: "


@dataclasses.dataclass(frozen=True)
class LinearSystem:
    unknowns: tuple[str, ...]
    rows: tuple[Row, ...]

    @classmethod
    def from_equations(cls, equations: Sequence[Eq], unknowns: Sequence[str] = ()) -> LinearSystem:
        """Raises ExpressionError if an equation is not linear in the unknowns (by default all
        variables in order of occurrence) or has other variables."""
        names = dict.fromkeys(
            unknowns or (n for equation in equations for n in variables(equation))
        )
        return cls(tuple(names), tuple(_row(equation, list(names)) for equation in equations))

    def equations(self) -> list[Eq]:
        return [row_equation(row, self.unknowns) for row in self.rows]


@dataclasses.dataclass(frozen=True)
class Solution:
    """`values` are numbers, or sums over the free unknowns where there are infinitely many
    solutions; empty where there is none. `lines` are the steps."""

    outcome: str
    values: dict[str, Expression]
    lines: list[Line]

    @property
    def answer(self) -> Line:
        if self.outcome == NONE:
            return (NO_SOLUTION,)
        parts: list[str | Expression] = [MANY_SOLUTIONS] if self.outcome == INFINITE else []
        for name, value in self.values.items():
            parts += [Var(name), " free"] if value == Var(name) else [Eq(Var(name), value)]
            parts.append(", ")
        return tuple(parts[:-1])


def linear_form(expression: Expression) -> tuple[dict[str, Fraction], Fraction]:
    """(coefficient of each variable, constant). ExpressionError if it is not linear; no product is
    ever multiplied out, so that the cost is that of reading the tree."""
    match expression:
        case Num(value):
            return {}, Fraction(value)
        case Var(name):
            return {name: Fraction(1)}, Fraction(0)
        case Neg(inner):
            return _scaled(linear_form(inner), Fraction(-1))
        case Add(terms):
            total: tuple[dict[str, Fraction], Fraction] = ({}, Fraction(0))
            for term in terms:
                total = _sum(total, linear_form(term))
            return total
        case Mul(factors):
            product: tuple[dict[str, Fraction], Fraction] = ({}, Fraction(1))
            for factor in factors:
                other = linear_form(factor)
                if product[0] and other[0]:
                    raise ExpressionError("not linear: a product of variables")
                scale, form = (product[1], other) if other[0] else (other[1], product)
                product = _scaled(form, scale)
            return product
        case Div(above, below):
            divisor = linear_form(below)
            if divisor[0] or not divisor[1]:
                raise ExpressionError("not linear: a division by a variable or by 0")
            return _scaled(linear_form(above), 1 / divisor[1])
    raise ExpressionError("not linear: a power or an equation")


def _scaled(form: tuple[dict[str, Fraction], Fraction], by: Fraction):
    return {name: value * by for name, value in form[0].items()}, form[1] * by


def _sum(a: tuple[dict[str, Fraction], Fraction], b: tuple[dict[str, Fraction], Fraction]):
    names = dict.fromkeys((*a[0], *b[0]))
    return {n: a[0].get(n, Fraction(0)) + b[0].get(n, Fraction(0)) for n in names}, a[1] + b[1]


def _row(equation: Expression, names: list[str]) -> Row:
    if not isinstance(equation, Eq):
        raise ExpressionError("wants an equation")
    coefficients, constant = _sum(
        linear_form(equation.left), _scaled(linear_form(equation.right), Fraction(-1))
    )
    if not set(coefficients) <= set(names):
        raise ExpressionError("a variable that is no unknown of the system")
    return (*(coefficients.get(name, Fraction(0)) for name in names), -constant)


def row_equation(row: Row, unknowns: Sequence[str]) -> Eq:
    terms = [(c, ((Var(n), 1),)) for c, n in zip(row[:-1], unknowns, strict=True)]
    return Eq(build_sum(terms), Num(row[-1]))


def reduced(rows: Sequence[Row]) -> tuple[list[Row], list[int]]:
    """Reduced row echelon form without zero rows, and the pivot columns. The right-hand side is a
    column like the others: a pivot there means no solution."""
    left, pivots, done = [list(row) for row in rows], [], []
    for column in range(len(left[0]) if left else 0):
        pivot = next((row for row in left if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        pivot = [value / pivot[column] for value in pivot]
        for row in (*left, *done):
            factor = row[column]
            row[:] = [a - factor * b for a, b in zip(row, pivot, strict=True)]
        done.append(pivot)
        pivots.append(column)
    return [tuple(row) for row in done], pivots


def outcome_of(system: LinearSystem) -> str:
    pivots = reduced(system.rows)[1]
    if len(system.unknowns) in pivots:
        return NONE
    return UNIQUE if len(pivots) == len(system.unknowns) else INFINITE


def equivalent(a: LinearSystem, b: LinearSystem) -> bool:
    """Whether two systems of the same unknowns have the same solutions."""
    if a.unknowns != b.unknowns:
        return False
    if NONE in (outcome_of(a), outcome_of(b)):
        return outcome_of(a) == outcome_of(b)
    return reduced(a.rows)[0] == reduced(b.rows)[0]


def solve_gauss(system: LinearSystem) -> Solution:
    """Lines `R2 <- R2 - 3*R1: 5y = 10`, and `R1 <-> R2` with both rows after an exchange.

    The pivot is the first row from the current one down that has the unknown.
    """
    rows, unknowns = list(system.rows), system.unknowns
    lines: list[Line] = [(f"R{k + 1}: ", row_equation(row, unknowns)) for k, row in enumerate(rows)]
    pivots: list[int] = []

    def show(operation: str, place: int) -> None:
        lines.append((f"{operation}: ", row_equation(rows[place], unknowns)))

    def eliminate(place: int, top: int, column: int) -> None:
        factor = rows[place][column]
        if factor:
            rows[place] = tuple(a - factor * b for a, b in zip(rows[place], rows[top], strict=True))
            size = "" if abs(factor) == 1 else f"{abs(factor)}*"
            show(f"R{place + 1} <- R{place + 1} {'+-'[factor > 0]} {size}R{top + 1}", place)

    for column in range(len(unknowns)):
        top = len(pivots)
        place = next((k for k in range(top, len(rows)) if rows[k][column]), None)
        if place is None:
            continue
        if place != top:
            rows[top], rows[place] = rows[place], rows[top]
            both = [part for k in (top, place) for part in ("; ", row_equation(rows[k], unknowns))]
            lines.append((f"R{top + 1} <-> R{place + 1}: ", *both[1:]))
        pivot = rows[top][column]
        if pivot != 1:
            rows[top] = tuple(value / pivot for value in rows[top])
            show(f"R{top + 1} <- R{top + 1}/{_divisor(pivot)}", top)
        for below in range(top + 1, len(rows)):
            eliminate(below, top, column)
            if rows[below][-1] and not any(rows[below][:-1]):
                return Solution(NONE, {}, lines)
        pivots.append(column)
        if top + 1 == len(rows):
            break
    for top in range(len(pivots) - 1, -1, -1):
        for above in range(top - 1, -1, -1):
            eliminate(above, top, pivots[top])
    return _read_off(rows, pivots, unknowns, lines)


def _divisor(value: Fraction) -> str:
    return str(value) if value > 0 and value.denominator == 1 else f"({value})"


def _read_off(
    rows: Sequence[Row], pivots: Sequence[int], unknowns: Sequence[str], lines: list[Line]
) -> Solution:
    if any(row[-1] and not any(row[:-1]) for row in rows):
        return Solution(NONE, {}, lines)
    values: dict[str, Expression] = {}
    for column, name in enumerate(unknowns):
        if column not in pivots:
            values[name] = Var(name)
            continue
        row = rows[pivots.index(column)]
        terms = [(row[-1], ())]
        free = (k for k in range(len(unknowns)) if k != column and row[k])
        terms += [(-row[k], ((Var(unknowns[k]), 1),)) for k in free]
        values[name] = build_sum(terms)
    return Solution(UNIQUE if len(pivots) == len(unknowns) else INFINITE, values, lines)


def solve_recursive(system: LinearSystem) -> Solution:
    """Isolate the first unknown that an equation has, substitute, recurse, back-substitute."""
    values: dict[str, Expression] = {}
    lines: list[Line] = []
    solved = _recurse(system.equations(), list(system.unknowns), values, lines)
    if not solved:
        return Solution(NONE, {}, lines)
    ordered = {name: values[name] for name in system.unknowns}
    free = any(value == Var(name) for name, value in ordered.items())
    return Solution(INFINITE if free else UNIQUE, ordered, lines)


def _recurse(
    equations: list[Eq], unknowns: list[str], values: dict[str, Expression], lines: list[Line]
) -> bool:
    """Fills `values`; False where an equation has no solution."""
    left = []
    for equation in equations:
        if variables(equation):
            left.append(equation)
        elif equation.left != equation.right:
            lines.append(("false: ", equation))
            return False
        else:
            lines.append(("always true: ", equation))
    if not left:
        values.update({name: Var(name) for name in unknowns})
        return True
    name = next(n for n in unknowns if any(n in variables(e) for e in left))
    isolated, others, steps = eliminate(left, name)
    lines += steps
    if not _recurse(others, [n for n in unknowns if n != name], values, lines):
        return False
    known = {n: values[n] for n in variables(isolated.right) if values[n] != Var(n)}
    if known:
        put = substitute(isolated.right, known)
        result = linear_sum(put)
        lines.append(("back-substitute: ", Eq(Var(name), put)))
        lines.append((Eq(Var(name), result),))
    else:
        result = isolated.right
    values[name] = result
    return True


def eliminate(equations: Sequence[Eq], name: str) -> tuple[Eq, list[Eq], list[Line]]:
    """(`name = ...` from the first equation that has it, the other equations without it, steps)."""
    place = next(k for k, equation in enumerate(equations) if name in variables(equation))
    isolated = isolated_unknown(equations[place], name)
    lines: list[Line] = [("isolate ", Var(name), ": ", equations[place]), (isolated,)]
    others = []
    for k, equation in enumerate(equations):
        if k == place:
            continue
        if name in variables(equation):
            put = substitute(equation, {name: isolated.right})
            equation = _standard(put)
            lines += [("substitute: ", put), (equation,)]
        others.append(equation)
    return isolated, others, lines


def isolated_unknown(equation: Eq, name: str) -> Eq:
    """A linear equation solved for one of its unknowns."""
    coefficients, constant = _difference(equation)
    pivot = coefficients.pop(name)
    terms = [(-constant / pivot, ())]
    terms += [(-value / pivot, ((Var(n), 1),)) for n, value in coefficients.items()]
    return Eq(Var(name), build_sum(terms))


def _difference(equation: Eq) -> tuple[dict[str, Fraction], Fraction]:
    return _sum(linear_form(equation.left), _scaled(linear_form(equation.right), Fraction(-1)))


def _standard(equation: Eq) -> Eq:
    """Unknowns on the left in order of occurrence, the number on the right."""
    coefficients, constant = _difference(equation)
    terms = [(value, ((Var(name), 1),)) for name, value in coefficients.items()]
    return Eq(build_sum(terms), Num(-constant))


def linear_sum(expression: Expression) -> Expression:
    """A linear expression collected: the constant, then the variables as they occur."""
    coefficients, constant = linear_form(expression)
    terms = [(value, ((Var(name), 1),)) for name, value in coefficients.items()]
    return build_sum([(constant, ()), *terms])
