"""The puzzle verifier: policy cases, metamorphic properties, hostile text."""

import random
import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.answers.puzzle import MAX_PIECES, MAX_RESPONSE, verify
from mathjax.answers.verdict import Verdict
from mathjax.problems.puzzle import PuzzleSet, PuzzleSpec

NUMBERS, TARGET = [3, 6, 7, 51, 58], 4
RIGHT = "58-51=7,6-7=-1,3*(-1)=-3,-3+7=4"


@pytest.mark.parametrize(
    "response",
    [
        RIGHT,
        RIGHT.replace(",", ";"),
        RIGHT.replace(",", "\r\n"),
        RIGHT.replace(",", " ,\n"),
        RIGHT + ",",
        RIGHT + ".",
        RIGHT + " .\n\n",
        "58 - 51 = 7 , 6\t- 7 = - 1 ; 3 * ( - 1 ) = -3 , (-3) + (7) = (4)",
        "058-0051=7,6-7=-01,3*(-1)=-3,-3+7=004",
        "+58-51=+7,6-7=-1,(+3)*(-1)=-3,-3+7=4",
        "58\u221251=7,6\u20137=\u22121,3\u00d7\u22121=\u22123,\u22123+7=4",
        RIGHT.replace("*", "\u00b7"),
        f"```\n{RIGHT}\n```",
        f"```{RIGHT}```",
        f"Here it is:\n```text\n{RIGHT}\n```\nwhich uses all numbers.",
        f"3,6,7,51,58:4\n{RIGHT}",
        f"Solution: {RIGHT}",
        f"Step 1: {RIGHT}",
        f"Numbers 3, 6, 7, 51, 58. The answer is {RIGHT}. Done, as wanted.",
        f"Sure! {RIGHT}",
        f"{RIGHT}\nThe target 4 is reached.",
        f"{RIGHT}\n4",
        f"{RIGHT}\n---\nI am sure :)",
        f"{RIGHT} as wanted",
    ],
)
def test_accepts(response):
    assert verify(NUMBERS, TARGET, response) == Verdict.right()


def changed(old, new):
    assert old in RIGHT
    return RIGHT.replace(old, new, 1)


