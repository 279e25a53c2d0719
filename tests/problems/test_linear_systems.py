"""Both methods print steps that follow from each other; the driver accepts right steps only."""

import re
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.problems.base import ProblemError
from mathjax.problems.expression_parser import parse
from mathjax.problems.expressions import Eq, ExpressionError, Num, Var, evaluate_at, variables
from mathjax.problems.linear_systems import (
    LinearSystem,
    eliminate,
    equivalent,
    outcome_of,
    solve_gauss,
    solve_recursive,
)
from mathjax.problems.recursive_solver import (
    check_elimination,
    elimination_prompt,
    solve_with_model,
)
from mathjax.problems.rule_base import write_line
from mathjax.problems.rule_systems import draw_system
from mathjax.problems.rules import RuleSet, RuleSpec
from mathjax.problems.streams import Draws

ROW_OPERATION = re.compile(
    r"R(\d+) <- R(\d+)(?:/\(?(-?[\d/]+)\)?| ([+-]) (?:([\d/]+)\*)?R(\d+)): (.*)"
)


def system_of(*texts):
    return LinearSystem.from_equations([parse(text) for text in texts])


def follow_rows(lines, unknowns):
    """Carries printed row operations out; each row must be what is printed. Returns the rows."""
    rows = {}

    def row(text):
        return list(LinearSystem.from_equations([parse(text)], unknowns).rows[0])

    for line in lines:
        start = re.fullmatch(r"R(\d+): (.*)", line)
        swap = re.fullmatch(r"R(\d+) <-> R(\d+): (.*); (.*)", line)
        if start:
            rows[int(start[1])] = row(start[2])
        elif swap:
            a, b = int(swap[1]), int(swap[2])
            rows[a], rows[b] = rows[b], rows[a]
            assert rows[a] == row(swap[3]) and rows[b] == row(swap[4])
        else:
            found = ROW_OPERATION.fullmatch(line)
            assert found and found[1] == found[2], line
            target = int(found[1])
            if found[3]:
                rows[target] = [value / Fraction(found[3]) for value in rows[target]]
            else:
                factor = Fraction(found[5] or 1) * (1 if found[4] == "+" else -1)
                assert int(found[6]) != target
                other = rows[int(found[6])]
                rows[target] = [a + factor * b for a, b in zip(rows[target], other, strict=True)]
            assert rows[target] == row(found[7]), line
    return [rows[k] for k in sorted(rows)]


def check_answer(system, outcome, values):
    matrix = sympy.Matrix(
        [[sympy.Rational(v.numerator, v.denominator) for v in r] for r in system.rows]
    )
    rank, whole = matrix[:, :-1].rank(), matrix.rank()
    expected = "none" if rank < whole else "unique" if rank == len(system.unknowns) else "infinite"
    assert outcome == expected
    if outcome == "none":
        assert not values
        return
    free = [name for name, value in values.items() if value == Var(name)]
    assert len(free) == len(system.unknowns) - rank
    for shift in (0, 1, 5):
        chosen = {name: Fraction(shift + 2 * k) for k, name in enumerate(free)}
        point = {name: evaluate_at(value, chosen) for name, value in values.items()}
        for equation in system.equations():
            assert evaluate_at(equation.left, point) == evaluate_at(equation.right, point)


def implied(system, equation):
    """Whether an equation adds nothing to a system (or the system has no solution)."""
    extra = LinearSystem.from_equations([equation], system.unknowns).rows
    matrix = sympy.Matrix(
        [[sympy.Rational(v.numerator, v.denominator) for v in r] for r in system.rows]
    )
    more = sympy.Matrix([[sympy.Rational(v.numerator, v.denominator) for v in r] for r in extra])
    return matrix.col_join(more).rank() == matrix.rank()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(2, 6), st.sampled_from(["unique", "none", "infinite"]), st.integers(0, 2**64 - 1)
)
def test_both_methods(count, wanted, seed):
    system = draw_system(count, wanted, 9, Draws(seed, 0))
    assert outcome_of(system) == wanted
    solution = solve_gauss(system)
    check_answer(system, solution.outcome, solution.values)
    lines = [write_line(line, "plain", {}) for line in solution.lines]
    rows = follow_rows(lines, system.unknowns)
    assert equivalent(system, LinearSystem(system.unknowns, tuple(map(tuple, rows))))
    recursive = solve_recursive(system)
    check_answer(system, recursive.outcome, recursive.values)
    assert recursive.values == solution.values or wanted == "infinite"
    for line in recursive.lines:
        for part in line:
            if isinstance(part, Eq) and variables(part):
                assert implied(system, part), write_line(line, "plain", {})


