"""The solutions that a text names, in any of the ways people write them, and their comparison.

`{1, 2}`, `x = 1 or x = 2`, `x = 1, 2`, `1 and 2`, `x = 3 +- 1`, `x = 1, y = 2`, `(x, y) = (1, 2)`,
no solution, all reals. Order and repetition do not count; nothing is solved.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from mathjax.answers import equality, exact_values, regions
from mathjax.answers import formulas as f
from mathjax.answers.exact_values import Irrational
from mathjax.answers.formulas import FormulaError, Name, Node, Scalar

MAX_SOLUTIONS = 200
_MAX_PAIRS = 2_500


@dataclasses.dataclass(frozen=True)
class Solution:
    """Values in order; `names` says of what, and is () where the text does not."""

    values: tuple[Scalar, ...]
    names: tuple[str, ...] = ()


def same_solutions(left: Node, right: Node, variables: Sequence[str] = ()) -> bool:
    """Raises FormulaError, "parse" for what names no solutions."""
    if any(is_region(node) for node in (left, right)):
        return _same_wholes(left, right, variables)
    ours, theirs = _read(left, variables), _read(right, variables)
    for some in (ours, theirs):
        for solution in some:
            for value in solution.values:
                equality.check_defined(value)
    ours, theirs = _indexed_roots(ours, theirs), _indexed_roots(theirs, ours)
    ours, theirs = _ordered(ours, theirs, variables), _ordered(theirs, ours, variables)
    if {s.names for s in ours if s.names} ^ {s.names for s in theirs if s.names}:
        both = any(s.names for s in ours) and any(s.names for s in theirs)
        if both:
            return False
    if not all(s.names for s in (*ours, *theirs)):
        named = {s.names for s in (*ours, *theirs) if s.names}
        unknown = variables and any(not set(names) <= set(variables) for names in named)
        if len(named) > 1 or unknown:  # values of different unknowns, or of another one
            return False
        ours, theirs = _nameless(ours), _nameless(theirs)
    exact = _exact_values(ours), _exact_values(theirs)
    if None not in exact:
        return exact[0] == exact[1]
    if len(ours) * len(theirs) > _MAX_PAIRS:
        raise FormulaError("limit", "too many solutions to compare")
    return _covered(ours, theirs) and _covered(theirs, ours)


def is_region(node: Node) -> bool:
    """Whether a text speaks of intervals, or of a set with a name of its own."""
    match node:
        case f.Whole() | f.Comprehension():
            return True
        case f.Bracketed("{", (), _):
            return True
        case f.Relation(sign):
            return sign in ("<", "<=", ">", ">=", "!=") or (sign == "in" and is_region(node.right))
        case f.SetOperation(_, left, right):
            return is_region(left) or is_region(right) or not _is_braced(left)
        case f.Listing(_, parts):
            return any(map(is_region, parts))
        case f.Bracketed(opening, elements, closing):
            if any(isinstance(e, Scalar) and regions._infinite(e) for e in elements):
                return True
            return (opening, closing) in (("(", "]"), ("[", ")"))
    return False


def _is_braced(node: Node) -> bool:
    return isinstance(node, f.Bracketed) and node.opening == "{"


def _same_wholes(left: Node, right: Node, variables: Sequence[str]) -> bool:
    left, right = (
        f.Whole("empty") if _is_braced(node) and not node.elements else node
        for node in (left, right)
    )
    infinite = f.Whole("infinite")
    if infinite in (left, right):
        return left == right
    try:
        return regions.same_region(left, right, variables)
    except FormulaError as error:
        # A set of tuples is neither all reals nor empty.
        if error.reason == "parse" and isinstance(left, f.Whole) != isinstance(right, f.Whole):
            other = right if isinstance(left, f.Whole) else left
            if not is_region(other) and _read(other, ()):
                return False
        raise


def _covered(some: list[Solution], others: list[Solution]) -> bool:
    return all(any(_same(one, other) for other in others) for one in some)


def _same(one: Solution, other: Solution) -> bool:
    alike = one.names == other.names and len(one.values) == len(other.values)
    return alike and all(map(equality.equal, one.values, other.values))


def _nameless(solutions: list[Solution]) -> list[Solution]:
    return [Solution(solution.values) for solution in solutions]


def _exact_values(solutions: list[Solution]) -> set[tuple] | None:
    try:
        return {(s.names, *map(exact_values.value, s.values)) for s in solutions}
    except (Irrational, FormulaError):
        return None


def _ordered(
    some: list[Solution], others: list[Solution], variables: Sequence[str]
) -> list[Solution]:
    """Named values brought into one order: of the variables, or of the first named solution."""
    order = list(variables)
    if not order:
        named = [s.names for s in (*some, *others) if s.names]
        positional = any(not s.names and len(s.values) > 1 for s in (*some, *others))
        order = list(named[0]) if named and positional else sorted({n for s in named for n in s})
    result = []
    for solution in some:
        if len(solution.names) > 1:
            pairs = dict(zip(solution.names, solution.values, strict=True))
            names = sorted(pairs, key=lambda n: (order.index(n) if n in order else len(order), n))
            solution = Solution(tuple(pairs[name] for name in names), tuple(names))
        result.append(solution)
    return result


def _indexed_roots(some: list[Solution], others: list[Solution]) -> list[Solution]:
    """`x_1 = 2, x_2 = 3` are two values of x where the other side has one unknown."""
    if len(some) != 1 or len(some[0].names) < 2 or not others:
        return some
    if any(len(other.values) != 1 for other in others):
        return some
    bases = {name.rpartition("_")[0] for name in some[0].names}
    if len(bases) != 1 or "" in bases:
        return some
    return [Solution((value,), (bases.copy().pop(),)) for value in some[0].values]


def _read(node: Node, variables: Sequence[str]) -> list[Solution]:
    solutions = _alternatives(node, variables)
    if len(solutions) > MAX_SOLUTIONS:
        raise FormulaError("limit", f"more than {MAX_SOLUTIONS} solutions")
    return solutions


def _alternatives(node: Node, variables: Sequence[str]) -> list[Solution]:
    match node:
        case Scalar():
            return [Solution((value,)) for value in f.signs_chosen(node)]
        case f.Relation("in", Name(name), right) if _is_braced(right):
            return _named(_alternatives(right, variables), (name,))
        case f.Relation("=", left, right):
            return _equation(left, right, variables)
        case f.Bracketed("{", elements, _):
            if any(map(_is_braced, elements)):
                raise FormulaError("parse", "a set in a set")
            return _listed(elements, variables)
        case f.Bracketed("[", elements, "]") if len(variables) <= 1:
            return _listed(elements, variables)
        case f.Bracketed("(" | "[", elements, ")" | "]"):
            if all(isinstance(element, Scalar) for element in elements):
                return _signed(elements, ())
            return _listed(elements, variables)
        case f.Listing("or", parts):
            return [s for part in parts for s in _alternatives(part, variables)]
        case f.Listing(_, parts):
            scalars = all(isinstance(part, Scalar) for part in parts)
            if scalars and node.joint == "," and len(parts) == len(variables) > 1:
                return _signed(parts, ())
            return _listed(parts, variables)
        case f.SetOperation("union", left, right):
            return _alternatives(left, variables) + _alternatives(right, variables)
        case f.Whole("empty"):
            return []
    raise FormulaError("parse", "no set of solutions")


def _signed(values: Sequence[Scalar], names: tuple[str, ...]) -> list[Solution]:
    """One solution, or two where plus-or-minus signs stand in it, taken alike in all values."""
    readings = [f.signs_chosen(value) for value in values]
    count = max(map(len, readings), default=1)
    return [
        Solution(tuple(reading[min(i, len(reading) - 1)] for reading in readings), names)
        for i in range(count)
    ]


def _equation(left: Node, right: Node, variables: Sequence[str]) -> list[Solution]:
    if not isinstance(left, Name) and isinstance(right, Name) and isinstance(left, Scalar):
        left, right = right, left  # 3 = x
    if isinstance(left, Name):
        return _named(_alternatives(right, variables), (left.name,))
    match left, right:
        case f.Bracketed("(", names, ")"), f.Bracketed() | f.Listing():
            if all(isinstance(name, Name) for name in names):
                return _named(_alternatives(right, variables), tuple(n.name for n in names))
    raise FormulaError("parse", "an equation that is not solved")


def _named(solutions: list[Solution], names: tuple[str, ...]) -> list[Solution]:
    if len(set(names)) < len(names):
        raise FormulaError("parse", "a name that stands twice")
    for solution in solutions:
        if solution.names or len(solution.values) != len(names):
            raise FormulaError("parse", "values that do not fit their names")
    return [Solution(solution.values, names) for solution in solutions]


def _listed(parts: Sequence[Node], variables: Sequence[str]) -> list[Solution]:
    """Parts in a list: `x = 1, y = 2` belong together, `x = 1, x = 2` and `1, 2` do not."""
    solutions: list[Solution] = []
    group: dict[str, Scalar] = {}  # named values that belong together
    last = ""

    def close() -> None:
        if group:
            for name, value in reversed(group.items()):  # x = y = 1
                if isinstance(value, Name) and value.name in group:
                    group[name] = group[value.name]
            solutions.extend(_signed(tuple(group.values()), tuple(group)))
            group.clear()

    for part in parts:
        if isinstance(part, f.Relation) and part.sign == "=":
            left, right = part.left, part.right
            if isinstance(right, Name) and not isinstance(left, Name):
                left, right = right, left
            if isinstance(left, Name) and isinstance(right, Scalar):
                if left.name in group:
                    close()
                group[left.name] = right
                last = left.name
                continue
        if isinstance(part, Scalar) and last and set(group) <= {last}:  # x = 1, 2
            close()
            solutions.extend(_named(_alternatives(part, variables), (last,)))
            continue
        close()
        solutions.extend(_alternatives(part, variables))
    close()
    return solutions
