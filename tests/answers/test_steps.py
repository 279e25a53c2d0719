"""Arithmetic in worked solutions: the reader's cases, mending, generated texts, hostile text."""

import gzip
import json
import os
import random
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.answers.steps import MAX_CHARACTERS, Remainder, check_trace, final_value, summarise
from mathjax.problems.arithmetic import ArithmeticSet, ArithmeticSpec
from mathjax.problems.stories import StorySet, StorySpec

RIGHT, WRONG, UNDECIDED = "right", "wrong", "undecided"


def statuses(text):
    return [step.status for step in check_trace(text, kind="arithmetic").steps]


def test_step_says_where():
    text = "First 3 + 4 = 7 apples, then 7 * 2 = 15 apples."
    report = check_trace(text)
    step = report.steps[report.first_error]
    assert report.first_error == 1 and step.text == text[step.start : step.end] == "7 * 2 = 15"
    assert (step.left, step.right, step.expected) == ("7 * 2", "15", 14)
    assert (report.right, report.wrong, report.undecided, report.accuracy) == (1, 1, 0, 0.5)
    assert check_trace("no sums").accuracy is None and check_trace("no sums").first_error is None


@pytest.mark.parametrize(
    "text,final,mended",
    [
        ("3*4=12\n#### 12", 12, 12),
        ("3*4=13\n13+2=15\n#### 15", 15, 14),
        ("3*4=13\n13+2=16\n#### 16", 16, 14),
        ("3*4=13\n13+2=16. The answer is 16.", 16, 14),
        ("3*4=13, 13+2=16", 16, 14),
        ("2*(3+4) = 2*8 = 16\n#### 16", 16, 14),
        ("3 * 4 = <<3*4=13>>13\n13 + 2 = <<13+2=15>>15\n#### 15", 15, 14),
        ("3*4=12\n#### 13", 13, 13),
        ("3*4=13\n3*4=12\n#### 12", 12, 12),
        ("10/4=2\n2*4=8\n#### 8", 8, 10),
        ("10/3=3.33\n3.33*2=6.66\n#### 6.66", Fraction("6.66"), Fraction("6.66")),
        ("469 / 45 = 10 R 18. The answer is 10 R 18.", Remainder(10, 18), Remainder(10, 19)),
        ("1/2 + 1/3 = 2/5", Fraction(2, 5), Fraction(5, 6)),
        ("3*4=13 \\boxed{13}", 13, 12),
        ("9 = 5 + 3\n9 * 2 = 18\n#### 18", 18, 16),
        ("nothing", None, None),
        ("3*4=13\n#### 13\n\nQuestion: 1+1=3\n#### 3", 13, 12),
    ],
)
def test_final_answer_and_mending(text, final, mended):
    report = check_trace(text)
    assert (report.final, report.mended) == (final, mended)
    if mended is not None:
        assert report.final_right_if_mended(str(mended))
        assert report.final_right_if_mended(f"some text = 3\n#### {mended}")
        assert report.final_right(str(final))
        assert not report.final_right_if_mended(str(mended) + "1")


def test_references():
    report = check_trace("20/3 = 6.7\n#### 6.67")
    assert report.final_right("$6.67") and not report.final_right("6.66")
    assert check_trace("1/4 = 25%\n#### 25%").final_right(Fraction(1, 4))
    assert check_trace("3 * 500 = 1500\n#### 1,500").final_right(1500)
    with pytest.raises(TypeError):
        report.final_right(None)
    with pytest.raises(TypeError):
        report.final_right_if_mended(6.67)


@pytest.mark.parametrize(
    "text,value",
    [
        ("so 5. The answer is 1,234.50 dollars.", Fraction("1234.5")),
        ("\\boxed{\\frac{3}{4}} of 8", Fraction(3, 4)),
        ("Answer: -7", -7),
        ("The answer is $12. It costs 5 more.", 12),
        ("#### 3\n#### 4", 4),
        ("it is 3 or 4", 4),
        ("the answer is unknown", None),
        ("no number", None),
        ("The answer is 1.5 million.", 1_500_000),
        ("The answer is 2 1/2.", Fraction(5, 2)),
    ],
)
def test_final_value(text, value):
    assert final_value(text) == value


