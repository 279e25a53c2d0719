"""Stories as data: templates whose numbers are drawn and whose steps are computed.

A template holds text with slots and steps such as `$cost = n * $price | {A} pays {=}.`. The steps
are evaluated in exact fractions, and `story` prints question, rationale and calculator annotations
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
from collections.abc import Mapping
from fractions import Fraction

from mathjax.problems.streams import Draws

_TRIES = 2000  # sets of numbers, none of which makes sense: a mistake in the template
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
