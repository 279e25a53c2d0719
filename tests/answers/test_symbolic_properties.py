"""Properties of `symbolic.check` that need no list of cases: equivalence, renaming, fuzz."""

import itertools
import random
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from symbolic_pairs import MAKERS, pairs
from symbolic_trees import NAMES, evaluate, formula, mutated, number, rewritten, same_values, text

from mathjax.answers import fast_formulas
from mathjax.answers.symbolic import KINDS, check
from mathjax.problems import expressions as ex
from mathjax.problems.expression_printers import STYLES, to_text
from mathjax.problems.expressions import Add, Div, Mul, Neg, Num, Var

HOSTILE = (
    ("E", "I", "S", "N"),
    ("Q", "O", "C", "beta"),
    ("lambda", "gamma", "zeta", "pi"),
    ("e", "i", "oo", "sin"),
    ("Symbol", "expand", "in", "or"),
    ("λ", "é", "Ω", "ж"),
    ("price", "xx", "x1", "inf"),
    ("sqrt", "log", "max", "abs"),
)

seeds = st.integers(0, 2**40).map(random.Random)
depths = st.integers(0, 4)


@pytest.fixture(scope="module", autouse=True, params=["trees", "compiled"])
def way(request):
    """Both ways of comparing: by trees alone, and by compiled code where that is sure."""
    if request.param == "compiled":
        fast_formulas.load()
        yield
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(fast_formulas, "check", lambda *_: None)
            yield


def drawn(r, depth, names=NAMES):
    """A formula that has a value somewhere."""
    tree = formula(r, depth, names)
    assume(same_values(tree, tree, r))
    return tree


def assert_status(expected, *arguments):
    """Of both orders of reference and candidate."""
    reference, candidate, *rest = arguments
    for pair in ((reference, candidate), (candidate, reference)):
        verdict = check(*pair, *rest)
        assert verdict.status == expected, (pair, rest, verdict)


@given(seeds, depths)
@settings(max_examples=60)
def test_reflexive_and_equal_to_every_rewriting(r, depth):
    tree = drawn(r, depth)
    written = text(tree, r)
    assert_status("right", written, written)
    assert_status("right", written, text(rewritten(tree, r, r.random()), r))
    for style, other in itertools.combinations(STYLES, 2):
        assert_status("right", to_text(tree, style), to_text(tree, other))


@given(seeds, depths)
@settings(max_examples=40)
def test_transitive(r, depth):
    tree = drawn(r, depth)
    first, second, third = (text(rewritten(tree, r), r) for _ in range(3))
    changed = rewritten(mutated(tree, r), r)
    equal = same_values(tree, changed, r)
    assume(equal is not None)
    for one, other in itertools.combinations((first, second, third), 2):
        assert_status("right", one, other)
    verdicts = {check(one, text(changed, r)).status for one in (first, second, third)}
    assert verdicts == {"right" if equal else "wrong"}


@given(seeds, depths)
@settings(max_examples=80)
def test_one_change_makes_it_wrong(r, depth):
    tree = drawn(r, depth)
    changed = mutated(rewritten(tree, r, 0.3), r)
    equal = same_values(tree, changed, r)
    assume(equal is not None)
    assert_status("right" if equal else "wrong", text(tree, r), text(changed, r))


@given(seeds, depths, st.sampled_from(HOSTILE))
@settings(max_examples=60)
def test_renaming_both_keeps_the_verdict_and_renaming_one_breaks_it(r, depth, names):
    tree = drawn(r, depth)
    used = ex.variables(tree)
    assume(used)
    other = rewritten(tree, r) if r.random() < 0.6 else mutated(tree, r)
    equal = same_values(tree, other, r)
    assume(equal is not None)
    renaming = dict(zip(NAMES, r.sample(names, 4), strict=True))
    style = r.choice(STYLES)

    def written(one, renamed):
        return to_text(one, style, renaming if renamed else None)

    expected = "right" if equal else "wrong"
    assert_status(expected, written(tree, False), written(other, False), "expression", NAMES)
    assert_status(expected, written(tree, True), written(other, True), "expression", names)
    # A name left out where it counts for nothing makes no difference.
    point = {name: Fraction(r.randint(2, 10**6), 7) for name in NAMES}
    zero = {**point, used[0]: point[used[0]] + 1}
    try:
        counts = evaluate(tree, point) != evaluate(tree, zero)
    except ZeroDivisionError:
        counts = False
    assume(counts)
    both = (*NAMES, *names)
    assert_status("wrong", written(tree, True), written(tree, False), "expression", both)


