"""Answers to MATH: a boxed formula, interval, tuple, set, matrix, word, or number in some base."""

from __future__ import annotations

import dataclasses
import re

from mathjax.answers.numeric_extract import Extracted, last_number
from mathjax.answers.numeric_markers import box_contents, first_line, markers
from mathjax.answers.numeric_reference import normal_text, stated_number
from mathjax.answers.verdict import Verdict

MAX_FORMULA = 2000
"""Characters of a stated formula; a longer one is undecided, with reason "limit"."""

_INLINE = re.compile(r"\$\$?([^$]+)\$\$?|\\\((.+?)\\\)|\\\[(.+?)\\\]", re.DOTALL)
_SPACED_THOUSANDS = re.compile(r",\\! (?=[0-9]{3}(?![0-9]))")
_BASE = re.compile(r"\s*([0-9]+)\s*_\s*\{?\s*([0-9]{1,2})\s*\}?\s*\.?\s*")
_UNIT_TEXT = re.compile(
    r"(?<=[^\s{,(])\s*\\(?:text|mbox|textrm|mathrm|textnormal)\{[^{}]*\}(?:\^\{?[23]\}?)?\s*\.?\s*\Z"
)
_DEGREES = re.compile(r"\^\s*\{?\s*\\(?:circ|degree)\s*\}?|\\degree(?![A-Za-z])|°")
_WORDS = re.compile(r"[a-z0-9][a-z0-9 .,:'-]*")
_TEXT = re.compile(r"\\(?:text|mbox|textbf|mathrm|textrm)\s*\{")
_NAME = re.compile(r"\s*([A-Za-z](?:_\{?\w\}?)?|[a-z]\([a-z]\))\s*")
_MATRIX = re.compile(r"\\begin\{[pbvBV]?(?:small)?matrix\}|\\begin\{array\}")
_RELATION = re.compile(r"[<>≤≥]|\\(?:leq?|geq?|lt|gt)(?![A-Za-z])")
_UNION = re.compile(r"\\infty|∞|\\cup|∪|\\cap|\\mathbb|\\emptyset|\\in(?![A-Za-z])|\\setminus")
_SENTENCE = re.compile(r"[A-Za-z]{2,} [A-Za-z]{2,}|(?:is|are|was|be|not) ")
_REMARKS = frozenset(["correct", "right", "unique", "wrong", "verified", "reasonable"])
_OR = re.compile(
    r"\\(?:text|mbox|textrm)\s*\{\s*,?\s*(?:or|and)\s*\}|(?<![A-Za-z])(?:or|and)(?![A-Za-z])"
)


def extract_mathematics(text: str) -> Extracted:
    """The last marked answer as written, or its value if it is a number; else the last number.

    `text` of the result is the formula without dollar signs and final stop.
    """
    for marker, start, statement, _ in markers(text):
        if marker == "limit":
            return Extracted(None, problem="limit")
        if marker == "denied":
            break
        if marker == "boxed":
            # As in the data set, the box alone counts, whatever stands around it.
            contents = box_contents(text, start)
            if contents is None:
                return Extracted(None, text[start : start + 60], marker, problem="parse")
            stated = contents[0].strip()
        else:
            stated = first_line(statement, dressed=True)
            inline = list(_INLINE.finditer(statement.strip().partition("\n")[0]))
            outside = last_number(_INLINE.sub(" ", stated)) if _all_names(inline) else None
            if outside and outside.value is not None:  # the largest $n$ is 34
                return dataclasses.replace(outside, marker="phrase")
            if len(inline) == 1 and not stated_number(stated):
                stated = next(filter(None, inline[0].groups())).strip()
            elif _SENTENCE.search(stated) or stated.lower() in _REMARKS:
                continue
        stated = _SPACED_THOUSANDS.sub(",", stated.rstrip(" .,;"))
        if not stated:
            continue
        name = "phrase" if marker == "colon" else marker
        number = stated_number(stated)
        if number:
            return Extracted(number.value, stated, name, number.percent)
        return Extracted(stated, stated, name)
    whole = text.strip()
    if whole and len(whole) <= 200 and "\n" not in whole:
        inner = _INLINE.fullmatch(whole.rstrip(".").removeprefix("Answer").strip())
        stated = next(filter(None, inner.groups())) if inner else whole
        if not stated_number(stated) and (inner or not _SENTENCE.search(stated)):
            return Extracted(stated, stated, "whole")
    return last_number(text)


def _all_names(formulas: list[re.Match]) -> bool:
    """Whether formulas in a sentence only name things: `$n$`, `$f(x)$`."""
    return bool(formulas) and not any(
        re.search(r"[0-9=\\]", next(filter(None, match.groups()))) for match in formulas
    )


