"""Factoring out, simplifying by grouping, and evaluating at given values.

Factor out: 6a*b + 9a*c - 3a        Simplify: 3x + 2(y - x)      Evaluate 2x^2 - 3y for x = 3, y = -2
= 3a*2b + 3a*3c - 3a*1              = 3x + 2y - 2x               = 2*3^2 - 3*(-2)
= 3a*(2b + 3c - 1)                  = 3x - 2x + 2y               = 2*9 - 3*(-2)
Answer: 3a*(2b + 3c - 1)            = (3 - 2)*x + 2y             = 18 - (-6)
                                    = x + 2y                     = 24
                                    Answer: x + 2y               Answer: 24
"""  # noqa: E501

from __future__ import annotations

from fractions import Fraction

from mathjax.problems.expressions import (
    Add,
    Div,
    Eq,
    Expression,
    Mul,
    Neg,
    Num,
    Var,
    factors_of,
    terms_of,
    variables,
)
from mathjax.problems.number_rewrites import evaluate_once, plain_heads
from mathjax.problems.rewrites import (
    collect,
    common_factor,
    distribute,
    factor_out,
    group,
    show_factor,
    substitute,
)
from mathjax.problems.rule_base import (
    Exercise,
    RuleSpec,
    canonical,
    chain,
    nonzero,
    variable,
)
from mathjax.problems.streams import Draws
from mathjax.problems.terms import Powers, build_sum, make_sum, negated, signed

FACTOR_TEMPLATES = ("Factor out: ", "Take out the common factor: ", "Write as a product: ")
SIMPLIFY_TEMPLATES = ("Simplify: ", "Collect like terms: ", "Group and simplify: ")
EVALUATE_TEMPLATES = ("Evaluate ", "Find the value of ", "Compute ")


