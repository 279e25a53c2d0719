"""Rule exercises: every line equals the one before it, answers are right and in their form."""

import dataclasses
import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from itertools import pairwise

import mpmath
import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st
from test_expressions import to_sympy
from test_linear_systems import check_answer, follow_rows

from mathjax.problems.base import ProblemError
from mathjax.problems.expression_parser import parse
from mathjax.problems.expression_printers import to_text
from mathjax.problems.expressions import (
    Add,
    Div,
    ExpressionError,
    Mul,
    Neg,
    Num,
    Pow,
    Var,
    evaluate_at,
    factors_of,
    rename,
    terms_of,
    variables,
    walk,
)
from mathjax.problems.linear_systems import LinearSystem
from mathjax.problems.rule_expand_writer import ExpandWriter
from mathjax.problems.rule_formulas import POSITIVE, RELATIONS, isolate
from mathjax.problems.rule_quadratics import decimal_root
from mathjax.problems.rules import TASKS, RuleSet, RuleSpec, standard_splits
from mathjax.problems.terms import split_term

COUNT = 40
NUMBERS = [Fraction(2 * k + 3, k % 5 + 1) for k in range(40)]


def problems(count=COUNT, seed=0, **fields):
    made = RuleSet(RuleSpec(**fields), seed, "train")
    for index in range(count):
        problem = made.problem(index)
        *lines, last = problem.response.split("\n")
        assert last == f"Answer: {problem.answer}"
        yield problem, lines


def subject(problem):
    """What stands after the instruction."""
    text = problem.prompt.removesuffix(POSITIVE)
    for word in ("subject of ", " in ", ": ", "Evaluate ", "value of ", "Compute "):
        if word in text:
            return text.split(word, 1)[1]
    raise AssertionError(text)


def unlike(total):
    kinds = [frozenset(split_term(term)[1]) for term in terms_of(total)]
    return len(set(kinds)) == len(kinds)


def check_expressions(task, **fields):
    for number, (problem, lines) in enumerate(problems(task=task, **fields)):
        start, answer = parse(subject(problem)), parse(problem.answer)
        steps = [parse(line.removeprefix("= ")) for line in lines] or [answer]
        assert all(line.startswith("= ") for line in lines) and steps[-1] == answer
        assert all(a != b for a, b in pairwise([start, *steps]))
        for shift in range(3):
            names = variables(start)
            values = {name: NUMBERS[(shift + 5 * k) % 40] for k, name in enumerate(names)}
            assert len({evaluate_at(step, values) for step in [start, *steps]}) == 1, lines
        if number < 15:
            assert sympy.expand(to_sympy(start) - to_sympy(answer)) == 0
        yield problem, start, answer


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"num_factors": (3, 4), "num_variables": (2, 4)},
        {"num_terms": (5, 6), "num_variables": (6, 9)},
    ],
)
def test_expand(fields):
    for problem, start, answer in check_expressions("expand", **fields):
        assert unlike(answer) and not any(
            isinstance(factor, Add) for term in terms_of(answer) for factor in walk(term)
        )
        low, high = RuleSpec(task="expand", **fields).num_variables
        assert low <= len(variables(start)) == problem.facts["num_variables"] <= high


def test_factor_out():
    for problem, start, answer in check_expressions("factor_out"):
        inner = answer.inner if isinstance(answer, Neg) else answer
        assert problem.answer.count("(") == 1
        *factor, rest = factors_of(inner)
        assert factor and isinstance(rest, Add) and unlike(start)
        common = sympy.gcd_list([to_sympy(term) for term in terms_of(rest)])
        assert common in (1, -1)
        assert len(variables(start)) == problem.facts["num_variables"]


def test_simplify():
    for problem, start, answer in check_expressions("simplify"):
        assert unlike(answer)
        assert sum(1 for _ in walk(answer)) < sum(1 for _ in walk(start)) or answer == Num(0)
        assert len(variables(start)) == problem.facts["num_variables"]


def test_evaluate():
    for problem, lines in problems(task="evaluate"):
        text, _, given_values = subject(problem).partition(" for ")
        values = dict(part.split(" = ") for part in given_values.split(", "))
        values = {name: evaluate_at(parse(value), {}) for name, value in values.items()}
        steps = [parse(line.removeprefix("= ")) for line in lines]
        found = {evaluate_at(parse(text), values), *(evaluate_at(step, {}) for step in steps)}
        assert found == {evaluate_at(parse(problem.answer), {})}
        assert isinstance(steps[-1], Num) and str(steps[-1].value) == problem.answer


