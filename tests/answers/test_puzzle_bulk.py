"""Puzzle answers in bulk: the same verdict as `puzzle.verify` for any text, in every form."""

import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mathjax.answers import puzzle, puzzle_bulk
from mathjax.answers import puzzle_bulk_kernels as kernels
from mathjax.answers.puzzle_bulk import REASONS, Puzzles, TextSpans, verify_many
from mathjax.problems.puzzle import PuzzleSet, PuzzleSpec

NUMBERS, TARGET = [3, 6, 7, 51, 58], 4
RIGHT = "58-51=7,6-7=-1,3*(-1)=-3,-3+7=4"
GLYPHS = {"-": "-\u2212\u2013", "*": "*\u00d7\u00b7", "/": "/\u00f7", ",": ",;\n\r"}
NOISE = "0123456789+-*/=(),;.: \n\t`ax\u2212\uff11\u0662\0\x7f"


def as_spans(responses):
    """All in one buffer, back to back."""
    texts = [response.encode("utf-8", "replace") for response in responses]
    ends = np.cumsum([0, *map(len, texts)])
    return TextSpans(b"".join(texts), ends[:-1], ends[1:])


def as_arrays(puzzles):
    counts = [len(numbers) for numbers, _ in puzzles]
    numbers = np.full((len(puzzles), max(counts, default=2) + 1), -99)
    for row, (given_numbers, _) in zip(numbers, puzzles, strict=True):
        row[: len(given_numbers)] = given_numbers
    return Puzzles(numbers, np.array(counts, int), np.array([t for _, t in puzzles], int))


def assert_same(puzzles, responses, division="exact"):
    """Returns how many went to the reference."""
    pairs = zip(puzzles, responses, strict=True)
    expected = [puzzle.verify(*one, response, division) for one, response in pairs]
    verdicts = verify_many(puzzles, responses, division)
    reasons = verdicts.reasons.tolist()
    for one, response, verdict, reason in zip(puzzles, responses, expected, reasons, strict=True):
        assert reason == verdict.reason, (one, response, division, verdict)
    assert verdicts.correct.tolist() == [verdict.correct for verdict in expected]
    assert verdicts.undecided.tolist() == [verdict.status == "undecided" for verdict in expected]
    return verdicts.slow


# Ways in which an answer goes wrong, or only looks otherwise.


def change_character(text, rng):
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice(NOISE) + text[at + rng.randrange(2) :]


def change_digit(text, rng):
    digits = [at for at, character in enumerate(text) if character in "0123456789"]
    at = rng.choice(digits) if digits else 0
    return text[:at] + rng.choice("0123456789") + text[at + 1 :]


def swap_operands(text, rng):
    steps = text.split(",")
    at = rng.randrange(len(steps))
    left, equals, result = steps[at].partition("=")
    for symbol in "+*/-":
        a, found, b = left.rpartition(symbol)
        if found and a:
            steps[at] = f"{b.strip('()')}{symbol}{a}{equals}{result}"
    return ",".join(steps)


def move_steps(text, rng):
    steps = text.split(",")
    at, kind = rng.randrange(len(steps)), rng.randrange(4)
    if kind == 0:
        rng.shuffle(steps)
    elif kind == 1:
        del steps[at]
    elif kind == 2:
        steps.insert(rng.randrange(len(steps) + 1), steps[at])
    else:
        steps[at] = steps[at].partition("=")[0]
    return ",".join(steps)


def cut(text, rng):
    return text[: rng.randrange(len(text) + 1)]


def space(text, rng):
    blanks = ["", "", "", " ", "\t", "  ", "\u00a0"]
    return "".join(character + rng.choice(blanks) for character in text)


def respell(text, rng):
    return "".join(rng.choice(GLYPHS.get(c, c)) if rng.random() < 0.5 else c for c in text)


def separate(text, rng):
    return text.replace(",", rng.choice([";", "\n", "\r\n", ", ", ",\n", ",,", " ;"]))


def wrap(text, rng):
    before = ["", "", "(", "+", ",", "0", "5\n", "=", "Answer: ", "```\n", "3,6:4\n", "2 ", "\n"]
    after = [
        "",
        ".",
        " .",
        ". .",
        "..",
        ",",
        "\n4",
        ",4",
        " 4",
        "=4",
        "\n---",
        "\n--",
        "\n-",
        "\n*",
    ]
    after += [
        "\n***\n7",
        ";+1",
        "\n/3",
        "\n(",
        ")",
        " done",
        "\n```",
        ". Done",
        ",,\n,5-",
        "\0",
        "=",
        ",=",
    ]
    return rng.choice(before) + text + rng.choice(after)


