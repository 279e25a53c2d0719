"""Word problems that lead to a quadratic equation: areas, projectiles, ages, revenue.

Every problem says which root is asked for: only one is positive, or it asks for the smaller or the
larger of two positive ones by name ("first", "last", "smallest", "largest").
"""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import NamedTuple

from mathjax.problems.story_words import PEOPLE, article, counted
from mathjax.problems.streams import Draws
from mathjax.problems.word_solution import WordProblem

SITUATIONS = ("area", "projectile", "ages", "revenue")
ROOTS = ("integer", "rational", "irrational")
_TRIES = 100_000
_EXACT = (
    "Give the exact value: a whole number, a fraction in lowest terms, or an expression with sqrt."
)


class Setting(NamedTuple):
    """A situation as an equation a*x^2 + b*x + c = 0, and the root that is asked for."""

    prompt: str
    equation: str  # as the text gives it
    a: int
    b: int
    c: int
    larger: bool  # the root with + before sqrt; a is positive
    reason: str
    key: str


def draw(draws: Draws, situation: str, roots: str) -> WordProblem:
    for _ in range(_TRIES):
        setting = _SETTINGS[situation](draws)
        if setting is None:
            continue
        found = root(setting.a, setting.b, setting.c, setting.larger)
        if found.kind == roots:
            break
    else:
        raise RuntimeError(f"no {situation} problem with {roots} roots")
    a, b, c = setting.a, setting.b, setting.c
    discriminant = b * b - 4 * a * c
    sign = "+" if setting.larger else "-"
    formula = f"x = ({-b} {sign} sqrt({discriminant}))/(2*{a})"
    if not found.q:
        formula += f" = ({-b} {sign} {math.isqrt(discriminant)})/{2 * a}"
    formula += f" = {found.text}"
    square = f"({b})^2" if b < 0 else f"{b}^2"
    lines = [
        setting.equation,
        f"{polynomial(a, b, c)} = 0",
        f"D = {square} - 4*{a}*{f'({c})' if c < 0 else c} = {discriminant}",
        setting.reason,
        formula,
    ]
    facts: dict[str, int | str] = {"kind": "quadratics", "situation": situation, "roots": roots}
    prompt = f"{setting.prompt} {_EXACT}"
    return WordProblem(prompt, lines, found.text, f"quadratics:{setting.key}", facts)


class Root(NamedTuple):
    """(p + q*sqrt(s))/d in lowest terms; q = 0 if rational."""

    p: int
    q: int
    s: int
    d: int

    @property
    def kind(self) -> str:
        if self.q:
            return "irrational"
        return "integer" if self.d == 1 else "rational"

    @property
    def text(self) -> str:
        """`5`, `3/2`, `sqrt(5)/2`, `(3 - 2*sqrt(5))/2`."""
        if not self.q:
            return str(Fraction(self.p, self.d))
        surd = f"sqrt({self.s})" if abs(self.q) == 1 else f"{abs(self.q)}*sqrt({self.s})"
        if self.p:
            text = f"{self.p} {'-' if self.q < 0 else '+'} {surd}"
            return text if self.d == 1 else f"({text})/{self.d}"
        text = "-" * (self.q < 0) + surd
        return text if self.d == 1 else f"{text}/{self.d}"


