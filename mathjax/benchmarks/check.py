"""Answers checked a second."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import numpy as np

from mathjax.answers import fast_formulas, numeric, puzzle, steps, symbolic
from mathjax.answers.puzzle_bulk import Puzzles, verify_many
from mathjax.benchmarks.timing import Row, Scale, median_seconds, require, versus
from mathjax.problems.puzzle import PuzzleSet, PuzzleSpec
from mathjax.problems.rules import RuleSet, RuleSpec
from mathjax.problems.stories import StorySet, StorySpec

_STEP = re.compile(r"(-?[0-9]+)([-+*/])\(?(-?[0-9]+)\)?=(-?[0-9]+)")


def _puzzle_cases(count: int) -> list[tuple[list[int], int, str]]:
    """(numbers, target, response), every other one with its last result off by one."""
    problems = PuzzleSet(PuzzleSpec(), 0, "train")
    rendered = problems.render(np.arange(count)).text.tobytes().decode()
    cases = []
    for i, document in enumerate(rendered.split("\0")[:-1]):
        prompt, response = document.split("\n")
        numbers, target = prompt.split(":")
        head, _, last = response.rpartition("=")
        response = response if i % 2 == 0 else f"{head}={int(last) + 1}"
        cases.append(([int(number) for number in numbers.split(",")], int(target), response))
    return cases


def puzzle_verifier(scale: Scale) -> Iterator[Row]:
    """`mathjax.answers.puzzle.verify` and a checker that leaves the arithmetic to SymPy."""
    from sympy import sympify

    count = 40 if scale.tiny else 2000
    cases = _puzzle_cases(count)

    def ours(cases=cases):
        return [puzzle.verify(*case).correct for case in cases]

    def with_sympy(numbers, target, response):
        live = list(numbers)
        for step in response.split(","):
            expression, _, result = step.partition("=")
            # The text is our own generator's: sympify evaluates, and must see no other.
            if sympify(expression) != int(result):
                return False
            left, _, right = re.fullmatch(r"(-?\d+)([-+*/])(.+)", expression).groups()
            for operand in (int(left), int(right.strip("()"))):
                if operand not in live:
                    return False
                live.remove(operand)
            live.append(int(result))
        return live == [target]

    some = cases[: 20 if scale.tiny else 100]
    peer_verdicts = [with_sympy(*case) for case in some]
    require(peer_verdicts == ours(some), "the verifier and SymPy disagree")
    require(sum(ours()) == (count + 1) // 2, "the verifier takes a wrong answer for a right one")
    row = versus(
        "puzzle answers checked, one core",
        "answers/s",
        (ours, count),
        {"SymPy, step by step": (lambda: [with_sympy(*case) for case in some], len(some))},
        scale.repeats,
    )
    note = f"{1e6 / row.ours:.1f} us an answer of five to seven numbers"
    yield dataclasses.replace(row, note=note)


def puzzle_bulk(scale: Scale) -> Iterator[Row]:
    """`verify_many` from strings to an array of bools, and what one would write in plain Python for
    answers that come in the form of the training data."""
    count, few = (200, 40) if scale.tiny else (100_000, 4000)
    cases = _puzzle_cases(count)
    responses = [response for _, _, response in cases]
    pairs = [(numbers, target) for numbers, target, _ in cases]
    counts = np.array([len(numbers) for numbers, _ in pairs])
    padded = np.zeros((count, counts.max()), np.int64)
    for row, (numbers, _) in zip(padded, pairs, strict=True):
        row[: len(numbers)] = numbers
    arrays = Puzzles(padded, counts, np.array([target for _, target in pairs]))

    def plain(numbers, target, response):
        live = list(numbers)
        for step in response.split(","):
            match = _STEP.fullmatch(step)
            if match is None:
                return False
            left, right, result = int(match[1]), int(match[3]), int(match[4])
            for operand in (left, right):
                if operand not in live:
                    return False
                live.remove(operand)
            symbol = match[2]
            if symbol == "+":
                fine = left + right == result
            elif symbol == "-":
                fine = left - right == result
            elif symbol == "*":
                fine = left * right == result
            else:
                fine = right != 0 and left == right * result
            if not fine:
                return False
            live.append(result)
        return live == [target]

    def one_by_one():
        return sum(puzzle.verify(*case).correct for case in cases[:few])

    expected = [puzzle.verify(*case).correct for case in cases[:few]]
    require([plain(*case) for case in cases[:few]] == expected, "plain Python and `verify` differ")
    for form, puzzles in (("arrays", arrays), ("pairs", pairs)):
        verdicts = verify_many(puzzles, responses)
        require(verdicts.correct[:few].tolist() == expected, "bulk and single verdicts differ")
        require(verdicts.correct.sum() == count // 2, "a wrong answer is taken for a right one")
        row = versus(
            f"puzzle answers checked in bulk, numbers in {form}, one core",
            "answers/s",
            (lambda puzzles=puzzles: verify_many(puzzles, responses).correct, count),
            {"plain Python": (lambda: sum(plain(*case) for case in cases[:few]), few)},
            scale.repeats,
        )
        single = few / median_seconds(one_by_one, scale.repeats)
        note = f"{1e9 / row.ours:.0f} ns an answer; {row.ours / single:.0f} times `puzzle.verify`"
        yield dataclasses.replace(row, note=note)


_RULE_TASKS = ("expand", "factor_out", "simplify")
_SIDE_BY_SIDE = re.compile(r"(?<=[0-9])(?=[a-z(])|(?<=[a-z)])(?=\()|(?<=\))(?=[0-9a-z])")


def _rule_pairs(count: int) -> list[tuple[str, str]]:
    """(expression asked about, answer) of rule tasks in turn, the last number of every other answer
    one too large."""
    sets = [RuleSet(RuleSpec(task=task), 0, "train") for task in _RULE_TASKS]
    pairs = []
    for i in range(count):
        problem = sets[i % len(sets)].problem(i // len(sets))
        answer = problem.answer
        if i % 2 and (number := re.search(r"[0-9]+(?!.*[0-9])", answer)):
            answer = f"{answer[: number.start()]}{int(number[0]) + 1}{answer[number.end() :]}"
        elif i % 2:
            answer = f"{answer} + 1"
        pairs.append((problem.prompt.split(": ", 1)[1], answer))
    return pairs


def symbolic_answers(scale: Scale) -> Iterator[Row]:
    """`symbolic.check` on answers to rule tasks, and SymPy's parser and `expand`."""
    from sympy import expand
    from sympy.parsing.sympy_parser import (
        convert_xor,
        implicit_multiplication,
        parse_expr,
        standard_transformations,
    )

    count, few = (60, 12) if scale.tiny else (6000, 300)
    pairs = _rule_pairs(count)
    fast_formulas.load()

    def ours(pairs=pairs):
        return [symbolic.check(*pair).correct for pair in pairs]

    implicit = (*standard_transformations, implicit_multiplication, convert_xor)

    # The texts are our own generator's: parse_expr evaluates, and must see no other.
    def with_sympy(expression, answer):
        sides = [parse_expr(text, transformations=implicit) for text in (expression, answer)]
        return expand(sides[0] - sides[1]) == 0

    def with_stars(expression, answer):
        texts = [_SIDE_BY_SIDE.sub("*", text).replace("^", "**") for text in (expression, answer)]
        return expand(parse_expr(texts[0]) - parse_expr(texts[1])) == 0

    some = pairs[:few]
    verdicts = ours(some)
    for peer in (with_sympy, with_stars):
        require([peer(*pair) for pair in some] == verdicts, "the checker and SymPy disagree")
    require(ours() == [i % 2 == 0 for i in range(count)], "a wrong answer is taken for a right one")
    row = versus(
        "answers to rule tasks checked, one core",
        "answers/s",
        (lambda: sum(ours()), count),
        {
            "SymPy, implicit multiplication": (lambda: sum(with_sympy(*p) for p in some), few),
            "SymPy, multiplication signs put in": (lambda: sum(with_stars(*p) for p in some), few),
        },
        scale.repeats,
    )
    note = f"{1e6 / row.ours:.1f} us an answer, from two strings; expressions of {_RULE_TASKS}"
    yield dataclasses.replace(row, note=note)