def parenthesise(text, rng):
    out, number = [], ""
    for character in text + ",":
        if character in "0123456789":
            number += character
            continue
        if number:
            shape = rng.choice(
                ["{}"] * 6 + ["({})", "0{}", "+{}", "(+{})", "( 00{} )", "-{}", "(-{})"]
            )
            out.append(shape.format(number))
        out.append(character)
        number = ""
    return "".join(out)[:-1]


def random_text(text, rng):
    return "".join(rng.choices(NOISE if rng.random() < 0.3 else "0123456789+-*/=(), \n;.", k=20))


MUTATIONS = [
    change_character, change_digit, swap_operands, move_steps, cut, space, respell, separate, wrap,
    parenthesise, random_text,
]  # fmt: skip

SPECS = [
    PuzzleSpec(num_numbers=tuple(range(2, 17)), division="exact"),
    PuzzleSpec(num_numbers=(2, 5, 7), division="integer"),
    PuzzleSpec(num_numbers=(3, 4, 6), target_min=-50, target_max=-1, division="integer"),
    PuzzleSpec(num_numbers=(5, 16), max_number=1000, max_intermediate=2**52 - 1, target_max=10**9),
]
SETS = [PuzzleSet(spec, 5, "train") for spec in SPECS]


def puzzles_of(problems, start, count):
    rendered = problems.render(np.arange(start, start + count))
    for document in rendered.text.tobytes().decode().split("\0")[:-1]:
        prompt, response = document.split("\n")
        numbers, target = prompt.split(":")
        yield ([int(number) for number in numbers.split(",")], int(target)), response


def mutated(problems, start, count, seed):
    """(puzzles, responses): a third as made, the others with one to three mutations."""
    rng = random.Random(seed)
    puzzles, responses = [], []
    for (numbers, target), response in puzzles_of(problems, start, count):
        if rng.random() < 0.05:
            target += rng.choice([-1, 1, -2 * target])
        if rng.random() < 0.05:
            numbers = [*numbers, rng.randrange(1, 60)]
        for _ in range(rng.randrange(4)):
            response = rng.choice(MUTATIONS)(response, rng)
        puzzles.append((numbers, target))
        responses.append(response)
    return puzzles, responses


@pytest.mark.parametrize("problems", SETS)
def test_mutated_answers_get_the_verdicts_of_the_reference(problems):
    puzzles, responses = mutated(problems, 0, 2000, 1)
    for division in ("exact", "integer"):
        assert assert_same(puzzles, responses, division) < len(puzzles) * 0.6


@settings(max_examples=300)
@given(
    st.lists(st.integers(-9, 9) | st.integers(), min_size=2, max_size=5),
    st.integers(-9, 9) | st.integers(),
    st.text("0123456789+-*/=(),", max_size=60) | st.text(NOISE, max_size=60) | st.text(),
    st.sampled_from(["exact", "integer"]),
)
def test_any_text_gets_the_verdict_of_the_reference(numbers, target, response, division):
    assert_same([(numbers, target)], [response], division)


literal = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "", " ", "("]),
    st.sampled_from(["", "", "-", "+"]),
    st.integers(0, 12) | st.integers(0, 10**19) | st.sampled_from([10**17, 10**18 - 1, 10**18]),
    st.sampled_from(["", "", " ", ")"]),
)
step = st.builds("{}{}{}={}".format, literal, st.sampled_from("+-*/"), literal, literal)


@settings(max_examples=300)
@given(
    st.lists(st.integers(-3, 12), min_size=2, max_size=4),
    st.integers(-3, 12),
    st.lists(step, min_size=1, max_size=4),
    st.sampled_from([",", ";", "\n", ", ", " "]),
)
def test_anything_like_steps_gets_the_verdict_of_the_reference(numbers, target, steps, separator):
    for division in ("exact", "integer"):
        assert_same([(numbers, target)], [separator.join(steps)], division)


