"""Compares an extracted answer with what a reference wants, as exact rationals."""

from __future__ import annotations

from fractions import Fraction

from mathjax.answers.numeric_extract import UNANSWERABLE, Extracted
from mathjax.answers.numeric_reference import Wanted, show
from mathjax.answers.verdict import Verdict


def compare(found: Extracted, wanted: Wanted) -> Verdict:
    """Verdict on an extracted answer: exact, the percent sign aside."""
    if found.value is None:
        return Verdict.undecided(found.problem, f"{found.text or 'no answer'}, reference {wanted}")
    detail = f"{show(found.value, found.percent)}, reference {wanted}"
    if (found.value == UNANSWERABLE) != (wanted.kind == "none"):
        return Verdict.wrong("unanswerable", detail)
    if same(found.value, found.percent, wanted.value, wanted.percent):
        return Verdict.right(detail)
    return Verdict.wrong("letter" if wanted.kind == "letter" else "value", detail)


def same(value: object, percent: bool, other: object, other_percent: bool) -> bool:
    """Equality by value: 5% is 5% alone, but beside a bare number it is 5 or 1/20."""
    if type(value) is not type(other):
        return False
    if value == other:
        return True
    if percent == other_percent or not isinstance(value, Fraction):
        return False
    return value == other * 100 if percent else value * 100 == other
