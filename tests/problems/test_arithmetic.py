"""Arithmetic: kernels equal the plain-Python definition, every line of every solution is true,
splits keep their promises, digit lengths follow the specification."""

import hashlib
import itertools
import math
import os
import pickle
import re
import string
import subprocess
import sys
import threading
from fractions import Fraction

import numpy as np
import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.problems import arithmetic_kernels, arithmetic_reference, arithmetic_writer
from mathjax.problems import arithmetic_templates as templates
from mathjax.problems.arithmetic import (
    ALPHABET,
    OPERATIONS,
    ArithmeticSet,
    ArithmeticSpec,
    _phrases,
    problem_key,
    standard_splits,
)
from mathjax.problems.arithmetic_histogram import chi_square_p_value, digit_shares, histogram
from mathjax.problems.arithmetic_reference import Drawn, draw_problem, solve, write_problem
from mathjax.problems.base import ProblemError
from mathjax.problems.streams import bucket, buckets

FRACTIONS = OPERATIONS[4:8]
THINK = "\nLet's think step by step"  # spelt out here: the study's own words


def documents(rendered):
    text = rendered.text.tobytes()
    return [text[a:b].decode("ascii") for a, b in itertools.pairwise(rendered.bounds)]


class Term:
    """Exact value of a term such as `-3/4 + (-2 * 10)/5`: the tests' own reader."""

    def __init__(self, text):
        self.tokens = re.findall(r"\d+\.\d+|\d+|[-+*/()]", text)
        assert "".join(self.tokens) == text.replace(" ", ""), text
        self.value = self.sum()
        assert not self.tokens, text

    def next(self, *wanted):
        return self.tokens.pop(0) if self.tokens and self.tokens[0] in wanted else None

    def sum(self):
        value = self.product()
        while sign := self.next("+", "-"):
            value = value + self.product() if sign == "+" else value - self.product()
        return value

    def product(self):
        value = self.factor()
        while sign := self.next("*", "/"):
            value = value * self.factor() if sign == "*" else value / self.factor()
        return value

    def factor(self):
        if self.next("-"):
            return -self.factor()
        if self.next("("):
            value = self.sum()
            assert self.next(")")
            return value
        return Fraction(self.tokens.pop(0))


def expected_answer(operation, numbers):
    """The right answer, by Fraction and SymPy's integer functions alone."""
    kind = operation.removeprefix("fraction_")
    if operation == "divide":
        a, b = numbers
        quotient, rest = divmod(abs(a), abs(b))
        quotient, rest = quotient * sympy.sign(a) * sympy.sign(b), rest * sympy.sign(a)
        assert quotient * b + rest == a and abs(rest) < abs(b)
        return f"{quotient} R {rest}" if rest else f"{quotient}"
    if operation == "percentage":
        return Fraction(numbers[0] * numbers[1], 100)
    x, y = (Fraction(*numbers[:2]), Fraction(*numbers[2:])) if kind != operation else numbers
    if kind == "divide":
        return x / y
    return {"add": x + y, "subtract": x - y, "multiply": x * y}[kind]


def check_solution(operation, numbers, steps, answer):
    expected = expected_answer(operation, numbers)
    assert answer == expected if isinstance(expected, str) else Fraction(answer) == expected
    if operation in FRACTIONS:
        assert answer == str(Fraction(answer))  # lowest terms
    lines = steps.split("\n")
    for line in lines:
        line = line.removeprefix("So ")
        *terms, last = line.split(" = ")
        assert terms, line
        terms = [re.sub(r"(\d+)% of (\d+)", r"\1/100 * \2", term) for term in terms]
        value = Term(terms[0]).value
        if " R " in last:
            (q, r), divisor = map(int, last.split(" R ")), Term(terms[0].split(" / ")[1]).value
            assert value * divisor == q * divisor + r and 0 < abs(r) < abs(divisor)
        else:
            terms.append(last)
        assert all(Term(term).value == value for term in terms), line
    assert lines[-1].split(" = ")[-1] == answer
    if operation not in FRACTIONS:
        head = lines[-1].removeprefix("So ").split(" = ")[0]
        assert [int(n) for n in re.findall(r"\d+", head)] == [abs(n) for n in numbers]