@pytest.mark.parametrize(
    "numbers,target,response",
    [
        ([10**9, 10**9], 10**18, f"{10**9}*{10**9}={10**18}"),
        ([10**9, 10**9], 0, f"{10**9}*{10**9}={10**18 - 1}"),
        ([2**32, 2**32], 0, f"{2**32}*{2**32}=0"),
        ([2**32, 2**32, 5], 5, f"{2**32}*{2**32}=0,0+5=5"),
        ([2**62, 2**62], 2**63, f"{2**62}+{2**62}={2**63}"),
        ([2**63, 1], 2**63 - 1, f"{2**63}-1={2**63 - 1}"),
        ([10**30, 10**30], 0, f"{10**30}-{10**30}=0"),
        ([6 * 10**17, 6 * 10**17], 0, f"{6 * 10**17}+{6 * 10**17}={12 * 10**17}"),
        ([2**32, 1], 2**33, f"1/{2**32}={2**32}"),
        ([-(2**63), 1], 1, "1+1=2"),
        ([10**17, 7], 7, f"7/{10**17}=0"),
        ([10_000_000, 1], 10_000_001, "10000000+1=10000001"),
        ([12345678, 1], 12345677, "12345678-1=12345677"),
        ([123456, -1], -123456, "123456*(-1)=-123456"),
        ([123456, -123456], 0, "123456+(-123456)=0"),
        ([1, 2], 3, "1+2=00000000000000000000003"),
        ([0, 0], 0, "0*0=-0"),
        ([0, 0], 0, "0/0=0"),
        ([0, 5], 0, "-0/5=0"),
        ([0, 5], 0, "0/-5=0"),
        ([14, 3], 4, "14/3=4"),
        ([-14, 3], -4, "-14/3=-4"),
        ([14, -7], -2, "14/-7=-2"),
        ([7, 7], 14, "7+7=14"),
        ([7, 8], 14, "7+7=14"),
        ([7, 7, 0], 7, "7-0=7,7-7=0"),
        (list(range(1, 40)), 3, "1+2=3"),
        ([5] * 32, 3, ",".join(["5-5=0"] * 16 + ["0-0=0"] * 15)),
        ([5] * 32, 0, ",".join(["5-5=0"] * 16 + ["0-0=0"] * 15)),
        ([1, 2], 3, "1+2=3" + "\n" * 300),
        ([1, 2], 3, "1+2=3," * 18),
        ([1, 2], 3, "=" * 17),
        ([1, 2], 3, "=" * 18),
        ([1, 2], 3, "," * 254 + "1+2=3"),
        ([1, 2], 3, "," * 256 + "1+2=3"),
        ([1, 2], 3, "," * 256),
        ([1, 2], 3, " " * 3995 + "1+2=3"),
        ([1, 2], 3, " " * 3996 + "1+2=3"),
        ([1, 2], 3, "a" * 4000),
        ([1, 2], 3, "a" * 4001),
        ([1, 2], 3, "a" * 100_001),
        ([1, 2], 3, "é" * 3999),
        ([1, 2], 3, "\ud800"),
        ([1, 2], 3, "1+2=3\ud800"),
        ([1, 2], 3, "1+2=3\x0b"),
        ([1, 2], 3, ""),
    ],
)
def test_edges(numbers, target, response):
    for division in ("exact", "integer"):
        assert_same([(numbers, target)], [response], division)
        assert_same([(numbers, target), (NUMBERS, TARGET)], [response, RIGHT], division)
    verdict = verify_many([(numbers, target)], [response])[0]
    assert verdict == puzzle.verify(numbers, target, response)


def test_neighbours_in_a_buffer_do_not_run_into_each_other():
    pieces = ["1+2=3", "45", "=6", "1+2=", "3", "1+2", "", "1+2=3,", "(", "1+2=3", ".5"]
    puzzles = [([1, 2], 3)] * len(pieces)
    expected = [puzzle.verify([1, 2], 3, piece).reason for piece in pieces]
    assert verify_many(puzzles, pieces).reasons.tolist() == expected
    assert verify_many(puzzles, as_spans(pieces)).reasons.tolist() == expected
    assert verify_many([([1, 2], 3)], TextSpans(b"1+2=3", [0], [5])).correct.all()
    assert verify_many([([1, 2], 3)], TextSpans(b"1+2=34", [0], [5])).correct.all()


def test_every_form_of_the_arguments():
    puzzles, responses = mutated(SETS[2], 0, 500, 2)
    expected = verify_many(puzzles, responses).codes
    spans, arrays = as_spans(responses), as_arrays(puzzles)
    numbers, counts, targets = arrays
    writable = np.frombuffer(bytearray(spans.text), np.uint8)
    for these in (
        arrays,
        Puzzles(numbers.astype(np.int16), counts.astype(np.uint8), targets.astype(np.uint64, "F"))
        if targets.min() >= 0
        else arrays,
        Puzzles(np.asfortranarray(numbers), counts, targets),
        tuple((tuple(n), np.int64(t)) for n, t in puzzles),
        [(np.array(n), t) for n, t in puzzles],
        [[iter(n), t] for n, t in puzzles],
    ):
        assert np.array_equal(verify_many(these, tuple(responses)).codes, expected)
    for text in (spans.text, writable, np.frombuffer(spans.text, np.uint8)):
        verdicts = verify_many(arrays, spans._replace(text=text))
        assert np.array_equal(verdicts.codes, expected)
    rendered = SETS[0].render(np.arange(100))
    own = TextSpans(
        rendered.text, rendered.bounds[:-1] + rendered.prompt_sizes, rendered.bounds[1:] - 1
    )
    puzzles = [one for one, _ in puzzles_of(SETS[0], 0, 100)]
    assert verify_many(puzzles, own).correct.all()
    assert verify_many(puzzles, own).slow == 0


