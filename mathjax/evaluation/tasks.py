"""A task: where its training, validation and test problems come from, and who decides whether an
answer is right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from mathjax.answers import puzzle as puzzle_answers
from mathjax.answers.verdict import Verdict
from mathjax.config import Config, ConfigError, PuzzleSection
from mathjax.problems.base import Problem, ProblemError, ProblemSet
from mathjax.problems.puzzle import PuzzleSet, PuzzleSpec, parse_puzzle, standard_splits


@dataclasses.dataclass(frozen=True)
class Task:
    """`check` needs the prompt alone, so that a score can be recomputed from a samples file."""

    name: str
    train: ProblemSet
    make_split: Callable[
        [str, int | None], ProblemSet
    ]  # (split, limit) -> its first `limit` problems
    splits: tuple[str, ...]  # test splits, `validation` left out
    check: Callable[[str, str], Verdict]  # (prompt, response)
    example: str  # a prompt to try


def make_task(config: Config) -> Task:
    try:
        return _TASKS[config.task](config)
    except ProblemError as error:
        raise ConfigError(f"{config.task}.{error}") from None


def _check_puzzle(prompt: str, response: str, division: str) -> Verdict:
    numbers, target = parse_puzzle(prompt)
    return puzzle_answers.verify(numbers, target, response, division)


def _puzzle_task(config: Config) -> Task:
    spec = puzzle_spec(config.puzzle)
    tests = standard_splits(spec)

    def make_split(split: str, limit: int | None) -> ProblemSet:
        if split == "validation":
            return PuzzleSet(spec, config.data.seed, split, limit or config.eval.num_validation)
        if split not in tests:
            raise ConfigError(f"unknown split {split!r} of puzzle; choose from {', '.join(tests)}")
        split_spec, count = tests[split]
        return PuzzleSet(split_spec, config.data.seed, split, min(count, limit or count))

    train = PuzzleSet(spec, config.data.seed, "train", config.data.num_train)
    return Task(
        name="puzzle",
        train=train,
        make_split=make_split,
        splits=tuple(tests),
        check=partial(_check_puzzle, division=spec.division),
        example=train.problem(0).prompt,
    )


def puzzle_spec(section: PuzzleSection) -> PuzzleSpec:
    return PuzzleSpec(**dataclasses.asdict(section))


_TASKS: dict[str, Callable[[Config], Task]] = {"puzzle": _puzzle_task}


def reference_problems(problems: ProblemSet) -> list[Problem]:
    """All problems of a finite set, as text."""
    return [problems.problem(i) for i in range(problems.count or 0)]