def line_of(equation, name):
    """(slope, constant) of left - right."""
    at = [
        evaluate_at(equation.left, {name: k}) - evaluate_at(equation.right, {name: k})
        for k in range(3)
    ]
    assert at[2] - at[1] == at[1] - at[0]
    return at[1] - at[0], at[0]


def test_linear_equation():
    kinds = Counter()
    for kind in ("", "unique", "none", "infinite"):
        fields = {"kinds": (kind,)} if kind else {}
        for problem, lines in problems(task="linear_equation", **fields):
            equations = [parse(subject(problem)), *map(parse, lines)]
            (name,) = variables(equations[0])
            for slope, constant in (line_of(equation, name) for equation in equations):
                if problem.answer == "no solution":
                    assert not slope and constant
                elif problem.answer == "all real numbers":
                    assert not slope and not constant
                else:
                    assert -constant / slope == evaluate_at(parse(problem.answer).right, {})
            assert kind in ("", problem.facts["kind"])
            kinds[problem.facts["kind"]] += 1
    assert min(kinds.values()) > 35


def numeric(expression, values):
    """An evaluator of its own, 60 digits and complex where it must be."""
    match expression:
        case Num(value):
            return mpmath.mpf(Fraction(value).numerator) / Fraction(value).denominator
        case Var(name):
            return values[name]
        case Add(terms):
            return sum(numeric(term, values) for term in terms)
        case Mul(factors):
            return mpmath.fprod(numeric(factor, values) for factor in factors)
        case Neg(inner):
            return -numeric(inner, values)
        case Div(a, b):
            return numeric(a, values) / numeric(b, values)
        case Pow(a, b):
            return mpmath.power(numeric(a, values), numeric(b, values))
    raise TypeError(expression)


@pytest.mark.parametrize(
    "fields",
    [
        {"task": "isolate"},
        {"task": "isolate", "num_variables": (5, 8)},
        {"task": "rearrange"},
        {"task": "rearrange", "conventional_names": True},
    ],
)
def test_isolating(fields):
    with mpmath.workdps(60):
        for problem, lines in problems(count=80, **fields):
            equations = [parse(subject(problem)), *map(parse, lines)]
            answer = parse(problem.answer)
            assert isinstance(answer.left, Var) and equations[-1] == answer
            name = answer.left.name
            assert name not in variables(answer.right)
            names = variables(equations[0])
            values = {n: mpmath.mpf(7 + 3 * k) / (k + 2) for k, n in enumerate(names)}
            values[name] = numeric(answer.right, values)
            for equation in equations:
                gap = numeric(equation.left, values) - numeric(equation.right, values)
                assert abs(gap) < mpmath.mpf(10) ** -40, (problem.prompt, lines)
                off = values | {name: values[name] + 1}
                assert abs(numeric(equation.left, off) - numeric(equation.right, off)) > 1e-12


def test_isolating_loses_no_solution():
    """A square is undone only where its root cannot be negative, and answers can be positive."""
    for problem, lines in problems(count=500, seed=5, task="isolate"):
        for before, after in pairwise([subject(problem), *lines]):
            if "sqrt" in after and "sqrt" not in before:
                base = parse(before).left.base
                assert not any(isinstance(node, Neg) for node in walk(base)), problem
    for equation, name in (
        ("8 + x*y^2 = 8", "y"),
        ("x*y^2/2 + 8 = 3", "y"),
        ("(x - y)^2 = a", "x"),
        ("d*(d + a)*(d + b) = c/(d + e)", "d"),  # would grow without end
    ):
        with pytest.raises(ExpressionError):
            isolate(parse(equation), name)
    steps = isolate(parse("5(y + c)/2 = 3"), "y")
    assert [to_text(step) for step in steps] == ["5(y + c) = 6", "y + c = 6/5", "y = 6/5 - c"]
    assert to_text(isolate(parse("6x = 4y"), "x")[-1]) == "x = 2y/3"


def test_relations_can_be_asked_for_each_of_their_letters():
    made = RuleSet(RuleSpec(task="rearrange", max_coefficient=50), 3, "train")
    kinds = Counter(made.problem(index).facts["kind"] for index in range(1500))
    assert set(kinds) >= set(RELATIONS) and len(kinds) == len(RELATIONS) + 4


