"""Word problems about resistors in series, in parallel and mixed."""

from __future__ import annotations

import dataclasses
from fractions import Fraction

from mathjax.problems.streams import Draws
from mathjax.problems.word_solution import WordProblem

SERIES, PARALLEL = "series", "parallel"
CIRCUITS = (SERIES, PARALLEL, "mixed")
ASKS = ("total", "current", "missing")

_EXACT = "Give the exact value, as a fraction in lowest terms if it is not whole."
_GROUP_WORDS = ("group", "block", "unit")


@dataclasses.dataclass(frozen=True)
class Group:
    """Two or more parts in series or in parallel; a part is a resistance or another group."""

    kind: str
    parts: tuple[Fraction | Group, ...]

    def canonical(self) -> str:
        """The same for circuits that differ in the order of parts only."""
        parts = sorted(
            part.canonical() if isinstance(part, Group) else str(part) for part in self.parts
        )
        return f"{self.kind}({','.join(parts)})"


def draw_circuit(draws: Draws, circuit: str, count: int) -> Group:
    """A circuit of `count` resistors; "mixed" has a group within a group."""

    def group(kind: str, size: int, must_nest: bool) -> Group:
        branches = draws.between(2, size - 1 if must_nest else size)
        sizes = [1] * branches
        for _ in range(size - branches):
            sizes[draws.below(branches)] += 1
        other = PARALLEL if kind == SERIES else SERIES
        return Group(
            kind,
            tuple(
                Fraction(draws.between(1, 60)) if part == 1 else group(other, part, False)
                for part in sizes
            ),
        )

    if circuit == "mixed":
        return group(draws.choice((SERIES, PARALLEL)), count, True)
    return Group(circuit, tuple(Fraction(draws.between(1, 60)) for _ in range(count)))


def draw(draws: Draws, circuit: str, count: int, ask: str) -> WordProblem:
    """`ask`: the total resistance; the current from a battery; or, of a circuit that is not mixed,
    the last resistance when the total is given."""
    tree = draw_circuit(draws, circuit, count)
    unit = "ohm" if ask == "current" else draws.choice(("ohm", "kilohm"))
    word = draws.choice(_GROUP_WORDS)
    lines: list[str] = []
    facts: dict[str, int | str] = {
        "kind": "resistors",
        "circuit": circuit,
        "num_resistors": count,
        "ask": ask,
    }
    key = f"resistors:{ask}:{tree.canonical()}"
    if ask == "missing":
        prompt, answer = _missing(draws, tree, unit, lines)
        return WordProblem(prompt, lines, str(answer), f"{key}:{tree.parts[-1]}", facts)
    description, groups = _describe(draws, tree, unit, word)
    total = _solve(tree, groups, lines)
    if ask == "total":
        question = draws.choice(
            (
                f"What is the total resistance in {unit}s?",
                f"Find the equivalent resistance of the circuit in {unit}s.",
                f"Which single resistor, in {unit}s, could take the place of the circuit?",
            )
        )
        return WordProblem(f"{description} {question} {_EXACT}", lines, str(total), key, facts)
    volts = draws.between(1, 60)
    question = draws.choice(
        (
            f"A battery of {_counted(volts, 'volt')} is connected to the circuit. What current, in "
            "amperes, does it supply?",
            f"With {_counted(volts, 'volt')} across the circuit, how many amperes flow through it?",
        )
    )
    current = volts / total
    lines.append(f"I = {volts} / {_operand(total)} = {current}")
    prompt = f"{description} {question} {_EXACT}"
    return WordProblem(prompt, lines, str(current), f"{key}:{volts}", facts)


def _counted(value: int | Fraction, unit: str) -> str:
    return f"{value} {unit}" if value == 1 else f"{value} {unit}s"


def _operand(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else f"({value})"


def _listed(items: list[str]) -> str:
    return f"{', '.join(items[:-1])} and {items[-1]}"


def _describe(draws: Draws, tree: Group, unit: str, word: str) -> tuple[str, dict[int, str]]:
    """The circuit in words, inner groups first, and the letters of its groups, by identity."""
    verb = draws.choice(("consists of", "is made of", "contains"))
    sentences: list[str] = []
    letters: dict[int, str] = {}

    def item(part: Fraction | Group) -> str:
        if isinstance(part, Group):
            return f"{word} {letters[id(part)]}"
        return f"a resistor of {_counted(part, unit)}"

    def visit(group: Group) -> None:
        for part in group.parts:
            if isinstance(part, Group):
                visit(part)
        top = group is tree
        letters[id(group)] = "R" if top else chr(ord("A") + len(letters))
        subject = "The circuit" if top else f"{word.capitalize()} {letters[id(group)]}"
        sentences.append(
            f"{subject} {verb} {_listed(list(map(item, group.parts)))} in {group.kind}."
        )

    visit(tree)
    return " ".join(sentences), letters


def _solve(tree: Group, letters: dict[int, str], lines: list[str]) -> Fraction:
    """The total resistance; the steps go to `lines`, inner groups first."""

    def visit(part: Fraction | Group) -> Fraction:
        if not isinstance(part, Group):
            return part
        values = [visit(inner) for inner in part.parts]
        letter = letters[id(part)]
        if part.kind == SERIES:
            total = sum(values, Fraction(0))
            lines.append(f"{letter} = {' + '.join(map(str, values))} = {total}")
            return total
        inverse = sum((1 / value for value in values), Fraction(0))
        terms = " + ".join(f"1/{_operand(value)}" for value in values)
        lines.append(f"1/{letter} = {terms} = {inverse}")
        lines.append(f"{letter} = {1 / inverse}")
        return 1 / inverse

    return visit(tree)


def _missing(draws: Draws, tree: Group, unit: str, lines: list[str]) -> tuple[str, Fraction]:
    """The last resistance of a plain circuit, from the total and the others."""
    *known, answer = tree.parts
    others = [f"{_counted(value, unit)}" for value in known]
    if tree.kind == SERIES:
        total = sum(tree.parts, Fraction(0))
        lines.append(f"{total} = {' + '.join(map(str, known))} + x")
        lines.append(f"x = {total} - {' - '.join(map(str, known))} = {answer}")
    else:
        total = 1 / sum((1 / value for value in tree.parts), Fraction(0))
        inverses = [f"1/{value}" for value in known]
        lines.append(f"1/{_operand(total)} = {' + '.join(inverses)} + 1/x")
        lines.append(f"1/x = {1 / total} - {' - '.join(inverses)} = {1 / answer}")
        lines.append(f"x = {answer}")
    resistors = f"Resistors of {_listed(others)}" if others[1:] else f"A resistor of {others[0]}"
    verb = "are" if others[1:] else "is"
    prompt = draws.choice(
        (
            f"{resistors} and one of unknown resistance x are connected in {tree.kind}. Together "
            f"they have {_counted(total, unit)}. What is x in {unit}s?",
            f"{resistors} {verb} connected in {tree.kind} with another resistor. The total "
            f"resistance is {_counted(total, unit)}. How many {unit}s does the other one have?",
        )
    )
    return f"{prompt} {_EXACT}", answer
