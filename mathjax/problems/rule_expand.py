"""Distributivity: products of sums, any number of factors, terms and variables.

    Expand: (2a - 3b)(c + 4)
    = 2a*c + 2a*4 - 3b*c - 3b*4
    = 2a*c + 8a - 3b*c - 12b
    Answer: 2a*c + 8a - 3b*c - 12b

Factors are multiplied out from the left: products side by side, then their numbers evaluated and
variables put in order, then like terms collected. `rule_expand_writer` writes the same bytes.
"""

from __future__ import annotations

from collections.abc import Sequence

from mathjax.problems.expressions import Add, Expression, Mul, Neg, Num, factors_of
from mathjax.problems.rewrites import collect, distribute, evaluate_products
from mathjax.problems.rule_base import Exercise, RuleSpec, chain, variable
from mathjax.problems.streams import Draws
from mathjax.problems.terms import build_sum

TEMPLATES = ("Expand: ", "Multiply out: ", "Remove the brackets: ", "Write as a sum: ")

Factor = list[tuple[int, int]]
"""Terms of one factor as (coefficient, variable); variable 0 stands for none."""


def draw(spec: RuleSpec, draws: Draws) -> Exercise:
    factors = draw_factors(spec, draws)
    count = max(name for factor in factors for _, name in factor)
    product = build_product(factors)
    order = [variable(k).name for k in range(count)]
    steps = [product, *expansion(product, order)]
    facts = {
        "num_variables": count,
        "num_terms": sum(map(len, factors)),
        "num_factors": len(factors),
    }
    return Exercise((product,), chain(steps), (steps[-1],), facts, count)


def draw_factors(spec: RuleSpec, draws: Draws) -> list[Factor]:
    """The number of variables is uniform; every one of them occurs. Terms of a factor are unlike,
    and at most one of them is a number. Once in four times the first factor is a single term."""
    (low, high), count = spec.num_terms, draws.between(*spec.num_variables)
    while True:
        sizes = [0] * draws.between(*spec.num_factors)
        single = draws.below(4) == 0
        for place in range(len(sizes)):
            sizes[place] = draws.between(low, min(high, count + 1))
        if single:
            sizes[0] = 1
        if sum(sizes) >= count:
            break
    owners = [factor for factor, size in enumerate(sizes) for _ in range(size)]
    slots = draws.shuffled(range(len(owners)))
    names = [-1] * len(owners)
    for name, slot in enumerate(slots[:count], start=1):
        names[slot] = name
    for slot in sorted(slots[count:]):
        used = {names[s] for s in range(len(owners)) if owners[s] == owners[slot]}
        free = [name for name in range(count + 1) if name not in used]
        names[slot] = draws.choice(free)
    factors: list[Factor] = [[] for _ in sizes]
    renumbered: dict[int, int] = {0: 0}
    for owner, name in zip(owners, names, strict=True):
        size = draws.between(1, spec.max_coefficient)
        negative = draws.below(2 if factors[owner] else 4) == 0
        if sizes[owner] == 1 and not name and size == 1:
            size = 2  # no factor 1
        new = renumbered.setdefault(name, len(renumbered))
        factors[owner].append((-size if negative else size, new))
    return factors


def build_product(factors: Sequence[Factor]) -> Expression:
    """A leading single term gives its sign to the whole product."""
    sums = [_sum(factor) for factor in factors]
    first = sums[0]
    if isinstance(first, Add):
        return Mul(tuple(sums))
    if isinstance(first, Neg):
        return Neg(Mul((*factors_of(first.inner), *sums[1:])))
    if isinstance(first, Num) and first.value < 0:
        return Neg(Mul((Num(-first.value), *sums[1:])))
    return Mul((*factors_of(first), *sums[1:]))


def _sum(factor: Factor) -> Expression:
    return build_sum([(c, ((variable(k - 1), 1),) if k else ()) for c, k in factor])


def expansion(product: Expression, order: Sequence[str]) -> list[Expression]:
    """The steps from a product of sums to its expanded form; see the top of this page."""
    steps = []
    while isinstance(product, (Mul, Neg)) and _has_sum(product):
        side_by_side = distribute(product)
        first, *rest = factors_of(side_by_side)
        evaluated = evaluate_products(first, order)
        for total in (first, evaluated, collect(evaluated)):
            product = Mul((total, *rest)) if rest else total
            steps.append(product)
    return steps


def _has_sum(product: Expression) -> bool:
    inner = product.inner if isinstance(product, Neg) else product
    return any(isinstance(factor, Add) for factor in factors_of(inner))
