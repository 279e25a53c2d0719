"""Algebra lines and row operations: every generated trace, mutants, and cases by hand."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.answers.steps import check_trace
from mathjax.problems.rules import TASKS, RuleSet, RuleSpec

RIGHT, WRONG, UNDECIDED = "right", "wrong", "undecided"


def a_set(task, style="plain", seed=3):
    return RuleSet(RuleSpec(task=task, style=style), seed, "train")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("style,count", [("plain", 100), ("spaced", 25), ("latex", 40)])
def test_generated_traces_are_right(task, style, count):
    problems = a_set(task, style)
    for index in range(count):
        problem = problems.problem(index)
        report = check_trace(problem.response, prompt=problem.prompt)
        lines = problem.response.split("\n")
        assert report.kind == ("rows" if task == "linear_system_gauss" else "algebra")
        assert [step.text for step in report.steps] == lines
        assert report.right == len(lines), (problem.prompt, problem.response)
        whole = check_trace(f"{problem.prompt}\n{problem.response}")
        assert [step[3:] for step in whole.steps] == [step[3:] for step in report.steps]


def mutant(line, rng):
    """The line with one number, exponent or sign changed; None if it has none."""
    spots = list(re.finditer(r"(?<![A-Za-z0-9])[0-9]+|(?<= )[-+](?= )", line))
    if not spots:
        return None
    spot = rng.choice(spots)
    if spot[0] in "+-":
        new = "-" if spot[0] == "+" else "+"
    else:
        new = str(int(spot[0]) + rng.choice((1, 2, 10)))
    return line[: spot.start()] + new + line[spot.end() :]


# Lines with a term that is 0, and 0 = 1 beside 0 = 2, have mutants that are right.
HARMLESS = re.compile(r"(?<![0-9])0(?![0-9])")
HARMLESS_QUADRATIC = re.compile(r"(?<![0-9])0(?![0-9]|$)|discriminant <")


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("style", ["plain", "latex"])
def test_a_changed_line_is_found(task, style):
    problems, rng, tried = a_set(task, style, 5), random.Random(6), 0
    harmless = HARMLESS_QUADRATIC if task == "quadratic" else HARMLESS
    for index in range(60):
        problem = problems.problem(index)
        lines = problem.response.split("\n")
        if any(map(harmless.search, [problem.prompt, *lines])):
            continue
        place = rng.randrange(len(lines))
        new = mutant(lines[place], rng)
        if new is None:
            continue
        lines[place] = new
        report = check_trace("\n".join(lines), prompt=problem.prompt)
        assert report.first_error == place, (problem.prompt, lines, place)
        tried += 1
    assert tried > 15


def statuses(text, **options):
    return [step.status for step in check_trace(text, **options).steps]


@pytest.mark.parametrize(
    "text,wanted",
    [
        ("Expand: (x + 1)^2\n= x^2 + 2x + 1\nAnswer: x^2 + 2x + 1", [RIGHT, RIGHT]),
        ("Expand: (x + 1)^2\n= x^2 + 1\nAnswer: x^2 + 1", [WRONG, RIGHT]),
        ("= x*(x + 1)\n= x^2 + x\nAnswer: x^2", [RIGHT, WRONG]),
        ("Simplify: x/x\n= 1\nAnswer: 1", [RIGHT, RIGHT]),
        ("Evaluate 3x^2 for x = -2\n= 3*(-2)^2\n= 12\nAnswer: 12", [RIGHT] * 3),
        ("Evaluate 3x^2 for x = -2\n= 3*(-2)^2\n= -12\nAnswer: -12", [RIGHT, WRONG, RIGHT]),
        ("Solve: 2x + 3 = 7\n2x = 4\nx = 2\nAnswer: x = 2", [RIGHT] * 3),
        ("Solve: 2x + 3 = 7\n2x = 10\nx = 5\nAnswer: x = 5", [WRONG, RIGHT, RIGHT]),
        ("Solve: 2x + 3 = 7\n2x*x = 4x\nAnswer: x = 2", [WRONG, WRONG]),
        ("Solve: x = x + 1\n0 = 1\nAnswer: no solution", [RIGHT, RIGHT]),
        ("Solve: x = x + 1\n0 = 0\nAnswer: all real numbers", [WRONG, RIGHT]),
        ("Solve: x = x + 1\n0 = 17\nAnswer: no solution", [WRONG, RIGHT]),
        ("Solve: 2x = 4\nx = 2\nAnswer: no solution", [RIGHT, WRONG]),
        ("Isolate k in m/k = p\nm = p*k\nk = m/p\nAnswer: k = m/p", [RIGHT] * 3),
        ("Isolate k in m/k = p\nm = p/k\nk = p/m\nAnswer: k = p/m", [WRONG, RIGHT, RIGHT]),
        ("Isolate w in a = (w + b)^2, all variables positive\nw + b = sqrt(a)\nAnswer: w = "
         "sqrt(a) - b", [RIGHT, RIGHT]),
        ("Isolate w in a = (w + b)^2, all variables positive\nw + b = -sqrt(a)\nAnswer: w = "
         "-sqrt(a) - b", [WRONG, RIGHT]),
        ("Make w the subject of (w - c)*d = 0\nw - c = 0\nAnswer: w = c", [RIGHT, RIGHT]),
        ("Make w the subject of (w - c)*w = 0\nw - c = 0\nAnswer: w = c", [WRONG, RIGHT]),
    ],
)  # fmt: skip
def test_algebra(text, wanted):
    assert statuses(text, kind="algebra") == wanted


QUADRATIC = """Solve for x: x^2 = x + 1
x^2 - x - 1 = 0
discriminant = (-1)^2 - 4*1*(-1)
discriminant = 5
x = (1 - sqrt(5))/(2*1) or x = (1 + sqrt(5))/(2*1)
x is about -0.618 or 1.618
Answer: x = (1 - sqrt(5))/2 or x = (1 + sqrt(5))/2"""


@pytest.mark.parametrize(
    "old,new,place",
    [
        ("x - 1 = 0", "x - 2 = 0", 0),
        ("(-1)^2 -", "(-1)^2 +", 1),
        ("= 5", "= 6", 2),
        ("(1 - sqrt(5))/(2*1)", "(1 + sqrt(5))/(2*1)", 3),
        ("(1 - sqrt(5))/(2*1)", "(1 - sqrt(5))/(2*2)", 3),
        ("-0.618", "0.618", 4),
        ("1.618", "1.619", 4),
        ("Answer: x = (1 -", "Answer: x = (2 -", 5),
    ],
)
def test_quadratic(old, new, place):
    assert statuses(QUADRATIC) == [RIGHT] * 6
    assert check_trace(QUADRATIC.replace(old, new, 1)).first_error == place


ROWS = """Solve by row operations: x + y = 3, x - y = 1
R1: x + y = 3
R2: x - y = 1
R2 <- R2 - R1: -2y = -2
R2 <- R2/(-2): y = 1
R1 <- R1 - R2: x = 2
Answer: x = 2, y = 1"""


@pytest.mark.parametrize(
    "old,new,wrong",
    [
        ("R2: x - y = 1", "R2: x - y = 2", [1, 2]),
        ("-2y = -2", "-2y = 2", [2, 3]),
        ("-2y = -2", "-y = -1", [2, 3]),
        ("R2 <- R2 - R1", "R2 <- R2 + R1", [2]),
        ("R2/(-2): y = 1", "0*R2: 0 = 0", [3, 4, 5]),
        ("R1 <- R1 - R2: x = 2", "R1 <- R2 - R2: 0 = 0", [4, 5]),
        ("Answer: x = 2, y = 1", "Answer: x = 2, y = 2", [5]),
        ("Answer: x = 2, y = 1", "Answer: no solution", [5]),
        ("Answer: x = 2, y = 1", "Answer: x = 2", [5]),
        ("R1 <- R1 - R2: x = 2", "R1 <-> R2: y = 1; x + y = 3", []),
        ("R1 <- R1 - R2: x = 2", "R1 <-> R2: x + y = 3; y = 1", [4]),
    ],
)
def test_rows(old, new, wrong):
    assert statuses(ROWS) == [RIGHT] * 6
    report = check_trace(ROWS.replace(old, new, 1))
    assert [k for k, step in enumerate(report.steps) if step.status == WRONG] == wrong


def test_a_row_that_is_unknown_is_undecided():
    (step,) = check_trace("R2 <- R2 - R1: y = 1").steps
    assert step.status == UNDECIDED


RECURSIVE = """Solve by substitution: d - 5q = -13, 6d - 9q = 6
isolate d: d - 5q = -13
d = -13 + 5q
substitute: 6(-13 + 5q) - 9q = 6
21q = 84
isolate q: 21q = 84
q = 4
back-substitute: d = -13 + 5*4
d = 7
Answer: d = 7, q = 4"""


@pytest.mark.parametrize("place", range(9))
def test_recursive(place):
    assert statuses(RECURSIVE) == [RIGHT] * 9
    lines = RECURSIVE.split("\n")
    lines[place + 1] = lines[place + 1].replace("4", "3").replace("5", "6").replace("7", "8")
    report = check_trace("\n".join(lines))
    assert report.first_error == place


def test_numbers_are_mended():
    report = check_trace("Evaluate 3x^2 for x = -2\n= 3*(-2)^2\n= -12\nAnswer: -12")
    assert (report.final, report.mended) == (-12, 12)
    assert report.final_right_if_mended(12) and not report.final_right(12)
    assert check_trace("Solve: 2x = 4\nAnswer: x = 2").final is None


def test_prose_is_not_taken_for_algebra():
    for text in (
        "Let x be 3. So 2 * 3 = 6.\nAnswer: 6",
        "3 + 4 = 7. The answer is 7.",
        "She has 3 + 4 = 7 apples.\nAnswer: 7",
        "3 + 4 = 7",
    ):
        assert check_trace(text).kind == "arithmetic"


@pytest.mark.parametrize(
    "text",
    [
        "= x\n" * 5_000 + "Answer: x",
        "= " + "(" * 15_000 + "\nAnswer: x",
        "Expand: " + "(a + b)^64" * 500 + "\n= " + "(a + b)" * 2_000 + "\nAnswer: 1",
        "Solve: " + "(x + y + z + w)^20*" * 50 + "1 = 3\n(x + y)^60*(z + w)^60 = 4\nAnswer: x = 3",
        "Solve: x^9999999999 = 2\nx^64^64 = 3\nAnswer: x = 9",
        "Solve: " + "/".join(["(x + y + 1)"] * 60) + " = 1\nx = 1\nAnswer: x = 1",
        "Evaluate x^64 for x = 9\n= 9^64^64^64\n= (9^64)^64^9\nAnswer: 9",
        "Solve: x^2 = 2\ndiscriminant = " + "9^64*" * 50 + "1\nAnswer: x = 1",
        "R1: x = 1\n" + "R1 <- R1 + R1: x = 1\n" * 800,
        "Solve: x = 1\nisolate x: x = 1\nx = 1/0\nsubstitute: 1/0 = x\nAnswer: x = 1/0",
        "Solve: 1/0 = x\nx = 1/0 or x = 0/0\ndiscriminant = 1/0\nx is about 1 or 2\nAnswer: 1/0",
    ],
    ids=range(11),
)
def test_hostile_text(text):
    for kind in ("auto", "algebra", "rows"):
        check_trace(text, kind=kind)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.sampled_from(
            "x y 2 3 0 + - * / ^ = ( ) sqrt(5) R1 R2 <- <-> : \n \n Answer: discriminant or about "
            "isolate substitute: back-substitute: false: x=1 no solution free , \\frac{1}{2} is "
            "Solve: Evaluate for".split(" ")
        ),
        max_size=30,
    ).map(" ".join)
    | st.text(max_size=60)
)
def test_any_text_is_read(text):
    for kind in ("auto", "algebra", "rows"):
        report = check_trace(text, kind=kind)
        assert report == check_trace(text, kind=kind)
        for step in report.steps:
            assert step.text == text[step.start : step.end]
