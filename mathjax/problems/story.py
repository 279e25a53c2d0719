"""One story: a template with everything chosen, as question, rationale and answer."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Mapping
from fractions import Fraction

from mathjax.problems.story_engine import Step, Template, show
from mathjax.problems.story_inverse import backward_steps, unknowns
from mathjax.problems.story_words import PEOPLE, article, counted, plural
from mathjax.problems.streams import Draws

_SLOT = re.compile(r"\{([^{}]*)\}")
_PRONOUNS = ("he", "him", "his")

BACKWARD = (
    "The answer to that is {}. What number is x?",
    "We know that the answer is {}. Which number does x stand for?",
)

FURTHER = {
    "times": ("*", "And what is {} times that number?", "Multiplied, that is {=}."),
    "plus": ("+", "And which number is {} more than that?", "Added up, that is {=}."),
    "minus": ("-", "And which number is {} less than that?", "The smaller number is {=}."),
}
"""Sign of the further step, what is asked and its sentence."""


@dataclasses.dataclass(frozen=True)
class Story:
    """A template with everything chosen that its text needs; at most one of `unknown` and `further`
    is set."""

    template: Template
    numbers: tuple[Fraction, ...]
    people: tuple[str, ...]
    nouns: tuple[str, ...]
    wording: int
    facts: tuple[tuple[int, Fraction], ...] = ()  # place in all_facts, number
    """Irrelevant facts."""
    unknown: str = ""
    """A number that is called x and wanted; the answer is told instead."""
    further: tuple[str, int] | None = None
    """What is asked of the answer besides, see FURTHER, and the number for it."""

    @property
    def key(self) -> str:
        """Names, wording and irrelevant facts leave a story the same problem."""
        return f"{self.template.name}:{','.join(map(str, self.numbers))}"

    @functools.cached_property
    def values(self) -> dict[str, Fraction]:
        values = self.template.solve(dict(zip(self.template.numbers, self.numbers, strict=True)))
        assert values is not None, self.key
        if self.further is not None:
            *_, last = self.program
            values[last.terms[2]] = Fraction(self.further[1])
            values[last.name] = last.value(values)
        return values

    @functools.cached_property
    def program(self) -> tuple[Step, ...]:
        """The steps to the answer."""
        if self.unknown:
            return backward_steps(self.template, self.unknown)
        steps = self.template.program
        if self.further is None:
            return steps
        sign, _, sentence = FURTHER[self.further[0]]
        result = steps[-1].name
        dollar = "$" * result.startswith("$")
        other = f"{dollar * (sign in '+-')}_given"
        return (*steps, Step(f"{dollar}_further = {result} {sign} {other} | {sentence}"))

    def question(self) -> str:
        """The facts stand before the question, last but one, where no pronoun can go astray."""
        body, question = self.template.wordings[self.wording]
        facts = (self._fill(self.template.all_facts[place][0], {"x": x}) for place, x in self.facts)
        parts = [self._fill(body), *facts, self._fill(question)]
        if self.unknown:
            told = show(name := self.template.program[-1].name, self.values[name]).lstrip("$")
            parts.append(BACKWARD[self.wording % len(BACKWARD)].format(told))
        if self.further is not None:
            parts.append(FURTHER[self.further[0]][1].format(self.further[1]))
        return " ".join(parts)

    def rationale(self, annotated: bool) -> list[str]:
        """One sentence a step."""
        return [self._fill(step.sentence, {}, step, annotated) for step in self.program]

    def answer(self) -> str:
        """The bare number."""
        name = self.program[-1].name
        return show(name, self.values[name]).lstrip("$")

    def _fill(
        self,
        text: str,
        extra: Mapping[str, Fraction] | None = None,
        step: Step | None = None,
        annotated: bool = False,
    ) -> str:
        values = {**self.values, **extra} if extra else self.values
        people = dict(zip(self.template.people, self.people, strict=True))
        nouns = dict(zip(self.template.nouns, self.nouns, strict=True))

        def noun(word: str) -> str:
            before, at, name = word.partition("@")
            return before + nouns[name] if at else word

        def slot(match: re.Match[str]) -> str:
            head, _, word = match[1].partition(" ")
            name, _, form = head.partition(".")
            if head == "=":
                assert step is not None
                ending = " " + counted(noun(word), values[step.name]) if word else ""
                return step.equation(values, annotated) + ending
            if head in ("a", "A") and word in nouns:
                return head + article(nouns[word])[1:]
            if name == self.unknown and step is None:
                shown = "$x" if name.startswith("$") else "x times" if form else "x"
                return f"{shown} {plural(noun(word))}" if word else shown
            if word:
                return f"{show(head, values[head])} {counted(noun(word), values[head])}"
            if name in people:
                return _person(people[name], form)
            if name in values:
                times = "twice" if values[name] == 2 else f"{show(name, values[name])} times"
                return times if form else show(name, values[name])
            chosen = nouns[name.lower()]
            chosen = plural(chosen) if form else chosen
            return chosen[0].upper() + chosen[1:] if name[0].isupper() else chosen

        return _SLOT.sub(slot, text)


def _person(name: str, form: str) -> str:
    if not form:
        return name
    pronoun = PEOPLE[name][_PRONOUNS.index(form.lower())]
    return pronoun.capitalize() if form[0].isupper() else pronoun


def draw_cast(
    template: Template, draws: Draws, apart_from: tuple[str, ...] = ()
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """People, none of them in `apart_from`, and nouns; nobody and nothing twice."""
    names = [name for name in PEOPLE if name not in apart_from]
    people = tuple(draws.sample(names, len(template.people)))
    nouns: list[str] = []
    for words in template.nouns.values():
        nouns.append(draws.choice([word for word in words if word not in nouns]))
    return people, tuple(nouns)


def add_fact(story: Story, draws: Draws) -> Story:
    """The story with one more irrelevant fact, every other one of the story's own."""
    facts = story.template.all_facts
    told = {place for place, _ in story.facts}
    left = [place for place in range(len(facts)) if place not in told]
    of_story = [place for place in left if place < len(story.template.facts)]
    place = draws.choice(of_story if of_story and draws.below(2) else left)
    return dataclasses.replace(
        story, facts=(*story.facts, (place, facts[place][1].draw(draws, story.values)))
    )


def draw_story(template: Template, draws: Draws) -> Story:
    numbers = template.draw_numbers(draws)
    people, nouns = draw_cast(template, draws)
    return Story(template, numbers, people, nouns, draws.below(len(template.wordings)))


def ask_backwards(story: Story, draws: Draws) -> Story:
    """The story with its answer told and one of its numbers wanted."""
    return dataclasses.replace(story, unknown=draws.choice(unknowns(story.template)))


def ask_further(story: Story, draws: Draws) -> Story:
    """The story with one more step, on its answer; the result is positive."""
    answer = story.values[story.template.program[-1].name]
    kind = draws.choice([kind for kind in FURTHER if kind != "minus" or answer > 2])
    most = 9 if kind == "times" else 50
    if kind == "minus":
        most = min(most, math.ceil(answer) - 1)
    return dataclasses.replace(story, further=(kind, draws.between(2, most)))