@pytest.mark.parametrize(
    "response,reason",
    [
        ("", "parse"),
        ("4", "parse"),
        ("I do not know", "parse"),
        ("58-51=7", "unused_number"),
        ("58-51=7,6*7=42,7-3=4", "step_count"),
        ("58-51=7,6-7=-1,3*(-1)=-3", "step_count"),
        (RIGHT + ",4+0=4", "step_count"),
        (RIGHT + "\n" + RIGHT, "step_count"),
        (changed("-3+7=4", "-3+7=5"), "wrong_arithmetic"),
        (changed("-3+7=4", "7-(-3)=10"), "wrong_target"),
        (changed("-3+7=4", "7/(-3)=-2"), "division"),
        (changed("6-7", "6-8"), "unknown_operand"),
        (changed("58-51", "58--51"), "unknown_operand"),
        # Beside the form.
        ("3+4+5=12," + RIGHT, "parse"),
        ("x=3\n" + RIGHT, "parse"),
        (RIGHT + "\nx=4", "parse"),
        (RIGHT + "=4", "parse"),
        ("(58-51)=7" + RIGHT[7:], "parse"),
        (changed("(-1)", "((-1))"), "parse"),
        (changed("(-1)", "-(1)"), "parse"),
        (changed("(-1)", "(-1"), "parse"),
        (changed("-3+7", "--3+7"), "parse"),
        (changed("58", "5e1"), "parse"),
        (changed("58", "0x3A"), "parse"),
        (changed("58", "5_8"), "parse"),
        (changed("58", "5 8"), "parse"),
        (changed("58", "58.0"), "parse"),
        (changed("58", "\uff15\uff18"), "parse"),
        (changed("58", "5\u200b8"), "parse"),
        (changed("=7", "=7.0"), "parse"),
        (changed("=7", "==7"), "parse"),
        (changed("=7", "\uff1d7"), "parse"),
        (changed("3*", "3x"), "parse"),
        (changed("3*", "3**"), "parse"),
        # Text between steps, or that could be arithmetic.
        (changed("7,6", "7, then 6"), "parse"),
        (changed("7,6", "7\nthen\n6"), "parse"),
        (changed("7,6", "7. 6"), "parse"),
        ("58-51 equals 7\n" + RIGHT, "parse"),
        ("58-51\u22487\n" + RIGHT, "parse"),
        ("2 x " + RIGHT, "parse"),
        ("6:" + RIGHT, "parse"),
        ("6-\n" + RIGHT, "parse"),
        ("1,0" + RIGHT, "parse"),
        ("1. " + RIGHT, "parse"),
        ("\u0662 " + RIGHT, "parse"),
        (RIGHT + ",000", "parse"),
        (RIGHT + ",4*1", "parse"),
        (RIGHT + "\n+1", "parse"),
        (RIGHT + ",(", "parse"),
        (RIGHT + ".5", "parse"),
        (RIGHT + ". 5", "parse"),
        (RIGHT + "!", "parse"),
        (RIGHT + "%", "parse"),
        (RIGHT + "e0", "parse"),
        (RIGHT + " e5", "parse"),
        (RIGHT + " million", "parse"),
        (RIGHT + " 5", "parse"),
        (f"${RIGHT}$", "parse"),
        (RIGHT + "\0", "parse"),
        ("\0" + RIGHT, "parse"),
        (RIGHT + "\ud800", "parse"),
    ],
)
def test_rejects(response, reason):
    verdict = verify(NUMBERS, TARGET, response)
    assert (verdict.status, verdict.reason) == ("wrong", reason), verdict
    assert not verdict.correct and not verdict
    verdict.detail.encode("ascii")


def test_thousands_are_not_read_as_text_and_a_step():
    assert not verify([5, 5], 0, "1,005-5=0")
    assert verify([5, 5], 0, "5-5=0")


def test_division_rules():
    assert verify([3, 14], 4, "14/3=4").reason == "division"
    assert verify([3, 14], 4, "14/3=4", "integer")
    assert verify([3, 12], 4, "12\u00f73=4")
    assert verify([3, 12], 5, "12/3=5").reason == "wrong_arithmetic"
    assert verify([0, 5], 0, "5/0=0", "integer").reason == "division"
    assert verify([-14, 3], -4, "-14/3=-4", "integer").reason == "division"
    assert verify([14, -7], -2, "14/(-7)=-2", "integer")


def test_multiset():
    assert verify([7, 51, 58], 49, "58-51=7,7*7=49")
    assert verify([7, 7], 49, "7*7=49")
    assert verify([7, 6], 49, "7*7=49").reason == "unknown_operand"
    assert verify([np.int64(7), 7], np.int32(0), "7-7=0")
    assert verify([-3, 4], 1, "-3+4=1")


def test_detail_names_the_step():
    verdict = verify(NUMBERS, TARGET, changed("=-1", "=-2"))
    assert "step 2" in verdict.detail and "6-7=-2" in verdict.detail and "-1" in verdict.detail


@pytest.mark.parametrize(
    "arguments,error",
    [
        (([3], 3, ""), ValueError),
        (([3, True], 3, ""), TypeError),
        (([3, 4.0], 3, ""), TypeError),
        (("34", 3, ""), TypeError),
        (([3, 4], None, ""), TypeError),
        (([3, 4], 7, None), TypeError),
        (([3, 4], 7, b"3+4=7"), TypeError),
        (([3, 4], 7, "3+4=7", "floor"), ValueError),
        (([3, 10**5000], 7, "3+4=7"), ValueError),
    ],
)
def test_bad_arguments(arguments, error):
    with pytest.raises(error):
        verify(*arguments)


def test_verdict_is_consistent():
    assert not Verdict.undecided("limit").correct
    with pytest.raises(ValueError):
        Verdict("maybe", "parse")


