"""Word problems: each is read from its text and solved again, with Fractions or SymPy objects."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import sympy

from mathjax.problems.base import ProblemError
from mathjax.problems.story_words import FRUIT, plural
from mathjax.problems.word_problems import ALPHABET, KINDS, WordProblemSet, WordProblemSpec
from mathjax.problems.word_quadratics import root

TOKEN = re.compile(r"\s*(\d+|[A-Za-z]\w*|[-+*/^()])")


class Reader:
    """Recursive descent over + - * / ^ ( ) sqrt and names, making what `number` and `names` say."""

    def __init__(self, text, number, names):
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == text.replace(" ", ""), text
        self.number, self.names = number, names

    def take(self, *wanted):
        if self.tokens and self.tokens[0] in wanted:
            return self.tokens.pop(0)
        return None

    def read(self):
        value = self.sum()
        assert not self.tokens, self.tokens
        return value

    def sum(self):
        value = -self.product() if self.take("-") else self.product()
        while sign := self.take("+", "-"):
            term = self.product()
            value = value + term if sign == "+" else value - term
        return value

    def product(self):
        value = self.power()
        while sign := self.take("*", "/"):
            term = self.power()
            value = value * term if sign == "*" else value / term
        return value

    def power(self):
        value = self.atom()
        return value ** int(self.tokens.pop(0)) if self.take("^") else value

    def atom(self):
        token = self.tokens.pop(0)
        if token == "(":
            value = self.sum()
            assert self.take(")")
            return value
        if token == "sqrt":
            assert self.take("(")
            value = sympy.sqrt(self.sum())
            assert self.take(")")
            return value
        return self.number(int(token)) if token.isdigit() else self.names[token]


def exact(text, **names):
    return Reader(text, Fraction, names).read()


def symbolic(text, **names):
    return Reader(text, sympy.Integer, names).read()


def drawn(count=150, seed=1, **fields):
    made = WordProblemSet(WordProblemSpec(**fields), seed, "in_domain", count)
    return [made.problem(i) for i in range(count)]


def lines_of(problem):
    *lines, last = problem.response.split("\n")
    assert last == f"Answer: {problem.answer}"
    return lines


def read_circuit(prompt):
    """Resistance of each group by its letter, from the words."""
    values = {}
    for name, parts, kind in re.findall(
        r"(?:(?:Group|Block|Unit) ([A-Z])|The circuit) (?:consists of|is made of|contains) "
        r"([^.]*) in (series|parallel)\.",
        prompt,
    ):
        resistances = [Fraction(n) for n in re.findall(r"a resistor of (\d+) ", parts)]
        resistances += [values[g] for g in re.findall(r"(?:group|block|unit) ([A-Z])", parts)]
        assert len(resistances) == len(re.split(r", | and ", parts)) >= 2
        total = sum(resistances)
        if kind == "parallel":
            total = 1 / sum(1 / r for r in resistances)
        values[name or "R"] = total
    return values


@pytest.mark.parametrize("ask", ["total", "current"])
def test_circuits_are_solved_from_their_words(ask):
    for problem in drawn(kind="resistors", num_resistors=(2, 3, 4, 6), resistor_asks=(ask,)):
        values = read_circuit(problem.prompt)
        answer = values["R"]
        if ask == "current":
            volts = re.search(r"(\d+) volts?", problem.prompt)[1]
            answer = values["I"] = Fraction(volts) / values["R"]
        assert problem.answer == str(answer)
        check_chains(lines_of(problem), values)
        assert problem.prompt.count("a resistor of") == problem.facts["num_resistors"]
        kinds = set(re.findall(r"in (series|parallel)\.", problem.prompt))
        circuit = problem.facts["circuit"]
        assert kinds == ({"series", "parallel"} if circuit == "mixed" else {circuit})


def check_chains(lines, names):
    for line in lines:
        parts = [exact(part, **names) for part in line.split(" = ")]
        assert len(parts) >= 2 and len(set(parts)) == 1, line


def test_missing_resistors():
    spec = {"circuits": ("series", "parallel"), "resistor_asks": ("missing",)}
    for problem in drawn(kind="resistors", **spec):
        question = problem.prompt.split(" Give the exact")[0]
        *known, total = [Fraction(n) for n in re.findall(r"\d+(?:/\d+)?", question)]
        if "series" in question:
            answer = total - sum(known)
        else:
            answer = 1 / (1 / total - sum(1 / r for r in known))
        assert problem.answer == str(answer) and len(known) + 1 == problem.facts["num_resistors"]
        check_chains(lines_of(problem), {"x": answer})


SINGULAR = {name: name for name in FRUIT} | {plural(name): name for name in FRUIT}


def read_baskets(prompt):
    """(counts by fruit, price) of each basket."""
    sentences = re.findall(r"[^.]*\d [^.]*\b(?:costs|pays) \d+ [a-z]+\.", prompt)
    rows = []
    for sentence in sentences:
        counts = {}
        for n, name in re.findall(r"(\d+) ([a-z]+)", sentence):
            if name in SINGULAR:
                assert (n == "1") == (name in FRUIT)
                counts[SINGULAR[name]] = int(n)
        rows.append((counts, int(re.search(r"(\d+) [a-z]+\.$", sentence)[1])))
    return rows


def check_elimination(lines, solution):
    """Every equation holds for the solution, and every row operation gives the row it says."""
    names = list(solution)
    rows = {}

    def read_row(text):
        left, right = text.split(" = ")
        base = exact(left, **dict.fromkeys(names, Fraction(0)))
        assert base == 0
        units = [
            exact(left, **{other: Fraction(other == name) for other in names}) for name in names
        ]
        assert exact(left, **solution) == Fraction(right), text
        return [*units, Fraction(right)]

    for line in lines:
        if found := re.fullmatch(r"(E\d): (.*)", line):
            rows[found[1]] = read_row(found[2])
        elif found := re.fullmatch(r"(E\d) becomes (.*): (.*)", line):
            new = read_row(found[3])
            for k in range(len(names) + 1):
                assert exact(found[2], **{e: row[k] for e, row in rows.items()}) == new[k], line
            rows[found[1]] = new
        elif found := re.fullmatch(r"Swap (E\d) and (E\d)\.", line):
            rows[found[1]], rows[found[2]] = rows[found[2]], rows[found[1]]
        else:
            found = re.fullmatch(r"From E\d: (.*)", line)
            check_chains([found[1]], solution)


@pytest.mark.parametrize("ask", ["all", "one"])
def test_baskets_have_exactly_the_solution_given(ask):
    sizes = Counter()
    for problem in drawn(kind="baskets", basket_ask=ask):
        rows = read_baskets(problem.prompt)
        names = sorted({name for counts, _ in rows for name in counts})
        sizes[len(names)] += 1
        assert len(rows) == len(names) == problem.facts["num_unknowns"]
        matrix = sympy.Matrix([[counts.get(name, 0) for name in names] for counts, _ in rows])
        assert matrix.det() != 0
        found = matrix.LUsolve(sympy.Matrix([price for _, price in rows]))
        solution = {name: Fraction(int(v)) for name, v in zip(names, found, strict=True)}
        assert all(v > 0 for v in solution.values())
        if ask == "all":
            answer = dict(part.split(" = ") for part in problem.answer.split(", "))
            assert {name: Fraction(v) for name, v in answer.items()} == solution
        else:
            name = re.search(r"does one (\w+) cost", problem.prompt)[1]
            assert Fraction(problem.answer) == solution[name]
        check_elimination(lines_of(problem), solution)
    assert set(sizes) == {2, 3, 4, 5}


X = sympy.Symbol("x")


def quadratic_of(situation, prompt):
    """The equation as the words give it, and which root they ask for."""
    n = [sympy.Integer(v) for v in re.findall(r"\d+", prompt.split(" Give the exact")[0])]
    which = "positive"
    for word, meaning in (("larger one", "larger"), ("smaller one", "smaller")):
        which = meaning if word in prompt else which
    for word, meaning in (("last time", "larger"), ("first time", "smaller")):
        which = meaning if word in prompt else which
    for word, meaning in (("largest", "larger"), ("smallest", "smaller")):
        which = meaning if word in prompt else which
    if situation == "area" and ("all around" in prompt or "on all sides" in prompt):
        return (n[0] + 2 * X) * (n[1] + 2 * X) - n[2], which
    if situation == "area":
        area = sympy.Integer(re.search(r"(\d+) square", prompt)[1])
        more = sympy.Integer(re.search(r"is (\d+) \w+ more than", prompt)[1])
        times = re.search(r"more than (?:(twice)|(\d) times) its width", prompt)
        times = 1 if times is None else 2 if times[1] else sympy.Integer(times[2])
        return X * (times * X + more) - area, which
    if situation == "projectile":
        start = sympy.Integer(re.search(r"(\d+) metres? (?:with|above)", prompt)[1])
        speed = sympy.Integer(re.search(r"(\d+) metres per second\b", prompt)[1])
        height = re.search(r"(\d+) metres high", prompt)
        goal = sympy.Integer(height[1]) if height else 0
        return start + speed * X - 5 * X**2 - goal, which
    if situation == "ages":
        gap = sympy.Integer(re.search(r"(\d+) years? (?:older|younger)", prompt)[1])
        product = sympy.Integer(re.search(r"ages (?:was|will be) (\d+)", prompt)[1])
        ago = re.search(r"(\d+) years? ago", prompt)
        years = (
            -sympy.Integer(ago[1]) if ago else sympy.Integer(re.search(r"in (\d+) y", prompt)[1])
        )
        return (X + years) * (X + gap + years) - product, "age"
    price = sympy.Integer(re.search(r"(\d+) dollars(?: each|, a)", prompt)[1])
    sold = sympy.Integer(re.search(r"sells (\d+) [a-z]+ a day", prompt)[1])
    lost = sympy.Integer(
        re.search(r"sells (\d+) fewer|falls by (\d+)", prompt).group(1, 2)[0]
        or re.search(r"falls by (\d+)", prompt)[1]
    )
    revenue = sympy.Integer(re.search(r"(\d+) dollars a day", prompt)[1])
    return (price + X) * (sold - lost * X) - revenue, which


def test_quadratics_are_solved_from_their_words():
    seen = Counter()
    for problem in drawn(160, kind="quadratics"):
        situation = problem.facts["situation"]
        equation, which = quadratic_of(situation, problem.prompt)
        roots = sympy.Poly(equation, X).all_roots()
        roots = sorted(roots, key=lambda r: r.evalf(30))
        assert len(roots) == 2
        answer = symbolic(problem.answer)
        if which == "positive":
            assert roots[0] <= 0 < roots[1]
        elif which == "age":
            assert roots[1] > 0
        else:
            assert 0 < roots[0] < roots[1]
        expected = roots[0] if which == "smaller" else roots[1]
        assert sympy.expand(answer - expected) == 0, problem
        kind = problem.facts["roots"]
        assert kind == (
            "integer" if answer.is_integer else "rational" if answer.is_rational else "irrational"
        )
        check_quadratic_lines(lines_of(problem), equation, answer)
        seen[situation, kind] += 1
    assert len(seen) == 10


def check_quadratic_lines(lines, equation, answer):
    setup, normal, discriminant, reason, solution = lines
    for line in (setup, normal):
        left, right = (symbolic(side, x=X) for side in line.split(" = "))
        ratio = sympy.cancel((left - right) / equation)
        assert ratio.is_number and ratio != 0, line
        assert sympy.expand((left - right).subs(X, answer)) == 0
    letter, *parts = discriminant.split(" = ")
    values = {symbolic(part) for part in parts}
    polynomial = sympy.Poly(symbolic(normal.split(" = ")[0], x=X), X)
    assert letter == "D" and values == {polynomial.discriminant()}
    assert reason.endswith(".")
    letter, *parts = solution.split(" = ")
    assert letter == "x" and len(parts) >= 2
    assert all(sympy.expand(symbolic(part) - answer) == 0 for part in parts), solution


@pytest.mark.parametrize(
    "a,b,c,larger,text",
    [
        (1, -5, 6, False, "2"),
        (4, 0, -9, True, "3/2"),
        (1, -3, 1, True, "(3 + sqrt(5))/2"),
        (1, -3, 1, False, "(3 - sqrt(5))/2"),
        (1, -2, -7, True, "1 + 2*sqrt(2)"),
        (1, 0, -5, True, "sqrt(5)"),
        (4, 0, -5, True, "sqrt(5)/2"),
        (1, 0, -12, False, "-2*sqrt(3)"),
        (2, 4, -1, True, "(-2 + sqrt(6))/2"),
    ],
)
def test_roots_are_written_in_lowest_terms(a, b, c, larger, text):
    assert root(a, b, c, larger).text == text


def test_english_and_alphabet():
    for kind in KINDS:
        for problem in drawn(kind=kind, seed=2):
            assert set(problem.prompt + problem.response) <= {*ALPHABET, "\n"}
            assert not re.search(r"[{}]|  |\s$", problem.prompt), problem.prompt
            plain = re.sub(r"(?i:group|block|unit) [A-Z]\b", "", problem.prompt)
            assert not re.search(r"\ba [aeiou]|\ban [^aeiou]", plain, re.IGNORECASE)
            for sentence in re.split(r"(?<=[.?:])\s", problem.prompt.split(" Answer in")[0]):
                assert re.match(r"[A-Z]|a whole number", sentence), problem.prompt
            assert not re.search(
                r"(?<![\d*/])\b1 (ohms|kilohms|metres|years|volts)\b", problem.prompt
            )
            assert not re.search(r"\b([2-9]|\d\d+) (ohm|metre|year|volt)\b", problem.prompt)
            assert problem.task == "word_problems" and problem.facts["kind"] == kind


def test_wording_and_answers_vary():
    for kind in KINDS:
        problems = drawn(kind=kind, seed=3)
        assert len({re.sub(r"\d+|[A-Z]\w+", "", p.prompt) for p in problems}) > 20
        assert max(Counter(p.answer for p in problems).values()) < 0.1 * len(problems)


def digest():
    parts = []
    for kind in KINDS:
        made = WordProblemSet(WordProblemSpec(kind=kind), 7, "in_domain", 40)
        parts.append(made.render(np.arange(40)).text.tobytes())
    return hashlib.sha256(b"".join(parts)).hexdigest()[:8]


GOLDEN = "51690391"
"""A changed digest means that every published seed now stands for other data."""


def test_same_bytes_in_any_order_and_process():
    for kind in KINDS:
        whole = drawn(30, 5, kind=kind)
        again = WordProblemSet(WordProblemSpec(kind=kind), 5, "in_domain", 60)
        order = np.random.default_rng(0).permutation(30).tolist()
        assert [again.problem(i) for i in order] == [whole[i] for i in order]
    code = "from test_word_problems import digest; print(digest())"
    here = os.path.dirname(__file__)
    again = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "12", "PYTHONPATH": here},
        capture_output=True,
        text=True,
        check=True,
    )
    assert again.stdout.strip() == digest() == GOLDEN


def test_no_problem_twice():
    for kind in KINDS:
        made = WordProblemSet(WordProblemSpec(kind=kind), 0, "in_domain", 150)
        assert len({made.key(i) for i in range(150)}) == 150


def test_word_problems_are_for_testing_only():
    with pytest.raises(ProblemError, match='^split: word problems are for testing only.*"train"'):
        WordProblemSet(WordProblemSpec(), 0, "train", 10)
    with pytest.raises(ProblemError, match="^count: "):
        WordProblemSet(WordProblemSpec(), 0, "in_domain", None)


@pytest.mark.parametrize(
    "field,values",
    [
        ("kind", ["capacitors", None]),
        ("circuits", [(), ("delta",), "series", ("series", "series")]),
        ("num_resistors", [(), (1,), (9,), (2.0,), (True,), 3]),
        ("resistor_asks", [("power",), ()]),
        ("num_unknowns", [(1,), (6,), ()]),
        ("basket_ask", ["two", None]),
        ("situations", [("interest",), ()]),
        ("roots", [("complex",), ()]),
    ],
)
def test_bad_fields_are_named(field, values):
    for bad in values:
        with pytest.raises(ProblemError, match=f"^{field}: "):
            WordProblemSpec(**{field: bad})


def test_fields_that_do_not_go_together():
    with pytest.raises(ProblemError, match="^circuits: "):
        WordProblemSpec(circuits=("mixed",), num_resistors=(2,))
    with pytest.raises(ProblemError, match="^circuits: "):
        WordProblemSpec(circuits=("mixed",), resistor_asks=("missing",))
    with pytest.raises(ProblemError, match="^situations: "):
        WordProblemSpec(kind="quadratics", situations=("ages",), roots=("irrational",))
