"""Stories as data: templates, and the engine that draws, computes and prints them.

A template holds text with slots and steps such as `$cost = n * $price | {A} pays {=}.`. One engine
evaluates the steps in exact fractions and prints question, rationale and calculator annotations
from the same values, so that text and numbers cannot disagree. All of it is ours; the annotations
`<<3*4=12>>` and the last line `#### N` follow GSM8K (Cobbe et al. 2021).

Slots in text, where n is a number, `$p` money, A a person and `item` a noun of the template:

    {n}  {$p}               12, $3.50
    {n apple}  {n @item}    1 apple, 2 apples; the noun of slot `item`
    {n.times}               twice, 3 times
    {A}  {A.he}  {A.Her}    name; he/she, him/her, his/her; capitalised
    {item}  {item.s}        apple, apples; {Item.s} is capitalised
    {a item}  {A item}      an apple; capitalised
    {=}  {= apple}          in a step: its equation; with the noun in the form its result wants
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from fractions import Fraction

from mathjax.problems.story_words import PEOPLE, article, counted, plural
from mathjax.problems.streams import Draws

_TRIES = 2000  # sets of numbers, none of which makes sense: a mistake in the template
_SLOT = re.compile(r"\{([^{}]*)\}")
_PRONOUNS = ("he", "him", "his")
_LARGEST = 100_000


@dataclasses.dataclass(frozen=True)
class Number:
    """How a number is drawn: one of `values`, times earlier numbers, plus earlier numbers."""

    values: tuple[Fraction, ...] | range
    times: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()

    def draw(self, draws: Draws, numbers: Mapping[str, Fraction]) -> Fraction:
        value = Fraction(draws.choice(self.values))
        for name in self.times:
            value *= numbers[name]
        return value + sum(numbers[name] for name in self.plus)


def number(low: int, high: int, step: int = 1, times: str = "", plus: str = "") -> Number:
    """low, low + step, ... to high; `times` and `plus` are names divided by spaces."""
    return Number(range(low, high + 1, step), tuple(times.split()), tuple(plus.split()))


def money(low: int, high: int, step: int = 25, times: str = "", plus: str = "") -> Number:
    """Dollars, drawn in cents from low to high."""
    values = tuple(Fraction(cents, 100) for cents in range(low, high + 1, step))
    return Number(values, tuple(times.split()), tuple(plus.split()))


def pick(*values: int) -> Number:
    return Number(tuple(map(Fraction, values)))


class Step:
    """`name = a op b op c | sentence`: only + and -, or only * and /, from left to right."""

    def __init__(self, text: str):
        formula, self.sentence = (part.strip() for part in text.split("|"))
        self.name, equals, *self.terms = formula.split()
        operators = set(self.terms[1::2])
        if equals != "=" or not (operators <= set("+-") or operators <= set("*/")):
            raise ValueError(f"step {text!r}: wants name = a op b, of one precedence")

    def value(self, numbers: Mapping[str, Fraction]) -> Fraction:
        result = operand(self.terms[0], numbers)
        for sign, name in zip(self.terms[1::2], self.terms[2::2], strict=True):
            right = operand(name, numbers)
            if sign == "+":
                result += right
            elif sign == "-":
                result -= right
            elif sign == "*":
                result *= right
            else:
                result /= right
        return result

    def equation(self, numbers: Mapping[str, Fraction], annotated: bool) -> str:
        shown, bare = [], []
        for term in self.terms:
            if term in "+-*/":
                shown.append(term)
                bare.append(term)
            else:
                shown.append(show(term, operand(term, numbers)))
                bare.append(shown[-1].lstrip("$"))
        result = show(self.name, numbers[self.name])
        if annotated:
            plain = result.lstrip("$")
            result = f"{'$' * (result != plain)}<<{''.join(bare)}={plain}>>{plain}"
        return f"{' '.join(shown)} = {result}"


def operand(name: str, numbers: Mapping[str, Fraction]) -> Fraction:
    """The number of a slot or earlier step, or a literal integer."""
    return Fraction(int(name)) if name.isdigit() else numbers[name]


def show(name: str, value: Fraction) -> str:
    """Money (`$` before its name) in dollars, with cents if there are any; other numbers as whole
    numbers or decimals."""
    if name.startswith("$"):
        cents = int(value * 100)
        return f"${cents // 100}.{cents % 100:02d}" if cents % 100 else f"${cents // 100}"
    whole, rest = divmod(value, 1)
    digits = f"{int(rest * 100):02d}".rstrip("0")
    return f"{whole}.{digits}" if digits else str(whole)


@dataclasses.dataclass(frozen=True)
class Template:
    """One story: at least two wordings (body, question), numbers, and the steps to the answer.

    Every number and result is positive; results are whole (money: in whole cents) but for those
    named in `decimals`, which may have two places. Numbers that break this, or a condition of
    `where` such as `cost < paid`, are drawn again. `facts` are irrelevant sentences about the
    story, whose number is `{x}`.
    """

    name: str
    numbers: Mapping[str, Number]
    wordings: tuple[tuple[str, str], ...]
    steps: tuple[str, ...]
    people: str = "A"
    nouns: Mapping[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    where: tuple[str, ...] = ()
    decimals: tuple[str, ...] = ()
    facts: tuple[tuple[str, Number], ...] = ()

    @functools.cached_property
    def program(self) -> tuple[Step, ...]:
        return tuple(map(Step, self.steps))

    @functools.cached_property
    def all_facts(self) -> tuple[tuple[str, Number], ...]:
        return self.facts + GENERAL_FACTS

    def draw_numbers(self, draws: Draws) -> tuple[Fraction, ...]:
        """One value a slot, in the order of `numbers`, of a story that makes sense."""
        for _ in range(_TRIES):
            drawn: dict[str, Fraction] = {}
            for name, slot in self.numbers.items():
                drawn[name] = slot.draw(draws, drawn)
            if self.solve(drawn) is not None:
                return tuple(drawn.values())
        raise RuntimeError(f"story template {self.name}: no numbers that make sense")

    def solve(self, drawn: Mapping[str, Fraction]) -> dict[str, Fraction] | None:
        """All numbers and results by name; None where a quantity makes no sense."""
        values = dict(drawn)
        for step in self.program:
            values[step.name] = step.value(values)
            if values[step.name] <= 0:
                return None
        for name, value in values.items():
            places = 100 if name.startswith("$") or name in self.decimals else 1
            if not 0 < value <= _LARGEST or (value * places).denominator != 1:
                return None
        for condition in self.where:
            left, relation, right = condition.split()
            gap = operand(left, values) - operand(right, values)
            if not (gap < 0 if relation == "<" else gap > 0 if relation == ">" else gap != 0):
                return None
        return values


GENERAL_FACTS = (
    ("{A}'s house has the number {x}.", number(11, 98)),
    ("{A} has {x cousin}.", number(2, 17)),
    ("There are {x song} on {A}'s phone.", number(120, 900)),
    ("The nearest post office is {x metre} away from {A}'s home.", number(150, 950, 10)),
    ("The town where {A} lives has {x bridge}.", number(2, 9)),
    ("{A}'s favourite number is {x}.", number(2, 99)),
    ("{A}'s grandmother is {x} years old.", number(61, 95)),
    ("There are {x magnet} on the door of {A}'s fridge.", number(3, 25)),
    ("{A}'s staircase at home has {x step}.", number(8, 30)),
    ("{A}'s aunt has {x goldfish}.", number(2, 9)),
    ("A poster in {A}'s room is {x} centimetres wide.", number(30, 90)),
    ("{A} knows {x} words of Italian.", number(15, 300)),
)
"""Irrelevant to every story of ours."""


@dataclasses.dataclass(frozen=True)
class Story:
    """A template with everything chosen that its text needs."""

    template: Template
    numbers: tuple[Fraction, ...]
    people: tuple[str, ...]
    nouns: tuple[str, ...]
    wording: int
    facts: tuple[tuple[int, Fraction], ...] = ()  # place in all_facts, number
    """Irrelevant facts."""

    @property
    def key(self) -> str:
        """Names, wording and irrelevant facts leave a story the same problem."""
        return f"{self.template.name}:{','.join(map(str, self.numbers))}"

    @functools.cached_property
    def values(self) -> dict[str, Fraction]:
        values = self.template.solve(dict(zip(self.template.numbers, self.numbers, strict=True)))
        assert values is not None, self.key
        return values

    def question(self) -> str:
        """The facts stand before the question, last but one, where no pronoun can go astray."""
        body, question = self.template.wordings[self.wording]
        facts = (self._fill(self.template.all_facts[place][0], {"x": x}) for place, x in self.facts)
        return " ".join([self._fill(body), *facts, self._fill(question)])

    def rationale(self, annotated: bool) -> list[str]:
        """One sentence a step."""
        return [self._fill(step.sentence, {}, step, annotated) for step in self.template.program]

    def answer(self) -> str:
        """The bare number."""
        name = self.template.program[-1].name
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
