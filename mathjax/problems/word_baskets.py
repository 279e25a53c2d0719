"""Word problems about baskets of fruit with 2 to 5 unknown prices: linear systems in words."""

from __future__ import annotations

import math

from mathjax.problems.story_words import FRUIT, PEOPLE, counted, plural
from mathjax.problems.streams import Draws
from mathjax.problems.word_solution import WordProblem

_CURRENCIES = (
    ("dollar", 1, 9, 1),
    ("euro", 1, 9, 1),
    ("cent", 20, 300, 5),
    ("pence", 10, 200, 1),
)
_TRIES = 1000

Row = list[int]


def draw(draws: Draws, count: int, ask: str) -> WordProblem:
    """`ask`: "all" prices, as `apple = 2, pear = 3`, or "one" of them. The system has exactly one
    solution, in whole currency units."""
    fruit = draws.sample(FRUIT, count)
    currency, low, high, step = draws.choice(_CURRENCIES)
    prices = [low + step * draws.below((high - low) // step + 1) for _ in fruit]
    for _ in range(_TRIES):
        table = [_basket(draws, count) for _ in range(count)]
        rows = [
            [*row, sum(n * price for n, price in zip(row, prices, strict=True))] for row in table
        ]
        lines: list[str] = []
        solution = eliminate(rows, fruit, lines)
        if solution is not None:
            break
    else:
        raise RuntimeError("no basket table of full rank")
    assert solution == prices
    baskets = _sentences(draws, rows, fruit, currency)
    facts: dict[str, int | str] = {"kind": "baskets", "num_unknowns": count, "ask": ask}
    # Fruit and currency are only names; the order of baskets and of fruit is no difference either.
    key = f"baskets:{ask}:{_columns(rows, prices)}"
    if ask == "all":
        question = draws.choice(
            (
                "Each kind of fruit has one price. What does one piece of each kind cost, in "
                f"{_many(currency)}?",
                f"Find the price of each kind of fruit in {_many(currency)}.",
                f"How many {_many(currency)} is one piece of each kind of fruit?",
            )
        )
        form = ", ".join(f"{name} = ..." for name in fruit)
        answer = ", ".join(f"{f} = {p}" for f, p in zip(fruit, prices, strict=True))
        prompt = f"{baskets} {question} Answer in the form: {form}"
        return WordProblem(prompt, lines, answer, key, facts)
    place = draws.below(count)
    prompt = f"{baskets} How many {_many(currency)} does one {fruit[place]} cost?"
    return WordProblem(prompt, lines, str(prices[place]), f"{key}:{prices[place]}", facts)


def _basket(draws: Draws, count: int) -> Row:
    """How many of each fruit: two kinds at least, and with four or more kinds not all of them."""
    while True:
        empty = 3 if count > 3 else 6  # one kind in so many is left out
        row = [0 if draws.below(empty) == 0 else draws.between(1, 8) for _ in range(count)]
        if sum(n > 0 for n in row) >= 2:
            return row


def _columns(rows: list[Row], prices: list[int]) -> str:
    """The system up to the order of its equations and of its unknowns: rows sorted within columns
    sorted by price, which is nearly always a strict order."""
    order = sorted(range(len(prices)), key=lambda k: (prices[k], sorted(row[k] for row in rows)))
    return str(sorted([*(row[k] for k in order), row[-1]] for row in rows))


def eliminate(rows: list[Row], names: list[str], lines: list[str]) -> list[int] | None:
    """Gaussian elimination in integers, each row operation written to `lines`; None if there is
    not exactly one solution or it is not whole."""
    size = len(names)
    table = [list(row) for row in rows]
    for number, row in enumerate(table, 1):
        lines.append(f"E{number}: {_equation(row, names)}")
    for column in range(size):
        pivot = next((r for r in range(column, size) if table[r][column]), None)
        if pivot is None:
            return None
        if pivot != column:
            table[column], table[pivot] = table[pivot], table[column]
            lines.append(f"Swap E{column + 1} and E{pivot + 1}.")
        for r in range(column + 1, size):
            if table[r][column] == 0:
                continue
            common = math.gcd(table[column][column], table[r][column])
            own, other = table[column][column] // common, table[r][column] // common
            table[r] = [own * x - other * y for x, y in zip(table[r], table[column], strict=True)]
            content = math.gcd(*table[r])
            if content == 0:
                return None
            step = _combination([(own, f"E{r + 1}"), (-other, f"E{column + 1}")])
            if content > 1:
                table[r] = [x // content for x in table[r]]
                step = f"({step})/{content}"
            lines.append(f"E{r + 1} becomes {step}: {_equation(table[r], names)}")
    values = [0] * size
    for column in reversed(range(size)):
        *factors, right = table[column]
        rest = [(n, values[k]) for k, n in enumerate(factors) if k > column and n]
        left = right - sum(n * value for n, value in rest)
        values[column], remainder = divmod(left, factors[column])
        if remainder:
            return None
        line = f"From E{column + 1}: {names[column]} = "
        if rest or factors[column] != 1:
            rest_text = _combination([(-n, str(value)) for n, value in rest], str(right))
            top = f"({rest_text})" if rest else str(right)
            line += f"{top}/{_operand(factors[column])} = "
        lines.append(line + str(values[column]))
    return values


def _equation(row: Row, names: list[str]) -> str:
    return f"{_combination(list(zip(row, names, strict=False)))} = {row[-1]}"


def _combination(terms: list[tuple[int, str]], text: str = "") -> str:
    """`text` plus each number times its name."""
    for n, name in terms:
        if n:
            sign = (" - " if n < 0 else " + ") if text else ("-" if n < 0 else "")
            text += sign + (name if abs(n) == 1 else f"{abs(n)}*{name}")
    return text


def _operand(n: int) -> str:
    return f"({n})" if n < 0 else str(n)


def _many(currency: str) -> str:
    return currency if currency == "pence" else plural(currency)


def _amount(value: int, currency: str) -> str:
    return f"{value} {_many(currency)}"


def _sentences(draws: Draws, rows: list[Row], fruit: list[str], currency: str) -> str:
    style = draws.below(3)
    people = draws.sample(tuple(PEOPLE), len(rows))
    ordinals = ("first", "second", "third", "fourth", "fifth")
    parts = []
    for k, row in enumerate(rows):
        items = [f"{n} {counted(name, n)}" for n, name in zip(row, fruit, strict=False) if n]
        listed = f"{', '.join(items[:-1])} and {items[-1]}"
        price = _amount(row[-1], currency)
        parts.append(
            (
                f"A basket with {listed} costs {price}.",
                f"{people[k]} buys {listed} and pays {price}.",
                f"The {ordinals[k]} basket holds {listed}, and its fruit costs {price}.",
            )[style]
        )
    return " ".join(parts)
