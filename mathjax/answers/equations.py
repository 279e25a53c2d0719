"""Do two equations, or inequalities, have the same solutions?

Rational ones by the factors of what must vanish: equal up to a constant, to repetition of factors
and to values at which a side is not defined. Others by a constant ratio of their differences, or
by their right sides where both are solved for the same name.
"""

from __future__ import annotations

from flint import fmpq, fmpq_mpoly

from mathjax.answers import equality, linear_relations, regions
from mathjax.answers import formulas as f
from mathjax.answers.formulas import FormulaError, Name, Node, Relation, Scalar
from mathjax.answers.polynomials import Field, gcd, squarefree, times, without
from mathjax.answers.regions import FLIPPED

_ORDER = tuple(FLIPPED)


class PolesDiffer(FormulaError):
    """The same solutions, but for those at which one side divides by zero."""


def same_solutions(left: Node, right: Node, generic: bool = False) -> bool:
    """Equations solved for the same name are compared by what the name equals.

    generic: t = d/r and d = r*t are the same, though r = 0 solves the second only.
    Raises FormulaError: "parse" for what is no equation, "domain" for the same but for values where
    a side is not defined, "undecided" where neither is shown.
    """
    if _are_alternatives(left) or _are_alternatives(right):
        return _same_conditions(left, right)
    ours, theirs = _relations(left), _relations(right)
    if left == right:
        for relation in ours:
            equality.check_defined(relation.left)
            equality.check_defined(relation.right)
        return True
    try:
        if len(ours) == len(theirs) == 1:
            return _same(ours[0], theirs[0])
        if any(relation.sign in _ORDER for relation in (*ours, *theirs)):
            return _same_conditions(left, right)
        # Several relations: each must be found on the other side.
        if _covered(ours, theirs) and _covered(theirs, ours):
            return True
        return _same_systems(ours, theirs)
    except PolesDiffer:
        if generic:
            return True
        raise


def _are_alternatives(node: Node) -> bool:
    """x > 3 or x < 2: inequalities of which one must hold."""
    return (
        isinstance(node, f.Listing)
        and node.joint == "or"
        and not all(isinstance(part, Relation) and part.sign == "=" for part in node.parts)
    )


def _same_systems(ours: list[Relation], theirs: list[Relation]) -> bool:
    """Linear systems by their reduced form; others are not the same relation by relation."""
    both = (*ours, *theirs)
    names = sorted({name for r in both for side in (r.left, r.right) for name in f.names_of(side)})
    forms = linear_relations.reduced(ours, names), linear_relations.reduced(theirs, names)
    if None not in forms:
        without_solution = [_is_contradictory(form, len(names) + 1) for form in forms]
        return all(without_solution) or (not any(without_solution) and forms[0] == forms[1])
    if all(map(solved_for, both)):
        return False
    raise FormulaError("undecided", "systems that are not compared relation by relation")


def _is_contradictory(form: list[fmpq], width: int) -> bool:
    return bool(form) and form[-width:] == [0] * (width - 1) + [1]


def _covered(some: list[Relation], others: list[Relation]) -> bool:
    return all(one in others or _found(one, others) for one in some)


def _found(one: Relation, others: list[Relation]) -> bool:
    """Whether a relation is the same as one of others; an undecided one counts if none is."""
    undecided = None
    for other in others:
        try:
            if _same(one, other):
                return True
        except FormulaError as error:
            undecided = error
    if undecided:
        raise undecided
    return False


def _relations(node: Node) -> list[Relation]:
    match node:
        case Relation(sign, Scalar() as left, Scalar() as right) if sign != "in":
            lefts, rights = f.signs_chosen(left), f.signs_chosen(right)
            count = max(len(lefts), len(rights))
            relations = [
                Relation(sign, lefts[i % len(lefts)], rights[i % len(rights)]) for i in range(count)
            ]
            return relations if sign != "=" else [_either(relations)]
        case f.Listing("or", parts):
            return [_either([relation for part in parts for relation in _relations(part)])]
        case f.Listing("and" | ",", parts):
            return [relation for part in parts for relation in _relations(part)]
    raise FormulaError("parse", "no equation")