def root(a: int, b: int, c: int, larger: bool) -> Root:
    """A root of a*x^2 + b*x + c with a > 0; ValueError if it has none."""
    discriminant = b * b - 4 * a * c
    if a < 1 or discriminant < 0:
        raise ValueError(f"{a}*x^2 + {b}*x + {c}: wants a > 0 and a real root")
    q, s = 1, discriminant
    factor = 2
    while factor * factor <= s:
        while s % (factor * factor) == 0:
            s //= factor * factor
            q *= factor
        factor += 1
    q = q if larger else -q
    p, d = -b, 2 * a
    if s < 2:
        p, q = p + q * s, 0
    common = math.gcd(p, q, d)
    return Root(p // common, q // common, s, d // common)


def polynomial(a: int, b: int, c: int) -> str:
    text = "x^2" if a == 1 else f"{a}*x^2"
    for factor, power in ((b, "x"), (c, "")):
        if factor:
            size = abs(factor)
            term = str(size) if not power else power if size == 1 else f"{size}*{power}"
            text += f" {'-' if factor < 0 else '+'} {term}"
    return text


_POSITIVE = "Only the positive root makes sense."
_LENGTHS = ("metre", "foot", "yard")


def _area(draws: Draws) -> Setting:
    unit = draws.choice(_LENGTHS)
    if draws.below(2):
        place = draws.choice(("garden", "field", "hall", "playground", "car park"))
        times, more, area = draws.between(1, 3), draws.between(1, 20), draws.between(10, 600)
        units = counted(unit, Fraction(2))
        often = ("", "twice ", "3 times ")[times - 1]
        relation = f"{more} {counted(unit, Fraction(more))} more than {often}its width"
        prompt = draws.choice(
            (
                f"The length of a rectangular {place} is {relation}. Its area is {area} square "
                f"{units}. How many {units} wide is the {place}?",
                f"A rectangular {place} has an area of {area} square {units}. Its length is "
                f"{relation}. What is the width of the {place} in {units}?",
            )
        )
        side = "x" if times == 1 else f"{times}*x"
        equation = f"x*({side} + {more}) = {area}"
        key = f"rectangle:{times},{more},{area}"
        return Setting(prompt, equation, times, more, -area, True, _POSITIVE, key)
    wide = draws.between(4, 40)
    long = wide + draws.between(1, 25)
    total = long * wide + draws.between(10, 800)
    thing, border = draws.choice(
        (("photo", "frame"), ("pool", "path"), ("lawn", "gravel strip"), ("rug", "fringe"))
    )
    unit = draws.choice(("centimetre", "inch")) if thing in ("photo", "rug") else unit
    units = counted(unit, Fraction(2))
    prompt = draws.choice(
        (
            f"A rectangular {thing} is {long} {units} long and {wide} {units} wide. A {border} of "
            f"the same width runs all around it. {thing.capitalize()} and {border} together cover "
            f"a rectangle of {total} square {units}. How many {units} wide is the {border}?",
            f"Around a rectangular {thing} of {long} by {wide} {units} there is a {border} that is "
            f"equally wide on all sides. With the {border}, the area is that of a rectangle of "
            f"{total} square {units}. What is the width of the {border} in {units}?",
        )
    )
    equation = f"({long} + 2*x)*({wide} + 2*x) = {total}"
    key = f"border:{long},{wide},{total}"
    a, b, c = 4, 2 * (long + wide), long * wide - total
    return Setting(prompt, equation, a, b, c, True, _POSITIVE, key)


def _projectile(draws: Draws) -> Setting | None:
    speed, start = draws.between(5, 60), draws.between(1, 80)
    thing = draws.choice(("ball", "stone", "model rocket", "firework", "arrow"))
    a_thing = article(thing)
    launch = draws.choice(
        (
            f"{a_thing.capitalize()} goes straight up from a height of {start} {_metres(start)} "
            f"with a speed of {speed} metres per second. Its height after x seconds is "
            f"{start} + {speed}*x - 5*x^2 metres.",
            f"From {start} {_metres(start)} above the ground, {a_thing} is sent straight up at "
            f"{speed} metres per second. Gravity takes 10 metres per second off its speed every "
            "second, so that 5*x^2 metres of height are lost in x seconds.",
        )
    )
    if draws.below(2):
        question = draws.choice(
            (
                f"After how many seconds does the {thing} hit the ground?",
                f"How many seconds is the {thing} in the air before it lands on the ground?",
            )
        )
        equation = f"{start} + {speed}*x - 5*x^2 = 0"
        key = f"ground:{start},{speed}"
        return Setting(f"{launch} {question}", equation, 5, -speed, -start, True, _POSITIVE, key)
    height = start + draws.between(1, 100)
    if speed * speed <= 20 * (height - start):
        return None  # never so high, or only once
    last = bool(draws.below(2))
    when = "last" if last else "first"
    question = f"After how many seconds is it {height} metres high for the {when} time?"
    equation = f"{start} + {speed}*x - 5*x^2 = {height}"
    reason = f"Both roots are positive; the {'larger' if last else 'smaller'} one is asked for."
    key = f"height:{start},{speed},{height},{when}"
    return Setting(f"{launch} {question}", equation, 5, -speed, height - start, last, reason, key)


def _metres(value: int) -> str:
    return counted("metre", Fraction(value))


def _ages(draws: Draws) -> Setting | None:
    younger, older = draws.sample(tuple(PEOPLE), 2)
    age, gap, years = draws.between(3, 40), draws.between(1, 30), draws.between(1, 15)
    back = draws.below(2) == 1
    if back and age <= years:
        return None
    shift = -years if back else years
    product = (age + shift) * (age + gap + shift)
    gap_text = f"{gap} {counted('year', Fraction(gap))}"
    years_text = f"{years} {counted('year', Fraction(years))}"
    moment = f"{years_text} ago" if back else f"in {years_text}"
    verb = "was" if back else "will be"
    prompt = draws.choice(
        (
            f"{older} is {gap_text} older than {younger}. The product of their ages {verb} "
            f"{product} {moment}. How many years old is {younger} now?",
            f"{younger} is {gap_text} younger than {older}, and the product of their "
            f"ages {verb} {product} {moment}. What is {younger}'s age in years "
            "today?",
        )
    )
    sign = "-" if back else "+"
    first = f"(x {sign} {years})"
    equation = f"{first}*(x + {gap} {sign} {years}) = {product}"
    b = gap + 2 * shift
    c = shift * (gap + shift) - product
    reason = "Only the larger root leaves both ages positive."
    key = f"ages:{gap},{shift},{product}"
    return Setting(prompt, equation, 1, b, c, True, reason, key)


_SHOPS = (
    ("theatre", "tickets"),
    ("museum", "guidebooks"),
    ("farm shop", "baskets"),
    ("pottery", "mugs"),
    ("florist", "bouquets"),
)


def _revenue(draws: Draws) -> Setting | None:
    price, sold, lost = draws.between(2, 40), draws.between(40, 400), draws.between(1, 12)
    revenue = draws.between(price * sold + 1, price * sold * 2)
    a, b, c = lost, lost * price - sold, revenue - price * sold
    if b >= 0 or b * b - 4 * a * c <= 0:
        return None  # no rise makes so much, or only one does
    last = bool(draws.below(2))
    which = "largest" if last else "smallest"
    shop, thing = draws.choice(_SHOPS)
    prompt = draws.choice(
        (
            f"A {shop} sells {sold} {thing} a day at {price} dollars each. For every dollar added "
            f"to the price, it sells {lost} fewer a day, and parts of a dollar count in "
            f"proportion. What is the {which} price rise, in dollars, that brings in {revenue} "
            "dollars a day?",
            f"At a price of {price} dollars, a {shop} sells {sold} {thing} a day. The number sold "
            f"falls by {lost} for each dollar of increase, and in proportion for parts of a "
            f"dollar. By how many dollars must the price rise to take in {revenue} dollars a day? "
            f"Of the two possible rises, give the {'larger' if last else 'smaller'} one.",
        )
    )
    equation = f"({price} + x)*({sold} - {lost}*x) = {revenue}"
    reason = f"Both roots are positive; the {'larger' if last else 'smaller'} one is asked for."
    key = f"revenue:{price},{sold},{lost},{revenue},{which}"
    return Setting(prompt, equation, a, b, c, last, reason, key)


_SETTINGS: dict[str, Callable[[Draws], Setting | None]] = {
    "area": _area,
    "projectile": _projectile,
    "ages": _ages,
    "revenue": _revenue,
}
