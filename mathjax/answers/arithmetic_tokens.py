"""Cuts a line of prose into the tokens that written arithmetic is made of.

A kind is one character: n number, v vulgar fraction, + - * / ^ ( ) themselves, = relation, 2 a
raised exponent, % percent, $ currency,
s square root, w word, a calculator annotation, ~ about, 3 ellipsis, . end of a phrase, ? anything
that no arithmetic has; the end has the empty kind. LaTeX is brought to the same kinds.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from mathjax.answers.arithmetic_words import ABOUT_WORDS, SCALES, SIGN_WORDS

_ALONE = (*SIGN_WORDS, *SCALES, *ABOUT_WORDS, "and", "remainder")

# Words are one token as far as none of them may mean anything in arithmetic.
_LETTER = "[^\\W\\d_\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2089\u2150-\u215e]"
_PLAIN_WORD = f"(?!(?:{'|'.join(_ALONE)})(?!{_LETTER})){_LETTER}{{2,}}+(?:['\u2019-]{_LETTER}++)*+"

# Possessive quantifiers and bounded repetition: nothing here can backtrack far.
_TOKEN = re.compile(
    r"""
    (PLAIN(?:\ PLAIN)*+|LETTER++(?:['\u2019-]LETTER++)*+)
  | ((?:\d{1,3}(?:(?:,(?:\\!)?+|\{,\})\d{3}){1,40}+(?!\d)|\d++)
    (?:\.\d++)?+(?:[eE][+-]?+\d{1,2}+(?![\w.]))?+|\.\d++)
  | (=>|<=|>=|!=|->|<-|==?+|[\u2248\u2243\u2245\u2250])
  | (\*\*|\\left[(\[]|\\right[)\]]|[-+*/()\[\]{}^\u00d7\u00f7\u00b7\u2212\u2013])
  | (\\?[$\u20ac\u00a3\u00a5])
  | (\\?%)
  | (\.{3}|\u2026|[.,;:?!\n\r])
  | (<<[^<>\n]{0,400}+>>)
  | (\\(?:text|textbf|textit|mathrm|mbox)\s{0,3}+\{[^{}\n]{0,80}+\})
  | (\\[a-zA-Z]++|\\\S)
  | (\S)
    """.replace("LETTER", _LETTER).replace("PLAIN", _PLAIN_WORD),
    re.VERBOSE,
)
_KINDS = ("", "w", "n", "?", "?", "$", "%", ".", "a", "t", "c", "?")  # by group of _TOKEN

NEWLINES = ("\n", "\r", "\\\\")
ABOUT = frozenset(("\u2248", "\u2243", "\u2245", "\u2250", "\\approx", "\\simeq"))
"""Relations that only claim to be about equal."""

VULGAR = dict(
    zip(
        "\u00bd\u2153\u2154\u00bc\u00be\u2155\u2156\u2157\u2158\u2159\u215a\u215b\u215c\u215d\u215e",
        map(Fraction, "1/2 1/3 2/3 1/4 3/4 1/5 2/5 3/5 4/5 1/6 5/6 1/8 3/8 5/8 7/8".split()),
        strict=True,
    )
)
SUPERSCRIPTS = {"\u00b2": 2, "\u00b3": 3}

_COMMANDS = {
    "times": "*", "cdot": "*", "div": "/", "approx": "=", "simeq": "=", "frac": "f", "dfrac": "f",
    "tfrac": "f", "sqrt": "s", "left": "", "right": "", "boxed": "", "quad": ".", "qquad": ".",
    ",": "", ";": "", "!": "", ":": "", "(": ".", ")": ".", "[": ".", "]": ".", "\\": ".",
    "{": "(", "}": ")", "displaystyle": "", "implies": ".", "Rightarrow": ".", "therefore": ".",
    "big": "", "Big": "", "ldots": "3", "dots": "3",
}  # fmt: skip
_FIXED = {
    **dict.fromkeys(("=", "==", "equals", *ABOUT), "="),
    **dict.fromkeys(("*", "\u00d7", "\u00b7"), "*"),
    **dict.fromkeys(("-", "\u2212", "\u2013"), "-"),
    **dict.fromkeys(("/", "\u00f7"), "/"),
    **dict.fromkeys(("^", "**"), "^"),
    **dict.fromkeys((*"([{", "\\left(", "\\left["), "("),
    **dict.fromkeys((*")]}", "\\right)", "\\right]"), ")"),
    **dict.fromkeys(("...", "\u2026"), "3"),
    **dict.fromkeys(("=>", "->", *"\"'`|\u201c\u201d\u2018\u2019"), "."),
    **dict.fromkeys(("sqrt", "\u221a"), "s"),
    **dict.fromkeys(VULGAR, "v"),
    **dict.fromkeys(SUPERSCRIPTS, "2"),
    **{f"\\{name}": kind for name, kind in _COMMANDS.items() if kind},
    "+": "+",
    "~": "~",
}
_DROPPED = frozenset(("&", *(f"\\{name}" for name, kind in _COMMANDS.items() if not kind)))


class Tokens(NamedTuple):
    """Columns: kind, place in the text, and its text."""

    kinds: list[str]
    starts: list[int]
    ends: list[int]
    values: list[str]


def read_tokens(text: str, start: int, end: int) -> Tokens:
    """The tokens of text[start:end], in time linear in its length."""
    matches = list(_TOKEN.finditer(text, start, end))
    values = [match[0] for match in matches]
    if "\n" in values or "&" in values or text.find("\\", start, end) >= 0:
        matches = [match for match in matches if match[0] not in _DROPPED]
        matches = _joined(matches)
        values = [match[0] for match in matches]
    fixed = _FIXED.get
    kinds = [fixed(match[0]) or _KINDS[match.lastindex] for match in matches]
    starts = [match.start() for match in matches]
    ends = [match.end() for match in matches]
    kinds.append("")
    starts.append(end)
    ends.append(end)
    values.append("")
    tokens = Tokens(kinds, starts, ends, values)
    if "t" in kinds or "c" in kinds or "s" in kinds:
        for at, kind in enumerate(kinds):
            if kind == "t":
                words = values[at].partition("{")[2][:-1].strip()
                kinds[at], values[at] = "w", words or "unit"
            elif kind == "c" or (kind == "s" and values[at + 1] == "["):
                kinds[at] = "?"
    return _write_out_fractions(tokens) if "f" in kinds else tokens


def _joined(matches: list[re.Match[str]]) -> list[re.Match[str]]:
    """Without line ends before a relation: a line that begins with one goes on the line before."""
    kept: list[re.Match[str]] = []
    for match in matches:
        if _FIXED.get(match[0]) == "=":
            while kept and kept[-1][0] in NEWLINES:
                kept.pop()
        kept.append(match)
    return kept


def _write_out_fractions(tokens: Tokens) -> Tokens:
    r"""`\frac{a}{b}` as ((a)/(b)), a mixed number `3\frac{1}{2}` as (3+((1)/(2)))."""
    new = Tokens([], [], [], [])
    open_groups: list[str] = []
    awaited = ""  # which group of a fraction must open now
    mixed: list[bool] = []

    def put(kind: str, at: int) -> None:
        for column, item in zip(new, (kind, tokens.starts[at], tokens.ends[at], kind), strict=True):
            column.append(item)

    kinds = tokens.kinds
    for at, kind in enumerate(kinds):
        if awaited and kind != "(":
            put("?", at)
            awaited = ""
        if kind == "f":
            whole = at > 0 and kinds[at - 1] == "n" and kinds[at + 1 : at + 7] == list("(n)(n)")
            mixed.append(whole)
            if whole:
                number = [column.pop() for column in new]
                put("(", at - 1)
                for column, item in zip(new, number, strict=True):
                    column.append(item)
                put("+", at)
            put("(", at)
            awaited = "top"
            continue
        for column, source in zip(new, tokens, strict=True):
            column.append(source[at])
        if kind == "(":
            open_groups.append(awaited)
            awaited = ""
        elif kind == ")":
            group = open_groups.pop() if open_groups else ""
            if group == "top":
                put("/", at)
                awaited = "bottom"
            elif group == "bottom":
                put(")", at)
                if mixed.pop():
                    put(")", at)
    return new


def goes_on(tokens: Tokens, at: int) -> bool:
    """Whether what stands behind a number makes something else of it."""
    kinds, starts, ends, values = tokens
    kind = kinds[at]
    tight = starts[at] == ends[at - 1]
    if kind == "?":
        return values[at][:1] == "\\" or (tight and values[at] == "_")  # 6\pi, 120_3
    if kind == ".":
        return tight and values[at + 1][:1] == "\\" and starts[at + 1] == ends[at]  # 0.\overline{3}
    return tight and kind in ("n", "v") and kinds[at - 1] == ")"


def is_abbreviation(tokens: Tokens, at: int) -> bool:
    """3 ft. * 7 ft. = 21 sq.ft"""
    kinds, starts, ends, values = tokens
    if values[at] != "." or kinds[at - 1] != "w" or starts[at] > ends[at - 1]:
        return False
    after = kinds[at + 1]
    return after in ("+", "-", "*", "/", "=") or (after == "w" and starts[at + 1] == ends[at])


def is_time(digits: str) -> bool:
    """0130: half past one."""
    return digits[0] == "0" and digits.isdecimal() and digits[2] < "6"
