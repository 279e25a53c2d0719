"""Majority vote over sampled responses, by the value of their answers and not by their text."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence

from mathjax.answers import numeric
from mathjax.answers.numeric_compare import compare
from mathjax.answers.numeric_extract import Extracted
from mathjax.answers.numeric_math import compare_mathematics
from mathjax.answers.numeric_reference import benchmark_name, read_reference
from mathjax.answers.verdict import Verdict

MAX_COMPARED = 32
"""Different values that a formula is compared with."""


def majority(
    benchmark: str, responses: Iterable[str], options: Sequence[str] | None = None
) -> tuple[Extracted | None, dict[object, int]]:
    """The answer most samples give, with the votes by value; None if none can be read.

    `18`, `18.0` and `$18.00` are one value, `5%` votes with `5`. A sample without a readable
    answer does not vote; of equally many votes the value seen first wins. Formulas of MATH are
    one value where the checker of formulas proves them equal (to one of the first 32 values).
    """
    if isinstance(responses, str):
        raise TypeError("responses must be a sequence of str, got one str")
    math = benchmark_name(benchmark) == "math"
    votes: dict[object, int] = {}
    first: dict[object, Extracted] = {}
    for response in responses:
        found = numeric.extract(benchmark, response, options)
        value = found.value
        if value is None:
            continue
        if value not in first and isinstance(value, str) and math:
            value = _equal_formula(found, first)
        votes[value] = votes.get(value, 0) + 1
        first.setdefault(value, found)
    if not votes:
        return None, votes
    return first[max(votes, key=votes.__getitem__)], votes


def _equal_formula(found: Extracted, first: dict[object, Extracted]) -> object:
    """The value already voted for that a formula equals, or the formula itself."""
    for value, known in itertools.islice(first.items(), MAX_COMPARED):
        if compare_mathematics(known.text, found.text).correct:
            return value
    return found.value


def score_majority(
    benchmark: str,
    responses: Iterable[str],
    reference: object,
    options: Sequence[str] | None = None,
) -> Verdict:
    """Verdict on the answer that most samples give; undecided "no_answer" if none can be read."""
    name = benchmark_name(benchmark)
    wanted = read_reference(name, reference)
    winner, votes = majority(name, responses, options)
    if winner is None:
        return Verdict.undecided("no_answer", f"no sample has an answer, reference {wanted}")
    if name == "math":
        verdict = numeric.judge_mathematics(winner, wanted)
    else:
        verdict = compare(winner, wanted)
    share = f"{votes[winner.value]} of {sum(votes.values())} votes"
    return Verdict(verdict.status, verdict.reason, f"{verdict.detail} ({share})")
