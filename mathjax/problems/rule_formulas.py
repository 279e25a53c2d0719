"""Isolating a variable: in formulas made at random, and in relations of physics and geometry.

    Isolate R1 in 1/R = 1/R1 + 1/R2
    1/R1 + 1/R2 = 1/R
    1/R1 = 1/R - 1/R2
    1/R1 = (R2 - R)/(R*R2)
    R1 = R*R2/(R2 - R)
    Answer: R1 = R*R2/(R2 - R)

All variables stand for positive numbers; exercises with squares or roots say so.
"""

from __future__ import annotations

from mathjax.problems.expression_parser import parse
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
    occurrences,
    rebuild,
    rename,
    terms_of,
    variables,
    walk,
)
from mathjax.problems.number_rewrites import evaluate, reduce_numbers
from mathjax.problems.rewrites import (
    collect,
    combine_fractions,
    divide_both_sides,
    expand,
    factor_out,
    invert_both_sides,
    move_term,
    multiply_both_sides,
    negate_both_sides,
    square_both_sides,
    substitute,
    swap_sides,
    take_root,
)
from mathjax.problems.rule_base import Exercise, RuleSpec, renumbering, variable
from mathjax.problems.streams import Draws
from mathjax.problems.terms import signed

TEMPLATES = ("Isolate {} in ", "Solve for {}: ", "Make {} the subject of ", "Rearrange for {}: ")
POSITIVE = ", all variables positive"

_MOST_STEPS, _MOST_NODES = 40, 250  # beyond, an equation only grows

RELATIONS = {
    "ohm": ("V = I*R", "V I R"),
    "power": ("P = V*I", "P V I"),
    "power_of_current": ("P = I^2*R", "P I R"),
    "power_of_voltage": ("P = V^2/R", "P V R"),
    "divider": ("V = U*R/(R + S)", "V U R S"),
    "parallel_pair": ("R = A*B/(A + B)", "R A B"),
    "lens": ("1/f = 1/g + 1/b", "f g b"),
    "magnification": ("m = b/g", "m b g"),
    "ideal_gas": ("p*V = n*R*T", "p V n T"),
    "gas_states": ("p*V/T = q*W/U", "p V T q W U"),
    "velocity": ("v = u + a*t", "v u a t"),
    "distance": ("s = u*t + a*t^2/2", "s u a"),
    "velocity_squared": ("v^2 = u^2 + 2a*s", "v u a s"),
    "mean_velocity": ("s = (u + v)*t/2", "s u v t"),
    "kinetic_energy": ("E = m*v^2/2", "E m v"),
    "potential_energy": ("E = m*g*h", "E m g h"),
    "pendulum": ("T = 2k*sqrt(l/g)", "T l g"),
    "gravitation": ("F = G*m*M/r^2", "F m M r"),
    "spring": ("E = k*x^2/2", "E k x"),
    "density": ("d = m/V", "d m V"),
    "capacitor": ("E = Q^2/(2C)", "E Q C"),
    "heat": ("Q = c*m*(T - U)", "Q c m T U"),
    "interest": ("A = P*(1 + r*t)", "A P r t"),
    "temperature": ("F = 9/5*C + 32", "F C"),
    "trapezium": ("A = (a + c)*h/2", "A a c h"),
    "cone": ("V = k*r^2*h/3", "V k r h"),
    "refraction": ("n*a = m*b", "n a m b"),
    "momentum": ("p = m*v + M*w", "p m v M w"),
    "bernoulli": ("p + d*v^2/2 = q", "p d v q"),
    "expansion": ("L = K*(1 + a*(T - U))", "L K a T U"),
}
"""Relation and the variables that may be asked for; "series", "parallel" and "capacitors" of any
length come on top. Each is a textbook formula, the letters are ours."""

_CHAINS = {
    "series": ("R", "R", 1),
    "parallel": ("R", "R", -1),
    "capacitors_in_series": ("C", "C", -1),
    "capacitors_in_parallel": ("C", "C", 1),
}


def draw_rearrange(spec: RuleSpec, draws: Draws) -> Exercise:
    """A relation with operands in random order; one variable in four has a number for its value."""
    while True:
        # A number in the place of a variable can leave too little to rearrange.
        kind = draws.choice([*RELATIONS, *_CHAINS])
        if kind in _CHAINS:
            equation, targets = _chain_relation(kind, draws.between(*spec.num_terms))
        else:
            text, letters = RELATIONS[kind]
            equation, targets = parse(text), letters.split()
        target = draws.choice(targets)
        given = {}
        for name in variables(equation):
            number = draws.between(1, spec.max_coefficient)
            if name != target and draws.below(4) == 0:
                given[name] = number
        equation = _shuffled(_tidy(substitute(equation, given)), draws)
        if draws.below(3) == 0:
            equation = swap_sides(equation)
        if occurrences(equation, target) and len(variables(equation)) > 1:
            exercise = _exercise(equation, target, kind, spec.conventional_names)
            if exercise is not None:
                return exercise