def test_systems_of_any_shape():
    """More or fewer equations than unknowns, zero rows, unknowns that cancel."""
    shapes = [
        ("x + y = 1",),
        ("x = 1", "x = 2"),
        ("x + y = 2", "x - y = 0", "2x + 3y = 5"),
        ("x + y = 2", "x - y = 0", "2x + 3y = 6"),
        ("x - x = 0", "y + x = 2"),
        ("x - x = 1", "y + x = 2"),
        ("y = 3", "x + z = 1", "2x + 2z = 2"),
    ]
    for texts in shapes:
        system = system_of(*texts)
        for solve in (solve_gauss, solve_recursive):
            solution = solve(system)
            check_answer(system, solution.outcome, solution.values)


def test_answers_in_words():
    many = solve_gauss(system_of("x + y = 2", "2x + 2y = 4"))
    assert write_line(many.answer, "plain", {}) == ("infinitely many solutions: x = 2 - y, y free")
    none = solve_recursive(system_of("x + y = 2", "2x + 2y = 5"))
    assert write_line(none.answer, "plain", {}) == "no solution"


@pytest.mark.parametrize("text", ["x*y = 1", "x^2 = 1", "1/x = 2", "x/0 = 1", "x + 1"])
def test_what_is_not_linear_is_refused(text):
    with pytest.raises(ExpressionError):
        system_of(text)


def perfect(prompt):
    """A model that never errs."""
    unknown, _, rest = prompt.removeprefix("Eliminate ").partition(": ")
    isolated, others, _ = eliminate([parse(text) for text in rest.split(", ")], unknown)
    return "Answer: " + ", ".join(
        write_line((equation,), "plain", {}) for equation in (isolated, *others)
    )


@settings(max_examples=40, deadline=None)
@given(
    st.integers(2, 6), st.sampled_from(["unique", "none", "infinite"]), st.integers(0, 2**64 - 1)
)
def test_driver_with_a_perfect_model(count, wanted, seed):
    system = draw_system(count, wanted, 9, Draws(seed, 1))
    report = solve_with_model(system.equations(), perfect, tries=1)
    assert report.outcome == wanted
    check_answer(system, report.outcome, report.values)
    assert all(not attempt.error for attempt in report.attempts)


def test_driver_asks_again_and_says_where_it_failed():
    equations = [parse("2x + y = 5"), parse("x - y = 1")]
    answers = iter(
        ["nonsense", "Answer: x = 5/2 - y, y = 1", perfect(elimination_prompt(equations, "x"))]
    )

    def ask(prompt):
        return next(answers, None) or perfect(prompt)

    report = solve_with_model(equations, ask)
    assert [a.error for a in report.attempts] == ["unreadable", "not_equivalent", "", ""]
    assert report.values == {"x": Num(2), "y": Num(1)}
    failed = solve_with_model(equations, lambda prompt: "Answer: y = 1, x = 2", tries=2)
    assert (failed.outcome, failed.failed_at, len(failed.attempts)) == ("failed", "x", 2)
    assert failed.attempts[0].error == "not_isolated" and not failed.values
    with pytest.raises(ProblemError, match="tries: "):
        solve_with_model(equations, ask, tries=0)


@pytest.mark.parametrize(
    "response,error",
    [
        ("x = 5/2 - 1/2*y\nAnswer: x = 5/2 - 1/2*y, y = 1", ""),
        ("Answer: x = 5/2 - 1/2*y, -3y = -3", ""),
        ("Answer: x = 2, y = 1", ""),
        ("Answer: x = 5/2 - 1/2*y", "not_equivalent"),
        ("Answer: x = 5/2 - 1/2*y, y = 2", "not_equivalent"),
        ("Answer: x = 5/2 - 1/2*y, x = 2", "not_eliminated"),
        ("Answer: x = 5 - x - y, y = 1", "not_isolated"),
        ("Answer: x = 5/2 - z, y = 1", "not_linear"),
        ("Answer: x = 5/2 - y^9, y = 1", "not_linear"),
        ("Answer: x, y", "unreadable"),
        ("x = 2, y = 1", "unreadable"),
        ("Answer: " + "(" * 5000, "unreadable"),
        ("Answer: x = " + "1+" * 30_000 + "1", "unreadable"),
        ("Answer: __import__('os')", "unreadable"),
        ("Answer: x = 9^9^9^9, y = 1", "not_linear"),
        ("", "unreadable"),
    ],
)
def test_responses(response, error):
    equations = [parse("2x + y = 5"), parse("x - y = 1")]
    assert check_elimination(equations, "x", response)[0] == error


def test_elimination_task_speaks_the_drivers_language():
    made = RuleSet(RuleSpec(task="elimination"), 0, "train")
    for index in range(40):
        problem = made.problem(index)
        unknown, _, rest = problem.prompt.removeprefix("Eliminate ").partition(": ")
        equations = [parse(text) for text in rest.split(", ")]
        assert problem.prompt == elimination_prompt(equations, unknown)
        assert check_elimination(equations, unknown, problem.response)[0] == ""