def draw_factor_out(spec: RuleSpec, draws: Draws) -> Exercise:
    """A sum of unlike terms whose greatest common factor is not 1."""
    count = draws.between(*spec.num_variables)
    size = draws.between(spec.num_terms[0], min(spec.num_terms[1], spec.most_unlike(count)))
    while True:
        number = draws.between(1, max(1, spec.max_coefficient // 2))
        inner, common = _spread(spec, draws, count, size, shared=True)
        terms = []
        for powers in inner:
            joined = dict(powers)
            for base, exponent in common:
                joined[base] = joined.get(base, 0) + exponent
            ordered = tuple(sorted(joined.items(), key=lambda p: int(p[0].name[1:])))
            coefficient = number * nonzero(draws, spec.max_coefficient // number)
            terms.append((coefficient, ordered))
        if len({powers for _, powers in terms}) < size:
            continue
        total = canonical(build_sum(terms))
        factor = common_factor(total)
        if factor in (Num(1), Num(-1)) or len(variables(total)) != count:
            continue
        result = factor_out(total, factor)
        if isinstance(factor, Neg) or (isinstance(factor, Num) and factor.value < 0):
            result = Neg(factor_out(_negated_sum(total), negated(factor)))
        steps = [total, show_factor(total, factor), result]
        facts = {"num_variables": count, "num_terms": size}
        return Exercise((total,), chain(steps), (result,), facts, count)


def _negated_sum(total: Expression) -> Expression:
    return make_sum([negated(term) for term in terms_of(total)])


def draw_simplify(spec: RuleSpec, draws: Draws) -> Exercise:
    """A sum with like terms; half the time two neighbours stand in parentheses with a factor."""
    count, size = draws.between(*spec.num_variables), draws.between(*spec.num_terms)
    while True:
        kinds = draws.between(min(size - 1, -(-count // 2)), size - 1)
        pool, _ = _spread(spec, draws, count, kinds)
        chosen = [*range(kinds), *(draws.below(kinds) for _ in range(size - kinds))]
        chosen = draws.shuffled(chosen)
        terms = [(nonzero(draws, spec.max_coefficient), pool[kind]) for kind in chosen]
        total = canonical(_grouped(terms, spec, draws, chance=2))
        opened = make_sum([_opened(term) for term in terms_of(total)])
        grouped, result = group(opened), collect(opened)
        if len(terms_of(result)) == len(terms_of(opened)) or len(variables(total)) != count:
            continue
        steps = [total, opened, grouped, collect(opened, evaluate=False), result]
        facts = {"num_variables": count, "num_terms": size}
        return Exercise((total,), chain(steps), (result,), facts, count)


def draw_evaluate(spec: RuleSpec, draws: Draws) -> Exercise:
    """A sum of unlike terms, some over a number or in parentheses; values are integers, once in
    four times a fraction."""
    count = draws.between(*spec.num_variables)
    most = min(spec.num_terms[1], spec.most_unlike(count))
    size = draws.between(min(spec.num_terms[0], most), most)
    size = max(size, -(-count // 2))
    while True:
        pool, _ = _spread(spec, draws, count, size)
        if len(set(pool)) < size:
            continue
        terms = [(nonzero(draws, spec.max_coefficient), powers) for powers in pool]
        total = canonical(_grouped(terms, spec, draws, chance=3))
        if draws.below(4) == 0:
            total = Div(total, Num(draws.between(2, spec.max_coefficient)))
        if len(variables(total)) != count:
            continue
        values = {}
        for name in variables(total):
            value = draws.between(-spec.max_coefficient, spec.max_coefficient)
            below = draws.between(2, spec.max_coefficient) if draws.below(4) == 0 else 1
            values[name] = Num(Fraction(value, below))
        step = plain_heads(substitute(total, values))
        steps = [total, step]
        while not isinstance(step, Num):
            step = evaluate_once(step)
            steps.append(step)
        given = [part for name in values for part in (", ", Eq(Var(name), values[name]))][1:]
        facts = {"num_variables": count, "num_terms": size}
        return Exercise((total, " for ", *given), chain(steps), (step,), facts, count)


def _spread(
    spec: RuleSpec, draws: Draws, count: int, size: int, shared: bool = False
) -> tuple[list[Powers], Powers]:
    """Powers of `size` terms over `count` variables, each variable in one of them at least, and
    with `shared` those of a common factor too."""
    exponents: list[dict[int, int]] = [{} for _ in range(size)]
    common: dict[int, int] = {}
    names = draws.shuffled(range(count))
    if shared:
        for name in names[: draws.below(min(count, 2) + 1)]:
            common[name] = draws.between(1, spec.max_power)
    for name in names:
        room = spec.max_power - common.get(name, 0)
        if room and (name not in common or draws.below(2)):
            exponents[draws.below(size)][name] = draws.between(1, room)
    for powers in exponents:
        if len(powers) < 2 and draws.below(2):
            name = draws.below(count)
            room = spec.max_power - common.get(name, 0)
            if room:
                powers.setdefault(name, draws.between(1, room))
    return [_powers(powers) for powers in exponents], _powers(common)


def _powers(exponents: dict[int, int]) -> Powers:
    return tuple((variable(name), exponents[name]) for name in sorted(exponents))


def _grouped(
    terms: list[tuple[int, Powers]], spec: RuleSpec, draws: Draws, chance: int
) -> Expression:
    """The sum; once in `chance` times two neighbours stand in parentheses with a factor."""
    if len(terms) < 3 or draws.below(chance):
        return build_sum(terms)
    place = draws.below(len(terms) - 1)
    inner = build_sum(terms[place : place + 2])
    number = draws.between(1, spec.max_coefficient)
    part = Mul((Num(number), inner)) if number > 1 else inner
    if number == 1 or draws.below(2):
        part = Neg(part)
    parts = [build_sum([term]) for term in terms]
    parts[place : place + 2] = [part]
    return Add((parts[0], *(signed(part) for part in parts[1:])))


def _opened(term: Expression) -> Expression:
    """Parentheses of one term removed."""
    inner = term.inner if isinstance(term, Neg) else term
    if isinstance(inner, Add):
        return _negated_sum(inner) if isinstance(term, Neg) else inner
    if any(isinstance(factor, Add) for factor in factors_of(inner)):
        return distribute(term, evaluate=True)
    return term