@pytest.mark.parametrize(
    "response",
    [
        "9" * 10**6,
        "1+" + "9" * 19_000 + "=3",
        "(" * 19_999,
        "," * 19_000 + "=",
        "a," * 9_000 + "=",
        "1+1=2," * 3_000,
        "1+," * 6_000 + "=",
        " " * 19_000 + "=",
        "1 " * 9_000 + "=",
        "-" * 19_000 + "=",
        "=" * 19_000,
        "`:" * 9_000 + "=",
        "a" * (MAX_RESPONSE + 1),
    ],
)
def test_hostile_size(response):
    assert not verify(NUMBERS, TARGET, response).correct


def test_far_too_many_equations_are_too_many_steps():
    assert verify(NUMBERS, TARGET, RIGHT + ",1+1=2" * 50).reason == "step_count"
    assert verify(NUMBERS, TARGET, "=" * 1000).reason == "step_count"


def test_size_limits_are_undecided_not_wrong():
    assert verify(NUMBERS, TARGET, RIGHT + "\n" + "a" * MAX_RESPONSE).reason == "limit"
    assert verify(NUMBERS, TARGET, RIGHT + "\n" * MAX_PIECES + "done").reason == "limit"
    assert verify(NUMBERS, TARGET, "\n" * MAX_RESPONSE + RIGHT + " " * MAX_RESPONSE).correct
    huge = 10**598
    assert verify([huge, huge], 1, f"{huge}*{huge}={'1' + '0' * 1196}").reason == "limit"
    assert verify(NUMBERS, TARGET, "0" * 3_000 + RIGHT)


# Metamorphic properties on generated puzzles.

SETS = [
    (PuzzleSet(PuzzleSpec(num_numbers=(2, 3, 5, 7, 10), max_number=60, division=d), 11, "train"), d)
    for d in ("exact", "integer")
]


def a_puzzle(index, which=0):
    made, division = SETS[which]
    problem = made.problem(index)
    numbers = [int(n) for n in problem.prompt.split(":")[0].split(",")]
    return numbers, int(problem.answer), problem.response, division


def split_step(step):
    left, symbol, right, result = re.fullmatch(
        r"(-?\d+)([+\-*/])\(?(-?\d+)\)?=(-?\d+)", step
    ).groups()
    return int(left), symbol, int(right), int(result)


def join_step(a, symbol, b, value):
    return f"{a}{symbol}({b})={value}" if b < 0 else f"{a}{symbol}{b}={value}"


def brute_force(numbers, target, response, division):
    """Independent decision for text in canonical form: exact rationals, a list of live values."""
    live = list(numbers)
    for text in response.split(","):
        if not re.fullmatch(r"-?[0-9]+[+\-*/](-?[0-9]+|\(-?[0-9]+\))=-?[0-9]+", text):
            return False
        a, symbol, b, value = split_step(text)
        for operand in (a, b):
            if operand not in live:
                return False
            live.remove(operand)
        if symbol == "/":
            if b == 0:
                return False
            exact = Fraction(a, b)
            fine = exact == value
            if division == "integer" and a >= 0 and b > 0:
                fine = int(exact) == value
        else:
            fine = {"+": a + b, "-": a - b, "*": a * b}[symbol] == value
        if not fine:
            return False
        live.append(value)
    return live == [target]


indices, which = st.integers(0, 10**9), st.integers(0, 1)
common = settings(max_examples=60, deadline=None)


@common
@given(indices, which, st.randoms(use_true_random=False))
def test_order_of_numbers_does_not_matter(index, kind, rng):
    numbers, target, response, division = a_puzzle(index, kind)
    shuffled = rng.sample(numbers, len(numbers))
    assert verify(shuffled, target, response, division).correct
    broken = response + "1"
    assert verify(shuffled, target, broken, division) == verify(numbers, target, broken, division)


