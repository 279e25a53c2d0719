"""The compiled comparison is true: of formulas made equal, or nearly so, by exact arithmetic on
trees that never were text, and of what holds modulo a prime only."""

import random
from fractions import Fraction

import pytest

from mathjax.answers import fast_formula_kernels as kernels
from mathjax.answers import fast_formulas


@pytest.fixture(scope="module", autouse=True)
def compiled():
    fast_formulas.load()


def fast(reference, candidate, kind="expression"):
    verdict = fast_formulas.check(reference, candidate, kind)
    return None if verdict is None else verdict.correct


# Trees are (sign, left, right), (base, exponent), a name or a number.

SPECIAL = (2**31 - 1, 2**31, 2**32, 2**61 // 3, 10**9 + 7, 10**17, *kernels.PRIMES)


def tree(rng, depth, names):
    if depth == 0 or rng.random() < 0.15:
        if rng.random() < 0.6:
            return rng.choice(names)
        return Fraction(rng.choice((rng.randrange(13), rng.randrange(13), rng.choice(SPECIAL))))
    if rng.random() < 0.15:
        return tree(rng, depth - 1, names), rng.choice((2, 3, -1))
    return rng.choice("++--**/"), tree(rng, depth - 1, names), tree(rng, depth - 1, names)


def value(node, point):
    match node:
        case str(name):
            return point[name]
        case (base, exponent):
            return value(base, point) ** exponent
        case ("+", a, b):
            return value(a, point) + value(b, point)
        case ("-", a, b):
            return value(a, point) - value(b, point)
        case ("*", a, b):
            return value(a, point) * value(b, point)
        case ("/", a, b):
            return value(a, point) / value(b, point)
    return node


def written(node, rng):
    match node:
        case (base, exponent):
            return f"{written(base, rng)}{rng.choice(('^', '**'))}{exponent}"
        case (sign, a, b):
            space = rng.choice(("", " "))
            return f"({written(a, rng)}{space}{sign} {written(b, rng)})"
    return str(node)


def rewritten(node, rng):
    """Another tree of the same value."""
    match node:
        case (base, exponent) if not isinstance(base, str) or rng.random() < 0.5:
            if exponent == 3:
                return "*", (rewritten(base, rng), 2), base
            return (rewritten(base, rng), exponent)
        case ("+" | "*" as sign, a, b) if rng.random() < 0.5:
            return sign, rewritten(b, rng), a
        case ("*", a, ("+" | "-" as sign, b, c)):
            return sign, ("*", rewritten(a, rng), b), ("*", a, rewritten(c, rng))
        case ("-", a, b):
            return "+", ("*", Fraction(0) - 1, b), rewritten(a, rng)
        case ("/", a, b):
            return "*", (b, -1), rewritten(a, rng)
        case (sign, a, b):
            return sign, rewritten(a, rng), rewritten(b, rng)
    return "-", ("*", Fraction(3), node), ("+", node, node)


def altered(node, rng):
    """Nearly the same tree; its value is mostly another."""
    match node:
        case (base, exponent):
            changed = exponent + 1 if exponent > 0 else exponent - 1
            return (altered(base, rng), exponent) if rng.random() < 0.6 else (base, changed)
        case (sign, a, b):
            if rng.random() < 0.3:
                return rng.choice("+-*"), a, b
            return (sign, altered(a, rng), b) if rng.random() < 0.5 else (sign, a, altered(b, rng))
        case str():
            return rng.choice("xyz")
    return node + rng.choice((1, 2, 10 ** rng.randrange(17), rng.choice(SPECIAL)))


def test_the_verdict_is_true():
    rng, decided = random.Random(1), 0
    while decided < 3000:
        names = rng.sample(["x", "y", "z", "w_1"], rng.randrange(1, 4))
        one = tree(rng, rng.randrange(1, 5), names)
        other = rewritten(one, rng) if rng.random() < 0.7 else one
        other = altered(other, rng) if rng.random() < 0.5 else other
        points = [
            {name: Fraction(rng.randrange(-999, 999), rng.randrange(1, 99)) for name in "xyz"}
            | {"w_1": Fraction(rng.randrange(10**6), 7)}
            for _ in range(4)
        ]
        try:
            equal = all(value(one, point) == value(other, point) for point in points)
        except ZeroDivisionError:
            continue
        left, right = written(one, rng).replace("--", "- -"), written(other, rng)
        if rng.random() < 0.2:
            verdict = fast(f"t = {left}", f"{right} = t", "equation")
        else:
            verdict = fast(left, right)
        assert verdict in (equal, None), (left, right, equal)
        decided += verdict is not None


@pytest.mark.parametrize("p", [2, 3, 7, 13, 31, 251])
def test_what_holds_only_modulo_a_prime(p):
    assert fast(f"(x+y)^{p}", f"x^{p}+y^{p}") is False
    assert fast(f"x^{p}", "x") is False
    assert fast(f"{p}x", "0") is False


def test_what_holds_modulo_the_primes_used():
    for p in kernels.PRIMES:
        assert fast("x", f"x + {p}") is False
        assert fast("x", f"x + {p}y") is False
        assert fast(f"{p + 1}x", "x") is False
        assert fast(str(p), "0") is False
        assert fast(f"y = {p + 1}x", "y = x", "equation") is False
        assert fast(f"x/{p}", "x") in (False, None)
    product = "*".join(map(str, kernels.PRIMES))
    assert fast("x", f"x + {product}") is None
    assert fast("x", f"x + {'*'.join(map(str, kernels.PRIMES[:9]))}") is False
    five = "*".join(map(str, kernels.PRIMES[:5]))
    assert fast("y = x", f"y = x + {five}", "equation") is None


def test_equations_times_a_number_and_others():
    rng = random.Random(2)
    for _ in range(500):
        a, b, c, d, k, m = (rng.choice([-1, 1]) * rng.randrange(1, 30) for _ in range(6))
        left, right = f"{a}x*y - {-b}y^2".replace("--", "+"), f"{c} - {d}x^3".replace("- -", "+")
        scaled = f"{k * a}x*y + {k * b}y^2 + {m}x = {k * c} - ({k * d}x^3 - {m}x)".replace(
            "+ -", "- "
        )
        assert fast(f"{left} = {right}", scaled, "equation") is True
        wrong = scaled.replace(f"{m}x", f"{m + 1}x", 1)
        assert fast(f"{left} = {right}", wrong, "equation") is None
        linear = f"{k * a}x + {k * b}y = {k * c}".replace("+ -", "- ")
        reference = f"{a}x - {-b}y = {c}".replace("- -", "+ ")
        assert fast(reference, linear, "equation") is True
        assert fast(reference, f"{linear} + 1", "equation") is False
