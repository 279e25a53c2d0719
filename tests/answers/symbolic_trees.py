"""Random formulas, rewritten into equal ones or changed in one place, and the truth about them.

The truth is independent of the checkers: exact fractions at random points.
"""

from __future__ import annotations

import random
from fractions import Fraction

from mathjax.problems import expressions as ex
from mathjax.problems.expression_printers import STYLES, to_text
from mathjax.problems.expressions import Add, Div, Expression, Mul, Neg, Num, Pow, Var

NAMES = ("x", "y", "z", "t")
POINTS = 12


# Truth


def evaluate(tree: Expression, point: dict[str, Fraction]) -> Fraction:
    match tree:
        case Num(value):
            return Fraction(value)
        case Var(name):
            return point[name]
        case Add(terms):
            return sum((evaluate(term, point) for term in terms), Fraction(0))
        case Mul(factors):
            product = Fraction(1)
            for factor in factors:
                product *= evaluate(factor, point)
            return product
        case Neg(inner):
            return -evaluate(inner, point)
        case Div(above, below):
            return evaluate(above, point) / evaluate(below, point)
        case Pow(base, Num(n)):
            return evaluate(base, point) ** n
    raise TypeError(tree)


def same_values(left: Expression, right: Expression, r: random.Random) -> bool | None:
    """By exact values at random points; None where there are too few."""
    names, agreed = sorted({*ex.variables(left), *ex.variables(right)}), 0
    for _ in range(4 * POINTS):
        point = {name: Fraction(r.randint(-(10**9), 10**9), r.randint(1, 10**4)) for name in names}
        try:
            if evaluate(left, point) != evaluate(right, point):
                return False
        except ZeroDivisionError:
            continue
        agreed += 1
        if agreed == POINTS:
            return True
    return None


# Trees


def number(r: random.Random) -> Num:
    if r.random() < 0.8:
        return Num(r.choice((1, 2, 3, 4, 5, 7, 12, r.randint(1, 99), r.randint(1, 10**7))))
    return Num(Fraction(r.randint(1, 30), r.randint(2, 30)))


def formula(r: random.Random, depth: int, names: tuple[str, ...] = NAMES) -> Expression:
    if depth <= 0 or r.random() < 0.1:
        return Var(r.choice(names)) if names and r.random() < 0.7 else number(r)

    def inner() -> Expression:
        return formula(r, depth - 1, names)

    match r.randrange(10):
        case 0 | 1 | 2 | 3:
            return Add(tuple(inner() for _ in range(r.randint(2, 3))))
        case 4 | 5 | 6:
            return Mul(tuple(inner() for _ in range(r.randint(2, 3))))
        case 7:
            return Neg(inner())
        case 8:
            return Div(inner(), inner())
    return Pow(inner(), Num(r.choice((2, 2, 3, -1))))


def rewritten(tree: Expression, r: random.Random, share: float = 0.5) -> Expression:
    """An equal tree: commuted, associated, distributed, with zeros and ones, undone and redone."""
    if isinstance(tree, Pow):  # the exponent stays a number
        tree = Pow(rewritten(tree.base, r, share), tree.exponent)
    else:
        tree = ex.rebuild(tree, tuple(rewritten(part, r, share) for part in ex.children(tree)))
    if r.random() > share:
        return tree
    match tree:
        case Add(terms) if r.random() < 0.7:
            terms = r.sample(terms, len(terms))
            if len(terms) > 2 and r.random() < 0.5:
                return Add((Add(tuple(terms[:2])), *terms[2:]))
            return Add(tuple(terms))
        case Mul(factors) if r.random() < 0.8:
            factors = r.sample(factors, len(factors))
            place = next((i for i, f in enumerate(factors) if isinstance(f, Add)), None)
            if place is not None and r.random() < 0.6:
                rest = factors[:place] + factors[place + 1 :]
                return Add(tuple(ex.mul([*rest, term]) for term in factors[place].terms))
            return Mul(tuple(factors))
        case Pow(base, Num(n)) if isinstance(n, int) and n > 1:
            return Mul((base, ex.mul([base] * (n - 1))))
        case Pow(base, Num(-1)):
            return Div(Num(1), base)
        case Div(above, below):
            if r.random() < 0.5:
                return Mul((above, Pow(below, Num(-1))))
            factor = number(r)
            return Div(Mul((factor, above)), Mul((below, factor)))
        case Neg(inner):
            return Mul((Num(-1), inner))
        case Num(value) if value not in (0, 1) and r.random() < 0.3:
            part = number(r).value
            return Add((Num(value - part), Num(part)))
    match r.randrange(5):
        case 0:
            return Add((tree, Num(0)))
        case 1:
            return Mul((Num(1), tree))
        case 2:
            return Neg(Neg(tree))
        case 3:
            k = number(r)
            return Add((tree, k, Neg(k)))
    k = number(r)
    return Div(Mul((k, tree)), k)


def _unpowered(tree: Expression) -> list[Expression]:
    """All nodes but exponents."""
    if isinstance(tree, Pow):
        return [tree, *_unpowered(tree.base)]
    return [tree, *(node for part in ex.children(tree) for node in _unpowered(part))]


def mutated(tree: Expression, r: random.Random, names: tuple[str, ...] = NAMES) -> Expression:
    """One coefficient, sign, exponent or name changed; perhaps equal by chance."""
    at = r.randrange(len(_unpowered(tree)))
    counter = iter(range(10**6))

    def change(node: Expression) -> Expression:
        if next(counter) == at:
            return _changed(node, r, names)
        if isinstance(node, Pow):
            return Pow(change(node.base), node.exponent)
        return ex.rebuild(node, tuple(change(part) for part in ex.children(node)))

    return change(tree)


def _changed(node: Expression, r: random.Random, names: tuple[str, ...]) -> Expression:
    match node:
        case Num(value):
            return Num(value + r.choice((1, -1, Fraction(1, 10**6), Fraction(1, 10**40))))
        case Var(name):
            others = [other for other in names if other != name]
            return Var(r.choice(others)) if others and r.random() < 0.6 else Mul((Num(2), node))
        case Add(terms) if r.random() < 0.6:
            i = r.randrange(len(terms))
            return Add((*terms[:i], Neg(terms[i]), *terms[i + 1 :]))
        case Mul(factors) if r.random() < 0.5:
            i = r.randrange(len(factors))
            return Mul((*factors[:i], Add((factors[i], Num(1))), *factors[i + 1 :]))
        case Pow(base, Num(n)):
            return Pow(base, Num(n + 1 if n != -1 else 1))
        case Neg(inner):
            return inner
        case Div(above, below):
            return Div(below, above)
    return Neg(node)


def text(tree: Expression, r: random.Random) -> str:
    written = to_text(tree, r.choice(STYLES))
    return f"${written}$" if "\\" in written and r.random() < 0.3 else written