def _chain_relation(kind: str, size: int) -> tuple[Eq, list[str]]:
    whole, letter, power = _CHAINS[kind]
    parts: list[Expression] = [Var(whole)] + [Var(f"{letter}{k + 1}") for k in range(size)]
    names = variables(Mul(tuple(parts)))
    parts = [Div(Num(1), part) for part in parts] if power < 0 else parts
    return Eq(parts[0], Add(tuple(parts[1:]))), names


def _tidy(node: Expression) -> Expression:
    """Numbers evaluated and put before the other factors: `m*4*3` as `12m`, `c*(2 - 5)` as
    `-3c`."""
    node = rebuild(node, tuple(map(_tidy, children(node))))
    if isinstance(node, Mul):
        numbers = [factor for factor in node.factors if isinstance(factor, Num)]
        others = [factor for factor in node.factors if not isinstance(factor, Num)]
        number = evaluate(mul(numbers))
        if not others or number == Num(0):
            return number
        size = Num(abs(number.value))
        product = mul(([] if size == Num(1) else [size]) + others)
        return Neg(product) if number.value < 0 else product
    if isinstance(node, Neg) and isinstance(node.inner, Neg):
        return node.inner.inner
    if isinstance(node, Add) and not all(isinstance(term, Num) for term in node.terms):
        return Add((node.terms[0], *map(signed, node.terms[1:])))
    if isinstance(node, Div) and node.denominator == Num(1):
        return node.numerator
    return evaluate(node)


def _shuffled(node: Expression, draws: Draws) -> Expression:
    """Terms and factors in random order, a number at the head of a product stays there."""
    parts = tuple(_shuffled(child, draws) for child in children(node))
    if isinstance(node, Add) and not any(isinstance(part, Neg) for part in parts):
        return Add(tuple(draws.shuffled(parts)))
    if isinstance(node, Mul):
        fixed = isinstance(parts[0], Num)
        return Mul((*parts[:fixed], *draws.shuffled(parts[fixed:])))
    return rebuild(node, parts)


def draw_isolate(spec: RuleSpec, draws: Draws) -> Exercise:
    """A formula grown around the target, one operation for each other variable; one in three has
    the target on both sides or twice on one."""
    while True:
        count = draws.between(*spec.num_variables)
        names = [variable(place + 1) for place in range(count)]
        target = variable(0)
        equation = _grown(target, names, spec, draws)
        if draws.below(2):
            equation = swap_sides(equation)
        if len(variables(equation)) == count + 1:
            exercise = _exercise(equation, target.name, "", False)
            if exercise is not None:
                return exercise


def _grown(target: Var, names: list[Var], spec: RuleSpec, draws: Draws) -> Eq:
    other, *rest = names
    twice = len(rest) > 0 and draws.below(3) == 0
    side: Expression = target
    squared = False
    if twice:
        # a*t + b*t or a*t = b*t + c: what collecting and factoring out are for.
        first = Mul((_number(spec, draws), target)) if draws.below(2) else Mul((rest[0], target))
        side = first
        rest = rest[1:] if first.factors[0] == rest[0] else rest
        if not rest:
            second: Expression = Mul((other, target))
            return Eq(side, Add((second, _number(spec, draws))))
        second = Mul((rest[0], target))
        if draws.below(2):
            side = Add((first, second))
        else:
            return Eq(_operated(first, rest[1:], squared, spec, draws), Add((second, other)))
        rest = rest[1:]
    return Eq(other, _operated(side, rest, squared or twice, spec, draws))


def _operated(
    side: Expression, names: list[Var], squared: bool, spec: RuleSpec, draws: Draws
) -> Expression:
    for name in names:
        value: Expression = name
        if draws.below(4) == 0:
            value = Mul((_number(spec, draws), name))
        match draws.below(6):
            case 0:
                side = Add((*terms_of(side), value))
            case 1:
                side = Add((*terms_of(side), Neg(value)))
            case 2:
                side = Mul((*factors_of(value), *factors_of(side)))
            case 3:
                side = Div(side, value)
            case 4:
                side = Add((value, side if not isinstance(side, Add) else Neg(side)))
            case 5:
                side = Div(value, side)
        if not squared and draws.below(6) == 0:
            side, squared = Pow(side, Num(2)), True
    return side


def _number(spec: RuleSpec, draws: Draws) -> Num:
    return Num(draws.between(2, spec.max_coefficient))