@pytest.mark.parametrize(
    "operation,numbers",
    [
        ("multiply", (123, -456)),
        ("divide", (409, 12)),
        ("fraction_add", (1, 6, 3, 4)),
        ("fraction_divide", (3, 4, -9, 5)),
        ("percentage", (15, 250)),
    ],
)
def test_the_check_of_these_tests_sees_any_changed_digit(operation, numbers):
    steps, answer = solve(operation, numbers)
    check_solution(operation, numbers, steps, answer)
    for place in (k for k, character in enumerate(steps) if character.isdigit()):
        wrong = steps[:place] + str((int(steps[place]) + 3) % 10) + steps[place + 1 :]
        with pytest.raises((AssertionError, ZeroDivisionError)):
            check_solution(operation, numbers, wrong, answer)


@st.composite
def specs(draw, longest=9):
    low = draw(st.integers(1, 3))
    negative = draw(st.sampled_from([0, 0, 0.3, 1]))
    names = draw(st.lists(st.sampled_from(OPERATIONS), min_size=1, max_size=9, unique=True))
    return ArithmeticSpec(
        operations={name: draw(st.sampled_from([1, 0.5, 3])) for name in names},
        operands=draw(st.sampled_from(["log_uniform", "digits", "uniform"])),
        min_digits=low,
        max_digits=draw(st.integers(max(2, low), longest)),
        fraction_digits=draw(st.sampled_from([None, 2, longest])),
        max_percent=draw(st.sampled_from([100, 7, 10**6])),
        exact_share=draw(st.sampled_from([0.5, 0, 1])),
        negative_share=negative,
        negative_results=True if negative else draw(st.booleans()),
        steps=draw(st.booleans()),
        wrapper=draw(st.booleans()),
        phrasings=draw(st.booleans()),
    )


def check_problem(spec, drawn, problem):
    low, high = spec.digit_range(drawn.operation)
    operands = drawn.numbers[drawn.operation == "percentage" :]
    assert all(low <= len(str(abs(number))) <= high for number in operands)
    steps, answer = solve(drawn.operation, drawn.numbers)
    assert problem.answer == answer and problem.facts["operation"] == drawn.operation
    check_solution(drawn.operation, drawn.numbers, steps, answer)
    question = problem.prompt
    if spec.wrapper:
        assert question.startswith("Question: ") and question.endswith(THINK)
        question = question[len("Question: ") : -len(THINK)]
        before = f"{steps}. " if spec.steps else ""
        assert problem.response == f"{before}The answer is {answer}."
    else:
        assert problem.response == (steps if spec.steps else answer)
    shown = {abs(n) for n in drawn.numbers}
    assert {int(n) for n in re.findall(r"\d+", question)} | {1} == shown | {1}
    if not spec.phrasings and drawn.operation not in ("percentage", "divide"):
        assert Term(question).value == Fraction(answer)
    assert set(problem.prompt + problem.response) <= set(ALPHABET) | {"\n"}


