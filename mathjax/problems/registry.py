"""Problem sets by name, for commands: which there are, their settings and their splits."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mathjax.problems import arithmetic, puzzle, rules, stories, vocabulary, word_problems
from mathjax.problems.arithmetic import ArithmeticSet, ArithmeticSpec
from mathjax.problems.arithmetic_exclusions import read_exclusions
from mathjax.problems.base import ProblemError, ProblemSet
from mathjax.problems.mixture import MixtureSet
from mathjax.problems.puzzle import PuzzleSet, PuzzleSpec
from mathjax.problems.rules import RuleSet, RuleSpec
from mathjax.problems.stories import StorySet, StorySpec
from mathjax.problems.word_problems import WordProblemSet, WordProblemSpec


@dataclasses.dataclass(frozen=True)
class Dataset:
    """`splits(spec)` gives the named test sets, with the spec and the size of each. `read` turns
    settings that are no fields of the spec into fields, or into arguments of `make`."""

    spec: type
    make: Callable[..., ProblemSet]  # (spec, seed, split, count, **arguments)
    splits: Callable[[Any], dict[str, tuple[Any, int]]]
    read: Callable[[dict[str, Any]], tuple[dict[str, Any], dict[str, Any]]] = lambda s: (s, {})
    options: tuple[str, ...] = ()
    """Names of such settings."""


def _read_names(settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    named = vocabulary.named_settings(settings)
    if named == settings:
        return named, {}
    try:
        RuleSpec(**named)
    except ProblemError as error:
        field, _, reason = str(error).partition(": ")
        if field == "unseen_names":  # too few for an exercise: there is no such test split
            return named | {"unseen_names": ()}, {}
        if field == "names":
            raise ProblemError(f"vocabulary.size: {reason}") from None
        raise
    return named, {}


def _read_exclusions(settings: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    files = settings.pop("exclude", None)
    return settings, {} if files is None else {"exclude": read_exclusions(files).keys}


def _fields(spec: type) -> set[str]:
    return {field.name for field in dataclasses.fields(spec)}


DATASETS = {
    "puzzle": Dataset(PuzzleSpec, PuzzleSet, puzzle.standard_splits),
    "arithmetic": Dataset(
        ArithmeticSpec,
        ArithmeticSet,
        arithmetic.standard_splits,
        _read_exclusions,
        ("exclude",),
    ),
    "rules": Dataset(
        RuleSpec,
        RuleSet,
        rules.standard_splits,
        _read_names,
        tuple(f"vocabulary.{option}" for option in vocabulary.OPTIONS),
    ),
    "stories": Dataset(StorySpec, StorySet, stories.standard_splits),
    "word_problems": Dataset(WordProblemSpec, WordProblemSet, word_problems.standard_splits),
}


def make_dataset(
    name: str, settings: Mapping[str, Any], split: str, seed: int, count: int | None
) -> tuple[ProblemSet, Any]:
    """(the set, its spec). `settings` are fields of the spec, `vocabulary.*` for the names of
    "rules" (see `vocabulary.named_settings`) and `exclude`, files of problems that "arithmetic"
    leaves out (see `arithmetic_exclusions`); `count` None: endless, or all that the split has.

    Raises ProblemError where a name, a field or a value is wrong.
    """
    if name not in DATASETS:
        raise ProblemError(f"dataset: no {name!r}; there is {', '.join(DATASETS)}")
    dataset = DATASETS[name]
    known = sorted({*_fields(dataset.spec), *dataset.options})
    for key in settings:
        if key not in known:
            raise ProblemError(f"{name}.{key}: unknown; there is {', '.join(known)}")
    fields, arguments = dataset.read(dict(settings))
    spec = dataset.spec(**fields)
    if split in ("train", "validation"):
        if split == "validation" and count is None:
            raise ProblemError('count: say how many problems "validation" should have')
        return dataset.make(spec, seed, split, count, **arguments), spec
    splits = dataset.splits(spec)
    if split not in splits:
        raise ProblemError(
            f"split: {name} has no {split!r}; there is train, validation, {', '.join(splits)}"
        )
    spec, size = splits[split]
    return dataset.make(spec, seed, split, size if count is None else count, **arguments), spec


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
        if len(names) == 1 and name != names[0]:
            name, field = names[0], key.strip()
        elif not dot:
            name = ""
        if not equals or name not in settings:
            raise ProblemError(
                f"{flag}={text}: write {names[0]}.FIELD=VALUE"
                + (f", where the name is one of {', '.join(names)}" if len(names) > 1 else "")
            )
        try:
            settings[name][field] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            settings[name][field] = value.strip()
    return settings
