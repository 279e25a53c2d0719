"""The compiled comparison: of any text the verdict that `symbolic.check` gets by trees, or none."""

import random
import subprocess
import sys
import threading

import pytest
from corpus_cases import load
from flint import fmpz
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mathjax.answers import fast_formula_kernels as kernels
from mathjax.answers import fast_formulas, formula_symbols, symbolic
from mathjax.problems.rules import RuleSet, RuleSpec

KINDS = ("expression", "number", "equation")
DECLARED = ((), (), ("x", "y"), ("e",), ("E", "S"), ("x1", "y_2"), ("lambda",), ("price", "ab"))


@pytest.fixture(scope="module", autouse=True)
def compiled():
    fast_formulas.load()


def by_trees(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_formulas, "check", lambda *_: None)
        return symbolic.check(*arguments)


def assert_same(reference, candidate, kind="expression", variables=()):
    """Returns whether the compiled code decided."""
    verdict = fast_formulas.check(reference, candidate, kind, variables)
    if verdict is not None:
        assert verdict == by_trees(reference, candidate, kind, variables), (reference, candidate)
    return verdict is not None


def fast(reference, candidate, kind="expression", variables=()):
    verdict = fast_formulas.check(reference, candidate, kind, variables)
    return None if verdict is None else verdict.correct


# What it decides


@pytest.mark.parametrize(
    "reference, candidate",
    [
        ("27z*b + 45z^2 + 81z", "9z*(5z + 9 + 3b)"),
        ("(x+1)^2", " x ^ 2+2 x+1 "),
        ("x**3", "x*x^2"),
        ("-x^2", "-(x^2)"),
        ("1/2x", "x/2"),
        ("a/b/c", "a/(b*c)"),
        ("a/b*c", "c*a/b"),
        ("2--3", "5"),
        ("x - -y", "x+y"),
        ("3*-2x/-4", "1.5x"),
        ("x^-2", "1/x^2"),
        ("(1/x)^-2", "x^2"),
        ("(x/y + 1)^3", "(x+y)^3/y^3"),
        ("1/(1/x+1/y)", "x*y/(x+y)"),
        ("(x)2(3)", "6x"),
        ("x1 + x_1", "2x_1"),
        ("x_12y", "y*x12"),
        (".5 + 0.25", "3/4"),
        ("007", "7"),
        ("2E", "E + E"),
        ("999999999999999999 + 1", "10^18"),
        ("beta*alpha", "alpha beta"),
        ("((((((((x))))))))", "x"),
        ("x^999", "x^500*x^499"),
    ],
)
def test_equal_and_then_not(reference, candidate):
    assert fast(reference, candidate) is True
    assert fast(candidate, reference) is True
    assert fast(reference, f"({candidate}) + 1/3") is False
    assert assert_same(reference, candidate) and assert_same(reference, f"({candidate}) - 1/7")


