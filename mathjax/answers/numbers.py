"""Reads one number out of text as an exact rational: sign, currency, separators, fraction, scale.

The reader never guesses. Where the characters around a number could change its value (an operator,
a power, a variable, a second number joined by "or") it says so in `Reading.problem` instead of
handing out the part it understood. Text never reaches `int` without a cap on its length.
"""

from __future__ import annotations

import dataclasses
import math
import re
from fractions import Fraction

MAX_DIGITS = 400
"""Digits of one written number, and the size of its decimal exponent; more is problem "limit"."""

VULGAR = {
    "½": (1, 2), "⅓": (1, 3), "⅔": (2, 3), "¼": (1, 4), "¾": (3, 4), "⅕": (1, 5), "⅖": (2, 5),
    "⅗": (3, 5), "⅘": (4, 5), "⅙": (1, 6), "⅚": (5, 6), "⅛": (1, 8), "⅜": (3, 8), "⅝": (5, 8),
    "⅞": (7, 8),
}  # fmt: skip

SCALES = {
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
    "lakh": 10**5,
    "crore": 10**7,
}
# Read as a scale only behind a currency sign ($1.5M); elsewhere they may be metres or kelvin.
_CURRENCY_SCALES = {"k": 1000, "m": 10**6, "mn": 10**6, "b": 10**9, "bn": 10**9}

_CURRENCY_SIGNS = "$€£¥₹"
_CURRENCY_CODE = re.compile(r"(?:\b(?:Rs\.?|USD|EUR|GBP|INR)|US|AU|CA|HK)\Z")
_COMMAND = re.compile(r"\\[A-Za-z]{1,10}\Z")
_THIN = "\u2009"
_VULGAR = "".join(VULGAR)

_START = re.compile(rf"[0-9{_VULGAR}]|\.[0-9]|\\frac")
_GROUPED = (
    r"(?:[0-9]{1,3}(?:,[0-9]{3})++(?![0-9])|[0-9]{1,2}(?:,[0-9]{2})++,[0-9]{3}(?![0-9])"
    rf"|[0-9]{{1,3}}(?:{_THIN}[0-9]{{3}})++(?![0-9])|[0-9]++)"
)
_CORE = re.compile(rf"{_GROUPED}?(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?")
_SPACED_GROUPS = re.compile(r"[1-9][0-9]{0,2}(?: [0-9]{3})++(?![0-9.,/])")
_FRAC = re.compile(r"\\frac *(?:\{ *(-?) *([0-9,]++) *\}|([0-9])) *(?:\{ *([0-9,]++) *\}|([0-9]))")
_SLASH = re.compile(rf" ?[/⁄] ?(-?)({_GROUPED})(?![0-9]|\.[0-9]| ?[/⁄] ?[0-9])")
_MIXED = re.compile(r"(?: |-| and |&)([0-9]{1,9}) ?[/⁄] ?([0-9]{1,9})(?![0-9.,/⁄]|,[0-9])")
_MIXED_LATEX = re.compile(r" ?(?=\\frac)")
_MIXED_VULGAR = re.compile(rf"(?: ?| and )([{_VULGAR}])")
_HALF = re.compile(
    r" and (?:a|one)[ -](half|third|quarter|fourth|fifth|eighth|tenth)\b", re.IGNORECASE
)
_PARTS = {"half": 2, "third": 3, "quarter": 4, "fourth": 4, "fifth": 5, "eighth": 8, "tenth": 10}
_POWER_OF_TEN = re.compile(
    r" ?[×x*·] ?10 ?(?:\^|\*\*) ?(?:\{ ?([+-]?[0-9]{1,9}) ?\}|([+-]?[0-9]++))"
)
_RATIO = re.compile(rf"(?::| : )(?=[0-9])({_GROUPED}(?:\.[0-9]++)?)|(?: to )(?=[0-9])({_GROUPED})")
_PERCENT = re.compile(r"[ \u2009]?(?:%|per ?cent(?:age)?\b)|[- ]percent\b", re.IGNORECASE)
_SCALE = re.compile(rf"[ \u2009-]?({'|'.join(SCALES)})s?\b", re.IGNORECASE)
_LETTER_SCALE = re.compile(r" ?(bn|mn|[kmb])(?![A-Za-z0-9])", re.IGNORECASE)
_CLOSERS = " \u2009)]}\"'”’$*_`"