@common
@given(indices, which, st.data())
def test_swapping_operands(index, kind, data):
    numbers, target, response, division = a_puzzle(index, kind)
    steps = response.split(",")
    k = data.draw(st.integers(0, len(steps) - 1))
    a, symbol, b, value = split_step(steps[k])
    steps[k] = join_step(b, symbol, a, value)
    swapped = ",".join(steps)
    expected = symbol in "+*" or brute_force(numbers, target, swapped, division)
    assert verify(numbers, target, swapped, division).correct == expected


@common
@given(indices, which, st.randoms(use_true_random=False))
def test_topological_reordering_keeps_right(index, kind, rng):
    numbers, target, response, division = a_puzzle(index, kind)
    steps = response.split(",")
    live, needs = [(number, None) for number in numbers], []
    for k, step in enumerate(steps):
        a, _, b, value = split_step(step)
        used = []
        for operand in (a, b):
            used.append(next(item for item in live if item[0] == operand))
            live.remove(used[-1])
        needs.append({maker for _, maker in used if maker is not None})
        live.append((value, k))
    order = []
    while len(order) < len(steps):
        ready = [k for k in range(len(steps)) if k not in order and needs[k] <= set(order)]
        order.append(rng.choice(ready))
    reordered = ",".join(steps[k] for k in order)
    assert verify(numbers, target, reordered, division).correct


@common
@given(indices, which, st.data())
def test_changed_characters_agree_with_brute_force(index, kind, data):
    numbers, target, response, division = a_puzzle(index, kind)
    for _ in range(10):
        at = data.draw(st.integers(0, len(response) - 1))
        new = data.draw(st.sampled_from("0123456789+-*/(),=."))
        mutant = response[:at] + new + response[at + 1 :]
        verdict = verify(numbers, target, mutant, division)
        if verdict.correct and mutant != response:
            plain = re.sub(r"\((\d+)\)", r"\1", mutant).strip(",.")
            assert brute_force(numbers, target, plain, division), mutant
        if brute_force(numbers, target, mutant, division):
            assert verdict.correct, (mutant, verdict)


@common
@given(indices, which, st.data())
def test_adding_dropping_repeating(index, kind, data):
    numbers, target, response, division = a_puzzle(index, kind)
    steps = response.split(",")
    k = data.draw(st.integers(0, len(steps) - 1))
    assert not verify([*numbers, 61], target, response, division).correct
    assert not verify(numbers, target, ",".join(steps[:k] + steps[k + 1 :]), division).correct
    assert not verify(numbers, target, ",".join(steps[: k + 1] + steps[k:]), division).correct
    assert not verify(numbers, target + 1, response, division).correct


@common
@given(indices, which, st.randoms(use_true_random=False))
def test_whitespace_separators_and_glyphs(index, kind, rng):
    numbers, target, response, division = a_puzzle(index, kind)
    glyphs = {"-": "-\u2212\u2013", "*": "*\u00d7\u00b7", "/": "/\u00f7", ",": ",;\n"}
    written = []
    for character, following in zip(response, response[1:] + " ", strict=True):
        written.append(rng.choice(glyphs.get(character, character)))
        if not (character.isdigit() and following.isdigit()):
            written.append(rng.choice(["", "", " ", "\t", "\u00a0", "  "]))
    assert verify(numbers, target, "".join(written), division).correct
    assert not verify(numbers, target + 1, "".join(written), division).correct


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=60) | st.text("0123456789+-*/=(),;.: \n`ax\u2212\uff11\0", max_size=60))
def test_any_text_is_decided(response):
    verdict = verify([3, 4], 7, response)
    if verdict.correct:
        assert re.search(r"0*[34][\s)]*\+[\s(+]*0*[34][\s)]*=[\s(+]*0*7", response)
    assert verify([3, 4], 7, response) == verdict


def test_own_solutions_are_right():
    rng = random.Random(0)
    for kind in (0, 1):
        for _ in range(1000):
            numbers, target, response, division = a_puzzle(rng.randrange(10**12), kind)
            assert verify(numbers, target, response, division).correct