def test_blocks(monkeypatch):
    puzzles, responses = mutated(SETS[0], 0, 100, 3)
    puzzles[50] = [2**70, *puzzles[50][0]], puzzles[50][1]
    expected = [puzzle.verify(*one, text) for one, text in zip(puzzles, responses, strict=True)]
    monkeypatch.setattr(puzzle_bulk, "_BLOCK", 9)
    for texts in (responses, as_spans(responses)):
        assert list(verify_many(puzzles, texts)) == expected
    del puzzles[50], responses[50], expected[50]
    verdicts = verify_many(as_arrays(puzzles), responses)
    assert verdicts.correct.tolist() == [verdict.correct for verdict in expected]
    assert list(verdicts) == expected


def test_result():
    responses = [RIGHT, "4", RIGHT[:-1] + "5", "a" * 5000, f"Answer: {RIGHT}", RIGHT + ",4+0=4"]
    verdicts = verify_many([(NUMBERS, TARGET)] * len(responses), responses)
    each = [puzzle.verify(NUMBERS, TARGET, response) for response in responses]
    assert list(verdicts) == each
    assert [verdicts[i] for i in range(-6, 0)] == each
    assert verdicts[2].detail and isinstance(verdicts[np.int64(2)].correct, bool)
    assert verdicts.correct.dtype == bool and verdicts.codes.dtype == np.uint8
    assert verdicts.undecided.tolist() == [False, False, False, True, False, False]
    assert verdicts.count_reasons() == dict(
        Counter(verdict.reason for verdict in each).most_common()
    )
    assert next(iter(verdicts.count_reasons())) == "right"
    assert verdicts.slow == 2
    with pytest.raises(IndexError):
        verdicts[6]
    empty = verify_many([], [])
    assert len(empty) == 0 and list(empty) == [] and empty.count_reasons() == {}
    assert len(verify_many(as_arrays([]), TextSpans(b"", np.zeros(0, int), np.zeros(0, int)))) == 0


ONE = Puzzles(np.array([[1, 2]]), np.array([2]), np.array([3]))


@pytest.mark.parametrize(
    "puzzles,responses,error",
    [
        ([([3], 3)], [""], ValueError),
        ([([3, True], 3)], [""], TypeError),
        ([([3, False], 3)], [""], TypeError),
        ([([3, 4.0], 3)], [""], TypeError),
        ([("34", 3)], [""], TypeError),
        ([(b"34", 3)], [""], TypeError),
        ([(34, 3)], [""], TypeError),
        ([([3, 4], None)], [""], TypeError),
        ([([3, 4], True)], [""], TypeError),
        ([([3, 10**5000], 7)], [""], ValueError),
        ([([3, 4],)], [""], TypeError),
        ([3], [""], TypeError),
        ("34", [""], TypeError),
        ([([3, 4], 7)], [], ValueError),
        ([([3, 4], 7)], [None], TypeError),
        ([([3, 4], 7)], [b"3+4=7"], TypeError),
        ([([3, 4], 7)], "a", TypeError),
        (ONE._replace(counts=np.array([1])), [""], ValueError),
        (ONE._replace(counts=np.array([3])), [""], ValueError),
        (ONE._replace(counts=np.array([2, 2])), [""], ValueError),
        (ONE._replace(numbers=np.array([1, 2])), [""], TypeError),
        (ONE._replace(numbers=np.array([[True, False]])), [""], TypeError),
        (ONE._replace(targets=np.array([3.0])), [""], TypeError),
        (ONE._replace(targets=np.array([2**63], np.uint64)), [""], ValueError),
        (ONE, TextSpans(b"1+2=3", [0], [6]), ValueError),
        (ONE, TextSpans(b"1+2=3", [-1], [5]), ValueError),
        (ONE, TextSpans(b"1+2=3", [3], [2]), ValueError),
        (ONE, TextSpans(b"1+2=3", [0, 1], [5]), ValueError),
        (ONE, TextSpans(np.zeros(5), [0], [5]), TypeError),
        (ONE, TextSpans("1+2=3", [0], [5]), TypeError),
    ],
)
def test_bad_arguments(puzzles, responses, error):
    with pytest.raises(error):
        verify_many(puzzles, responses)


def test_bad_division():
    with pytest.raises(ValueError, match="division"):
        verify_many([], [], "floor")


def test_kernels_follow_the_reference():
    for name in ("MAX_RESPONSE", "MAX_PIECES", "SURPLUS"):
        assert getattr(kernels, name) == getattr(puzzle, name)
    assert REASONS[0] == "right" and REASONS[-1] == "limit"
