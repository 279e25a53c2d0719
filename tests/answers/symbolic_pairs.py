"""Pairs of answers whose truth is known: equal by rewriting, unequal by one small change.

    python tests/answers/symbolic_pairs.py --count=10000

checks that many, and prints each wrong verdict and a table. Texts are plain, spaced or LaTeX at
random. Whether a pair is equal is decided here and nowhere else: by exact fractions at random
points for formulas, by sets of fractions for sets, by membership for intervals, and for formulas
with functions by identities of the textbook and a change that is not zero.
"""

from __future__ import annotations

import argparse
import itertools
import random
from collections import Counter
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

from symbolic_trees import NAMES, evaluate, formula, mutated, number, rewritten, same_values, text

from mathjax.answers.symbolic import check
from mathjax.problems import expressions as ex
from mathjax.problems.expression_printers import STYLES, to_text
from mathjax.problems.expressions import Add, Expression, Mul, Neg, Num, Var


class Pair(NamedTuple):
    reference: str
    candidate: str
    kind: str
    variables: tuple[str, ...]
    equal: bool


# Pairs


def _tree_pair(r: random.Random, names: tuple[str, ...], depth: int):
    left = formula(r, depth, names)
    right = rewritten(left, r, r.random())
    if r.random() < 0.5:
        right = rewritten(mutated(right, r, names), r, 0.2)
    return left, right, same_values(left, right, r)


def expression(r: random.Random) -> Pair | None:
    left, right, equal = _tree_pair(r, NAMES, r.randint(1, 4))
    return equal is not None and Pair(text(left, r), text(right, r), "expression", (), equal)


def number_pair(r: random.Random) -> Pair | None:
    left, right, equal = _tree_pair(r, (), r.randint(1, 4))
    if equal is None:
        return None
    written = text(right, r)
    value = evaluate(right, {})
    if r.random() < 0.5:
        written = literal(value, r)
    return Pair(text(left, r), written, "number", (), equal)


def literal(value: Fraction, r: random.Random) -> str:
    """A number as people write it."""
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size.denominator == 1:
        return sign + r.choice(
            (f"{size}", f"{size.numerator:,}", f"{size}.0", f"+{size}"[not sign :])
        )
    whole, part = divmod(size, 1)
    forms = [f"{size.numerator}/{size.denominator}"]
    forms.append(f"\\frac{{{size.numerator}}}{{{size.denominator}}}")
    if whole:
        forms.append(f"{whole}\\frac{{{part.numerator}}}{{{part.denominator}}}")
        forms.append(f"{whole} {part.numerator}/{part.denominator}")
    if 10**6 % size.denominator == 0:
        digits = f"{int(part * 10**6):06}"
        forms += [f"{whole}.{digits}", f"{whole}.{digits}".rstrip("0")]
        forms.append(f"{int(size * 10**6)}e-6")
        if 10**4 % size.denominator == 0:
            forms.append(f"{int(size * 10**4) // 100}.{int(size * 10**4) % 100:02}%")
    return sign + r.choice(forms)


def equation(r: random.Random) -> Pair | None:
    names = NAMES[: r.randint(1, 3)]
    left, right = _polynomial(r, names), _polynomial(r, names)
    difference = Add((left, Neg(right)))
    if same_values(difference, Num(0), r) or _is_constant(difference, r):
        return None
    reference = f"{to_text(left)} = {to_text(right)}"
    choice = r.randrange(6)
    factor = number(r)
    if r.random() < 0.3:
        factor = Num(-factor.value)
    equal = choice < 3
    if choice == 0:
        new = Mul((factor, left)), Mul((factor, right))
    elif choice == 1:
        new = right, left
    elif choice == 2:
        new = rewritten(difference, r), Num(0)
    elif choice == 3:  # two constants apart: no solution in common
        new = left, Add((right, Num(r.choice((1, -1, Fraction(1, 10**9))))))
    elif choice == 4:
        # Not zero at x = 0 for some values of the others: x = 0 solves one of them alone.
        at_zero = {"x": Fraction(0), "y": Fraction(123457, 7), "z": Fraction(-9871, 13)}
        if evaluate(difference, at_zero) == 0:
            return None
        new = Mul((Var("x"), left)), Mul((Var("x"), right))
    else:  # the same side doubled: equal only where the side is zero too
        at = _a_solution(left, right, names, r)
        if at is None or evaluate(right, at) == 0:
            return None
        new = left, Mul((Num(2), right))
    sides = [rewritten(side, r, 0.3) for side in new]
    style = r.choice(STYLES)
    candidate = f"{to_text(sides[0], style)} = {to_text(sides[1], style)}"
    return Pair(reference, candidate, "equation", (), equal)