@pytest.mark.parametrize("kind", ["integer", "rational", "irrational", "none", "double"])
def test_quadratic(kind):
    for problem, lines in problems(task="quadratic", kinds=(kind,)):
        equation = parse(subject(problem))
        (name,) = variables(equation)
        x = sympy.Symbol(name)
        polynomial = sympy.Poly(to_sympy(equation.left) - to_sympy(equation.right), x)
        inside = polynomial.discriminant()
        for line in lines:
            if re.fullmatch(r".*\^2.* = 0", line) and "discriminant" not in line:
                other = sympy.Poly(to_sympy(parse(line).left), x)
                assert other.monic() == polynomial.monic()
        values = [
            evaluate_at(parse(t), {}) for t in re.findall("discriminant = (.*)", "\n".join(lines))
        ]
        assert len(set(values)) == 1 and (values[0] > 0) == (inside > 0)
        if kind == "none":
            assert problem.answer == "no real solution" and inside < 0
            continue
        roots = [to_sympy(parse(part).right) for part in problem.answer.split(" or ")]
        assert all(sympy.expand(polynomial.as_expr().subs(x, root)) == 0 for root in roots)
        assert len(roots) == (1 if kind == "double" else 2)
        if len(roots) == 2:
            assert bool(roots[0] < roots[1])
        for line in (line for line in lines if line.startswith(f"{name} = ")):
            found = [to_sympy(parse(part).right) for part in line.split(" or ")]
            assert all(sympy.expand(a - b) == 0 for a, b in zip(found, roots, strict=True))
        if kind == "irrational":
            about = [Fraction(t) for t in lines[-1].partition(" is about ")[2].split(" or ")]
            for shown, root in zip(about, roots, strict=True):
                assert abs(sympy.N(root, 30) - sympy.Rational(shown)) < 0.0005001
                assert root.is_rational is False
        else:
            whole = all(root.is_integer for root in roots)
            assert whole if kind == "integer" else kind == "double" or not whole


def test_decimals_are_rounded_by_integers():
    assert decimal_root(1, -1, 5, 2) == "-0.618" and decimal_root(1, 1, 5, 2) == "1.618"
    assert decimal_root(0, -1, 2, 10**9) == "0.000" and decimal_root(0, 1, 3, 1) == "1.732"


@pytest.mark.parametrize("task", ["linear_system_gauss", "linear_system_recursive"])
@pytest.mark.parametrize("kind", ["unique", "none", "infinite"])
def test_linear_systems(task, kind):
    for problem, lines in problems(count=15, task=task, kinds=(kind,), num_variables=(2, 6)):
        equations = [parse(text) for text in subject(problem).split(", ")]
        system = LinearSystem.from_equations(equations)
        assert len(system.unknowns) == len(equations) == problem.facts["num_variables"]
        values = {}
        if kind != "none":
            answer = problem.answer.removeprefix("infinitely many solutions: ")
            assert (answer != problem.answer) == (kind == "infinite")
            for part in answer.split(", "):
                if part.endswith(" free"):
                    values[part.removesuffix(" free")] = Var(part.removesuffix(" free"))
                else:
                    equation = parse(part)
                    values[equation.left.name] = equation.right
        else:
            assert problem.answer == "no solution"
        check_answer(system, kind, values)
        if task == "linear_system_gauss":
            follow_rows(lines, system.unknowns)


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("style", ["spaced", "latex"])
def test_styles_and_answers_alone_are_the_same_exercises(task, style):
    made = [RuleSet(RuleSpec(task=task, style=s), 1, "train") for s in ("plain", style)]
    bare = RuleSet(RuleSpec(task=task, steps=False), 1, "train")
    for index in range(15):
        plain, other = (m.problem(index) for m in made)
        alone = bare.problem(index)
        assert alone.response == f"Answer: {plain.answer}" and alone.prompt == plain.prompt
        assert made[0].key(index) == made[1].key(index) == bare.key(index)
        lines = zip(plain.response.split("\n"), other.response.split("\n"), strict=True)
        for a, b in lines:
            try:
                tree = parse(a.removeprefix("= "))
            except ValueError:
                continue
            assert parse(b.removeprefix("= "), style) == tree
        if style == "spaced" and task in ("expand", "simplify"):
            tokens = plain.answer.replace(" ", ""), other.answer.replace(" ", "")
            assert tokens[0].replace("*", "") == tokens[1].replace("*", "")


