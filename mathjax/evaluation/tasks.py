"""A task: where its training, validation and test problems come from, and who decides whether an
answer is right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial

from mathjax.answers import arithmetic as arithmetic_answers
from mathjax.answers import numeric
from mathjax.answers import puzzle as puzzle_answers
from mathjax.answers import rules as rule_answers
from mathjax.answers.verdict import Verdict
from mathjax.config import Config, ConfigError
from mathjax.problems.base import Problem, ProblemError, ProblemSet
from mathjax.problems.puzzle import PuzzleSet, PuzzleSpec, parse_puzzle, standard_splits
from mathjax.problems.registry import DATASETS, make_dataset, parse_settings


@dataclasses.dataclass(frozen=True)
class Task:
    """`check` sees what a samples file holds, so that a score can be recomputed from one."""

    name: str
    train: ProblemSet
    make_split: Callable[
        [str, int | None], ProblemSet
    ]  # (split, limit) -> its first `limit` problems
    splits: tuple[str, ...]  # test splits, `validation` left out
    check: Callable[[str, str, str], Verdict]  # (prompt, response, reference response)
    example: str  # a prompt to try
    needs_reference: bool = True  # False: the prompt tells what is right


def make_task(config: Config) -> Task:
    try:
        return _puzzle_task(config) if config.task == "puzzle" else _task(config)
    except ProblemError as error:
        named = str(error).startswith(f"{config.task}.")
        raise ConfigError(str(error) if named else f"{config.task}.{error}") from None


def _puzzle_task(config: Config) -> Task:
    if config.problems:
        raise ConfigError(
            f"problems={config.problems!r} with task='puzzle', which has keys of its own: puzzle.*"
        )
    spec = PuzzleSpec(**dataclasses.asdict(config.puzzle))
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
        needs_reference=False,
    )


def _check_puzzle(prompt: str, response: str, reference: str, division: str) -> Verdict:
    numbers, target = parse_puzzle(prompt)
    return puzzle_answers.verify(numbers, target, response, division)


def _task(config: Config) -> Task:
    """Any data set of the registry that can be trained on, `config.problems` its settings."""
    name, seed = config.task, config.data.seed
    settings = parse_settings(config.problems, [name], "problems")[name]
    train, spec = make_dataset(name, settings, "train", seed, config.data.num_train)
    tests = DATASETS[name].splits(spec)

    def make_split(split: str, limit: int | None) -> ProblemSet:
        if split == "validation":
            count = limit or config.eval.num_validation
        elif split in tests:
            count = min(tests[split][1], limit or tests[split][1])
        else:
            raise ConfigError(f"unknown split {split!r} of {name}; choose from {', '.join(tests)}")
        return make_dataset(name, settings, split, seed, count)[0]

    return Task(
        name=name,
        train=train,
        make_split=make_split,
        splits=tuple(tests),
        check=partial(_check_rule, task=spec.task) if name == "rules" else _CHECKS[name],
        example=train.problem(0).prompt,
    )


def _check_arithmetic(prompt: str, response: str, reference: str) -> Verdict:
    return arithmetic_answers.check(reference, response)


def _check_rule(prompt: str, response: str, reference: str, task: str) -> Verdict:
    answer = rule_answers.final_answer(reference)
    return rule_answers.check(task, prompt, answer, response)


def _check_story(prompt: str, response: str, reference: str) -> Verdict:
    _, marker, answer = reference.rpartition("####")
    answer = answer if marker else arithmetic_answers.final_answer(reference)
    return numeric.score("gsm8k", response, answer.strip(" ."))


_CHECKS = {"arithmetic": _check_arithmetic, "stories": _check_story}


def reference_problems(problems: ProblemSet) -> list[Problem]:
    """All problems of a finite set, as text."""
    return [problems.problem(i) for i in range(problems.count or 0)]
