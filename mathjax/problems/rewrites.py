"""Rewrites: each changes an expression or equation in one named way and in no other.

Every rewrite gives an equal expression, or an equation with the same solutions under the condition
its docstring states. Terms keep the order of first occurrence unless an order is asked for, and
numbers stay as they are unless `evaluate` is. ExpressionError where a rewrite does not apply.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction

from mathjax.problems.expressions import (
    HALF,
    Add,
    Div,
    Eq,
    Expression,
    ExpressionError,
    Mul,
    Neg,
    Num,
    Pow,
    Var,
    children,
    factors_of,
    mul,
    rebuild,
    sqrt,
    terms_of,
    tree,
)
from mathjax.problems.terms import (
    build_sum,
    build_term,
    like,
    make_sum,
    negated,
    split_term,
)

_MAX_TERMS = 5000


def distribute(product: Expression, evaluate: bool = False) -> Expression:
    """Multiplies the first two factors of a product out, the terms of the left one slowest.

    Signs go before the products; with `evaluate` their numbers are multiplied and equal bases
    joined, else the factors stand side by side (`2x*3`). Later factors stay: `(...)(e + f)`.
    """
    negative = isinstance(product, Neg)
    factors = list(factors_of(product.inner if negative else product))
    if len(factors) < 2 or not any(isinstance(factor, Add) for factor in factors):
        raise ExpressionError("distribute: wants a product with a sum among its factors")
    # Numbers and variables before the first sum are one factor: 2a*(b + 3).
    lead = next(i for i, factor in enumerate(factors) if isinstance(factor, Add))
    if lead > 1:
        factors[:lead] = [mul(factors[:lead])]
    left = [negated(term) for term in terms_of(factors[0])] if negative else terms_of(factors[0])
    products = []
    for a in left:
        for b in terms_of(factors[1]):
            if evaluate:
                products.append(evaluate_product(Mul((a, b))))
            else:
                products.append(_beside(a, b))
            if len(products) > _MAX_TERMS:
                raise ExpressionError(f"distribute: more than {_MAX_TERMS} terms")
    return mul([make_sum(products), *factors[2:]])


def _beside(a: Expression, b: Expression) -> Expression:
    sign_a, a = _sign(a)
    sign_b, b = _sign(b)
    product = Mul((*factors_of(a), *factors_of(b)))
    return product if sign_a == sign_b else Neg(product)


def _sign(term: Expression) -> tuple[int, Expression]:
    match term:
        case Neg(inner):
            return -1, inner
        case Num(value) if value < 0:
            return -1, Num(-value)
    return 1, term


def evaluate_product(term: Expression, order: Sequence[str] = ()) -> Expression:
    """A product with its numbers multiplied and equal bases joined; variables in `order` first."""
    coefficient, powers = split_term(term)
    return build_term(coefficient, _ordered(powers, order)) if coefficient else Num(0)


def evaluate_products(total: Expression, order: Sequence[str] = ()) -> Expression:
    """`evaluate_product` of every term; terms that are 0 vanish."""
    terms = [split_term(term) for term in terms_of(total)]
    return build_sum([(coefficient, _ordered(powers, order)) for coefficient, powers in terms])


def _ordered(powers, order: Sequence[str]):
    if not order:
        return powers
    rank = {Var(name): place for place, name in enumerate(order)}
    return tuple(sorted(powers, key=lambda power: rank.get(power[0], len(rank))))


def group(total: Expression) -> Expression:
    """Puts like terms side by side, each kind where it first occurs."""
    kinds: dict[object, list[Expression]] = {}
    for term in terms_of(total):
        kinds.setdefault(like(split_term(term)[1]), []).append(term)
    return make_sum([term for kind in kinds.values() for term in kind])


def collect(total: Expression, evaluate: bool = True) -> Expression:
    """Adds like terms up, each kind where it first occurs; kinds that cancel vanish.

    Without `evaluate` coefficients are gathered only: `(3 - 1)*x + 2y`.
    """
    kinds: dict[object, tuple[tuple, list[Fraction]]] = {}
    for term in terms_of(total):
        coefficient, powers = split_term(term)
        kinds.setdefault(like(powers), (powers, []))[1].append(coefficient)
    if evaluate:
        return build_sum([(sum(numbers), powers) for powers, numbers in kinds.values()])
    terms: list[Expression] = []
    for powers, numbers in kinds.values():
        if len(numbers) == 1 or not powers:
            terms += [build_term(number, powers) for number in numbers]
        else:
            gathered = make_sum([Num(number) for number in numbers])
            terms.append(Mul((gathered, *factors_of(build_term(1, powers)))))
    return make_sum(terms)


def order_terms(total: Expression, key: Callable[[Expression], object]) -> Expression:
    """The terms sorted by a key; equal keys keep their order."""
    return make_sum(sorted(terms_of(total), key=key))


def expand(expression: Expression) -> Expression:
    """Every product and whole power multiplied out, like terms collected: the end of all
    distributing, in one go."""
    match expression:
        case Add(terms):
            return collect(make_sum([expand(term) for term in terms]))
        case Neg(inner):
            return collect(make_sum([negated(term) for term in terms_of(expand(inner))]))
        case Div(above, below):
            below = expand(below)
            return collect(make_sum([Div(term, below) for term in terms_of(expand(above))]))
        case Pow(base, Num(int() as exponent)) if 1 <= exponent <= 8:
            base = expand(base)
            if isinstance(base, Add):
                return expand(Mul((base,) * exponent)) if exponent > 1 else base
            return evaluate_product(Pow(base, Num(exponent)))
        case Mul(factors):
            result = expand(factors[0])
            for factor in factors[1:]:
                factor = expand(factor)
                if isinstance(result, Add) or isinstance(factor, Add):
                    result = collect(distribute(Mul((result, factor)), evaluate=True))
                else:
                    result = evaluate_product(Mul((result, factor)))
            return result
        case Eq(left, right):
            return Eq(expand(left), expand(right))
    return expression


def factor_out(total: Expression, factor: Expression) -> Expression:
    """`factor*(...)` for a factor of every term: a number, variable or product of powers."""
    return Mul(
        (*factors_of(factor), make_sum([_divided(term, factor) for term in terms_of(total)]))
    )


def show_factor(total: Expression, factor: Expression) -> Expression:
    """Every term written as the factor times the rest: `3a*2b + 3a*1`."""
    return make_sum([_beside(factor, _divided(term, factor)) for term in terms_of(total)])


def _divided(term: Expression, factor: Expression) -> Expression:
    (number, powers), (divisor, bases) = split_term(term), split_term(factor)
    left = dict(powers)
    for base, exponent in bases:
        if left.get(base, 0) < exponent:
            raise ExpressionError("factor_out: not a factor of every term")
        left[base] -= exponent
    return build_term(number / divisor, [(b, e) for b, e in left.items() if e])


def common_factor(total: Expression) -> Expression:
    """The greatest factor of every term: greatest divisor of the integer coefficients, lowest
    powers; its sign is that of the first term if all others have it too."""
    split = [split_term(term) for term in terms_of(total)]
    numbers = [coefficient for coefficient, _ in split]
    divisor = math.gcd(*(n.numerator for n in numbers)) if _whole(numbers) else 1
    common = dict(split[0][1])
    for _, powers in split[1:]:
        powers = dict(powers)
        common = {base: min(e, powers.get(base, 0)) for base, e in common.items()}
    factor = build_term(divisor or 1, [(b, e) for b, e in common.items() if e > 0])
    return negated(factor) if all(number < 0 for number in numbers) else factor


def _whole(numbers: Sequence[Fraction]) -> bool:
    return all(number.denominator == 1 for number in numbers)


def substitute(expression: Expression, values: Mapping[str, Expression | int | Fraction]):
    """Puts trees or numbers for variables, all at once."""
    if isinstance(expression, Var):
        return tree(values.get(expression.name, expression))
    return rebuild(expression, tuple(substitute(c, values) for c in children(expression)))


def swap_sides(equation: Eq) -> Eq:
    return Eq(equation.right, equation.left)


def move_term(equation: Eq, place: int, from_left: bool = True) -> Eq:
    """Takes a term from one side to the end of the other, with the other sign."""
    source, target = equation.left, equation.right
    if not from_left:
        source, target = target, source
    terms = list(terms_of(source))
    moved = negated(terms.pop(place))
    rest = [] if target == Num(0) else terms_of(target)
    source, target = make_sum(terms), make_sum([*rest, moved])
    return Eq(source, target) if from_left else Eq(target, source)


def add_to_both_sides(equation: Eq, term: Expression) -> Eq:
    return Eq(make_sum([equation.left, term]), make_sum([equation.right, term]))


def negate_both_sides(equation: Eq) -> Eq:
    """-L = R becomes L = -R; every term changes its sign."""
    return Eq(*(make_sum([negated(t) for t in terms_of(s)]) for s in children(equation)))


def multiply_both_sides(equation: Eq, by: Expression) -> Eq:
    """Same solutions where `by` is not 0. A fraction over `by` loses its bar."""
    return Eq(_times(equation.left, by), _times(equation.right, by))


def multiply_terms(equation: Eq, by: int) -> Eq:
    """Multiplies every term of both sides by a number that is not 0, and evaluates."""
    return Eq(*(_scaled(side, Fraction(by)) for side in children(equation)))


def divide_terms(equation: Eq, by: int | Fraction) -> Eq:
    """Divides every term of both sides by a number that is not 0, and evaluates."""
    return Eq(*(_scaled(side, 1 / Fraction(by)) for side in children(equation)))


def _scaled(side: Expression, by: Fraction) -> Expression:
    split = [split_term(term) for term in terms_of(side)]
    return build_sum([(number * by, powers) for number, powers in split])


def divide_both_sides(equation: Eq, by: Expression) -> Eq:
    """Same solutions where `by` is not 0. A product with its factors loses them."""
    return Eq(_over(equation.left, by), _over(equation.right, by))


def _times(side: Expression, by: Expression) -> Expression:
    match side:
        case Neg(inner):
            return Neg(_times(inner, by))
        case Div(above, below) if below == by:
            return above
        case Div(above, below):
            return Div(_joined(above, by), below)
    return _joined(side, by)


def _joined(a: Expression, b: Expression) -> Expression:
    """The product with a number, if any, at its head."""
    factors = [*factors_of(a), *factors_of(b)]
    numbers = [f for f in factors if isinstance(f, Num)]
    others = [f for f in factors if not isinstance(f, Num)]
    number = math.prod(Fraction(f.value) for f in numbers)
    return mul([Num(number), *others] if number != 1 or not others else others)


def _over(side: Expression, by: Expression) -> Expression:
    left, divisors = list(factors_of(side)), list(factors_of(by))
    if len(left) >= len(divisors) and all(left.count(d) >= divisors.count(d) for d in divisors):
        for divisor in divisors:
            left.remove(divisor)
        return mul(left)
    match side:
        case Neg(inner):
            return Neg(_over(inner, by))
        case Div(above, below):
            return Div(above, _joined(below, by))
        case Num(value) if isinstance(by, Num) and by.value:
            return Num(Fraction(value) / by.value)
        case Num(0):
            return side
        case Num(value) if value < 0:
            return Neg(Div(Num(-value), by))
    return Div(side, by)


def combine_fractions(total: Expression) -> Expression:
    """A sum over its common denominator: `1/a + 1/b` becomes `(b + a)/(a*b)`."""
    split = [split_term(term) for term in terms_of(total)]
    number = math.lcm(*(coefficient.denominator for coefficient, _ in split))
    below: dict[Expression, int] = {}
    for _, powers in split:
        for base, exponent in powers:
            if exponent < 0:
                below[base] = max(below.get(base, 0), -exponent)
    terms = []
    for coefficient, powers in split:
        exponents = dict(powers)
        for base, exponent in below.items():
            exponents[base] = exponents.get(base, 0) + exponent
        terms.append((coefficient * number, tuple((b, e) for b, e in exponents.items() if e)))
    if number == 1 and not below:
        return build_sum(terms)
    return Div(build_sum(terms), build_term(number, below.items()))


def invert_both_sides(equation: Eq) -> Eq:
    """Same solutions where both sides are not 0."""
    return Eq(*(_inverse(side) for side in children(equation)))


def _inverse(side: Expression) -> Expression:
    match side:
        case Neg(inner):
            return Neg(_inverse(inner))
        case Num(value) if value:
            return Num(1 / Fraction(value))
        case Div(Num(1), below):
            return below
        case Div(above, below):
            return Div(below, above)
    return Div(Num(1), side)


def take_root(equation: Eq) -> Eq:
    """base^2 = R becomes base = sqrt(R): the solution that is not negative."""
    match equation.left:
        case Pow(base, Num(2)):
            return Eq(base, sqrt(equation.right))
    raise ExpressionError("take_root: wants a square on the left")


def square_both_sides(equation: Eq) -> Eq:
    """sqrt(L) = R becomes L = R^2; same solutions where R is not negative."""
    match equation.left:
        case Pow(base, exponent) if exponent == HALF:
            return Eq(base, Pow(equation.right, Num(2)))
    raise ExpressionError("square_both_sides: wants a square root on the left")