def _polynomial(r: random.Random, names: tuple[str, ...]) -> Expression:
    terms = []
    for _ in range(r.randint(1, 3)):
        factors: list[Expression] = [number(r)]
        factors += [Var(r.choice(names)) for _ in range(r.choice((0, 1, 1, 1, 2)))]
        terms.append(ex.mul(factors))
    return ex.add(terms)


def _is_constant(tree: Expression, r: random.Random) -> bool:
    names = ex.variables(tree)
    points = [{name: Fraction(r.randint(-(10**6), 10**6)) for name in names} for _ in range(6)]
    return len({evaluate(tree, point) for point in points}) == 1


def _a_solution(left, right, names, r) -> dict[str, Fraction] | None:
    """A point where a linear equation holds: two values along one name give the third."""
    difference = Add((left, Neg(right)))
    point = {name: Fraction(r.randint(-50, 50)) for name in names}
    name = r.choice(names)
    values = [evaluate(difference, {**point, name: Fraction(v)}) for v in (0, 1, 2)]
    if values[2] - 2 * values[1] + values[0] or values[1] == values[0]:
        return None
    point[name] = -values[0] / (values[1] - values[0])
    return point if evaluate(difference, point) == 0 else None


def solution_set(r: random.Random) -> Pair:
    ours = [Fraction(r.randint(-12, 12), r.choice((1, 1, 1, 2, 3))) for _ in range(r.randint(1, 4))]
    theirs = list(ours)
    match r.randrange(5):
        case 0:
            theirs.append(r.choice(ours))
        case 1:
            theirs.append(Fraction(r.randint(-12, 12)))
        case 2:
            theirs.pop(r.randrange(len(theirs)))
        case 3:
            theirs[r.randrange(len(theirs))] += r.choice((Fraction(1, 10**20), -1))
    r.shuffle(theirs)
    texts = _set_text(ours, r), _set_text(theirs, r)
    return Pair(*texts, "solution_set", (), set(ours) == set(theirs))


def _set_text(values: list[Fraction], r: random.Random) -> str:
    if not values:
        return r.choice(("no solution", "{}", "\\emptyset", "∅"))
    parts = [_value_text(value, r) for value in values]
    match r.randrange(6):
        case 0:
            return "{" + ", ".join(parts) + "}"
        case 1:
            return "\\{" + ",".join(parts) + "\\}"
        case 2:
            return r.choice((" or ", "; ", ", ")).join(f"x = {part}" for part in parts)
        case 3:
            return "x = " + ", ".join(parts)
        case 4 if len(values) == 2:
            middle, half = (values[0] + values[1]) / 2, (values[0] - values[1]) / 2
            return f"x = {_value_text(middle, r)} ± ({_value_text(half, r)})"
    return ", ".join(parts)


def _value_text(value: Fraction, r: random.Random) -> str:
    match r.randrange(4):
        case 0 if value >= 0:
            return f"sqrt({value * value})"
        case 1:
            return f"\\frac{{{value.numerator}}}{{{value.denominator}}}"
        case 2:
            k = r.randint(1, 9)
            return f"({value.numerator + k * value.denominator})/{value.denominator} - {k}"
    return str(value)