@given(seeds, st.integers(1, 3))
@settings(max_examples=60)
def test_scaling_an_equation(r, depth):
    left, right = (polynomial(r, depth) for _ in range(2))
    difference = Add((left, Neg(right)))
    assume(not is_constant(difference, r))
    reference = f"{text(left, r)} = {text(right, r)}".replace("$", "")
    factor = number(r)
    scaled = [rewritten(Mul((factor, side)), r, 0.3) for side in (left, right)]
    style = r.choice(STYLES)
    assert_status("right", reference, " = ".join(to_text(s, style) for s in scaled), "equation")
    moved = f"0 = {to_text(rewritten(Div(difference, factor), r, 0.3), style)}"
    assert_status("right", reference, moved, "equation")
    # x times both sides: x = 0 is new unless it solves the equation whatever the others are.
    at_zero = {name: Fraction(r.randint(10**5, 10**6), 11) for name in NAMES} | {"x": Fraction(0)}
    assume(evaluate(difference, at_zero))
    times_x = " = ".join(to_text(Mul((Var("x"), side)), style) for side in (left, right))
    assert_status("wrong", reference, times_x, "equation")


def polynomial(r, depth):
    terms = [
        ex.mul([number(r), *(Var(r.choice(NAMES[:3])) for _ in range(r.randint(0, 2)))])
        for _ in range(depth)
    ]
    return ex.add(terms)


def is_constant(tree, r):
    points = [{name: Fraction(r.randint(-(10**6), 10**6)) for name in NAMES} for _ in range(6)]
    return len({evaluate(tree, point) for point in points}) == 1


@given(seeds, st.lists(st.fractions(-50, 50, max_denominator=7), min_size=1, max_size=6))
@settings(max_examples=60)
def test_order_and_repetition_of_a_set(r, values):
    def written(elements):
        parts = [text(rewritten(Num(v), r, 0.5), r).replace("$", "") for v in elements]
        form = r.choice(("{{{}}}", "\\{{{}\\}}", "{}", "x = {}"))
        return form.format(", ".join(parts))

    shuffled = r.sample(values, len(values)) + r.choices(values, k=r.randint(0, 2))
    assert_status("right", written(values), written(shuffled), "solution_set")
    new = Fraction(r.randint(51, 99), 3) + 100
    assert_status("wrong", written(values), written([*shuffled, new]), "solution_set")
    fewer = [v for v in shuffled if v != values[0]]
    if fewer:
        assert_status("wrong", written(values), written(fewer), "solution_set")


def test_pairs_of_known_truth():
    """A sample of what `symbolic_pairs.py` draws; it was run on 10,000."""
    undecided = 0
    for name, pair in pairs(seed=3, count=100 * len(MAKERS)):
        verdict = check(pair.reference, pair.candidate, pair.kind, pair.variables)
        back = check(pair.candidate, pair.reference, pair.kind, pair.variables)
        assert verdict.status == back.status, (name, pair)
        if verdict.status == "undecided":
            undecided += 1
        else:
            assert verdict.correct == pair.equal, (name, pair, verdict)
    assert undecided <= 16  # of 800, formulas with functions


# Fuzz

PIECES = (
    "0 1 2 3 12 0.5 1e3 007 1,234 x y z E e I pi sqrt sin log ln abs max xy x_1 alpha \\alpha λ "
    "\\frac \\sqrt \\binom { } ( ) [ ] \\{ \\} | + - * / ^ ** ! % ° ^\\circ = < > \\le != ≤ , "
    "; and or in \\in \\cup ∪ \\cap \\setminus \\emptyset \\infty oo \\mathbb{R} ± \\pm \\mp "
    "\\text{ or } \\text{ cm} \\mathrm{price} \\left \\right \\begin{pmatrix} \\end{pmatrix} & "
    "\\\\ \\cdot $ ² ³ ½ \\overline{3} _ _1 \\log_2 log_2 \\lfloor \\rfloor : ~ √ ∞ none "
    "\\boxed{ ` . ' \" # @ 1/2 \\frac12 x^2 (x+1) -1 {1,2} (0,1] x=2 [[1,2],[3,4]] sin(x) sqrt(2)"
).split()


def near_mathematics(r):
    pieces = [r.choice(PIECES) for _ in range(r.randint(1, 10))]
    return r.choice(("", "", " ")).join(pieces)


def near_formula(r, depth):
    """The text of a formula with functions, brackets of all kinds and a slip here and there."""
    if depth <= 0:
        return r.choice(("x", "y", "2", "0.5", "\\frac12", "pi", "e", "n", "3!", "50%", "x_1"))
    a, b = near_formula(r, depth - 1), near_formula(r, depth - 2)
    forms = (
        "{a}+{b}", "{a} - {b}", "({a})*{b}", "{a} {b}", "({a})/({b})", "\\frac{{{a}}}{{{b}}}",
        "({a})^{{{b}}}", "({a})^2", "\\sqrt{{{a}}}", "\\sin({a})", "log({a})", "|{a}|", "-{a}",
        "max({a},{b})", "floor({a})", "({a})!", "exp({a})", "\\sqrt[3]{{{a}}}", "binomial({a},{b})",
        "log_2({a})", "tan({a})", "asin({a})", "({a})°", "{a}²", "{a}±{b}",
    )  # fmt: skip
    written = r.choice(forms).format(a=a, b=b)
    if r.random() < 0.04:
        i = r.randrange(len(written))
        written = written[:i] + r.choice("()+-*/^x2{}\\") + written[i + r.randint(0, 1) :]
    return written