@dataclasses.dataclass(frozen=True)
class Ratio:
    """`3:4` in lowest terms: whole numbers without a common factor.

    With a zero it is a time (`12:00`) rather than a ratio and stays as written.
    """

    parts: tuple[int, ...]

    @classmethod
    def of(cls, values: list[Fraction]) -> Ratio:
        scale = math.lcm(*(value.denominator for value in values))
        whole = [int(value * scale) for value in values]
        common = math.gcd(*whole) if all(whole) else 1
        return cls(tuple(part // common for part in whole))

    def __str__(self) -> str:
        return ":".join(map(str, self.parts))


@dataclasses.dataclass(frozen=True)
class Reading:
    """A number in a text: `text[start:end]` with its sign, currency and scale.

    problem is None, or why the value cannot be trusted: "ambiguous" (several readings), "parse"
    (part of an expression) or "limit" (too many digits).
    """

    value: Fraction | Ratio
    start: int
    end: int
    percent: bool = False
    problem: str | None = None


class _ProblemError(Exception):
    """Carries the code of a problem out of the reader."""


def next_start(text: str, position: int = 0) -> int:
    """Where the next number begins, its sign and currency aside; -1 where there is none.

    Digits inside a word (CO2, x1) and subscripts are no numbers.
    """
    while match := _START.search(text, position):
        at = match.start()
        before = text[at - 1] if at else ""
        if before.isalpha() or before == "_":
            glued = at - 2 >= 0 and before in "xX" and text[at - 2].isdigit()
            around = text[max(at - 12, 0) : at]
            if not (glued or _CURRENCY_CODE.search(around) or _COMMAND.search(around)):
                position = _CORE.match(text, at).end() if text[at] != "\\" else match.end()
                position = max(position, at + 1)
                continue
        return at
    return -1


def read(text: str, start: int, marked: bool = True) -> Reading:
    """The number at `start`, as found by `next_start`.

    marked says that the number stands behind an answer marker: there `- 5` is minus five and
    `1 234` is a thousand odd.
    """
    begin = start
    try:
        begin, sign, currency = _lead(text, start, marked)
        value, end = _magnitude(text, start, marked)
    except _ProblemError as problem:
        end = _CORE.match(text, start).end() if text[start] != "\\" else start
        return Reading(Fraction(0), begin, max(end, start + 1), False, str(problem))
    if isinstance(value, Ratio):
        if sign < 0:
            return Reading(value, begin, end, False, "ambiguous")
        return Reading(value, begin, end)
    value = sign * value
    percent = _PERCENT.match(text, end)
    if percent:
        return Reading(value, begin, percent.end(), True)
    scaled = False
    closed = end  # "$18$ million", "**1.5** million"
    while closed < len(text) and text[closed] in ")$*_`}":
        closed += 1
    for at in dict.fromkeys((end, closed)):
        match = _SCALE.match(text, at)
        while match:
            scaled, end, value = True, match.end(), value * SCALES[match.group(1).lower()]
            match = _SCALE.match(text, end)
        if not scaled and at == closed and (percent := _PERCENT.match(text, at)):
            return Reading(value, begin, percent.end(), True)
    if not scaled and (match := _LETTER_SCALE.match(text, end)):
        if currency:
            value, end = value * _CURRENCY_SCALES[match.group(1).lower()], match.end()
        elif match.group(1) in ("k", "K", "M", "B", "bn", "Bn", "mn"):
            return Reading(value, begin, match.end(), False, "ambiguous")
    return Reading(value, begin, end)


def read_whole(text: str) -> Reading | None:
    """The number that `text` is, with currency, percent, scale and nothing else; or None."""
    start = next_start(text)
    if start < 0:
        return None
    reading = read(text, start)
    before, after = text[: reading.start], text[reading.end :]
    if reading.problem or before.strip(" $*`({") or after.strip(_CLOSERS + ".°"):
        return None
    return reading


def exact(token: str) -> Fraction:
    """The rational that a plain literal prints (digits, commas, point, exponent).

    Raises ValueError with message "limit" for over MAX_DIGITS digits, "parse" for anything else.
    """
    if len(token) > 2 * MAX_DIGITS:
        raise ValueError("limit")
    match = _LITERAL.fullmatch(token.replace(",", "").replace(_THIN, ""))
    if match is None or not (match[2] or match[3]):
        raise ValueError("parse")
    sign, whole, part, exponent = match[1], match[2] or "", match[3] or "", match[4] or "0"
    whole = whole.lstrip("0")
    power = exponent.lstrip("+-").lstrip("0")
    if len(whole) + len(part) > MAX_DIGITS or len(power) > 4 or int(power or 0) > MAX_DIGITS:
        raise ValueError("limit")
    if not part and not power:
        number = int(whole or 0)
        return Fraction(-number if sign == "-" else number)
    shift = (-int(power or 0) if exponent[0] == "-" else int(power or 0)) - len(part)
    value = Fraction(int(whole + part or 0))
    value = value * 10**shift if shift >= 0 else value / 10**-shift
    return -value if sign == "-" else value


_LITERAL = re.compile(r"([+-]?)([0-9]*+)(?:\.([0-9]*+))?(?:[eE]([+-]?[0-9]++))?")


def _exact(token: str) -> Fraction:
    try:
        return exact(token)
    except ValueError as error:
        raise _ProblemError(str(error)) from None


def _lead(text: str, start: int, marked: bool) -> tuple[int, int, bool]:
    """Begin, sign and presence of a currency before the digits at `start`."""
    at, sign, currency, signed = start, 1, False, False
    glued = text[start - 1] if start else ""
    if glued.isnumeric() and (not glued.isascii() or text[start] in VULGAR):
        raise _ProblemError("parse")  # digits of another script, or two numbers in one
    if glued.isalpha() and _COMMAND.search(text[max(start - 12, 0) : start]):
        raise _ProblemError("parse")  # \sqrt5
    while at:
        previous = text[at - 1]
        code = None
        if previous in _CURRENCY_SIGNS:
            currency, at = True, at - 1
        elif previous in "({":
            if at >= 2 and (text[at - 2].isalnum() or text[at - 2] in "\\)}^_"):
                raise _ProblemError("parse")  # f(5), 2(5), \sqrt{5}
            at -= 1
        elif previous in "+-":
            if signed:
                raise _ProblemError("parse")
            at, signed, sign = at - 1, True, -1 if previous == "-" else 1
            _check_sign(text, at, at + 1, marked)
        elif code := _CURRENCY_CODE.search(text[max(at - 5, 0) : at].rstrip(" ")):
            blanks = at - len(text[:at].rstrip(" "))
            currency, at = True, at - blanks - len(code.group())
        elif previous == " " and at >= 2 and text[at - 2] in "+-" + _CURRENCY_SIGNS:
            if text[at - 2] not in _CURRENCY_SIGNS:
                if signed:
                    raise _ProblemError("parse")
                at, signed = at - 2, True
                sign = -1 if text[at] == "-" else 1
                _check_sign(text, at, at + 2, marked)
            else:
                at -= 1
        else:
            break
    if at >= 2 and text[at - 1] in ".,_'’:\u2044" and text[at - 2].isdigit():
        raise _ProblemError("ambiguous")  # the end of 1,23 or of 1.2.3
    before = text[:at].rstrip(" ")
    if before.endswith("\u2013"):
        raise _ProblemError("parse" if before[:-1].rstrip(" ")[-1:].isdigit() else "ambiguous")
    if before and before[-1] in "^√\\!<>≤≥≠±∓/×÷·" and not before.endswith("\\\\"):
        raise _ProblemError("parse")
    if before.endswith("*") and before[:-1].rstrip(" *")[-1:].isalnum():
        raise _ProblemError("parse")  # 5 * 3, 2**3
    if before and before[-1] in "xX" and before[:-1].rstrip(" ")[-1:].isdigit():
        raise _ProblemError("parse")
    return at, sign, currency


def _check_sign(text: str, at: int, after: int, marked: bool) -> None:
    """Raises where the - or + at `at` may join two operands, be a hyphen, or a bullet."""
    before = text[:at]
    core = before.rstrip(" \u2009")
    spaced_off = len(core) < len(before)
    spaced_on = after - at > 1
    if not core:
        if spaced_on and not marked:
            raise _ProblemError("ambiguous")
        return
    last = core[-1]
    if last.isdigit() or last in ")%}]" + _VULGAR or (last == "." and core[-2:-1].isdigit()):
        raise _ProblemError("parse")
    if last == "\n":
        if spaced_on:
            raise _ProblemError("ambiguous")  # a bullet
        return
    if spaced_on and last not in ":=≈$":
        raise _ProblemError("ambiguous")  # a dash, or an operator behind a word
    if last.isalpha():
        if not spaced_off and not _CURRENCY_CODE.search(core[-5:]):
            raise _ProblemError("ambiguous")  # COVID-19, x-5
        if spaced_off and len(core) > 1 and not core[-2].isalpha() and last not in "aAsI":
            raise _ProblemError("parse")  # x -5
    elif last in "*+-/^×÷·":
        if last == "*" and core.rstrip("*")[-1:] in ("", " ", "\n", ":"):
            return  # bold
        raise _ProblemError("parse")


def _magnitude(text: str, start: int, marked: bool) -> tuple[Fraction | Ratio, int]:
    """Value without sign and scale, and where it ends."""
    character = text[start]
    if character == "\\":
        return _latex_fraction(text, start)
    if character in VULGAR:
        return Fraction(*VULGAR[character]), start + 1
    groups = _SPACED_GROUPS.match(text, start)
    if groups:
        if not marked:
            raise _ProblemError("ambiguous")
        value, end = _exact(groups.group().replace(" ", "")), groups.end()
        return value, end
    match = _CORE.match(text, start)
    token, end = match.group(), match.end()
    value = _exact(token)
    if token.isdigit() or ("," in token and "." not in token):
        mixed = _mixed(text, end, value)
        if mixed:
            return mixed
        slash = _SLASH.match(text, end)
        if slash:
            below = _exact(slash.group(2))
            if below == 0:
                raise _ProblemError("parse")
            _check_end(text, slash.end())
            return value / (-below if slash.group(1) else below), slash.end()
    ten = _POWER_OF_TEN.match(text, end)
    if ten:
        power = ten.group(1) or ten.group(2)
        if text[ten.end() : ten.end() + 1] in ("^", "!") or len(power) > 5:
            raise _ProblemError("parse" if len(power) <= 5 else "limit")
        if abs(int(power)) > MAX_DIGITS:
            raise _ProblemError("limit")
        return value * Fraction(10) ** int(power), ten.end()
    _check_end(text, end)
    ratio = _RATIO.match(text, end)
    if ratio:
        return _ratio(text, value, ratio)
    return value, end


def _ratio(text: str, first: Fraction, match: re.Match[str]) -> tuple[Ratio, int]:
    values = [first]
    while match:
        values.append(_exact(match.group(1) or match.group(2)))
        end = match.end()
        if len(values) > 8:
            raise _ProblemError("ambiguous")
        match = _RATIO.match(text, end)
    _check_end(text, end)
    if text[end : end + 2].strip()[:1] == "/" or not any(values):
        raise _ProblemError("ambiguous")
    return Ratio.of(values), end


def _mixed(text: str, end: int, whole: Fraction) -> tuple[Fraction, int] | None:
    """`2 1/2`, `2½`, `2\\frac{1}{2}` and `2 and a half`, from behind the whole part."""
    match = _MIXED.match(text, end)
    if match:
        above, below = int(match.group(1)), int(match.group(2))
        if not 0 < above < below or match.group()[0] == "-":
            raise _ProblemError("ambiguous")
        return whole + Fraction(above, below), match.end()
    match = _MIXED_VULGAR.match(text, end)
    if match:
        return whole + Fraction(*VULGAR[match.group(1)]), match.end()
    match = _MIXED_LATEX.match(text, end)
    if match:
        part, after = _latex_fraction(text, match.end())
        if not 0 < part < 1:
            raise _ProblemError("ambiguous")
        return whole + part, after
    match = _HALF.match(text, end)
    if match:
        return whole + Fraction(1, _PARTS[match.group(1).lower()]), match.end()
    return None


def _latex_fraction(text: str, start: int) -> tuple[Fraction, int]:
    match = _FRAC.match(text, start)
    if not match:
        raise _ProblemError("parse")
    above = _exact(match.group(2) or match.group(3))
    below = _exact(match.group(4) or match.group(5))
    if below == 0:
        raise _ProblemError("parse")
    return (-above if match.group(1) else above) / below, match.end()


def _check_end(text: str, end: int) -> None:
    """Raises where the digits go on in a way that no number does: 1.2.3, 1,23, 1_000, 5'10."""
    if end + 1 < len(text) and text[end] in ".,_'’/⁄" and text[end + 1].isdigit():
        raise _ProblemError("ambiguous")
    following = text[end : end + 3]
    if following[:1] and not following[0].isascii() and following[0].isnumeric():
        raise _ProblemError("parse")  # 5², 5٣
    if following.startswith(("..", "…")) and "." in text[max(end - 8, 0) : end]:
        raise _ProblemError("ambiguous")  # 0.333... is no finite decimal