def _either(relations: list[Relation]) -> Relation:
    """One equation whose solutions are those of several."""
    if len(relations) == 1:
        return relations[0]
    if any(relation.sign != "=" for relation in relations):
        raise FormulaError("parse", "alternatives that are no equations")
    return Relation("=", f.Product(tuple(map(_difference, relations))), f.Number(0))


def _same(one: Relation, other: Relation) -> bool:
    for relation in (one, other):
        for side in (relation.left, relation.right):
            equality.check_defined(side)
    if one == other:
        return True
    if one.sign in _ORDER or other.sign in _ORDER:
        return _same_order(one, other)
    if one.sign != other.sign:
        return False
    if {one.left, one.right} == {other.left, other.right}:
        return True
    ours, theirs = solved_for(one), solved_for(other)
    for name in ours.keys() & theirs.keys():
        return equality.equal(ours[name], theirs[name])
    try:
        return _same_varieties(one, other)
    except _NotRational:
        return _same_otherwise(one, other)


def solved_for(relation: Relation) -> dict[str, Scalar]:
    """What names equal that stand alone on one side of an equation and not on the other."""
    solved = {}
    for left, right in ((relation.left, relation.right), (relation.right, relation.left)):
        if isinstance(left, Name) and left.name not in f.names_of(right):
            solved[left.name] = right
    return solved


class _NotRational(Exception):
    pass


def _difference(relation: Relation) -> Scalar:
    return f.Sum((relation.left, f.Negative(relation.right)))


def _same_varieties(one: Relation, other: Relation) -> bool:
    """Whether the numerators vanish together; roots and functions count as variables.

    That proves equality in any case, and difference where there are none.
    """
    field = Field(_difference(one), _difference(other))
    ours, poles = _vanishing(field, one)
    theirs, other_poles = _vanishing(field, other)
    found = ours == theirs
    if found and not _same_domains(field, ours, poles, other_poles):
        raise PolesDiffer("domain", "equal where both are defined, but that differs")
    if not found and not all(isinstance(key, Name) for key in field.keys):
        raise _NotRational
    return found


def _vanishing(field: Field, relation: Relation) -> tuple[fmpq_mpoly, fmpq_mpoly]:
    """(the square-free polynomial whose zeros are the solutions, what must not vanish there).

    The polynomial is zero if everything is a solution.
    """
    above, below, poles = field.quotient(_difference(relation))
    if above == 0:
        return above, squarefree(poles)
    above = above / gcd(above, below)
    return squarefree(without(above, poles)), squarefree(poles)


def _same_domains(field: Field, zeros: fmpq_mpoly, one: fmpq_mpoly, other: fmpq_mpoly) -> bool:
    """Whether the same zeros of a polynomial are left when those of one or of the other go; all
    points are zeros of the zero polynomial.

    I = E/R says that R is not 0, E = I*R does not.
    """
    for poles, others in ((one, other), (other, one)):
        own = without(poles, others)
        names = [i for i, key in enumerate(field.keys) if f.names_of(key)]
        never_zero = not any(own.degrees()[i] for i in names)  # pi and the like
        if not never_zero and _meet(zeros, own):
            return False
    return True


def _meet(zeros: fmpq_mpoly, factor: fmpq_mpoly) -> bool:
    """False only if two polynomials surely have no zero in common."""
    if zeros == 0:
        return True
    used = [i for i, degree in enumerate(factor.degrees()) if degree]
    if any(degree for i, degree in enumerate(zeros.degrees()) if i not in used) or len(used) > 1:
        if len(used) == 1 and factor.total_degree() == 1:
            generator = factor.context().gen(used[0])
            root = generator - factor * (1 / factor.leading_coefficient())
            arguments = list(factor.context().gens())
            arguments[used[0]] = root
            at = zeros.compose(*arguments)
            return not (at.is_constant() and at != 0)
        return True
    return not gcd(zeros, factor).is_constant()