def compare_mathematics(reference: str, stated: str) -> Verdict:
    """Whether a stated formula is the reference; words and numbers in a base are compared here."""
    if max(len(reference), len(stated)) > MAX_FORMULA:
        return Verdict.undecided("limit", f"more than {MAX_FORMULA} characters")
    base, other = _BASE.fullmatch(reference), _BASE.fullmatch(stated)
    if base or other:
        if not (base and other):
            return Verdict.undecided("ambiguous", f"{stated[:60]}, reference {reference[:60]}")
        same = base[2] == other[2] and base[1].lstrip("0") == other[1].lstrip("0")
        return Verdict.right(stated) if same else Verdict.wrong("value", f"reference {reference}")
    name = _words(reference)
    if name is not None:
        said = _letters(stated)
        if said == name:
            return Verdict.right(said)
        return Verdict.wrong("text", f"{said[:60]}, reference {name[:60]}")
    from mathjax.answers import symbolic  # SymPy loads only where it is needed

    reference, stated = _without_units(reference), _without_units(stated)
    kind = kind_of(reference)
    if kind == "equation":
        ours, theirs = _assigned(reference), _assigned(stated)
        if ours and (theirs is None) and "=" not in stated and _is_constant(ours[1]):
            reference, kind = ours[1], "expression"
        elif ours and theirs and ours[0] == theirs[0] and _is_constant(ours[1]):
            reference, stated, kind = ours[1], theirs[1], "expression"
    elif kind in ("expression", "tuple", "matrix") and (theirs := _assigned(stated)):
        stated = theirs[1]
    ends = (_ends(reference), _ends(stated)) if kind in ("tuple", "interval") else (None, None)
    if all(ends) and ends[0] != ends[1]:
        return Verdict.wrong("value", f"{stated[:60]}, reference {reference[:60]}")
    if kind == "expression" and kind_of(stated) not in ("expression", "equation"):
        return Verdict.wrong("kind", f"{stated[:60]}, reference {reference[:60]}")
    return symbolic.check(reference, stated, kind=kind)


def kind_of(text: str) -> str:
    """The kind that `symbolic.check` should take a MATH answer for, by its look."""
    if _MATRIX.search(text):
        return "matrix"
    bare = text.replace("\\left", "").replace("\\right", "").strip()
    if _RELATION.search(bare):
        return "interval" if not _OR.search(bare) else "solution_set"
    if bare.startswith(("\\{", "{")) and bare.endswith("}") and "," in bare:
        return "solution_set"
    if _UNION.search(bare):
        return "interval"
    commas = _commas(bare)
    if bare[:1] in "([" and bare[-1:] in ")]" and commas == 0 and "," in bare:
        if bare[0] == "(" and bare[-1] == ")":
            return "tuple"
        return "interval"
    if commas or _OR.search(bare) or "\\pm" in bare or "±" in bare:
        return "solution_set"
    return "equation" if "=" in bare else "expression"


def _ends(text: str) -> str | None:
    """The two brackets of a pair or interval; None for a union, a condition or anything else."""
    bare = text.replace("\\left", "").replace("\\right", "").strip()
    inner = bare[1:-1]
    if bare[:1] in "([" and bare[-1:] in ")]" and not re.search(r"[()\[\]]", inner):
        return bare[:1] + bare[-1:]
    return None


def _commas(text: str) -> int:
    """Commas outside of all brackets, thousands separators aside."""
    depth = found = 0
    text = re.sub(r"(?<=[0-9])(?:,\\!|\{,\}|,)(?=[0-9]{3}(?![0-9]))", "", text)
    for character in text:
        if character in "([{":
            depth += 1
        elif character in ")]}":
            depth -= 1
        elif character in ",;" and depth == 0:
            found += 1
    return found


def _words(reference: str) -> str | None:
    """A reference in words or option letters, in normal spelling; None for mathematics."""
    if not _TEXT.search(reference) and not re.fullmatch(r"[A-Za-z]{2,}(?: [A-Za-z]+)*", reference):
        return None
    rest = re.sub(r"\\(?:text|mbox|textbf|mathrm|textrm)\s*\{[^{}]*\}", "", reference)
    if re.search(r"[0-9A-Za-z\\]", rest) and _TEXT.search(reference):
        return None
    said = _letters(reference)
    return said if _WORDS.fullmatch(said) and re.search("[a-z]", said) and said != "or" else None


def _letters(text: str) -> str:
    said = normal_text(text)
    said = re.sub(r"[()]", "", said)
    return re.sub(r"\s*,\s*", ",", said).strip()


def _without_units(text: str) -> str:
    text = text.strip().rstrip(".").strip()
    text = _DEGREES.sub("", text).replace("\\!", "").replace("\\$", "")
    shorter = _UNIT_TEXT.sub("", text)
    return shorter if shorter.strip() else text


def _assigned(text: str) -> tuple[str, str] | None:
    """Name and right side of `x = ...`; no name and the end of a chain `289 - 225 = 64`."""
    left, equals, right = text.partition("=")
    name = _NAME.fullmatch(left)
    if not equals or not right.strip():
        return None
    if name and "=" not in right:
        return name.group(1), right.strip()
    chain, _, last = text.rpartition("=")
    return ("", last.strip()) if _is_constant(chain) and last.strip() else None


def _is_constant(text: str) -> bool:
    bare = re.sub(r"\\(?:[dt]?frac|sqrt|pi|cdot|times|left|right)(?![A-Za-z])", "", text)
    return not re.search(r"[A-Za-z,;<>]", bare)