@pytest.mark.parametrize("task", TASKS)
def test_names_carry_no_information(task):
    """Other names in the same places give the same text with those names."""
    names = tuple("abcdefghjkl")
    other = tuple(f"{letter}{letter}q" for letter in reversed(names))
    here, there = (RuleSet(RuleSpec(task=task, names=n), 2, "train") for n in (names, other))
    swap = dict(zip(names, other, strict=True))
    for index in range(15):
        a, b = here.problem(index), there.problem(index)
        assert here.key(index) == there.key(index)
        for left, right in zip(a.response.split("\n"), b.response.split("\n"), strict=True):
            try:
                tree = parse(left.removeprefix("= "))
            except ValueError:
                continue
            assert parse(right.removeprefix("= ")) == rename(tree, swap)


@pytest.mark.parametrize("task", TASKS)
def test_splits_are_disjoint_and_texts_keep_to_the_alphabet(task):
    spec = RuleSpec(task=task, unseen_names=tuple("efghijloABCD"))
    train = RuleSet(spec, 0, "train")
    seen = {train.key(index) for index in range(100)}
    splits = standard_splits(spec)
    assert {"in_domain", "unseen_names"} <= set(splits)
    assert ("more_variables" in splits) == (TASKS[task].num_variables is not None)
    assert ("more_terms" in splits) == (TASKS[task].num_terms is not None)
    for name, (split_spec, count) in splits.items():
        assert count == 1000
        made = RuleSet(split_spec, 0, name, 40)
        keys = [made.key(index) for index in range(40)]
        assert len(set(keys)) == 40 and not seen & set(keys)
        for index in range(20):
            problem = made.problem(index)
            assert set(problem.prompt + problem.response) <= set(made.alphabet) | {"\n"}
            if name == "more_variables":
                assert problem.facts["num_variables"] > spec.num_variables[1]
            if name == "unseen_names":
                found = re.findall(r"\b[A-Za-z]\b", problem.answer)
                assert set(found) <= set(spec.unseen_names)


def test_expand_splits_reach_further():
    splits = standard_splits(RuleSpec())
    for problem, least in ((RuleSet(splits["more_terms"][0], 0, "more_terms", 20), 4),):
        for index in range(20):
            assert problem.problem(index).facts["num_terms"] > least
    assert splits["more_variables"][0].num_variables == (4, 5)


@st.composite
def expand_specs(draw):
    low = draw(st.integers(1, 4))
    factors = draw(st.sampled_from([(2, 2), (2, 3), (3, 3), (2, 4)]))
    terms = (2, draw(st.integers(2, 4)))
    names = draw(
        st.sampled_from([("a", "b", "c", "d", "e", "f"), ("price", "été", "R1", "x", "yy")])
    )
    return RuleSpec(
        steps=draw(st.booleans()),
        style=draw(st.sampled_from(["plain", "spaced", "latex"])),
        names=names,
        num_variables=(low, min(low + draw(st.integers(0, 2)), factors[1] * terms[1], len(names))),
        num_terms=terms,
        num_factors=factors,
        max_coefficient=draw(st.sampled_from([2, 3, 9, 1000])),
    )


@settings(max_examples=60, deadline=None)
@given(expand_specs(), st.integers(0, 2**64 - 1), st.sampled_from(["train", "test"]))
def test_compiled_texts_are_those_of_the_trees(spec, seed, split):
    assert ExpandWriter.can_write(spec)
    made = RuleSet(spec, seed, split, 8)
    fast, slow = made.render(np.arange(8)), made.render_trees(np.arange(8))
    assert fast.text.tobytes() == slow.text.tobytes()
    np.testing.assert_array_equal(fast.bounds, slow.bounds)
    np.testing.assert_array_equal(fast.prompt_sizes, slow.prompt_sizes)


def test_large_numbers_are_left_to_the_trees():
    spec = RuleSpec(max_coefficient=10**9, num_factors=(3, 3))
    assert not ExpandWriter.can_write(spec)
    made = RuleSet(spec, 0, "train")
    assert len(made.render(np.arange(3))) == 3


