"""Problem sets by name, for commands: which there are, their settings and their splits."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mathjax.problems import arithmetic, puzzle, rules, stories, word_problems
from mathjax.problems.arithmetic import ArithmeticSet, ArithmeticSpec
from mathjax.problems.base import ProblemError, ProblemSet
from mathjax.problems.mixture import MixtureSet
from mathjax.problems.puzzle import PuzzleSet, PuzzleSpec
from mathjax.problems.rules import RuleSet, RuleSpec
from mathjax.problems.stories import StorySet, StorySpec
from mathjax.problems.word_problems import WordProblemSet, WordProblemSpec


@dataclasses.dataclass(frozen=True)
class Dataset:
    """`splits(spec)` gives the named test sets, with the spec and the size of each."""

    spec: type
    make: Callable[[Any, int, str, int | None], ProblemSet]  # (spec, seed, split, count)
    splits: Callable[[Any], dict[str, tuple[Any, int]]]


DATASETS = {
    "puzzle": Dataset(PuzzleSpec, PuzzleSet, puzzle.standard_splits),
    "arithmetic": Dataset(ArithmeticSpec, ArithmeticSet, arithmetic.standard_splits),
    "rules": Dataset(RuleSpec, RuleSet, rules.standard_splits),
    "stories": Dataset(StorySpec, StorySet, stories.standard_splits),
    "word_problems": Dataset(WordProblemSpec, WordProblemSet, word_problems.standard_splits),
}


def make_dataset(
    name: str, settings: Mapping[str, Any], split: str, seed: int, count: int | None
) -> tuple[ProblemSet, Any]:
    """(the set, its spec). `settings` are fields of the spec; `count` None: endless, or all that
    the split has.

    Raises ProblemError where a name, a field or a value is wrong.
    """
    if name not in DATASETS:
        raise ProblemError(f"dataset: no {name!r}; there is {', '.join(DATASETS)}")
    dataset = DATASETS[name]
    fields = {field.name for field in dataclasses.fields(dataset.spec)}
    for key in settings:
        if key not in fields:
            raise ProblemError(f"{name}.{key}: unknown; there is {', '.join(sorted(fields))}")
    spec = dataset.spec(**settings)
    if split in ("train", "validation"):
        if split == "validation" and count is None:
            raise ProblemError('count: say how many problems "validation" should have')
        return dataset.make(spec, seed, split, count), spec
    splits = dataset.splits(spec)
    if split not in splits:
        raise ProblemError(
            f"split: {name} has no {split!r}; there is train, validation, {', '.join(splits)}"
        )
    spec, size = splits[split]
    return dataset.make(spec, seed, split, size if count is None else count), spec


def make_mixture(
    names: Sequence[str],
    weights: Sequence[float],
    settings: Mapping[str, Mapping[str, Any]],
    seed: int,
    count: int | None,
) -> tuple[ProblemSet, dict[str, Any]]:
    """(a mixture for training, the spec of each of its sets)."""
    made = {
        name: make_dataset(name, settings.get(name, {}), "train", seed, count) for name in names
    }
    sets = [one for one, _ in made.values()]
    return MixtureSet(sets, weights, seed, count), {name: spec for name, (_, spec) in made.items()}


def parse_settings(
    texts: Sequence[str], names: Sequence[str], flag: str = "--set"
) -> dict[str, dict[str, Any]]:
    """['puzzle.max_number=20'] -> {'puzzle': {'max_number': 20}}; the name may be left out where
    there is one data set. Values are Python literals, anything else a string."""
    settings: dict[str, dict[str, Any]] = {name: {} for name in names}
    for text in texts:
        key, equals, value = text.partition("=")
        name, dot, field = key.strip().partition(".")
        if not dot:
            name, field = names[0], name
        if not equals or name not in settings or (not dot and len(names) > 1):
            raise ProblemError(
                f"{flag}={text}: write {names[0]}.FIELD=VALUE"
                + (f", where the name is one of {', '.join(names)}" if len(names) > 1 else "")
            )
        try:
            settings[name][field] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            settings[name][field] = value.strip()
    return settings