@settings(max_examples=150, deadline=None)
@given(
    specs(),
    st.integers(0, 2**64 - 1),
    st.sampled_from(["train", "train", "test"]),
    st.integers(0, 2**60),
)
def test_kernel_equals_definition_and_solutions_are_right(spec, seed, split, start):
    made = ArithmeticSet(spec, seed, split, None if split == "train" else 4)
    indices = np.arange(4) + (start if split == "train" else 0)
    rendered, keys = made.render(indices), made.keys(indices)
    kinds, digits = made.shapes(indices)
    for k, document in enumerate(documents(rendered)):
        stream = int(indices[k]) if split == "train" else int(made._streams[k])
        drawn = draw_problem(spec, seed, split, stream)
        written = write_problem(spec, seed, split, stream, drawn)
        assert document == f"{written.prompt}\n{written.response}\0"
        assert rendered.prompt_sizes[k] == len(written.prompt) + 1
        assert keys[k] == drawn.key == problem_key(drawn.operation, drawn.numbers)
        assert buckets(split)[0] <= bucket(drawn.key) <= buckets(split)[1]
        assert OPERATIONS[kinds[k]] == drawn.operation
        sizes = [len(str(abs(number))) for number in drawn.numbers]
        assert digits[k].tolist() == sizes + [0] * (4 - len(sizes))
        check_problem(spec, drawn, made.problem(int(indices[k])))


NUMBERS = st.one_of(
    st.integers(1, 12),
    st.integers(1, 10**9 - 1),
    st.builds(lambda digit, power: digit * 10**power, st.integers(1, 9), st.integers(0, 8)),
    st.just(10**9 - 1),
)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(OPERATIONS),
    st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    st.tuples(st.booleans(), st.booleans()),
)
def test_any_numbers_are_solved_and_written_the_same(operation, sizes, minus):
    a, b, c, d = sizes
    if operation in FRACTIONS:
        numbers = (-a if minus[0] else a, b, -c if minus[1] else c, d + (b == d == 1))
    elif operation == "percentage":
        numbers = (a % 10**6 + 1, b)
    else:
        a, b = (max(a, b), min(a, b)) if operation == "divide" else (a, b)
        numbers = (-a if minus[0] else a, -b if minus[1] else b)
    drawn = Drawn(operation, numbers, 0)
    written = write_problem(ArithmeticSpec(), 5, "train", 3, drawn)
    check_solution(operation, numbers, *solve(operation, numbers))
    text = np.full(2 * arithmetic_writer.LONGEST, 255, np.uint8)
    row = np.zeros((1, 4), np.int64)
    row[0, : len(numbers)] = numbers
    end = arithmetic_writer.write(
        ArithmeticSet(ArithmeticSpec(), 5, "train")._base,
        np.array([3]),
        np.array([OPERATIONS.index(operation)]),
        row,
        arithmetic_writer.Options(True, True, True),
        _phrases(),
        text,
        np.zeros(2, np.int64),
        np.empty(1, np.int32),
    )
    assert text[:end].tobytes().decode() == f"{written.prompt}\n{written.response}\0"
    assert end < arithmetic_writer.LONGEST * 3 // 4
    a, b, c, d = row[0].tolist()
    key = arithmetic_kernels._key(OPERATIONS.index(operation), a, b, c, d)
    assert int(key) == problem_key(operation, numbers)


@settings(max_examples=40, deadline=None)
@given(specs(longest=100), st.integers(0, 2**64 - 1), st.integers(0, 2**60))
def test_long_numbers(spec, seed, start):
    made = ArithmeticSet(spec, seed, "train")
    for index in (start, start + 1):
        drawn = draw_problem(spec, seed, "train", index)
        check_problem(spec, drawn, made.problem(index))
    problem = made.problem(start)
    assert documents(made.render(np.array([start]))) == [f"{problem.prompt}\n{problem.response}\0"]


def test_the_hundred_digit_set_reaches_its_limit():
    spec = ArithmeticSpec({"add": 1, "percentage": 1}, min_digits=100, max_digits=100)
    made = ArithmeticSet(spec, 0, "test", 20)
    kinds, digits = made.shapes(np.arange(20))
    assert set(kinds.tolist()) == {0, 8} and (digits[:, 1] == 100).all()
    assert len(set(documents(made.render(np.arange(20))))) == 20