@pytest.mark.parametrize("task", TASKS)
def test_example_depends_on_its_index_only(task):
    made, again = (RuleSet(RuleSpec(task=task), 4, "train") for _ in range(2))
    whole = made.render(np.arange(12))
    text = [whole.text[a:b].tobytes() for a, b in pairwise(whole.bounds)]
    for index in (11, 3, 3, 0):
        assert again.render(np.array([index])).text.tobytes() == text[index]
    short, long = (RuleSet(RuleSpec(task=task), 4, "test", count) for count in (5, 20))
    assert [short.key(k) for k in range(5)] == [long.key(k) for k in range(5)]


GOLDEN = "44005b68"


def digest():
    made = [RuleSet(RuleSpec(task=task), 7, "train").render(np.arange(40)) for task in TASKS]
    return hashlib.sha256(b"".join(m.text.tobytes() for m in made)).hexdigest()[:8]


def test_bytes_never_change():
    """A changed digest means that every published seed now stands for other data."""
    assert digest() == GOLDEN
    here = os.path.dirname(__file__)
    again = subprocess.run(
        [sys.executable, "-c", "from test_rules import digest; print(digest())"],
        env={**os.environ, "PYTHONHASHSEED": "12", "PYTHONPATH": here},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.strip() == GOLDEN


def test_wanted_ranges_are_kept():
    for task in ("factor_out", "simplify", "evaluate"):
        spec = RuleSpec(task=task, num_variables=(2, 4), num_terms=(4, 5), max_coefficient=5)
        made = RuleSet(spec, 0, "train")
        found = [made.problem(index).facts for index in range(80)]
        assert {f["num_variables"] for f in found} == {2, 3, 4}
        assert {f["num_terms"] for f in found} == {4, 5}


@pytest.mark.parametrize(
    "field,fields",
    [
        ("task", {"task": "integrate"}),
        ("style", {"style": "html"}),
        ("steps", {"steps": 1}),
        ("names", {"names": ("x", "x", "y")}),
        ("names", {"names": "xyz"}),
        ("names", {"names": ("x", "y")}),
        ("names", {"names": ("x", "y", "sqrt")}),
        ("names", {"names": ("x", "y", "a b")}),
        ("unseen_names", {"unseen_names": ("a", "e", "f", "g")}),
        ("unseen_names", {"unseen_names": ("e",)}),
        ("num_variables", {"num_variables": (0, 2)}),
        ("num_variables", {"num_variables": (3, 2)}),
        ("num_variables", {"num_variables": 3}),
        ("num_variables", {"num_variables": (2, 7)}),
        ("num_variables", {"task": "quadratic", "num_variables": (1, 2)}),
        ("num_variables", {"task": "linear_system_gauss", "num_variables": (2, 7)}),
        ("num_variables", {"task": "linear_system_gauss", "num_variables": (1, 3)}),
        ("num_terms", {"num_terms": (1, 2)}),
        ("num_terms", {"num_terms": (4, 5)}),
        ("num_terms", {"task": "quadratic", "num_terms": (2, 3)}),
        ("num_terms", {"task": "factor_out", "num_terms": (9, 9)}),
        ("num_terms", {"num_terms": (2, 40), "num_factors": (2, 4)}),
        ("num_factors", {"num_factors": (1, 2)}),
        ("max_coefficient", {"max_coefficient": 1}),
        ("max_coefficient", {"max_coefficient": 2.5}),
        ("max_coefficient", {"task": "quadratic", "max_coefficient": 10**6}),
        ("max_power", {"max_power": 0}),
        ("kinds", {"kinds": ("unique",)}),
        ("kinds", {"task": "quadratic", "kinds": "none"}),
        ("conventional_names", {"conventional_names": None}),
    ],
)
def test_bad_fields_are_named(field, fields):
    with pytest.raises(ProblemError, match=f"^{field}: "):
        RuleSpec(**fields)


def test_readme_examples():
    """One exercise as a person sees it."""
    problem = RuleSet(RuleSpec(task="expand"), 0, "train").problem(0)
    assert problem.prompt == "Expand: 9z*(5z + 9 + 3b)"
    assert problem.response.split("\n") == [
        "= 9z*5z + 9z*9 + 9z*3b",
        "= 45z^2 + 81z + 27z*b",
        "Answer: 45z^2 + 81z + 27z*b",
    ]
    assert dataclasses.is_dataclass(problem)
