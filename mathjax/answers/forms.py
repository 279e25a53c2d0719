"""Is a formula written in the form that was asked for? Looks at how it is written, not what it is.

expanded: no product, power or quotient of a sum is left. factored: a product of factors that do not
factor further over the rationals, common numbers taken out. simplified: like terms collected,
numbers worked out, fractions and roots reduced. lowest_terms: one fraction without a common factor.
solved:x: x alone on one side of an equation and not on the other.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from fractions import Fraction

from mathjax.answers import equality
from mathjax.answers import formulas as f
from mathjax.answers.exact_values import Irrational, value
from mathjax.answers.formulas import FormulaError, Node, Scalar
from mathjax.answers.polynomials import Field, factors, gcd
from mathjax.answers.verdict import Verdict

FORMS = ("expanded", "factored", "simplified", "lowest_terms", "solved")
"""`solved` names the unknown after a colon: solved:x; without one any unknown will do."""

_ALIASES = {
    "expand": "expanded", "factor": "factored", "factorised": "factored", "factorized": "factored",
    "simplify": "simplified", "collected": "simplified", "lowest": "lowest_terms",
    "reduced": "lowest_terms", "lowest_term": "lowest_terms", "solve": "solved",
    "solved_for": "solved",
}  # fmt: skip


def demanded(form: str | None) -> tuple[str, str] | None:
    """(form, unknown) of a form's name: "solved:x" and "solved for x" are ("solved", "x")."""
    if form is None:
        return None
    if not isinstance(form, str):
        raise TypeError(f"form must be a string or None, got {form!r}")
    found = re.fullmatch(r"\s*(solved?)(?:[ _:=-]*for)?(?:[ _:=(-]+([^\s()]+)\)?)?\s*", form)
    if found:
        return "solved", found[2] or ""
    name = re.sub(r"[ -]", "_", form.strip().lower())
    name = _ALIASES.get(name, name)
    if name not in FORMS:
        raise ValueError(f"form must be one of {', '.join(FORMS)} (solved:x), got {form!r}")
    return name, ""


def judge(node: Node, demand: tuple[str, str]) -> Verdict:
    form, unknown = demand
    try:
        if form == "solved":
            fault = _unsolved(node, unknown)
        elif isinstance(node, Scalar):
            fault = _FAULTS[form](node)
        else:
            fault = next(filter(None, (_fault_of_part(p, form) for p in _parts(node))), "")
    except FormulaError as error:
        return Verdict.undecided(error.reason, error.detail)
    return Verdict.wrong("form", f"equal, but not {form}: {fault}") if fault else Verdict.right()


def _parts(node: Node) -> tuple[Node, ...]:
    match node:
        case f.Relation(_, left, right):
            return left, right
        case f.Listing(_, parts) | f.Bracketed(_, parts, _):
            return parts
        case f.Grid(rows):
            return tuple(entry for row in rows for entry in row)
    return ()


def _fault_of_part(node: Node, form: str) -> str:
    if isinstance(node, Scalar):
        return _FAULTS[form](node)
    return next(filter(None, (_fault_of_part(part, form) for part in _parts(node))), "")


def _unsolved(node: Node, unknown: str) -> str:
    if isinstance(node, f.Listing):
        return next(filter(None, (_unsolved(part, unknown) for part in node.parts)), "")
    if not isinstance(node, f.Relation):
        return "no equation"
    for left, right in ((node.left, node.right), (node.right, node.left)):
        named = isinstance(left, f.Name) and (not unknown or left.name == unknown)
        if named and isinstance(right, Scalar) and left.name not in f.names_of(right):
            return ""
    return f"{unknown or 'no unknown'} does not stand alone on one side"


# Expanded


def _unexpanded(node: Scalar) -> str:
    match node:
        case f.Sum(terms):
            return next(filter(None, map(_unexpanded, terms)), "")
        case f.Negative(f.Sum()):
            return "a minus sign before brackets"
        case f.Negative(inner):
            return _unexpanded(inner)
        case f.Product(factors):
            if any(isinstance(_core(factor), f.Sum) for factor in factors):
                return "a product of a sum"
            return next(filter(None, map(_unexpanded, factors)), "")
        case f.Quotient(above, below):
            if isinstance(_core(above), f.Sum) and not _is_number(above):
                return "a quotient of a sum"
            return _unexpanded(above) or _unexpanded(below)
        case f.Power(base, exponent) if _natural(exponent) > 1:
            if isinstance(_core(base), f.Sum | f.Product | f.Quotient) and not _is_number(base):
                return "a power of a sum or product"
            if isinstance(base, f.Power):
                return "a power of a power"
    return ""


def _core(node: Scalar) -> Scalar:
    """Without the signs before it; a mixed number is no sum."""
    while isinstance(node, f.Negative):
        node = node.inner
    return f.Number(0) if isinstance(node, f.Sum) and _is_number(node) else node


def _is_number(node: Scalar) -> bool:
    try:
        value(node)
    except (Irrational, FormulaError):
        return False
    return True


