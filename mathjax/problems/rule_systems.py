"""Linear systems of 2 to 6 unknowns as exercises: by rows, by recursion, and one elimination.

    Solve by Gaussian elimination: 2x + y = 5, x - y = 1
    R1: 2x + y = 5
    R2: x - y = 1
    R1 <- R1/2: x + 1/2*y = 5/2
    R2 <- R2 - R1: -3/2*y = -3/2
    R2 <- R2/(-3/2): y = 1
    R1 <- R1 - 1/2*R2: x = 2
    Answer: x = 2, y = 1

"elimination" asks for one step of the recursive method, in the words that `recursive_solver` uses.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from mathjax.problems.expressions import Eq, Expression, rename, variables
from mathjax.problems.linear_systems import (
    LinearSystem,
    Solution,
    eliminate,
    outcome_of,
    solve_gauss,
    solve_recursive,
)
from mathjax.problems.rule_base import (
    Exercise,
    Line,
    RuleSpec,
    nonzero,
    outcome,
    renumbering,
    variable,
)
from mathjax.problems.streams import Draws

GAUSS_TEMPLATES = ("Solve by Gaussian elimination: ", "Solve by row operations: ")
RECURSIVE_TEMPLATES = ("Solve by substitution: ", "Solve by isolating and substituting: ")
ELIMINATION_TEMPLATES = ("Eliminate {}: ",)


def draw_gauss(spec: RuleSpec, draws: Draws) -> Exercise:
    return _draw(spec, draws, solve_gauss)


def draw_recursive(spec: RuleSpec, draws: Draws) -> Exercise:
    return _draw(spec, draws, solve_recursive)


def _draw(spec: RuleSpec, draws: Draws, solve: Callable[[LinearSystem], Solution]) -> Exercise:
    wanted = outcome(draws, spec.kinds)
    system = draw_system(draws.between(*spec.num_variables), wanted, spec.max_coefficient, draws)
    solution = solve(system)
    count = len(system.unknowns)
    facts = {"num_variables": count, "num_terms": _size(system), "kind": wanted}
    subject = joined(system.equations())
    return Exercise(subject, solution.lines, solution.answer, facts, count)


def draw_elimination(spec: RuleSpec, draws: Draws) -> Exercise:
    """One elimination; half the time from what earlier eliminations have left of a larger system,
    with the fractions that those bring. One unknown is the last step of a system."""
    count = draws.between(*spec.num_variables)
    earlier = 0 if count > 1 and draws.below(2) else draws.between(1, 2)
    earlier = min(earlier, 6 - count)
    while True:
        wanted = outcome(draws, ())
        size = max(2, count + earlier)
        equations = draw_system(size, wanted, spec.max_coefficient, draws).equations()
        for _ in range(size - count):
            names = [name for equation in equations for name in variables(equation)]
            if names:
                equations = eliminate(equations, names[0])[1]
                equations = [equation for equation in equations if variables(equation)]
        names = renumbering(equations)
        if len(names) == count:
            break
    equations = [rename(equation, names) for equation in equations]
    target = variable(0).name
    isolated, others, lines = eliminate(equations, target)
    answer = joined([isolated, *others])
    facts = {"num_variables": len(names), "num_terms": len(equations)}
    return Exercise(joined(equations), lines, answer, facts, len(names), target=target)


def joined(equations: list[Eq]) -> Line:
    parts: list[str | Expression] = []
    for equation in equations:
        parts += [", ", equation]
    return tuple(parts[1:])


def _size(system: LinearSystem) -> int:
    return sum(value != 0 for row in system.rows for value in row[:-1])


def draw_system(count: int, wanted: str, most: int, draws: Draws) -> LinearSystem:
    """As many equations as unknowns, numbered by first occurrence. Three in four unique solutions
    are integers of -most..most. A system that shall have none or infinitely many has a combination
    of other rows among its rows; one coefficient in six is 0."""
    while True:
        rows = [[_coefficient(most, draws) for _ in range(count)] for _ in range(count)]
        values = [draws.between(-most, most) for _ in range(count)]
        exact = wanted != "unique" or draws.below(4) > 0
        for row in rows:
            right = sum(a * x for a, x in zip(row, values, strict=True))
            row.append(right if exact else draws.between(-most, most))
        if wanted != "unique":
            made = [0] * (count + 1)
            for row in rows[:-1]:
                factor = draws.choice((-2, -1, -1, 0, 1, 1, 2))
                made = [a + factor * b for a, b in zip(made, row, strict=True)]
            if count == 2:
                scale = draws.choice((-3, -2, -1, 2, 3))
                made = [scale * value for value in rows[0]]
            made[-1] += nonzero(draws, most) if wanted == "none" else 0
            rows[-1] = made
            rows = draws.shuffled(rows)
        exact_rows = tuple(tuple(Fraction(value) for value in row) for row in rows)
        system = LinearSystem(tuple(variable(k).name for k in range(count)), exact_rows)
        equations = system.equations()
        names = renumbering(equations)
        complete = all(variables(equation) for equation in equations)
        if len(names) < count or not complete or len(set(exact_rows)) < count:
            continue
        if outcome_of(system) == wanted:
            unknowns = tuple(variable(k).name for k in range(count))
            return LinearSystem.from_equations([rename(e, names) for e in equations], unknowns)


def _coefficient(most: int, draws: Draws) -> int:
    return 0 if draws.below(6) == 0 else nonzero(draws, most)
