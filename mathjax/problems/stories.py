"""Grade-school word problems that need no download: templated stories of one to six steps.

They stand in for GSM8K (Cobbe et al. 2021) in intermediate fine-tuning (arXiv 2502.12855): prompt
with the question, response with one sentence a step, calculator annotations and the last line
`#### N`. Stories and wording are ours, and so is how they are varied; what is varied follows
GSM-Plus (Li et al. 2024: numbers, wording, distraction, reversal, more steps) and GSM-Symbolic
(Mirzadeh et al. 2024: names, names and numbers).

Each split of VARIANTS is paired: its example i is a variant of example i of "in_domain" with the
same seed and specification, so that a drop in score is one of pairs.

    numeric       other numbers
    names         other people and things
    symbolic      other numbers, people and things
    paraphrase    another wording
    distraction   one irrelevant fact more
    reversed      the answer told, one of the numbers wanted
    extended      one step more, on the answer

A story's key is its template and numbers: these decide which split may hold it.
"""

from __future__ import annotations

import dataclasses
import operator
import string

from mathjax.problems import (
    story_templates_counting,
    story_templates_everyday,
    story_templates_long,
    story_templates_money,
    story_templates_rates,
)
from mathjax.problems.base import Problem, ProblemError
from mathjax.problems.story import (
    Story,
    add_fact,
    ask_backwards,
    ask_further,
    draw_cast,
    draw_story,
)
from mathjax.problems.story_engine import Template
from mathjax.problems.streams import Draws, bucket, buckets, hash64
from mathjax.problems.text_set import TextSet

ALPHABET = string.ascii_letters + string.digits + " $%.,:?'-+*/=<>#"

TEMPLATES: dict[str, Template] = {
    template.name: template
    for module in (
        story_templates_money,
        story_templates_counting,
        story_templates_rates,
        story_templates_everyday,
        story_templates_long,
    )
    for template in module.TEMPLATES
}

VARIANTS = (
    "numeric",
    "names",
    "symbolic",
    "paraphrase",
    "distraction",
    "reversed",
    "extended",
)
ORIGIN = "in_domain"
_RENUMBERED = ("numeric", "symbolic")
_TRIES = 20_000  # sets of numbers, none of which is new


@dataclasses.dataclass(frozen=True)
class StorySpec:
    """Which stories, and how they are written. Raises ProblemError naming the field."""

    templates: tuple[str, ...] = ()
    """Names from TEMPLATES; empty: all of them."""
    min_steps: int = 1
    max_steps: int = 6
    """Only templates with so many steps, 1..6."""
    annotations: bool = True
    """`3 * 4 = <<3*4=12>>12` as in GSM8K; False: `3 * 4 = 12`."""
    ending: str = "hashes"
    """"hashes": last line `#### N`. "sentence": `The answer is N.`, as arXiv 2502.12855 has it."""
    prompt: str = "plain"
    """"plain": the question. "step_by_step": `Question: ...` and `Let's think step by step` on a
    line of its own, as arXiv 2502.12855 has it."""
    irrelevant_percent: int = 0
    """Share of stories, in percent, with an irrelevant fact."""

    def __post_init__(self):
        names = self.templates
        if isinstance(names, str) or not hasattr(names, "__iter__"):
            raise ProblemError(f"templates: wants a tuple of names, got {names!r}")
        object.__setattr__(self, "templates", tuple(names))
        for name in self.templates:
            if name not in TEMPLATES:
                raise ProblemError(
                    f"templates: there is no {name!r}; known are {', '.join(TEMPLATES)}"
                )
        if len(set(self.templates)) < len(self.templates):
            raise ProblemError(f"templates: a name occurs twice in {self.templates}")
        for name, low, high in (
            ("min_steps", 1, 6),
            ("max_steps", 1, 6),
            ("irrelevant_percent", 0, 100),
        ):
            value = getattr(self, name)
            try:
                value = None if isinstance(value, bool) else operator.index(value)
            except TypeError:
                value = None
            if value is None or not low <= value <= high:
                raise ProblemError(
                    f"{name}: must be an integer {low} to {high}, got {getattr(self, name)!r}"
                )
            object.__setattr__(self, name, value)
        if not isinstance(self.annotations, bool):
            raise ProblemError(f"annotations: must be True or False, got {self.annotations!r}")
        for name, known in (("ending", ("hashes", "sentence")), ("prompt", _PROMPTS)):
            if getattr(self, name) not in known:
                wanted = " or ".join(f'"{word}"' for word in known)
                raise ProblemError(f"{name}: must be {wanted}, got {getattr(self, name)!r}")
        if self.min_steps > self.max_steps:
            raise ProblemError(f"min_steps: must not exceed max_steps ({self.max_steps})")
        if not self.chosen:
            raise ProblemError(
                f"templates: none of them has {self.min_steps} to {self.max_steps} steps"
            )

    @property
    def chosen(self) -> tuple[Template, ...]:
        names = self.templates or TEMPLATES
        steps = range(self.min_steps, self.max_steps + 1)
        return tuple(TEMPLATES[name] for name in names if len(TEMPLATES[name].steps) in steps)