@pytest.mark.parametrize(
    "reference, candidate, correct",
    [
        ("x = 3", "3 = x", True),
        ("x=3", "x=4", False),
        ("x = y/z", "2y/(2z) = x", True),
        ("x = y/z", "x = z/y", False),
        ("y = x^5 - 1", "y = (x - 1)(x^4 + x^3 + x^2 + x + 1)", True),
        ("2x + 4y = 6", "3 - x = 2y", True),
        ("2x + 4y = 6", "3 + x = 2y", False),
        ("x^2 = 4", "4 - x^2 = 0", True),
        ("1 = 2", "0x = 5", True),
        ("x = 1", "0x = 5", False),
        ("x = 1", "(x - 1)^2 = 0", None),  # right: the same solutions
        ("x^2 = 1", "x^2 = 4", None),
        ("1/x = 2", "2/x = 4", None),
        ("x = x", "x = x", None),
        ("x = 1 = y", "x = 1", None),
        ("x == 1", "x = 1", None),
        ("x", "x = 1", None),
    ],
)
def test_equations(reference, candidate, correct):
    assert fast(reference, candidate, "equation") is correct
    assert fast(candidate, reference, "equation") is correct
    assert_same(reference, candidate, "equation")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            "x y)",
            "(x",
            "x)",
            "()",
            "x+",
            "*x",
            "x*/y",
            "2 3",
            "x 2",
            "x^2 3",
            "2+-3",
            "2+/-3",
        ),
        *("---x", "a----b", "x^2^3", "x^(2)", "x^y", "x^0", "x^1.5", "x^2e5", "2^0.5", "x^1001"),
        *(
            "1,234",
            "1_000",
            "52_8",
            "1e5",
            "2E+3",
            "2.",
            "1.2.3",
            "x.y",
            "5%",
            "5!",
            "|x|",
            "[x+1]",
        ),
        *(
            "pi",
            "e",
            "e^x",
            "oo",
            "inf",
            "sin(x)",
            "sqrt 4",
            "log_2 8",
            "solve",
            "x and y",
            "area(3)",
        ),
        *(
            "x_a",
            "x__1",
            "x_1_2",
            "x1_2",
            "_x",
            "x'",
            "x;",
            "x < 1",
            "x > 1",
            "x = 1",
            '"x"',
            "`x`",
        ),
        *("$x$", "\\frac12", "x^{2}", "{x}", "x~y", "x\ty", "x\ny", "x\0", "**x**", "x²", "π", "½"),
        *(
            "1/0",
            "x/(y-y)",
            "0^-1",
            "1/(2-1-1)",
            "(x-x)^-2",
            "1234567890123456789",
            "0.1234567890123456789",
        ),
        *(
            "longnames",
            "(" * 9 + "x" + ")" * 9,
            "+".join("x" * 1000),
            "99999999^99",
            "(x+y)^999*x^2",
        ),
        "+".join("abcdfghijklmnopqr"),
    ],
)
def test_all_else_is_left_to_the_trees(text):
    assert fast(text, text) is None
    assert fast("x", text) is None
    assert fast(f"y = {text}", "y = x", "equation") is None or text in ("x=1", "x = 1")


def test_every_word_of_the_tokenizer_is_known():
    words = {*formula_symbols.FUNCTIONS, *formula_symbols.SPELLINGS, *formula_symbols.CODE}
    for word in words | {*formula_symbols.WORDS, "pi", "oo", "inf", "infinity"}:
        for text in (word, f"{word}2", f"{word}_2", f"2{word}", f"{word} x"):
            assert fast(text, text) is None, text
    for word in formula_symbols.GREEK_NAMES - {"pi"}:
        assert_same(word, f"{word} + 0")


def test_declared_names():
    assert fast("2e", "e + e", "expression", ("e",)) is True
    assert fast("2e", "e + e", "expression", ("x", "e1")) is None
    assert fast("e1", "e_1", "expression", ()) is True
    assert fast("x1", "x_1", "expression", ("x_1",)) is True
    for odd in ("lambdify", "pi", "sin", "x_a", "θ", "\\alpha", "x1_2"):
        assert fast("x", "x", "expression", (odd,)) is None


def test_a_number_has_no_names():
    assert fast("1/3 + 1/6", "0.5", "number") is True
    assert fast("x - x", "0", "number") is None
    assert fast("2 1/2", "2.5", "number") is None


@pytest.mark.parametrize("kind", ["solution_set", "interval", "tuple", "matrix"])
def test_other_kinds_are_left_alone(kind):
    assert fast("1", "1", kind) is None


def test_a_demanded_form_is_still_judged():
    assert symbolic.check("(x+1)^2", "x^2+2x+1", form="factored").reason == "form"
    assert symbolic.check("(x+1)^2", "(x+1)^2", form="factored").correct
    assert symbolic.check("(x+1)^2", "x^2+2x", form="factored").reason == "value"


# The same as the trees


def test_corpus():
    decided = 0
    for case in load("symbolic"):
        variables = tuple(case.get("variables", ()))
        for kind in {case["kind"], "expression"}:
            decided += assert_same(case["reference"], case["candidate"], kind, variables)
    assert decided > 150


WRITTEN = (
    "expand",
    "factor_out",
    "simplify",
    "evaluate",
    "linear_equation",
    "isolate",
    "rearrange",
)


def rule_lines(seed):
    """Lines of exercises: the prompt's expression, the steps and the answer, all of equal value."""
    exercises = []
    for task in WRITTEN:
        for style in ("plain", "spaced"):
            problems = RuleSet(RuleSpec(task=task, style=style), seed, "train")
            for index in range(10):
                problem = problems.problem(index)
                lines = [problem.prompt.split(": ", 1)[-1], *problem.response.split("\n")]
                exercises.append([line.removeprefix("= ").split("Answer: ")[-1] for line in lines])
    return exercises


