"""Answers to rule tasks: equal and in the form that the task asks for."""

import pytest

from mathjax.answers import rules
from mathjax.problems.rule_base import TASKS, RuleSpec
from mathjax.problems.rules import RuleSet

MANY = "infinitely many solutions:"


@pytest.mark.parametrize("style", ["plain", "spaced", "latex"])
@pytest.mark.parametrize("task", list(TASKS))
def test_every_worked_response_is_right_and_another_one_is_not(task, style):
    problems = RuleSet(RuleSpec(task=task, style=style), 3, "train")
    for i in range(40):
        problem, other = problems.problem(i), problems.problem(i + 40)
        assert rules.check(task, problem.prompt, problem.answer, problem.response).correct
        if problem.answer != other.answer:
            verdict = rules.check(task, problem.prompt, problem.answer, other.response)
            assert not verdict.correct, (problem.answer, other.answer)


@pytest.mark.parametrize(
    "task, reference, answer, reason",
    [
        ("expand", "45z^2 + 81z", "81z + 45z^2", "right"),
        ("expand", "45z^2 + 81z", "9z*(5z + 9)", "form"),
        ("factor_out", "2x*(-3 + 4b)", "(8b - 6)*x", "form"),
        ("factor_out", "2x*(-3 + 4b)", "-2x*(3 - 4b)", "right"),
        ("simplify", "-30u*c^2", "-30c^2*u", "right"),
        ("simplify", "-30u*c^2", "-36u*c^2 + 6u*c^2", "form"),
        ("evaluate", "-3/2", "-1.5", "right"),
        ("linear_equation", "w = -1", "w = -2/2", "right"),
        ("linear_equation", "w = -1", "-1", "right"),
        ("linear_equation", "w = -1", "v = -1", "value"),
        ("linear_equation", "no solution", "all real numbers", "value"),
        ("isolate", "q = k*u/z + n", "q = (k*u + n*z)/z", "right"),
        ("isolate", "q = k*u/z + n", "n = q - k*u/z", "form"),
        ("rearrange", "c = 4s^2", "4s^2 = c", "right"),
        ("quadratic", "s = 5 or s = 8", "s = 8 or s = 5", "right"),
        ("quadratic", "s = 5 or s = 8", "s = 5", "value"),
        ("quadratic", "no real solution", "no solution", "right"),
        ("linear_system_gauss", "b = -3/4, z = 9/8", "z = 9/8, b = -0.75", "right"),
        ("linear_system_gauss", "b = 1, z = 2", f"{MANY} b = z, z free", "value"),
    ],
)
def test_answers_of_others(task, reference, answer, reason):
    verdict = rules.check(task, "", reference, f"some lines\nAnswer: {answer}")
    assert verdict.reason == reason, verdict


def test_free_unknowns_may_be_chosen_otherwise():
    reference = f"{MANY} x = -5 + 3/2*w, w free"
    for answer, right in (
        ("w = 2/3*x + 10/3, x free", True),
        ("x = (3w - 10)/2, w free", True),
        ("x = 5 + 3/2*w, w free", False),
        ("x = -5, w free", False),
        ("w free, x free", False),
        ("x = -5 + 3/2*v, v free", False),
    ):
        verdict = rules.check("linear_system_gauss", "", reference, f"Answer: {MANY} {answer}")
        assert verdict.correct == right, answer


def test_positive_variables_let_roots_be_taken_apart():
    prompt = "Make b the subject of k*v/b^2 = n, all variables positive"
    reference, answer = "b = sqrt(k*v/n)", "Answer: b = sqrt(k)*sqrt(v)/sqrt(n)"
    assert rules.check("rearrange", prompt, reference, answer).correct
    assert not rules.check("rearrange", "Make b the subject", reference, answer).correct
    assert not rules.check("rearrange", prompt, reference, "Answer: b = sqrt(k*v)/n").correct


def test_names_are_names_whatever_they_look_like():
    for name in ("e", "pi", "sin", "E", "solve", "oo"):
        reference = f"{name} = 2a/3"
        assert rules.check("isolate", "", reference, f"Answer: {name} = a*2/3").correct
        assert not rules.check("isolate", "", reference, f"Answer: {name} = a*2/5").correct


def test_the_last_answer_line_counts():
    assert rules.final_answer("Answer: 3\nno\nAnswer: 4\n") == "4"
    assert rules.final_answer("= 3\n= 4\n") == "= 4"
    assert rules.final_answer("") == ""
    assert rules.check("evaluate", "", "4", "").reason == "parse"


def test_an_unknown_task_is_refused():
    with pytest.raises(ValueError, match="task must be one of expand"):
        rules.check("integrate", "", "1", "1")
