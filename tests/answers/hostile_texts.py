"""Texts made to hang, fill the memory or crash, each with what it is compared with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple


class Hostile(NamedTuple):
    reference: str
    candidate: str
    kind: str = "expression"
    form: str | None = None
    variables: tuple[str, ...] = ()
    equal: bool = False
    """Whether the verdict may be right."""


def _sum(parts: Iterable[str]) -> str:
    return "+".join(parts)


def _same(text: str, kind: str = "expression", form: str | None = None) -> Hostile:
    return Hostile(text, text, kind, form, equal=True)


def _turned(parts: list[str], joint: str = "+", wrap: str = "{}", kind: str = "expression"):
    """Parts against the same in the other order."""
    texts = [wrap.format(joint.join(some)) for some in (parts, parts[::-1])]
    return Hostile(*texts, kind, equal=True)


def _equation(left: str, right: str) -> Hostile:
    return Hostile(left, right, "equation")


_P, _Q = "(x+y+1)^30", "(x-y+2)^30"
_DEEP = "+exp(15000)-exp(15000)"
_WILKINSON = "*".join(f"(x-{i})" for i in range(60))
_MANY_NAMES = "+".join("abcdefghijklmnopqrstuvwxyz")

CASES: dict[str, Hostile] = {
    # Length, depth, brackets
    "100,000 characters": Hostile("1", "1" * 100_000),
    "100,000 letters": Hostile("1", "x" * 100_000),
    "a million characters": Hostile("1", "1+" * 500_000 + "1"),
    "100,000 plus signs": Hostile("1", "1" + "+1" * 49_999),
    "5,000 brackets": Hostile("x", "(" * 5000 + "x" + ")" * 5000, equal=True),
    "50,000 opening brackets": Hostile("x", "(" * 50_000),
    "closing brackets": Hostile("x", "x" + ")" * 19_000),
    "all brackets unbalanced": Hostile("x", "([{\\{|\\left(" * 1500),
    "signs": Hostile("1", "-" * 19_000 + "1"),
    "dots": Hostile("5", "5" + ". " * 9_000),
    "boxes": Hostile("1", "\\boxed{" * 2400 + "1" + "}" * 2400, equal=True),
    "dollars": Hostile("1", "$" * 19_000 + "1", equal=True),
    "fences": Hostile("1", "`$" * 4000 + "1" + "$`" * 4000),
    "invisible characters": Hostile("1", "\u200b" * 99_000 + "1", equal=True),
    "spaces": Hostile("1", " " * 99_000 + "1", equal=True),
    "newlines": Hostile("x=1", "x=1" + "\n" * 99_000, "solution_set", equal=True),
    "commands": Hostile("1", "\\frac" * 3900),
    "nested fractions": _same("\\frac{1}{" * 50 + "2" + "}" * 50),
    "nested mixed numbers": Hostile("1", "1\\frac{" * 28 + "1" + "}{2}" * 28),
    "nested roots": _same("sqrt(x+" * 25 + "2" + ")" * 25),
    "nested functions": _same("sin(" * 25 + "x" + ")" * 25),
    "nested absolute values": Hostile("x", "|x+" * 25 + "1" + "|" * 25),
    "bars": Hostile("1", "|" * 4000),
    "nested environments": Hostile("1", "\\begin{pmatrix}" * 900 + "1", "matrix"),
    "letters, then digits": Hostile("1", "\\," + "x" * 3900 + "1" * 15_000),
    "percent signs": _same("x" + "%" * 3900),
    "factorial signs": Hostile("1", "3" + "!" * 3900),
    "primes and subscripts": Hostile("x", "x" + "_1" * 9_000),
    "superscripts": Hostile("x", "x" + "²" * 19_000),
    "overlines": Hostile("1", "0.1" + "\\overline{6}" * 1500),
    "thousands": Hostile("1", "1" + ",000" * 4900),
    "repeating digits": Hostile("1", "0.\\overline{" + "7" * 15_000 + "}"),
    # Numbers too long to write
    "tower": Hostile("1", "9^9^9^9^9"),
    "tower against itself": _same("10^10^10^10 + 1"),
    "tower of fractions": Hostile("1", "(1/2)^(9^(9^9))"),
    "large literals": Hostile("1", "*".join("9" * 1900 for _ in range(10))),
    "exponent of a literal": Hostile("1", "1e999999999"),
    "many exponents": Hostile("1", _sum(f"1e{i}" for i in range(1900))),
    "10^(-2000)": Hostile("0", "10^(-2000)", "number"),
    "2^100000 and one": Hostile("2^100000", "2^100000+1"),
    "sum of long fractions": Hostile("1", _sum(f"1/{p}^10000" for p in range(3, 600))),
    "factorials": Hostile("1", _sum(f"{3000 - i}!" for i in range(1300))),
    "factorial of a factorial": Hostile("1", "10!!!!"),
    "factorial of a million": Hostile("1", "1000000!"),
    "binomials": _turned([f"binomial({3000 - i},{i + 1000})" for i in range(200)]),
    "sum of large powers": _turned([f"{i}^{9000 - i}" for i in range(2, 400)]),
    # Formulas with functions
    "sin(10^1000)": _same("sin(10^1000)"),
    "sin(10^4000)": Hostile("0", "sin(10^4000)"),
    "exp of exp": _same("exp(exp(exp(x)))"),
    "exp of exp, numbers": Hostile("exp(exp(exp(9)))", "exp(exp(exp(9)))+1"),
    "x^x^x^x": _same("x^x^x^x"),
    "tanh of a large value": Hostile("tanh(exp(exp(30)))", "2*tanh(exp(exp(30)))"),
    "tanh of a larger value": Hostile("tanh(exp(exp(exp(5))))", "2*tanh(exp(exp(exp(5))))"),
    "coth of a power": Hostile("coth(x^(2^38))", "2*coth(x^(2^38))"),
    "floor of a large value": Hostile("floor(x*2^(2^38))", "floor(2^(2^38)*x)+1"),
    "tan near a pole": Hostile("tan(pi/2+10^(-500))", "10^500"),
    "tan at a pole": Hostile("tan(pi/2)", "1/0"),
    "sum of 60 roots": _turned([f"sqrt({i})" for i in range(2, 62)]),
    "sum of 60 roots, nearly": Hostile(
        _sum(f"sqrt({i})" for i in range(2, 62)),
        _sum(f"sqrt({i})" for i in range(2, 62)) + "+10^(-900)",
    ),
    "gamma": _turned([f"(x+{i})!" for i in range(200)]),
    "gamma of large values": Hostile("(10^30*x)!", "(10^30*x)!+1"),
    "binomial of roots": Hostile("binomial(sqrt(2),1/3)+exp(16000)", "exp(16000)"),
    "atan at many bits": _turned([f"atan({i})" for i in range(1, 700)] + [_DEEP[1:]]),
    "asin at many bits": _turned([f"asin(1/{i})" for i in range(1, 500)] + [_DEEP[1:]]),
    "roots at many bits": _turned([f"root({i},999)" for i in range(1, 500)] + [_DEEP[1:]]),
    "powers at many bits": _turned([f"2^sqrt({i})" for i in range(1, 500)] + [_DEEP[1:]]),
    "sines": _turned([f"sin({i}x)" for i in range(1, 500)]),
    "sums of absolute values": _turned([f"abs(x-{i})" for i in range(200)]),
    "products of absolute values": _turned([f"abs(x-{i})" for i in range(200)], "*"),
    "maximum of parabolas": _turned([f"{i}x^2" for i in range(200)], ",", "max({})"),
    "maximum of 700": _turned([f"x+{i}" for i in range(700)], ",", "max({})"),
    "nested maxima": Hostile("x", "max(x^2,1-x*" * 13 + "1" + ")" * 13),
    "close roots": Hostile("abs(x^60-(10^20*x-1)^2)", "0+abs(x^60-(10^20*x-1)^2)", equal=True),
    "sixty roots": Hostile(f"abs({_WILKINSON})", f"abs({_WILKINSON}+2^(-100))"),
    "logarithms of parabolas": _turned([f"log(x^2-{i}pi*x+sqrt(2))" for i in range(100)]),
    "floors": _turned([f"floor({i}x)" for i in range(200)]),
    # Equations
    "(x+1)^(10^6) in many names": _equation(f"(x+1)^(10^6)+{_MANY_NAMES}=0", "x=0"),
    "(a+b+...+z)^1000": _equation(f"({_MANY_NAMES})^1000=0", "a=0"),
    "power of a power": _equation("(x^30000)^1000+x+1=0", "(x^30000)^1000+x+2=0"),
    "power of a power, twice": _equation("((x^30000)^30000+y+1)*(x+y)=0", "(x^30000)^30000*y=1"),
    "fraction of a high degree": _equation("1/(x^3000+x+1)=0", "x/(x^3000+x+2)=1"),
    "degree 30000": _equation("x*x^30000+x+1=0", "x*x^30000+x+2=0"),
    "poles in two names": _equation(f"1/({_P}+y)+1/({_Q}+x)=0", f"(({_P}+y)+({_Q}+x))*7=0"),
    "poles with long coefficients": _equation(
        "x/((x+2^200)^290+1)=0", "1/((x+2^200)^290+2)=0"
    ),
    "product with long coefficients": _equation("(x+2^115)^500*(x+2^116)^500=0", "x=0"),
    "power with long coefficients": _equation("(x+y+2^300)^190=0", "2*(x+y+2^300)^190=1"),
    "sum of products": _equation(
        _sum(f"(x+2^115+{i})^500*(x+{i})^300" for i in range(80)) + "=0", "x=0"
    ),
    "sum of fractions": _equation(_sum(f"1/(x+{i}y)" for i in range(1, 90)) + "=0", "x=0"),
    "inequality": _equation("(x+y+z+1)^40/(x-y+2z+3)^40>0", "(x+y+z+1)^40/(x-y+2z+3)^40>1"),
    "squares": _equation(
        "((x+y+1)^20+x)*((x-y+3)^20+y)*((x-y+3)^20+y)=0", "((x+y+1)^20+x)*((x-y+3)^20+y)=1"
    ),
    "200 equations": _turned([f"x_{i}+y={i}" for i in range(200)], ";", kind="equation"),
    "60 fractions": _turned(
        [f"x^2+{i}x+y^3=1/(x+{i})" for i in range(60)], ";", kind="equation"
    ),
    # Forms
    "factored x^5040-1": _same("x^5040-1", form="factored"),
    "factored x^300-1": _same("x^300-1", form="factored"),
    "factored power of a power": _same("(x^30000)^1000-1", form="factored"),
    "factored in seven names": _same(f"({_MANY_NAMES})^3+1", form="factored"),
    "factored, dense": _same(_sum(f"{7**60 + i}x^{i}" for i in range(2, 250)), form="factored"),
    "lowest terms of a high degree": _same(
        "((x^30000)^1000-1)/((x^30000)^1000+x)", form="lowest_terms"
    ),
    "lowest terms of a product": _same(
        "*".join(f"(x+{i}y)/(x-{i}y)" for i in range(1, 130)), form="lowest_terms"
    ),
    "expanded product": _same("(" * 25 + "x" + "+1)*(x-1)" * 25, form="expanded"),
    "simplified brackets": _same(
        _sum("*".join(f"(a_{i}+b_{i}+{j})" for i in range(8)) for j in range(20)),
        form="simplified",
    ),
    "simplified roots": _same(_sum(f"sqrt({3999000 + i})" for i in range(900)), form="simplified"),
    # Lists
    "30,000 irrational numbers": Hostile(
        "{1}", "{" + ",".join(f"√{i}" for i in range(30_000)) + "}", "solution_set"
    ),
    "190 irrational numbers": _turned(
        [f"√{i}" for i in range(2, 190)], ",", "{{{}}}", "solution_set"
    ),
    "50 gamma values": _turned(
        [f"(x+{i})!" for i in range(2, 50)], ",", "{{{}}}", "solution_set"
    ),
    "1,000 intervals": _turned(
        [f"(√{2 * i},√{2 * i + 1})" for i in range(1, 1000)], "∪", kind="interval"
    ),
    "60 intervals": _turned(
        [f"(√{2 * i},√{2 * i + 1})" for i in range(1, 60)], "∪", kind="interval"
    ),
    "excluded numbers": _turned([f"x != √{i}" for i in range(1, 60)], " and ", kind="interval"),
    "100x100 matrix": Hostile(
        "[[1]]", "[" + ",".join("[" + ",".join(["√2"] * 100) + "]" for _ in range(100)) + "]",
        "matrix",
    ),
    "hard matrix": _same(
        "[" + ",".join("[" + ",".join(f"(x+{i})!^{j}" for i in range(9)) + "]" for j in range(9))
        + "]",
        "matrix",
    ),
    "wide tuple": _same("(" + ",".join(f"sin(x)^{i}" for i in range(300)) + ")", "tuple"),
    "20,000 variables": Hostile(
        "x+1", "x+2", variables=tuple(f"a{i}" for i in range(20_000))
    ),
    "noise": Hostile("x", "".join(chr(33 + i * 7919 % 90) for i in range(19_000))),
    "surrogates": Hostile("x", "\ud800" * 9_000),
    "every character": Hostile("x", "".join(map(chr, range(0xD000)))),
}  # fmt: skip