def _same_order(one: Relation, other: Relation) -> bool:
    """Inequalities: the same up to a positive factor and to turning them around."""
    if one.sign not in _ORDER or other.sign not in _ORDER:
        return False
    ours, theirs = _difference(one), _difference(other)
    sign = other.sign
    if one.sign[0] != sign[0]:
        theirs, sign = f.Negative(theirs), FLIPPED[sign]
    if one.sign != sign:
        return False
    factor = _constant_ratio(ours, theirs)
    return factor > 0 if factor is not None else _same_conditions(one, other)


def _same_conditions(one: Node, other: Node) -> bool:
    """Conditions by the numbers that meet them, where that is known how to find."""
    try:
        return regions.same_region(one, other)
    except FormulaError as error:
        if error.reason != "parse":
            raise
    raise FormulaError("undecided", "conditions that are not compared here")


def _constant_ratio(ours: Scalar, theirs: Scalar) -> fmpq | None:
    """ours / theirs where that is a constant other than zero, from rational arithmetic."""
    field = Field(ours, theirs)
    n, d, poles = field.quotient(ours)
    m, e, other_poles = field.quotient(theirs)
    if n == 0 or m == 0:
        return None
    left, right = times(n, e), times(m, d)
    ratio = left.leading_coefficient() / right.leading_coefficient()
    if left != right * ratio:
        return None
    if squarefree(poles) != squarefree(other_poles):
        raise FormulaError("domain", "the same where both are defined, but that differs")
    return ratio


def _same_otherwise(one: Relation, other: Relation) -> bool:
    """Equations with roots or functions."""
    undone = _undone(one), _undone(other)
    if undone != (one, other):
        return _same(*undone)
    ours, theirs = _difference(one), _difference(other)
    if f.names_of(ours) != f.names_of(theirs) and set(f.names_of(ours)) != set(f.names_of(theirs)):
        return False
    try:
        if equality.is_constant(f.Quotient(ours, theirs)):
            return True
    except FormulaError as error:
        if error.reason != "undefined":
            raise
    for solved, other_one in ((one, theirs), (other, ours)):
        if _contradicts(solved, other_one):
            return False
    raise FormulaError("undecided", "neither the same nor different by what is tried here")


def _undone(relation: Relation) -> Relation:
    """The equation without a root or logarithm that stands alone on one side, a number on the
    other: sqrt(x) = 2 becomes x = 2^2. The equation itself where there is none."""
    for side, number in ((relation.left, relation.right), (relation.right, relation.left)):
        if f.names_of(number) or not f.names_of(side):
            continue
        match side:
            case f.Root(inner, index):
                if index % 2 == 0 and equality.order(number, f.Number(0)) < 0:
                    return relation
                return Relation("=", inner, f.Power(number, f.Number(index)))
            case f.Call("log", (inner,)):
                return Relation("=", inner, f.Power(f.Constant("e"), number))
            case f.Call("log", (inner, base)) if _is_base(base):
                return Relation("=", inner, f.Power(base, number))
            case f.Power(base, inner) if _is_base(base):
                if equality.order(number, f.Number(0)) > 0:
                    return Relation("=", inner, f.Call("log", (number, base)))
    return relation


def _is_base(node: Scalar) -> bool:
    """Whether a power of a number has every positive value once."""
    if f.names_of(node) or equality.order(node, f.Number(0)) <= 0:
        return False
    return equality.order(node, f.Number(1)) != 0


def _contradicts(solved: Relation, difference: Scalar) -> bool:
    """Whether a solution of a solved equation does not solve the other."""
    for name, value in solved_for(solved).items():
        at = f.replace(difference, lambda part, n=name, v=value: v if part == Name(n) else None)
        try:
            return not equality.equal(at, f.Number(0))
        except FormulaError:
            return False
    return False