def interval(r: random.Random) -> Pair:
    ours = [_piece(r) for _ in range(r.randint(1, 3))]
    theirs = list(ours)
    at = r.randrange(len(theirs))
    low, opening, high, closing = theirs[at]
    match r.randrange(6):
        case 0:
            theirs[at] = (low, "[" if opening == "(" else "(", high, closing)
        case 1:
            theirs[at] = (low, opening, high + r.choice((1, Fraction(1, 10**15))), closing)
        case 2:
            middle = (low + high) / 2
            theirs[at : at + 1] = [
                (low, opening, middle, r.choice("])")),
                (middle, r.choice("[("), high, closing),
            ]
        case 3:
            theirs.append(_piece(r))
    r.shuffle(theirs)
    points = {end for piece in (*ours, *theirs) for end in (piece[0], piece[2])}
    ordered = sorted(points)
    points |= {(a + b) / 2 for a, b in itertools.pairwise(ordered)}
    equal = all(_within(ours, point) == _within(theirs, point) for point in points)
    return Pair(_interval_text(ours, r), _interval_text(theirs, r), "interval", (), equal)


def _piece(r: random.Random) -> tuple[Fraction, str, Fraction, str]:
    low = Fraction(r.randint(-9, 9), r.choice((1, 1, 2)))
    return low, r.choice("(["), low + Fraction(r.randint(1, 6), r.choice((1, 2))), r.choice(")]")


def _within(pieces, point: Fraction) -> bool:
    return any(
        (low < point or (low == point and opening == "["))
        and (point < high or (point == high and closing == "]"))
        for low, opening, high, closing in pieces
    )


def _interval_text(pieces, r: random.Random) -> str:
    def bounds(piece) -> tuple[str, str, str, str]:
        low, opening, high, closing = piece
        return _value_text(low, r), opening, _value_text(high, r), closing

    if r.random() < 0.5:
        joint = r.choice((" ∪ ", " \\cup "))
        return joint.join(f"{o}{low}, {high}{c}" for low, o, high, c in map(bounds, pieces))
    signs = {"(": "<", "[": "<=", ")": "<", "]": "<="}
    return " or ".join(
        f"{low} {signs[o]} x {signs[c]} {high}" for low, o, high, c in map(bounds, pieces)
    )


def tuple_pair(r: random.Random) -> Pair | None:
    pairs = [_tree_pair(r, NAMES, r.randint(0, 2)) for _ in range(r.randint(2, 4))]
    if any(equal is None for _, _, equal in pairs):
        return None
    ours, theirs = [left for left, _, _ in pairs], [right for _, right, _ in pairs]
    equal = all(equal for _, _, equal in pairs)
    return Pair(_row(ours, r), _row(theirs, r), "tuple", (), equal)


def _row(trees: list[Expression], r: random.Random) -> str:
    return "(" + ", ".join(to_text(tree, r.choice(("plain", "latex"))) for tree in trees) + ")"


def matrix(r: random.Random) -> Pair | None:
    width, height = r.randint(1, 3), r.randint(1, 3)
    pairs = [_tree_pair(r, NAMES[:2], r.randint(0, 2)) for _ in range(width * height)]
    if any(equal is None for _, _, equal in pairs):
        return None
    texts = []
    for side in (0, 1):
        rows = [[pair[side] for pair in pairs[i * width : (i + 1) * width]] for i in range(height)]
        latex = r.random() < 0.5
        style = "latex" if latex else "plain"
        entries = [[to_text(tree, style) for tree in row] for row in rows]
        if latex:
            body = " \\\\ ".join(" & ".join(row) for row in entries)
            texts.append(f"\\begin{{pmatrix}} {body} \\end{{pmatrix}}")
        else:
            texts.append("[" + ", ".join("[" + ", ".join(row) + "]" for row in entries) + "]")
    return Pair(*texts, "matrix", (), all(equal for _, _, equal in pairs))