def test_constants_of_kernels_and_definition_agree():
    for name in ("GAMMA", "SHAPE_TRIES", "SHAPES", "LEAD"):
        assert getattr(arithmetic_kernels, name) == getattr(arithmetic_reference, name)
    for name in ("GAMMA", "STYLE"):
        assert getattr(arithmetic_writer, name) == getattr(arithmetic_reference, name)
    assert tuple(arithmetic_writer.STYLES) == templates.STYLES


def test_worked_examples_in_full():
    def steps(*args):
        return solve(args[0], args[1:])[0]

    assert steps("add", 3, -4) == "3 + (-4) = -1"
    assert steps("multiply", 348, 27) == ("348 * 27 = 348 * 20 + 348 * 7 = 6960 + 2436 = 9396")
    assert steps("multiply", 7, 305) == "7 * 305 = 7 * 300 + 7 * 5 = 2100 + 35 = 2135"
    assert steps("multiply", 305, 100) == "305 * 100 = 30500"
    assert steps("multiply", -12, 345) == (
        "-12 * 345 = -(12 * 345)\n"
        "12 * 345 = 10 * 345 + 2 * 345 = 3450 + 690 = 4140\n"
        "So -12 * 345 = -4140"
    )
    assert steps("multiply", 123, 456) == (
        "123 * 456 = 100 * 456 + 20 * 456 + 3 * 456 = 45600 + 9120 + 1368\n"
        "45600 + 9120 = 54720\n"
        "54720 + 1368 = 56088\n"
        "So 123 * 456 = 56088"
    )
    assert steps("divide", 409, 12) == (
        "409 - 12 * 30 = 409 - 360 = 49\n49 - 12 * 4 = 49 - 48 = 1\nSo 409 / 12 = 34 R 1"
    )
    assert steps("divide", -7, 2) == ("7 - 2 * 3 = 7 - 6 = 1\n7 / 2 = 3 R 1\nSo -7 / 2 = -3 R -1")
    assert steps("fraction_add", 1, 6, 3, 4) == ("1/6 + 3/4 = 2/12 + 9/12 = (2 + 9)/12 = 11/12")
    assert steps("fraction_subtract", 1, 2, 1, 2) == "1/2 - 1/2 = (1 - 1)/2 = 0/2 = 0"
    assert steps("fraction_multiply", 3, 4, 2, 9) == (
        "3/4 * 2/9 = (3 * 2)/(4 * 9) = 6/36 = (1 * 6)/(6 * 6) = 1/6"
    )
    assert steps("fraction_divide", 3, 1, -1, 5) == (
        "3 / (-1/5) = 3 * (-5) = (3 * (-5))/(1 * 1) = -15"
    )
    assert solve("percentage", (15, 250)) == (
        "15% of 250 = 15 * 250 / 100 = 3750 / 100 = 37.5",
        "37.5",
    )


GOLDEN = "958b6967"


def digest():
    made = ArithmeticSet(ArithmeticSpec(), 7, "train").render(np.arange(3000)).text.tobytes()
    test = ArithmeticSet(ArithmeticSpec(negative_share=0.5, max_digits=12), 7, "test", 100)
    return hashlib.sha256(made + test.render(np.arange(100)).text.tobytes()).hexdigest()[:8]


def test_bytes_never_change():
    """A changed digest means that every published seed now stands for other data."""
    assert digest() == GOLDEN
    code = "from test_arithmetic import digest; print(digest())"
    again = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "12", "PYTHONPATH": os.path.dirname(__file__)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.strip() == GOLDEN


