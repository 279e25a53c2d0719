"""Drives a model through a system of linear equations, one elimination at a time.

The model is any function from a prompt to a response. It is asked `Eliminate x: ...` in the words
of the task "elimination" of `rules`, its answer is read and checked exactly, and asked for again if
it is wrong; then the next unknown's turn comes. Arithmetic of the back-substitution is ours.
After arXiv 2410.16973, which solves systems step by step; prompt, checks and retries are ours.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from mathjax.problems.base import ProblemError
from mathjax.problems.expression_parser import MAX_CHARACTERS, parse
from mathjax.problems.expression_printers import name_text, to_text
from mathjax.problems.expressions import Eq, Expression, ExpressionError, Var, variables
from mathjax.problems.linear_systems import (
    INFINITE,
    NONE,
    UNIQUE,
    LinearSystem,
    equivalent,
    linear_sum,
)
from mathjax.problems.rewrites import substitute

FAILED = "failed"
_MOST_EQUATIONS = 24


@dataclasses.dataclass(frozen=True)
class Attempt:
    """One question to the model. `error` is "" for an accepted response, else what is wrong with
    it: "unreadable", "not_linear", "not_isolated", "not_eliminated" or "not_equivalent"."""

    unknown: str
    prompt: str
    response: str
    error: str


@dataclasses.dataclass(frozen=True)
class Report:
    """`outcome` is "unique", "none", "infinite", or "failed" where all attempts at `failed_at` were
    wrong; `values` are numbers, or sums over free unknowns, and empty for the last two."""

    outcome: str
    values: dict[str, Expression]
    attempts: list[Attempt]
    failed_at: str = ""


def elimination_prompt(equations: Sequence[Eq], unknown: str, style: str = "plain") -> str:
    written = ", ".join(to_text(equation, style) for equation in equations)
    return f"Eliminate {name_text(unknown, style)}: {written}"


def solve_with_model(
    equations: Sequence[Eq], ask: Callable[[str], str], tries: int = 3, style: str = "plain"
) -> Report:
    """Solves a system by the model's eliminations, each tried up to `tries` times.

    Raises ExpressionError if an equation is not linear, ProblemError if `tries` is not positive;
    whatever `ask` raises goes through.
    """
    if tries < 1:
        raise ProblemError(f"tries: must be at least 1, got {tries}")
    unknowns = LinearSystem.from_equations(equations).unknowns
    left, isolated = list(equations), []
    attempts: list[Attempt] = []
    while True:
        constant = [equation for equation in left if not variables(equation)]
        if any(not _holds(equation) for equation in constant):
            return Report(NONE, {}, attempts)
        left = [equation for equation in left if variables(equation)]
        unknown = next((n for n in unknowns if any(n in variables(e) for e in left)), None)
        if unknown is None:
            break
        step = _eliminated(left, unknown, ask, tries, style, attempts)
        if step is None:
            return Report(FAILED, {}, attempts, unknown)
        isolated.append(step[0])
        left = step[1]
    values: dict[str, Expression] = {}
    for equation in reversed(isolated):
        free = [name for name in variables(equation.right) if name not in values]
        values.update({name: Var(name) for name in free})
        values[equation.left.name] = linear_sum(substitute(equation.right, values))
    ordered = {name: values.get(name, Var(name)) for name in unknowns}
    infinite = any(value == Var(name) for name, value in ordered.items())
    return Report(INFINITE if infinite else UNIQUE, ordered, attempts)


def _holds(equation: Eq) -> bool:
    row = LinearSystem.from_equations([equation]).rows[0]
    return not row[-1]


def _eliminated(
    equations: list[Eq],
    unknown: str,
    ask: Callable[[str], str],
    tries: int,
    style: str,
    attempts: list[Attempt],
) -> tuple[Eq, list[Eq]] | None:
    """The isolated equation and the rest, or None if no attempt was right."""
    prompt = elimination_prompt(equations, unknown, style)
    for _ in range(tries):
        response = ask(prompt)
        error, found = check_elimination(equations, unknown, response, style)
        attempts.append(Attempt(unknown, prompt, response, error))
        if not error:
            return found[0], found[1:]
    return None


def check_elimination(
    equations: Sequence[Eq], unknown: str, response: str, style: str = "plain"
) -> tuple[str, list[Eq]]:
    """(error or "", the equations of the response): `unknown = ...` first, then equations without
    it that together with it have the same solutions as the given ones."""
    try:
        found = read_equations(response, style)
    except ExpressionError:
        return "unreadable", []
    first = found[0]
    if first.left != Var(unknown) or unknown in variables(first.right):
        return "not_isolated", found
    if any(unknown in variables(equation) for equation in found[1:]):
        return "not_eliminated", found
    try:
        given = LinearSystem.from_equations(equations)
        same = equivalent(given, LinearSystem.from_equations(found, given.unknowns))
    except ExpressionError:
        return "not_linear", found
    return ("" if same else "not_equivalent"), found


def read_equations(response: str, style: str = "plain") -> list[Eq]:
    """The equations after the last `Answer:`, between commas; ExpressionError if there are none."""
    _, marker, answer = response[-MAX_CHARACTERS:].rpartition("Answer:")
    if not marker:
        raise ExpressionError("no `Answer:`")
    parts = answer.strip().split("\n")[0].split(",")
    if len(parts) > _MOST_EQUATIONS:
        raise ExpressionError(f"more than {_MOST_EQUATIONS} equations")
    found = [parse(part, style) for part in parts]
    if not all(isinstance(equation, Eq) for equation in found):
        raise ExpressionError("wants equations between commas")
    return found