_IDENTITIES = (
    ("sin(U)^2 + cos(U)^2", "1"),
    ("sin(2(U))", "2 sin(U) cos(U)"),
    ("cos(2(U))", "1 - 2\\sin^2(U)"),
    ("tan(U)", "\\frac{\\sin(U)}{\\cos(U)}"),
    ("sin(U + pi)", "-sin(U)"),
    ("exp(U)*exp(V)", "e^{(U)+(V)}"),
    ("ln(exp(U))", "U"),
    ("(exp(U))^2", "exp(2*(U))"),
    ("sqrt((U)^2)", "|U|"),
    ("|U|*|V|", "abs((U)*(V))"),
    ("sqrt((U)^2+1)^2", "(U)^2+1"),
    ("sqrt(4*((U)^2+1))", "2*\\sqrt{(U)^2+1}"),
    ("log((U)^2+2)/log(3)", "\\log_3((U)^2+2)"),
    ("log(((U)^2+1)*((V)^2+1))", "log((U)^2+1) + log((V)^2+1)"),
    ("2^(U)*2^(V)", "2^((U)+(V))"),
    ("((U)^2+1)^(1/2)", "sqrt((U)^2+1)"),
    ("cosh(U)^2 - sinh(U)^2", "1"),
    ("atan(U) + acot(U)", "pi/2"),
    ("cbrt((U)^3)", "U"),
    ("max(U, V) + min(U, V)", "(U) + (V)"),
    ("sqrt(2)*sqrt(3)*(U)", "sqrt(6)*(U)"),
    ("1/(sqrt(3)-sqrt(2))*(U)", "(sqrt(3)+sqrt(2))*(U)"),
)
"""Of real numbers, with the same domain on both sides."""


def function(r: random.Random) -> Pair | None:
    left, right = r.choice(_IDENTITIES)
    u, v = (_polynomial(r, NAMES[:2]) for _ in range(2))
    texts = [
        side.replace("U", f"({to_text(u)})").replace("V", f"({to_text(v)})")
        for side in (left, right)
    ]
    if r.random() < 0.5:
        texts[1] = texts[1].replace("U", to_text(rewritten(u, r)))
    equal = r.random() < 0.5
    if not equal:
        change = r.choice(("+ 1", "- 10^(-9)", "+ 1/10^40", "+ x/10^12", "- (x-y)^2", "+ 0.001x*y"))
        texts[1] = f"{texts[1]} {change}"
    if r.random() < 0.5:
        texts.reverse()
    return Pair(*texts, "expression", (), equal)


MAKERS: dict[str, Callable[[random.Random], Pair | None]] = {
    "expression": expression,
    "function": function,
    "number": number_pair,
    "equation": equation,
    "solution_set": solution_set,
    "interval": interval,
    "tuple": tuple_pair,
    "matrix": matrix,
}


def pairs(seed: int, count: int) -> Iterator[tuple[str, Pair]]:
    """`count` pairs, a kind after the other."""
    r, makers = random.Random(seed), list(MAKERS.items())
    for i in range(count):
        name, make = makers[i % len(makers)]
        pair = None
        while not pair:
            pair = make(r)
        yield name, pair


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    table: Counter = Counter()
    for name, pair in pairs(options.seed, options.count):
        verdict = check(pair.reference, pair.candidate, pair.kind, pair.variables)
        table[name, pair.equal, verdict.status, verdict.reason] += 1
        if verdict.correct != pair.equal:
            print(f"{name}: {'equal' if pair.equal else 'unequal'}, but {verdict}: {pair[:2]}")
    for (name, equal, status, reason), count in sorted(table.items()):
        print(f"{name:13}{'equal' if equal else 'unequal':8}{status:10}{reason:10}{count:7}")


if __name__ == "__main__":
    main()