@pytest.mark.parametrize("split,count", [("train", None), ("test", 5000)])
def test_example_depends_on_its_index_only(split, count):
    made = ArithmeticSet(ArithmeticSpec(), 3, split, count)
    whole = documents(made.render(np.arange(5000)))
    order = np.random.default_rng(0).permutation(5000)
    assert documents(made.render(order)) == [whole[i] for i in order]
    assert documents(made.render(np.array([5, 5, 5]))) == [whole[5]] * 3
    shards = [[] for _ in range(4)]

    def work(k):
        shards[k] = documents(made.render(np.arange(k, 5000, 4)))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [shards[i % 4][i // 4] for i in range(5000)] == whole
    problem = made.problem(9)
    assert f"{problem.prompt}\n{problem.response}\0" == whole[9]
    assert len(made.render(np.empty(0, np.int64))) == 0
    again = pickle.loads(pickle.dumps(made))
    assert documents(again.render(np.arange(20))) == whole[:20]


def test_test_split_is_prefix_stable_and_distinct():
    short, long = (ArithmeticSet(ArithmeticSpec(), 5, "test", count) for count in (7, 20_000))
    assert documents(short.render(np.arange(7))) == documents(long.render(np.arange(7)))
    assert len(np.unique(long.keys(np.arange(20_000)))) == 20_000


def problems_of(made, count):
    """Canonical forms, found again from the questions by other means than keys."""
    found = set()
    for index in range(count):
        question = made.problem(index).prompt
        sign = re.search(r"[^\d/() ]+|(?<= )/(?= )", question).group()
        left, right = (Term(part).value for part in question.split(f" {sign} "))
        found.add((sign, *(sorted((left, right)) if sign in "+*" else (left, right))))
    return found


@pytest.mark.parametrize("prefix", ["", "fraction_"])
def test_train_and_test_never_meet(prefix):
    """Nearly all of a small space is drawn, with several seeds, and no problem is shared."""
    names = ("add", "subtract", "multiply", "divide")
    spec = ArithmeticSpec(
        {prefix + name: 1 for name in names}, max_digits=1, phrasings=False, wrapper=False
    )
    train = set().union(*(problems_of(ArithmeticSet(spec, s, "train"), 700) for s in range(3)))
    test = problems_of(ArithmeticSet(spec, 0, "test", 20), 20)
    test |= problems_of(ArithmeticSet(spec, 9, "another", 20), 20)
    validation = problems_of(ArithmeticSet(spec, 4, "validation", 3), 3)
    assert len(train) > 150 and len(test) >= 20
    assert not train & test and not train & validation and not test & validation


def test_equal_problems_have_one_key():
    assert problem_key("add", (3, 40)) == problem_key("add", (40, 3))
    assert problem_key("multiply", (-3, 40)) == problem_key("multiply", (40, -3))
    assert problem_key("subtract", (3, 40)) != problem_key("subtract", (40, 3))
    assert problem_key("add", (3, -40)) != problem_key("add", (3, 40))
    half = problem_key("fraction_add", (1, 2, 2, 3))
    assert problem_key("fraction_add", (4, 6, 5, 10)) == half
    assert problem_key("fraction_multiply", (1, 2, 2, 3)) != half
    assert problem_key("add", (10**60, 1)) != problem_key("add", (10**60 + 2**64, 1))


def test_excluded_problems_do_not_occur():
    plain = ArithmeticSet(ArithmeticSpec(), 0, "train")
    keys = plain.keys(np.arange(300))
    made = ArithmeticSet(ArithmeticSpec(), 0, "train", exclude=keys[::2])
    kept = np.flatnonzero(~np.isin(keys, keys[::2]))
    found = made.keys(np.arange(5000))
    assert not np.isin(found, keys[::2]).any()
    np.testing.assert_array_equal(found[kept], keys[kept])
    drawn = draw_problem(made.spec, 0, "train", 0, made._excluded_keys)
    assert found[0] == drawn.key != keys[0]
    assert documents(made.render(np.array([0]))) == [
        f"{made.problem(0).prompt}\n{made.problem(0).response}\0"
    ]


def test_seeds_are_independent():
    """Equal problems of two seeds with 5- to 7-digit operands are rare."""
    spec = ArithmeticSpec({"add": 1, "divide": 1}, min_digits=5)
    first, second = (ArithmeticSet(spec, s, "train").keys(np.arange(20_000)) for s in (0, 1))
    assert len(np.intersect1d(first, second)) < 20


@pytest.mark.parametrize("operands", ["log_uniform", "digits", "uniform"])
def test_digit_lengths_and_operations_follow_the_specification(operands):
    spec = ArithmeticSpec({"add": 2, "divide": 1, "fraction_add": 1}, operands=operands)
    result = histogram(ArithmeticSet(spec, 2, "train"), 200_000)
    assert set(result) == {"operations", "operands", "fraction_parts"}
    assert sum(result["operations"]["observed"].values()) == 200_000
    assert sum(result["operands"]["observed"].values()) > 290_000
    assert all(part["p_value"] > 1e-3 for part in result.values()), result


def test_histogram_notices_a_small_deviation(monkeypatch):
    """1 % more one-digit numbers than specified, among 1.3 M problems."""
    from mathjax.problems import arithmetic_histogram

    shares = {size: (1.01 if size == 1 else 1) / 7.01 for size in range(1, 8)}
    monkeypatch.setattr(arithmetic_histogram, "digit_shares", lambda spec, operation: shares)
    made = ArithmeticSet(ArithmeticSpec({"add": 1}), 0, "train")
    result = arithmetic_histogram.histogram(made, 1_300_000)
    assert set(result) == {"operations", "operands"}
    assert result["operands"]["p_value"] < 1e-3


def test_histogram_notices_what_must_not_occur():
    made = ArithmeticSet(ArithmeticSpec({"add": 1, "divide": 1}), 0, "train")
    made.spec = ArithmeticSpec({"add": 1}, max_digits=6)
    result = histogram(made, 100)
    assert [part["p_value"] for part in result.values()] == [0, 0]
    assert result["operations"]["observed"]["divide"] > 0
    with pytest.raises(ProblemError, match="^count: "):
        histogram(made, 0)


def test_histogram_of_long_numbers_counts_them_too():
    spec = ArithmeticSpec({"subtract": 1}, max_digits=20)
    result = histogram(ArithmeticSet(spec, 0, "train"), 500)
    assert sum(result["operands"]["observed"].values()) == 1000
    assert result["operands"]["freedom"] == 19 and result["operands"]["p_value"] > 1e-3
    assert sum(digit_shares(ArithmeticSpec(operands="uniform"), "add").values()) == pytest.approx(1)


def test_p_value_of_known_statistics():
    """Standard tables, and SymPy's incomplete gamma function."""
    for chi_square, freedom, p in (
        (3.841459, 1, 0.05),
        (18.307038, 10, 0.05),
        (23.209251, 10, 0.01),
        (124.342113, 100, 0.05),
        (0.0, 3, 1.0),
    ):
        assert chi_square_p_value(chi_square, freedom) == pytest.approx(p, rel=1e-6)
    for freedom, tenths in itertools.product((1, 2, 6, 8, 99), (1, 20, 65, 300, 2000)):
        a, x = sympy.Rational(freedom, 2), sympy.Rational(tenths, 20)
        exact = sympy.uppergamma(a, x).evalf(30) / sympy.gamma(a).evalf(30)
        assert chi_square_p_value(tenths / 10, freedom) == pytest.approx(float(exact), rel=1e-9)


def test_log_uniform_law_is_as_near_as_it_says():
    table = arithmetic_reference.significands()
    nodes = len(table) - 1
    for i in (0, 1, 317, 1023, 1024):
        assert table[i] ** nodes <= 10**i << 30 * nodes < (table[i] + 1) ** nodes

    def chance_below(significand):
        node = np.searchsorted(table, significand, "right") - 1
        if node == nodes:
            return 1.0
        return (node + (significand - table[node]) / (table[node + 1] - table[node])) / nodes

    for digits, tolerance in ((1, 1e-5), (2, 2e-4), (4, 2e-3), (6, 2e-3)):
        smallest = 10 ** (digits - 1)
        for number in range(smallest, 10 * smallest, max(1, smallest // 300)):
            ends = (number << 30, number + 1 << 30)
            chance = chance_below(ends[1] / smallest) - chance_below(ends[0] / smallest)
            assert chance == pytest.approx(math.log10(1 + 1 / number), rel=tolerance)


def numbers_of(spec, count):
    made = ArithmeticSet(spec, 11, "train")
    return made._find(np.arange(count))[1]


def test_leading_digits_of_drawn_numbers():
    """Long numbers, so that the split of small problems does not show."""
    for operands in ("log_uniform", "digits"):
        spec = ArithmeticSpec({"add": 1}, operands=operands, min_digits=5, max_digits=7)
        numbers = numbers_of(spec, 100_000)[:, :2].ravel()
        leading = numbers // 10 ** (np.log10(numbers).astype(np.int64))
        observed = np.bincount(leading, minlength=10)[1:]
        shares = [
            math.log10(1 + 1 / d) if operands == "log_uniform" else 1 / 9 for d in range(1, 10)
        ]
        expected = np.array(shares) * len(numbers)
        assert chi_square_p_value(float(((observed - expected) ** 2 / expected).sum()), 8) > 1e-3
        last = np.bincount(numbers % 10, minlength=10)
        even = len(numbers) / 10
        assert chi_square_p_value(float(((last - even) ** 2 / even).sum()), 9) > 1e-3


def test_shares_of_signs_and_exact_divisions():
    spec = ArithmeticSpec({"divide": 1}, negative_share=0.25, exact_share=0.75, min_digits=3)
    numbers = numbers_of(spec, 40_000)
    a, b = numbers[:, 0], numbers[:, 1]
    assert abs((a < 0).mean() - 0.25) < 0.01 and abs((b < 0).mean() - 0.25) < 0.01
    assert abs(((a < 0) & (b < 0)).mean() - 1 / 16) < 0.01
    assert 0.74 < (a % b == 0).mean() < 0.77
    assert (np.abs(a) >= np.abs(b)).all()
    for operation in ("subtract", "fraction_subtract"):
        spec = ArithmeticSpec({operation: 1}, negative_results=False)
        made = ArithmeticSet(spec, 0, "train")
        assert not any(made.problem(i).answer.startswith("-") for i in range(300))


def test_phrasings_are_many_and_well_formed():
    every = {text for texts in templates.TEMPLATES.values() for text in texts}
    assert len(every) >= 100
    for texts in templates.TEMPLATES.values():
        assert len(set(texts)) == len(texts) and texts[: len(templates.BARE)] == templates.BARE
        for text in texts:
            slots = [name for _, name, _, _ in string.Formatter().parse(text) if name]
            assert slots == ["e"] or sorted(slots) == ["a", "b"], text
            assert text.isascii() and "\n" not in text
    made = ArithmeticSet(ArithmeticSpec({"add": 1}, wrapper=False), 0, "train")
    prompts = [made.problem(i).prompt for i in range(3000)]
    shapes = {re.sub(r"\d+", "N", prompt) for prompt in prompts}
    assert len(shapes) > 3 * len(templates.TEMPLATES["add"]) * 0.6
    bare = sum(set(p) <= set("0123456789+ =?plus") for p in prompts)
    assert 0.2 < bare / len(prompts) < 0.3


def test_problem_for_people():
    problem = ArithmeticSet(ArithmeticSpec(), 0, "train").problem(15)
    assert problem.prompt == "Question: Can you compute 109x22?" + THINK
    assert problem.response == (
        "109 * 22 = 109 * 20 + 109 * 2 = 2180 + 218 = 2398. The answer is 2398."
    )
    assert problem.answer == "2398" and problem.task == "arithmetic"
    assert problem.facts == {"operation": "multiply", "digits_a": 3, "digits_b": 2}


def test_standard_splits():
    splits = standard_splits(ArithmeticSpec())
    assert {name: count for name, (_, count) in splits.items()} == {
        "test": 10_000,
        "longer": 2_000,
    }
    spec, _ = splits["longer"]
    assert (spec.min_digits, spec.max_digits) == (8, 10)
    assert "longer" not in standard_splits(ArithmeticSpec(max_digits=98))
    keys = [
        ArithmeticSet(ArithmeticSpec(), 0, name, 10_000).keys(np.arange(10_000))
        for name in ("test", "validation")
    ]
    train = np.unique(ArithmeticSet(ArithmeticSpec(), 0, "train").keys(np.arange(200_000)))
    everything = np.concatenate([*keys, train])
    assert len(np.unique(everything)) == len(everything)


@pytest.mark.parametrize(
    "field,values",
    [
        ("operations", [{}, {"add": 0}, {"power": 1}, {"add": -1}, {"add": "1"}, "add", None]),
        ("operations", [{"add": float("nan")}, {"add": float("inf")}]),
        ("operands", ["normal", None]),
        ("min_digits", [0, 8, 1.0]),
        ("max_digits", [0, 101, "7", True]),
        ("fraction_digits", [0, 101, 2.5]),
        ("max_percent", [0, 10**7]),
        ("exact_share", [-0.1, 1.1, "half", float("nan")]),
        ("negative_share", [-1, 2, None]),
        ("negative_results", [1, "no"]),
        ("steps", [None, 1]),
        ("wrapper", ["yes"]),
        ("phrasings", [0]),
    ],
)
def test_bad_fields_are_named(field, values):
    for value in values:
        with pytest.raises(ProblemError, match=f"^{field}: "):
            ArithmeticSpec(**{field: value})
    with pytest.raises(ProblemError, match="^negative_results: "):
        ArithmeticSpec(negative_share=0.1, negative_results=False)


def test_impossible_sets_say_what_to_change():
    tiny = ArithmeticSpec({"add": 1}, max_digits=1)
    with pytest.raises(ProblemError, match="^count: .* has only about"):
        ArithmeticSet(tiny, 0, "test", 500)
    every = [problem_key("add", pair) for pair in itertools.product(range(1, 10), repeat=2)]
    with pytest.raises(ProblemError, match="find no problem"):
        ArithmeticSet(tiny, 0, "train", exclude=every)
    with pytest.raises(ProblemError, match="^count: "):
        ArithmeticSet(tiny, 0, "test")
    with pytest.raises(ProblemError, match="^count: "):
        ArithmeticSet(tiny, 0, "train", -1)
    with pytest.raises(ProblemError, match="^seed: "):
        ArithmeticSet(tiny, -1, "train")
    with pytest.raises(ProblemError, match="^split: "):
        ArithmeticSet(tiny, 0, "", 3)
    with pytest.raises(ProblemError, match="^exclude: "):
        ArithmeticSet(tiny, 0, "train", exclude=[-1])
    made = ArithmeticSet(ArithmeticSpec(), 0, "test", 10)
    for bad in ([10], [-1]):
        with pytest.raises(IndexError):
            made.render(np.array(bad))
    with pytest.raises(TypeError):
        made.render(np.array([0.5]))


def test_command_prints_the_histogram_and_names_mistakes():
    def run(*flags):
        command = [sys.executable, "-m", "mathjax.problems.arithmetic", *flags]
        return subprocess.run(command, capture_output=True, text=True)

    good = run("--count=3000", "--seed=1")
    assert good.returncode == 0, good.stderr
    assert "percentage" in good.stdout and good.stdout.count("p = ") == 3
    bad = run("--max_digits=0")
    assert bad.returncode == 1 and bad.stderr.startswith("error: max_digits: ")
    assert "Traceback" not in bad.stderr