def near_kind(r, kind):
    def some():
        return near_formula(r, r.randint(0, 3))

    match kind:
        case "equation":
            return some() + r.choice(("=", "=", "<", "\\ge ", "!=")) + some()
        case "solution_set":
            listed = r.choice((", ", " or ", " and ", "; ")).join(some() for _ in range(3))
            return r.choice(("{{{}}}", "\\{{{}\\}}", "{}", "x = {}")).format(listed)
        case "interval":
            one = f"{r.choice('([')}{some()},{r.choice((some(), 'oo'))}{r.choice(')]')}"
            return r.choice((one, f"{one} ∪ [0,1]", f"x < {some()}", f"1 <= x < {some()}"))
        case "tuple":
            return f"({some()}, {some()})"
        case "matrix":
            return f"[[{some()}, {some()}], [1, {some()}]]"
    return some()


def bytes_decoded(r):
    data = r.randbytes(r.choice((1, 2, 4, 8, 16, 40, 120)))
    encoding = r.choice(("latin-1", "utf-8", "utf-16-le", "ascii", "cp1252"))
    errors = (
        "replace" if encoding != "utf-8" else r.choice(("replace", "ignore", "surrogateescape"))
    )
    return data.decode(encoding, errors)


REFERENCES = {
    "expression": "x+1", "number": "1/2", "equation": "x = 2", "solution_set": "{1, 2}",
    "interval": "(0, 1]", "tuple": "(1, 2)", "matrix": "[[1,2],[3,4]]",
}  # fmt: skip


SAME = {
    "x+1", "(x+1)", "1/2", "0.5", "½", "0½", "50%", "frac12", "x=2", "2", "{1,2}", "(0,1]", "0,1]",
    "[[1,2],[3,4]]",
}  # fmt: skip
"""What equals a reference and is met by chance, without its spaces and fences."""


def cpu_seconds(*arguments):
    start = time.thread_time()
    verdict = check(*arguments)
    return time.thread_time() - start, verdict


@pytest.mark.parametrize("make", [bytes_decoded, near_mathematics])
def test_noise_is_never_right(make):
    r = random.Random(17)
    for _ in range(1500):
        candidate, kind = make(r), r.choice(KINDS)
        seconds, verdict = cpu_seconds(REFERENCES[kind], candidate, kind, ("x",))
        assert seconds < 2
        if verdict.correct:  # then it is the reference, but for what the policy allows
            plain = candidate.replace("\\left", "").replace("\\right", "")
            plain = "".join(c for c in plain if c not in " \\$~`.")
            assert plain in SAME, (kind, candidate)


@pytest.mark.parametrize("kind", KINDS)
def test_near_mathematics_is_judged_the_same_both_ways(kind):
    r = random.Random(kind)
    for _ in range(200):
        reference = near_kind(r, kind)
        candidate = reference if r.random() < 0.5 else near_kind(r, kind)
        seconds, verdict = cpu_seconds(reference, candidate, kind)
        assert seconds < 2, (reference, candidate)
        assert check(candidate, reference, kind).status == verdict.status, (reference, candidate)
        if candidate == reference:
            assert verdict.reason in ("right", "parse", "undefined", "limit", "kind"), reference


# The same verdict in any order, thread and process


def mixed_cases():
    r = random.Random(29)
    cases = [pair[:4] for _, pair in pairs(seed=5, count=60)]
    for kind in KINDS:
        for _ in range(12):
            reference = near_kind(r, kind)
            cases.append((reference, r.choice((reference, near_kind(r, kind))), kind, ()))
    return cases


def test_same_verdicts_in_any_order_and_thread():
    cases = mixed_cases()
    expected = [check(*case) for case in cases]
    order = random.Random(1).sample(range(len(cases)), len(cases))
    for i in order:
        assert check(*cases[i]) == expected[i], cases[i]
    with ThreadPoolExecutor(4) as pool:
        found = dict(zip(order, pool.map(lambda i: check(*cases[i]), order), strict=True))
    assert [found[i] for i in range(len(cases))] == expected
    assert threading.active_count() < 20


@pytest.mark.parametrize("hash_seed", ["1", "4242"])
def test_same_verdicts_in_another_process(hash_seed):
    script = (
        "import test_symbolic_properties as t\n"
        "print([t.check(*case).reason for case in t.mixed_cases()])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parent,
        env={"PYTHONHASHSEED": hash_seed, "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.strip() == str([check(*case).reason for case in mixed_cases()])
