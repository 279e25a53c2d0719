"""What the text of an answer becomes: trees that show how it was written.

Nothing is simplified or evaluated here; equality is decided in `equality`, forms in `forms`.
Scalars stand for numbers; relations, lists and the rest are what solutions are written with.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from fractions import Fraction


class FormulaError(Exception):
    """A text that gets no value. `reason` is the verdict's: "parse", "limit" or "undefined"."""

    def __init__(self, reason: str, detail: str):
        super().__init__(detail)
        self.reason, self.detail = reason, detail


UNIT = "\\text "
"""Begins the names of units, which no other name can."""


class Node:
    __slots__ = ()


class Scalar(Node):
    __slots__ = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Number(Scalar):
    """A literal, exactly as written: 0.5 is 1/2. `decimal` says that it had a point or exponent."""

    value: int | Fraction
    decimal: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Name(Scalar):
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Constant(Scalar):
    """pi, e, or oo (infinity, allowed as an end of an interval only)."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Sum(Scalar):
    terms: tuple[Scalar, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Product(Scalar):
    factors: tuple[Scalar, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Negative(Scalar):
    inner: Scalar


@dataclasses.dataclass(frozen=True, slots=True)
class Quotient(Scalar):
    above: Scalar
    below: Scalar


@dataclasses.dataclass(frozen=True, slots=True)
class Power(Scalar):
    base: Scalar
    exponent: Scalar


@dataclasses.dataclass(frozen=True, slots=True)
class Root(Scalar):
    """The root that is not negative; an odd root of a negative number is negative."""

    inner: Scalar
    index: int = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Call(Scalar):
    """A function of `formula_symbols.FUNCTIONS` at its arguments; log has the base second."""

    function: str
    arguments: tuple[Scalar, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class PlusMinus(Scalar):
    """Both +inner and -inner; `lower` for the sign written as minus-or-plus."""

    inner: Scalar
    lower: bool = False


@dataclasses.dataclass(frozen=True, slots=True)
class Relation(Node):
    """left sign right, sign one of = != < <= > >= in."""

    sign: str
    left: Node
    right: Node


@dataclasses.dataclass(frozen=True, slots=True)
class Listing(Node):
    """Parts joined by `joint`: "or", "and" (several relations at once), or "," (a bare list)."""

    joint: str
    parts: tuple[Node, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Bracketed(Node):
    """Elements between `opening` and `closing`, of ( [ { and ) ] }: tuple, interval, row or set."""

    opening: str
    elements: tuple[Node, ...]
    closing: str


@dataclasses.dataclass(frozen=True, slots=True)
class Grid(Node):
    """A matrix by rows."""

    rows: tuple[tuple[Scalar, ...], ...]


@dataclasses.dataclass(frozen=True, slots=True)
class SetOperation(Node):
    """Sets joined by `operation`: "union", "intersection" or "difference", from left to right."""

    operation: str
    left: Node
    right: Node


@dataclasses.dataclass(frozen=True, slots=True)
class Whole(Node):
    """A set with a name: "reals", "empty", or "infinite" (infinitely many, not said which)."""

    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Comprehension(Node):
    """All values of `name` for which `condition` holds: {x | x > 3}."""

    name: str
    condition: Node


def children(node: Scalar) -> tuple[Scalar, ...]:
    match node:
        case Sum(parts) | Product(parts) | Call(_, parts):
            return parts
        case Negative(inner) | Root(inner) | PlusMinus(inner):
            return (inner,)
        case Quotient(a, b) | Power(a, b):
            return a, b
    return ()


def rebuild(node: Scalar, parts: tuple[Scalar, ...]) -> Scalar:
    """The same kind of node with other children."""
    match node:
        case Sum():
            return Sum(parts)
        case Product():
            return Product(parts)
        case Call(function):
            return Call(function, parts)
        case Root(_, index):
            return Root(parts[0], index)
        case PlusMinus(_, lower):
            return PlusMinus(parts[0], lower)
    return type(node)(*parts) if parts else node


def walk(node: Scalar) -> Iterator[Scalar]:
    """All nodes, each before its children."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(reversed(children(node)))


def names_of(node: Scalar) -> list[str]:
    """Names in the order in which they first occur."""
    return list(dict.fromkeys(part.name for part in walk(node) if isinstance(part, Name)))


def has(node: Scalar, kind: type[Scalar]) -> bool:
    return any(isinstance(part, kind) for part in walk(node))


def replace(node: Scalar, change: Callable[[Scalar], Scalar | None]) -> Scalar:
    """The tree with every node for which `change` gives another one replaced, from the top."""
    other = change(node)
    if other is not None:
        return other
    return rebuild(node, tuple(replace(part, change) for part in children(node)))


def map_scalars(node: Node, change: Callable[[Scalar], Scalar]) -> Node:
    """A statement with every scalar of it changed."""
    match node:
        case Scalar():
            return change(node)
        case Relation(sign, left, right):
            return Relation(sign, map_scalars(left, change), map_scalars(right, change))
        case SetOperation(operation, left, right):
            return SetOperation(operation, map_scalars(left, change), map_scalars(right, change))
        case Listing(joint, parts):
            return Listing(joint, tuple(map_scalars(part, change) for part in parts))
        case Bracketed(opening, parts, closing):
            parts = tuple(map_scalars(part, change) for part in parts)
            return Bracketed(opening, parts, closing)
        case Grid(rows):
            return Grid(tuple(tuple(map(change, row)) for row in rows))
        case Comprehension(name, condition):
            return Comprehension(name, map_scalars(condition, change))
    return node


def all_names(node: Node) -> set[str]:
    """Names of all scalars of a statement."""
    names: set[str] = set()

    def note(scalar: Scalar) -> Scalar:
        names.update(names_of(scalar))
        return scalar

    map_scalars(node, note)
    return names


def without_units(node: Node) -> Node:
    """A statement with the units behind its numbers left out."""

    def drop(part: Scalar) -> Scalar | None:
        match part:
            case Product((number, Name(name) | Power(Name(name), _))) if name.startswith(UNIT):
                return replace(number, drop)
        return None

    return map_scalars(node, lambda scalar: replace(scalar, drop))


def signs_chosen(node: Scalar) -> tuple[Scalar, ...]:
    """Both readings of plus-or-minus signs, all taken alike; the tree alone if it has none."""
    if not has(node, PlusMinus):
        return (node,)

    def choose(upper: bool) -> Scalar:
        def change(part: Scalar) -> Scalar | None:
            if not isinstance(part, PlusMinus):
                return None
            inner = replace(part.inner, change)
            return inner if upper != part.lower else Negative(inner)

        return replace(node, change)

    return choose(True), choose(False)