def test_summary():
    texts = ["3*4=12\n#### 12", "3*4=13\n13+2=15\n#### 15", "#### 7", "2+2=4\n#### 5"]
    summary = summarise(map(check_trace, texts), ["12", 14, "8", "4"])
    assert (summary.traces, summary.right, summary.wrong) == (4, 3, 1)
    assert (summary.traces_with_error, summary.traces_without_steps) == (1, 1)
    assert (summary.final_right, summary.final_right_if_mended) == (1, 2)
    assert summary.accuracy == 0.75
    assert summarise([]).accuracy is None
    with pytest.raises(ValueError):
        summarise([check_trace("")], [])


@pytest.mark.parametrize(
    "arguments,error",
    [((None,), TypeError), ((b"1+1=2",), TypeError), (("1+1=2", "prose"), ValueError)],
)
def test_bad_arguments(arguments, error):
    with pytest.raises(error):
        check_trace(*arguments)
    with pytest.raises(TypeError):
        check_trace("1+1=2", prompt=3)


SETS = {
    "arithmetic": ArithmeticSet(ArithmeticSpec(), 1, "train"),
    "signed": ArithmeticSet(ArithmeticSpec(negative_share=0.5, max_digits=12), 1, "train"),
    "bare": ArithmeticSet(ArithmeticSpec(wrapper=False, max_digits=3), 2, "train"),
    "long": ArithmeticSet(ArithmeticSpec(max_digits=100, negative_share=0.3), 1, "train"),
    "stories": StorySet(StorySpec(), 1, "train"),
    "plain stories": StorySet(StorySpec(annotations=False, ending="sentence"), 1, "train"),
}


@pytest.mark.parametrize("name", SETS)
def test_generated_solutions_are_right(name):
    for index in range(20 if name == "long" else 200):
        problem = SETS[name].problem(index)
        report = check_trace(problem.response)
        assert report.kind == "arithmetic" and report.accuracy == 1.0, problem.response
        assert not report.undecided
        annotations = problem.response.count("<<")
        assert len(report.steps) == problem.response.count("=") - annotations, problem.response
        assert report.final_right(problem.answer) and report.mended == report.final
        assert not report.final_right(problem.answer + "7")


@pytest.mark.parametrize("name", SETS)
def test_a_changed_digit_is_found_where_it_is(name):
    """Undecided and right mutants exist: 3 - 1*0 = 3 - 3 reads as run-on, 4.21/4 is 1.05 too."""
    rng = random.Random(4)
    found = total = 0
    for index in range(20 if name == "long" else 150):
        response = SETS[name].problem(index).response
        steps = check_trace(response).steps
        step = rng.choice(steps)
        places = [m.start() for m in re.finditer("[0-9]", response[step.start : step.end])]
        at = step.start + rng.choice(places)
        digit = rng.choice([d for d in "123456789" if d != response[at]])
        report = check_trace(response[:at] + digit + response[at + 1 :])
        total += 1
        if report.first_error is None:
            continue
        error = report.steps[report.first_error]
        assert error.start <= at < error.end
        found += 1
    assert found >= 0.97 * total


def gsm8k(split):
    root = os.environ.get("MATHJAX_DATA")
    if not root:
        pytest.skip("MATHJAX_DATA is not set")
    path = Path(root, "gsm8k", f"{split}.jsonl")
    if not path.exists():
        path = path.with_name(path.name + ".gz")
    if not path.exists():
        pytest.skip(f"no {path}")
    read = gzip.open if path.suffix == ".gz" else open
    with read(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line)["answer"] for line in lines]


@pytest.mark.parametrize("annotated", [True, False])
def test_human_solutions(annotated):
    answers = gsm8k("test")
    texts = answers if annotated else [re.sub("<<[^>]*>>", "", answer) for answer in answers]
    summary = summarise([check_trace(text) for text in texts], answers)
    assert summary.accuracy > 0.995
    assert summary.undecided < 0.005 * summary.right
    assert summary.right > 2.9 * len(answers)
    assert summary.final_right == len(answers)
    assert summary.final_right_if_mended > 0.99 * len(answers)


LONG = MAX_CHARACTERS // 5