NOISE = "0123456789abcxyzepiER  +-*/^^()()=.,_[]{}|!%$\\<>;:\n\t~'&@²π−×"


def mutated(text, rng):
    at, cut = rng.randrange(len(text) + 1), rng.randrange(2)
    return text[:at] + rng.choice((*NOISE, "")) + text[at + cut :]


def test_rule_tasks():
    rng, exercises, decided = random.Random(0), rule_lines(0), 0
    for _ in range(1500):
        one = rng.choice(exercises)
        left, right = (
            rng.choice(one),
            rng.choice(one if rng.random() < 0.8 else rng.choice(exercises)),
        )
        right = mutated(right, rng) if rng.random() < 0.5 else right
        kind = "equation" if "=" in left else rng.choice(KINDS[:2])
        decided += assert_same(left, right, kind, rng.choice(DECLARED))
    assert decided > 400


PIECES = (
    "x y z a e E xy x1 x_1 ab sin pi price in or oo 1 2 10 0 0.5 .5 2. 007 999999999999999999 1e5 "
    "2E3 + - * / ^ ** ^2 ^3 ^-1 ^0 ^-2 ( ) (x+1) (x-y) 2x 1/2 1/x x/y ^(2) /2/3 (x)3 = +- -- +/- "
    "[ ] , ! % | _ _3"
).split()
texts = st.lists(st.sampled_from([*PIECES, " ", " "]), max_size=9).map("".join) | st.text(NOISE)


@settings(max_examples=500, deadline=None)
@given(texts, texts, st.sampled_from(KINDS), st.sampled_from(DECLARED), st.booleans())
@example("x=1", "x=(x-x)/0+1", "equation", (), False)
@example("2e", "2e+1", "expression", ("e",), False)
def test_any_text(left, right, kind, variables, alike):
    assert_same(left, f"{left} + {right}" if alike else right, kind, variables)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=12), st.binary(max_size=12))
def test_any_characters(text, data):
    for other in (text, data.decode("latin-1"), data.decode("utf-8", "surrogateescape")):
        for kind in KINDS:
            assert_same(text, other, kind)


# The machinery


def test_primes():
    assert len(set(kernels.PRIMES)) == kernels.LANES == 20
    assert all(2**30 < p < 2**31 and fmpz(p).is_prime() for p in kernels.PRIMES)


def test_threads_do_not_share_memory():
    rng = random.Random(3)
    pairs = []
    for exercise in rule_lines(1):
        pairs.extend((line, mutated(line, rng)) for line in exercise)
    expected = [fast(*pair) for pair in pairs]
    results = []

    def work():
        results.append([[fast(*pair) for pair in pairs] for _ in range(20)])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(verdicts == expected for result in results for verdicts in result)
    assert len(results) == 4


def test_the_code_is_loaded_once_it_is_worth_it(monkeypatch):
    calls = []
    monkeypatch.setattr(fast_formulas, "_kernel", None)
    monkeypatch.setattr(fast_formulas, "_loader", fast_formulas._Loader())
    monkeypatch.setattr(fast_formulas, "load", lambda: calls.append(threading.current_thread()))
    for _ in range(fast_formulas._PATIENCE):
        assert fast_formulas.check("x", "x", "expression") is None
    assert fast_formulas.check("x", "x", "tuple") is None and not calls
    for _ in range(10):
        fast_formulas.check("x", "x", "expression")
    assert len(calls) == 1 and calls[0] is not threading.current_thread()


def test_a_checker_that_cannot_compile_still_checks(monkeypatch):
    def load():
        raise RuntimeError("no compiler")

    monkeypatch.setattr(fast_formulas, "_kernel", None)
    monkeypatch.setattr(fast_formulas, "_loader", fast_formulas._Loader())
    monkeypatch.setattr(fast_formulas, "load", load)
    with pytest.warns(UserWarning, match="no compiler"):
        for _ in range(fast_formulas._PATIENCE + 3):
            assert symbolic.check("2x", "x + x").correct


def test_one_check_does_not_wait_for_numba():
    code = (
        "import sys; from mathjax.answers import symbolic; "
        "assert symbolic.check('2x', 'x + x').correct; assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