def _exercise(equation: Eq, target: str, kind: str, fixed_names: bool) -> Exercise | None:
    old = variables(equation)
    names = renumbering([equation])
    equation, target = rename(equation, names), names[target]
    try:
        steps = isolate(equation, target)
    except ExpressionError:
        return None
    if not steps:
        return None
    facts: dict[str, int | str] = {"num_variables": len(old)}
    if kind:
        facts["kind"] = kind
    powers = any(
        isinstance(node, Pow) and (node.exponent in (HALF, Num(2)))
        for step in (equation, *steps)
        for node in walk(step)
    )
    if powers and _is_negative(steps[-1].right):
        return None  # contradicts the note
    return Exercise(
        (equation,),
        [(step,) for step in steps],
        (steps[-1],),
        facts,
        len(old),
        target=target,
        note=POSITIVE if powers else "",
        names=tuple(old) if fixed_names else (),
    )


def isolate(equation: Eq, name: str) -> list[Eq]:
    """The steps to `name = ...`, one rewrite each. Variables count as positive and divisors as not
    0. ExpressionError where the equation is none of those that the rewrites here can solve."""
    steps: list[Eq] = []
    while True:
        after = Eq(equation.left, reduce_numbers(equation.right))
        if after == equation:
            if equation.left == Var(name) and not occurrences(equation.right, name):
                return steps
            after = _isolating_step(equation, name)
        size = sum(1 for _ in walk(after))
        if after == equation or size > _MOST_NODES or len(steps) > _MOST_STEPS:
            raise ExpressionError(f"{name} cannot be isolated")
        equation = after
        steps.append(equation)


def _isolating_step(equation: Eq, name: str) -> Eq:
    left, right = equation.left, equation.right
    on_left, on_right = occurrences(left, name), occurrences(right, name)
    if not on_left:
        return swap_sides(equation)
    if on_right:
        return _gather(equation, name)
    match left:
        case Add(terms):
            return _from_sum(equation, terms, name, on_left)
        case Neg():
            return negate_both_sides(equation)
        case Mul(factors):
            holding = [factor for factor in factors if occurrences(factor, name)]
            if len(holding) > 1:
                return Eq(expand(left), right)
            return divide_both_sides(
                equation, mul([factor for factor in factors if factor not in holding])
            )
        case Div(above, below):
            if above == Num(1) and isinstance(right, Add):
                return Eq(left, combine_fractions(right))
            if above == Num(1) or (occurrences(below, name) and isinstance(right, Div)):
                return invert_both_sides(equation)
            return multiply_both_sides(equation, below)
        case Pow(_, exponent) if exponent == HALF:
            return square_both_sides(equation)
        case Pow(base, Num(2)) if _is_positive(base) and not _is_negative(right):
            return take_root(equation)
    raise ExpressionError(f"{name} cannot be isolated")


def _is_positive(expression: Expression) -> bool:
    """Whether positive variables alone make it positive: no minus, so that a square of it has one
    root and not two."""
    minus = (isinstance(n, Neg) or (isinstance(n, Num) and n.value < 0) for n in walk(expression))
    return not any(minus)


def _is_negative(expression: Expression) -> bool:
    """Whether it is evidently 0 or less for positive variables."""
    if isinstance(expression, Neg):
        return _is_positive(expression.inner)
    return isinstance(expression, Num) and expression.value <= 0


def _gather(equation: Eq, name: str) -> Eq:
    """All terms with `name` to the left: fractions and parentheses around it go first."""
    for side in children(equation):
        for term in terms_of(side):
            inner = term.inner if isinstance(term, Neg) else term
            if isinstance(inner, Div) and occurrences(inner.denominator, name):
                return multiply_both_sides(equation, inner.denominator)
            if isinstance(inner, Div) and len(terms_of(side)) == 1:
                return multiply_both_sides(equation, inner.denominator)
    if any(_is_closed(t, name) for side in children(equation) for t in terms_of(side)):
        return Eq(*(_expanded(side, name) for side in children(equation)))
    for place, term in enumerate(terms_of(equation.right)):
        if occurrences(term, name):
            return move_term(equation, place, from_left=False)
    raise ExpressionError(f"{name} cannot be isolated")


def _is_closed(term: Expression, name: str) -> bool:
    """Whether a product holds a sum with `name` in it."""
    inner = term.inner if isinstance(term, Neg) else term
    return any(isinstance(f, Add) and occurrences(f, name) > 0 for f in factors_of(inner))


def _expanded(side: Expression, name: str) -> Expression:
    return expand(side) if any(_is_closed(term, name) for term in terms_of(side)) else side


def _from_sum(equation: Eq, terms: tuple[Expression, ...], name: str, count: int) -> Eq:
    for place, term in enumerate(terms):
        if not occurrences(term, name):
            return move_term(equation, place)
    if any(_is_closed(term, name) for term in terms):
        return Eq(_expanded(equation.left, name), equation.right)
    collected = collect(equation.left)
    if collected != equation.left:
        return Eq(collected, equation.right)
    return Eq(factor_out(equation.left, Var(name)), equation.right)