_PROMPTS = {
    "plain": "{}",
    "step_by_step": "Question: {}\nLet's think step by step",
}


@dataclasses.dataclass(frozen=True)
class _Drawn:
    """A `text_set.Candidate` that remembers its story and is only written out when asked for: most
    candidates belong to another split."""

    story: Story
    spec: StorySpec
    variant: str

    @property
    def problem(self) -> Problem:
        return problem(self.story, self.spec, self.variant)

    @property
    def key(self) -> str:
        return self.story.key


class StorySet(TextSet):
    """The stories of one split; see `mathjax.problems.base.ProblemSet` and, for the paired splits,
    above."""

    def __init__(self, spec: StorySpec, seed: int, split: str, count: int | None = None):
        self.spec, self.seed, self._templates = spec, seed, spec.chosen
        self._origin = None
        if split in VARIANTS:
            self._origin = StorySet(spec, seed, ORIGIN, count)
        self._taken: list[int] = []  # candidates passed over before each renumbered story
        self._had: set[str] = set()
        super().__init__("stories", ALPHABET, self._story, seed, split, count)

    def story(self, index: int) -> Story:
        return self._find(self._stream(index)).story

    def _story(self, draws: Draws, index: int) -> _Drawn:
        if self._origin is not None:
            return self._variant(self._origin.story(index), draws)
        story = draw_story(draws.choice(self._templates), draws)
        if draws.below(100) < self.spec.irrelevant_percent:
            story = add_fact(story, draws)
        return _Drawn(story, self.spec, "original")

    def _variant(self, original: Story, draws: Draws) -> _Drawn:
        return _Drawn(vary(original, self.split, draws), self.spec, self.split)

    def _stream(self, index: int) -> int:
        if self._origin is None:
            return super()._stream(index)
        if not 0 <= index < (self.count or 0):
            raise IndexError(f'index {index} is not in 0..{self.count} of split "{self.split}"')
        return index

    def _find(self, stream: int) -> _Drawn:
        if self.split not in _RENUMBERED:
            return super()._find(stream)  # same key as the original, hence in the right bucket
        with self._lock:
            return self._find_renumbered(stream)

    def _find_renumbered(self, stream: int) -> _Drawn:
        while len(self._taken) <= stream:  # in order: no story may come twice
            index = len(self._taken)
            draws = Draws(self._base, index)
            first, last = buckets(self.split)
            old = self._origin.story(index)
            passed = 0
            while True:
                key = self._variant(old, draws).key
                if key != old.key and key not in self._had and first <= bucket(hash64(key)) <= last:
                    break
                passed += 1
                if passed == _TRIES:
                    raise ProblemError(
                        f'count: no new numbers for example {index} of split "{self.split}", '
                        f"{old.key!r}; lower count"
                    )
            self._had.add(key)
            self._taken.append(passed)
        draws, original = Draws(self._base, stream), self._origin.story(stream)
        for _ in range(self._taken[stream]):
            self._variant(original, draws)
        return self._variant(original, draws)


def vary(story: Story, variant: str, draws: Draws) -> Story:
    """The same story changed in one way of VARIANTS. Its numbers may by chance be the old ones."""
    template = story.template
    if variant in _RENUMBERED:
        story = dataclasses.replace(story, numbers=template.draw_numbers(draws))
    if variant in ("names", "symbolic"):
        people, nouns = draw_cast(template, draws, apart_from=story.people)
        story = dataclasses.replace(story, people=people, nouns=nouns)
    if variant == "paraphrase":
        others = [w for w in range(len(template.wordings)) if w != story.wording]
        story = dataclasses.replace(story, wording=draws.choice(others))
    if variant == "distraction":
        story = add_fact(story, draws)
    if variant == "reversed":
        story = ask_backwards(story, draws)
    if variant == "extended":
        story = ask_further(story, draws)
    return story


def variants(stories: StorySet, index: int) -> dict[str, Problem]:
    """Every variant of example `index` of an "in_domain" set."""
    if stories.split != ORIGIN:
        raise ProblemError(f'split: variants are made of "{ORIGIN}", not of "{stories.split}"')
    return {
        split: StorySet(stories.spec, stories.seed, split, index + 1).problem(index)
        for split in VARIANTS
    }


def standard_splits(spec: StorySpec, count: int = 1000) -> dict[str, tuple[StorySpec, int]]:
    """The test sets for a training specification, with their sizes: the originals and, paired with
    them, each way to vary them."""
    return dict.fromkeys((ORIGIN, *VARIANTS), (spec, count))


def problem(story: Story, spec: StorySpec, variant: str) -> Problem:
    """A story as text."""
    answer = story.answer()
    ending = f"#### {answer}" if spec.ending == "hashes" else f"The answer is {answer}."
    facts: dict[str, int | str] = {
        "template": story.template.name,
        "num_steps": len(story.program),
        "variant": variant,
    }
    return Problem(
        _PROMPTS[spec.prompt].format(story.question()),
        "\n".join([*story.rationale(spec.annotations), ending]),
        answer,
        "stories",
        facts,
    )