_ENDINGS = (
    "#### {}",
    "The answer is {}.",
    "The answer is ${}.",
    "So the answer is \\boxed{{{}}}.",
    "**Answer:** {} pieces",
)


def _rationales(count: int) -> list[tuple[str, str]]:
    """(reference, response) of grade-school stories, the endings in turn, every other one wrong."""
    problems = StorySet(StorySpec(), 0, "train")
    pairs = []
    for i in range(count):
        problem = problems.problem(i)
        head = problem.response.rpartition("####")[0]
        said = problem.answer if i % 2 == 0 else f"{problem.answer}1"
        pairs.append((problem.response, head + _ENDINGS[i % len(_ENDINGS)].format(said)))
    return pairs


def numeric_responses(scale: Scale) -> Iterator[Row]:
    """`numeric.score` on rationales, and the last match of a regular expression, as the harness's
    flexible filter takes it (compared as text)."""
    count = 50 if scale.tiny else 10_000
    pairs = _rationales(count)

    def ours():
        return [
            numeric.score("gsm8k", response, reference).correct for reference, response in pairs
        ]

    def flexible():
        return [numeric.flexible(response, reference).correct for reference, response in pairs]

    require(ours() == [i % 2 == 0 for i in range(count)], "a rationale is not judged rightly")
    row = versus(
        "numeric responses scored, one core",
        "responses/s",
        (lambda: sum(ours()), count),
        {"flexible-extract": (lambda: sum(flexible()), count)},
        scale.repeats,
    )
    characters = sum(len(response) for _, response in pairs) / count
    missed = sum(a != b for a, b in zip(ours(), flexible(), strict=True)) / count
    note = f"{characters:.0f} characters each, five endings; the peer misjudges {missed:.0%}"
    yield dataclasses.replace(row, note=note)


def step_traces(scale: Scale) -> Iterator[Row]:
    """`steps.check_trace` on rationales of stories."""
    count = 20 if scale.tiny else 2_000
    texts = [response for _, response in _rationales(count)]
    require(
        not sum(steps.check_trace(text).wrong for text in texts), "a right step is called wrong"
    )
    seconds = median_seconds(lambda: [steps.check_trace(text) for text in texts], scale.repeats)
    number = sum(len(steps.check_trace(text).steps) for text in texts) / count
    yield Row(
        "rationales checked step by step, one core",
        "rationales/s",
        count / seconds,
        note=f"{number:.1f} steps each; no other checker of steps is known to us",
    )


ROWS = (puzzle_verifier, puzzle_bulk, symbolic_answers, numeric_responses, step_traces)