def _natural(node: Scalar) -> int:
    match node:
        case f.Number(number) if isinstance(number, int) and number >= 0:
            return number
    return 0


# Factored


def _unfactored(node: Scalar) -> str:
    match node:
        case f.Negative(inner):
            return _unfactored(inner)
        case f.Product(factors):
            return next(filter(None, map(_unfactored, factors)), "")
        case f.Quotient(above, below):
            return _unfactored(above) or _unfactored(below) or _unreduced(node)
        case f.Power(base, exponent) if _natural(exponent):
            return _unfactored(base)
        case f.Sum():
            return _reducible(node)
    return ""


def _reducible(node: Scalar) -> str:
    """Why a sum is no last factor."""
    fault = _unexpanded(node) or _uncollected(node)
    if fault:
        return f"a factor with {fault}"
    polynomial, below, _ = Field(node).quotient(node)
    if not below.is_constant():
        return "a sum of quotients"
    if polynomial.is_constant():
        return "a number that is a sum"
    polynomial = polynomial * (1 / below.leading_coefficient())
    found = factors(polynomial)
    if len(found) != 1 or found[0][1] != 1:
        return "a factor that factors further"
    coefficients = [Fraction(int(c.p), int(c.q)) for c in polynomial.coeffs()]
    content = Fraction(
        math.gcd(*(c.numerator for c in coefficients)),
        math.lcm(*(c.denominator for c in coefficients)),
    )
    if content.numerator != 1 and abs(coefficients[0]) != 1:
        return f"a factor with the common number {content}"
    return ""


# Simplified


def _unsimplified(node: Scalar) -> str:
    return _uncollected(node) or _unreduced_inside(node) or _constant(node)


def _constant(node: Scalar) -> str:
    """Whether functions of names come to a constant, as sin(x)^2 + cos(x)^2 does."""
    if not f.names_of(node) or not f.has(node, f.Call):
        return ""
    try:
        return "a constant" if equality.is_constant(node) else ""
    except FormulaError:
        return ""


def _uncollected(node: Scalar) -> str:
    """Like terms, numbers that are not worked out, needless ones, zeros and brackets."""
    match node:
        case f.Sum(terms):
            return _like_terms(terms)
        case f.Product(factors):
            return _like_factors(factors)
        case f.Negative(f.Negative()):
            return "two signs in a row"
        case f.Negative(f.Number(0)):
            return "minus zero"
        case f.Power(_, f.Number(0 | 1)):
            return "an exponent of 0 or 1"
        case f.Power(f.Number(), f.Number(n)) if isinstance(n, int):
            return "a power of a number"
        case f.Power(f.Power(_, f.Number()), f.Number()):
            return "a power of a power"
        case f.Power(f.Product(), f.Number()):
            return "a power of a product"
        case f.Quotient(above, below):
            if _is_number(node):
                return "" if _is_fraction(node) else "a quotient that is not worked out"
            if isinstance(below, f.Quotient) or isinstance(above, f.Quotient):
                return "a quotient in a quotient"
            if isinstance(below, f.Number) and below.value == 1:
                return "a quotient by 1"
            if any(isinstance(p, f.Root) and not f.names_of(p) for p in f.walk(below)):
                return "a root of a number below"
        case f.Call("factorial" | "percent" | "abs", (inner,)) if _is_number(inner):
            return "a number that is not worked out"
        case f.Root(f.Number(number), index) if isinstance(number, int):
            if _has_power(number, index):
                return "a root from which a number can be taken"
    return next(filter(None, map(_uncollected, f.children(node))), "")


def _is_fraction(node: Scalar) -> bool:
    match node:
        case f.Negative(inner):
            return _is_fraction(inner)
        case f.Quotient(f.Number(a), f.Number(b)):
            return isinstance(a, int) and isinstance(b, int) and b > 1 and math.gcd(a, b) == 1
    return False


def _has_power(number: int, index: int) -> bool:
    """Whether an index-th power above 1 divides a number (of moderate size), or it is 0 or 1."""
    if number in (0, 1):
        return True
    for base in range(2, 2000):
        if base**index > number:
            return False
        if number % base**index == 0:
            return True
    return False


def _flat_terms(terms: tuple[Scalar, ...]) -> list[Scalar]:
    flat = []
    for term in terms:
        core = term
        while isinstance(core, f.Negative):
            core = core.inner
        flat += _flat_terms(core.terms) if isinstance(core, f.Sum) else [term]
    return flat


def _like_terms(terms: tuple[Scalar, ...]) -> str:
    flat = _flat_terms(terms)
    seen = Counter(_monomial(term) for term in flat)
    if any(count > 1 for count in seen.values()):
        return "like terms"
    if any(_is_number(term) and value(term) == 0 for term in flat):
        return "a zero term"
    fault = next(filter(None, map(_uncollected, flat)), "")
    if fault or not any(_holds_sum(term) for term in flat):
        return fault
    # Terms with brackets: like terms may hide in them.
    whole = f.Sum(tuple(flat))
    field = Field(whole)
    try:
        alone = [field.quotient(term) for term in flat]
        together = field.quotient(whole)
    except FormulaError:
        return "brackets too large to open"
    polynomial = all(below.is_constant() for _, below, _ in (*alone, together))
    if polynomial and len(together[0]) < sum(len(above) for above, _, _ in alone):
        return "like terms in brackets"
    return ""


