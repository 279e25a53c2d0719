"""Answers checked a second."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator

import numpy as np

from mathjax.answers import puzzle
from mathjax.benchmarks.timing import Row, Scale, require, versus
from mathjax.problems.puzzle import PuzzleSet, PuzzleSpec


def puzzle_verifier(scale: Scale) -> Iterator[Row]:
    """`mathjax.answers.puzzle.verify` and a checker that leaves the arithmetic to SymPy."""
    from sympy import sympify

    count = 40 if scale.tiny else 2000
    problems = PuzzleSet(PuzzleSpec(), 0, "train")
    cases = []
    for i in np.arange(count).tolist():
        problem = problems.problem(i)
        prompt, target = problem.prompt.split(":")
        numbers = [int(number) for number in prompt.split(",")]
        # Every other one with its last result off by one.
        head, _, last = problem.response.rpartition("=")
        response = problem.response if i % 2 == 0 else f"{head}={int(last) + 1}"
        cases.append((numbers, int(target), response))

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


ROWS = (puzzle_verifier,)
