"""Tasks: prompts are parsed strictly, splits are disjoint and complete."""

import itertools
import re

import pytest

from mathjax.config import ConfigError, resolve
from mathjax.evaluation.runner import score_rows
from mathjax.evaluation.tasks import make_task, reference_problems
from mathjax.problems.base import ProblemError
from mathjax.problems.puzzle import parse_puzzle


@pytest.fixture(scope="module")
def task():
    values = {"train": {"num_steps": 1}, "puzzle": {"num_numbers": (3,), "max_number": 20}}
    return make_task(resolve(values))


def test_parse_puzzle():
    assert parse_puzzle("3,6,7,51,58:4") == ([3, 6, 7, 51, 58], 4)
    assert parse_puzzle(" 3, 6 :-4 ") == ([3, 6], -4)


@pytest.mark.parametrize("text", ["", "3", "3:4", "3,6", "3,6:", "3,,6:4", "3,6:4:5", "3,x:4"])
def test_what_is_no_puzzle_is_an_error(text):
    with pytest.raises(ProblemError, match="not a puzzle"):
        parse_puzzle(text)


def test_every_reference_answer_is_right_and_splits_do_not_meet(task):
    seen = {}
    for split in ("validation", "in_domain", "numerical_ood_100", "form_ood"):
        for problem in reference_problems(task.make_split(split, 60)):
            assert task.check(problem.prompt, problem.response, problem.response).correct
            assert seen.setdefault(problem.prompt, split) == split
    assert len(seen) == 240
    for index in range(300):
        assert task.train.problem(index).prompt not in seen


@pytest.mark.parametrize(
    "name, problems",
    [
        ("arithmetic", ()),
        ("arithmetic", ("operations={'divide': 1}", "wrapper=False", "phrasings=False")),
        ("rules", ("task=quadratic",)),
        ("rules", ("task=linear_system_recursive", "style=latex")),
        ("stories", ()),
        ("stories", ("ending=sentence", "prompt=step_by_step")),
    ],
)
def test_tasks_of_the_registry_accept_their_references_only(name, problems):
    values = {"train": {"num_steps": 1}, "task": name, "problems": problems}
    other = make_task(resolve(values))
    seen = set()
    for split in ("validation", *other.splits):
        references = reference_problems(other.make_split(split, 20))
        for problem in references:
            assert other.check(problem.prompt, problem.response, problem.response).correct
            seen.add(problem.prompt)
        shifted = itertools.pairwise(references)
        wrong = [other.check(a.prompt, b.response, a.response).correct for a, b in shifted]
        assert sum(wrong) < 5  # a few answers are the same
    assert not seen & {other.train.problem(i).prompt for i in range(100)}


@pytest.mark.parametrize(
    "name, problems, message",
    [
        ("rules", ("task=dance",), "rules.task: must be one of expand"),
        ("rules", ("task",), "problems=task: write rules.FIELD=VALUE"),
        ("stories", ("length=3",), "stories.length: unknown; there is annotations"),
        ("arithmetic", ("max_digits=0",), "arithmetic.max_digits"),
        ("puzzle", ("max_number=9",), "keys of its own: puzzle"),
    ],
)
def test_bad_settings_are_named(name, problems, message):
    values = {"train": {"num_steps": 1}, "task": name, "problems": problems}
    with pytest.raises(ConfigError, match=re.escape(message)):
        make_task(resolve(values))


def test_limit_takes_a_prefix(task):
    few, more = (reference_problems(task.make_split("in_domain", n)) for n in (5, 20))
    assert more[:5] == few


def test_unknown_split(task):
    with pytest.raises(ConfigError, match="unknown split 'train'"):
        task.make_split("train", 5)


def row(index, correct, reason="right"):
    status = "right" if correct else "wrong"
    return {
        "index": index,
        "correct": correct,
        "status": status,
        "reason": reason,
        "finished": True,
    }


def test_scores_of_one_and_of_several_samples():
    rows = [row(0, True), row(1, False, "parse"), row(2, True), row(3, True)]
    score = score_rows(rows)
    assert score.pass_at_1 == 0.75 and score.low < 0.75 < score.high and score.pass_at_k is None
    assert score.reasons == {"right": 3, "parse": 1} and score.count == 4
    twice = [row(0, True), row(0, False, "parse"), row(1, False, "parse"), row(1, False, "parse")]
    score = score_rows(twice)
    assert (score.pass_at_1, score.pass_at_k, score.count, score.low) == (0.25, 0.5, 2, None)