def _holds_sum(node: Scalar) -> bool:
    return any(isinstance(part, f.Sum) for part in f.walk(node))


def _monomial(term: Scalar) -> tuple:
    """What terms have in common that can be added: their factors but for numbers."""
    factors: Counter = Counter()

    def collect(node: Scalar, sign: int) -> None:
        match node:
            case f.Negative(inner):
                collect(inner, sign)
            case f.Product(parts):
                for part in parts:
                    collect(part, sign)
            case f.Quotient(above, below):
                collect(above, sign)
                collect(below, -sign)
            case f.Power(base, f.Number(n)) if isinstance(n, int) and not _is_number(base):
                factors[base] += sign * n
            case _ if not _is_number(node):
                factors[node] += sign

    collect(term, 1)
    return tuple(sorted((repr(base), n) for base, n in factors.items() if n))


def _like_factors(factors: tuple[Scalar, ...]) -> str:
    numbers, bases = 0, Counter()
    for factor in factors:
        core = factor
        if isinstance(core, f.Negative) and factor is not factors[0]:
            return "a sign inside a product"
        while isinstance(core, f.Negative):
            core = core.inner
        if _is_number(core):
            numbers += 1
            if value(core) in (0, 1):
                return "a factor 0 or 1"
        elif isinstance(core, f.Power) and isinstance(core.exponent, f.Number):
            bases[core.base] += 1
        elif isinstance(core, f.Product):
            return "brackets that are not needed"
        else:
            bases[core] += 1
    if numbers > 1:
        return "numbers that are not multiplied"
    if any(count > 1 for count in bases.values()):
        return "like factors"
    return next(filter(None, map(_uncollected, factors)), "")


# Lowest terms


def _not_lowest(node: Scalar) -> str:
    while isinstance(node, f.Negative):
        node = node.inner
    match node:
        case f.Number(number):
            return "" if isinstance(number, int) else "a decimal"
        case f.Sum((f.Number(whole), f.Quotient() as part)) if isinstance(whole, int):
            return "" if _is_fraction(part) else "a fraction with a common factor"
    if _is_number(node):
        return "" if _is_fraction(_unsigned_fraction(node)) else "no fraction in lowest terms"
    if isinstance(node, f.Sum):
        if any(isinstance(p, f.Quotient) and not _is_number(p) for p in f.walk(node)):
            return "more than one fraction"
        return ""
    return _unreduced(node)


def _unsigned_fraction(node: Scalar) -> Scalar:
    """A fraction without the sign above; one below stays, for it belongs above."""
    match node:
        case f.Quotient(above, below):
            return f.Quotient(_without_sign(above), below)
    return node


def _without_sign(node: Scalar) -> Scalar:
    return node.inner if isinstance(node, f.Negative) else node


def _unreduced_inside(node: Scalar) -> str:
    for part in f.walk(node):
        fraction = isinstance(part, f.Quotient) or (
            isinstance(part, f.Product) and any(isinstance(x, f.Quotient) for x in part.factors)
        )
        if fraction and not _is_number(part) and (fault := _unreduced(part)):
            return fault
    return ""


def _unreduced(node: Scalar) -> str:
    """Whether above and below of one fraction have a factor in common, numbers included."""
    above, below = _sides(node)
    field = Field(above, below)
    n, d, poles = field.quotient(above)
    m, e, more = field.quotient(below)
    if not (d.is_constant() and e.is_constant() and poles.is_constant() and more.is_constant()):
        return "a quotient in a quotient"
    if not gcd(n, m).is_constant():
        return "a common factor"
    coefficients = [Fraction(int(c.p), int(c.q)) for c in (*n.coeffs(), *m.coeffs())]
    if all(c.denominator == 1 for c in coefficients):
        above_content = math.gcd(*(c.numerator for c in coefficients[: len(n)]))
        below_content = math.gcd(*(c.numerator for c in coefficients[len(n) :]))
        if math.gcd(above_content, below_content) > 1:
            return "a common number"
    return ""


def _sides(node: Scalar) -> tuple[Scalar, Scalar]:
    """Above and below of a product of quotients."""
    match node:
        case f.Negative(inner):
            above, below = _sides(inner)
            return f.Negative(above), below
        case f.Product(factors):
            sides = [_sides(factor) for factor in factors]
            return f.Product(tuple(a for a, _ in sides)), f.Product(tuple(b for _, b in sides))
        case f.Quotient(above, below):
            return above, below
    return node, f.Number(1)


_FAULTS = {
    "expanded": _unexpanded,
    "factored": _unfactored,
    "simplified": _unsimplified,
    "lowest_terms": _not_lowest,
}