@pytest.mark.parametrize(
    "text",
    [
        "=" * LONG,
        "\n= " * (LONG // 3),
        "9^" * (LONG // 2 - 2) + "9=1",
        "9**9**9**9**9 = 9",
        "1e999999999 + 1 = 2",
        "1e99*" * (LONG // 5 - 2) + "1=1",
        "9" * (LONG - 4) + "+1=2",
        ("9" * 999 + "*") * 99 + "1 = 1",
        "1" + ",000" * (LONG // 4 - 3) + "0 = 1",
        "(" * LONG,
        "(" * (LONG // 2 - 3) + "1" + ")" * (LONG // 2 - 3) + "=1",
        "[(" * (LONG // 3) + "3+4=7",
        "1+" * (LONG // 2 - 5) + "1=2",
        " + ".join(f"1/{k}" for k in range(1000, 9000)) + " = 1",
        "1+1=2" * (LONG // 5),
        "1+1" + "=1+1" * (LONG // 4 - 2),
        "5 word " * (LONG // 7),
        "5 x " * (LONG // 4),
        "x" + " " * (LONG - 1),
        "- " * (LONG // 2),
        "5" + "%" * (LONG - 5) + " = 1",
        "<<" * (LONG // 2),
        "<<1+1=2>>" * (LONG // 9),
        "\\frac{" * (LONG // 6),
        "\\frac{1}{2}" * (LONG // 11),
        "\\sqrt{" * (LONG // 6) + "4",
        "\\text{" * (LONG // 6),
        "3.33..." * (LONG // 7 - 1) + "=",
        "The answer is " * (LONG // 14),
        "####" * (LONG // 4),
        "\nQ:" * (LONG // 3),
        "\0" * LONG,
        "\ud800=" * (LONG // 2),
        "10/3 = 3 left " * (LONG // 14),
        "<<3+4=7>>1/0 <<1/0=7>>7 <<0^-1=3>>3 = 0/0 = 0^0 = 1/0 R 3",
    ],
    ids=range(35),
)
def test_hostile_text(text):
    for kind in ("auto", "arithmetic"):
        report = check_trace(text[:LONG], kind=kind)
        report.final_right_if_mended(1)


def test_the_longest_texts():
    for piece in ("1+1=2 ", "\n= ", "(", "5 words ", "<<1+1=2>>", "9^"):
        assert not check_trace((piece * MAX_CHARACTERS)[:MAX_CHARACTERS]).reason
    report = check_trace("1+1=2" + " " * MAX_CHARACTERS)
    assert report.reason == "limit" and not report.steps and report.final is None


@settings(max_examples=300, deadline=None)
@given(
    st.text(max_size=80)
    | st.text("0123456789+-*/=()%$., x\\{}<>\n^R\u00bd\u00b2~", max_size=80)
    | st.lists(
        st.sampled_from(
            "3 4 7 0 12 1/2 0.5 20% $5 + - * / = ( ) ^ x of R <<3+4=7>> \\frac{1}{2} and apples "
            "= = \n . , \u2248 #### \\boxed{7} million sqrt 1e5 ... Answer: R1".split(" ")
        ),
        max_size=25,
    ).map(" ".join)
)
def test_any_text_is_read(text):
    for kind in ("auto", "arithmetic"):
        report = check_trace(text, kind=kind)
        assert report == check_trace(text, kind=kind)
        assert report.right + report.wrong + report.undecided == len(report.steps)
        for step in report.steps:
            assert step.text == text[step.start : step.end]


@settings(max_examples=100, deadline=None)
@given(
    st.integers(-999, 999),
    st.integers(-999, 999),
    st.sampled_from("+-*"),
    st.integers(-3, 3),
    st.sampled_from(
        ["{e}", "So {e}.", "The total is {e} apples", "\\({e}\\)", "1. {e}", "Then, {e}, done."]
    ),
)
def test_agrees_with_integers(a, b, sign, off, frame):
    value = {"+": a + b, "-": a - b, "*": a * b}[sign]
    right = f"({b})" if b < 0 else str(b)
    text = frame.format(e=f"{a} {sign} {right} = {value + off}")
    assert statuses(text) == [WRONG if off else RIGHT]
