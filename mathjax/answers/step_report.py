"""What checking a worked solution gives: its steps, its final answer, and sums over many."""

from __future__ import annotations

import dataclasses
import re
from collections import deque
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from mathjax.answers.arithmetic_side import Side
from mathjax.answers.arithmetic_text import read_chains
from mathjax.answers.arithmetic_tokens import read_tokens
from mathjax.answers.arithmetic_value import (
    NoValueError,
    Number,
    decimal_places,
    evaluate,
    is_rounded,
)

MAX_CHARACTERS = 100_000
"""A longer text is not read; its report says "limit"."""


class Remainder(NamedTuple):
    """The value of `9 R 4`."""

    quotient: Number
    rest: Number

    def __str__(self) -> str:
        return f"{self.quotient} R {self.rest}"


Value = Number | Remainder


class Step(NamedTuple):
    """One claim of the text, at text[start:end]."""

    text: str
    start: int
    end: int
    left: str
    right: str
    status: str
    """"right", "wrong" or "undecided"."""
    expected: Value | None
    """What the right side should be; None in algebra."""
    reason: str
    """"right", else a short code: "arithmetic", "annotation", "units", ..."""


@dataclasses.dataclass(frozen=True)
class StepReport:
    """What `check_trace` found."""

    steps: tuple[Step, ...]
    final: Value | None
    """The number that the text gives as its answer, or None."""
    mended: Value | None
    """The same if every wrong result were right and carried through where it is used again. A
    number that is by chance equal to a wrong result counts as a use of it."""
    kind: str = "arithmetic"
    """As what the text was read."""
    reason: str = ""
    """"limit" if the text was too long to read."""

    def _count(self, status: str) -> int:
        return sum(step.status == status for step in self.steps)

    @property
    def right(self) -> int:
        return self._count("right")

    @property
    def wrong(self) -> int:
        return self._count("wrong")

    @property
    def undecided(self) -> int:
        return self._count("undecided")

    @property
    def accuracy(self) -> float | None:
        """right / (right + wrong), None without such steps."""
        total = self.right + self.wrong
        return self.right / total if total else None

    @property
    def first_error(self) -> int | None:
        """Index of the first wrong step."""
        return next((k for k, step in enumerate(self.steps) if step.status == "wrong"), None)

    def final_right(self, reference: str | Number) -> bool:
        return _is_answer(self.final, reference)

    def final_right_if_mended(self, reference: str | Number) -> bool:
        """Whether the answer would equal the reference, a number or text such as GSM8K's answer
        field. A reference with decimals also takes what rounds to it."""
        return _is_answer(self.mended, reference)


@dataclasses.dataclass(frozen=True)
class Summary:
    """Many reports together; the arithmetic accuracy in traces of P1."""

    traces: int
    right: int
    wrong: int
    undecided: int
    traces_with_error: int
    traces_without_steps: int
    """Without a right or wrong step."""
    final_right: int
    final_right_if_mended: int
    """Both 0 without references."""

    @property
    def accuracy(self) -> float | None:
        total = self.right + self.wrong
        return self.right / total if total else None


def summarise(
    reports: Iterable[StepReport], references: Iterable[str | Number] | None = None
) -> Summary:
    """Adds up reports; with references, one a report, also their final answers."""
    reports = list(reports)
    right, wrong = [report.right for report in reports], [report.wrong for report in reports]
    answers = list(zip(reports, references, strict=True)) if references is not None else []
    return Summary(
        traces=len(reports),
        right=sum(right),
        wrong=sum(wrong),
        undecided=sum(report.undecided for report in reports),
        traces_with_error=sum(count > 0 for count in wrong),
        traces_without_steps=sum(a + b == 0 for a, b in zip(right, wrong, strict=True)),
        final_right=sum(report.final_right(reference) for report, reference in answers),
        final_right_if_mended=sum(
            report.final_right_if_mended(reference) for report, reference in answers
        ),
    )


_ANSWER = re.compile(r"answer\b(?: is\b)?\s{0,3}:?", re.IGNORECASE)
_THE = re.compile(r"\bthe (?:final )?$", re.IGNORECASE)
_ANY_NUMBER = re.compile(
    r"[-\u2212]?+[$\u20ac\u00a3]?+(?<![\d.,])"
    r"(?:\d{1,3}(?:,\d{3}){1,40}+(?!\d)|\d++)(?:\.\d++)?+%?+"
)


def final_value(text: str) -> Value | None:
    """The number that a solution ends with: behind the last `####`, in the last box, behind the
    last answer phrase, else the last number."""
    return find_final(text)[0]


def find_final(text: str) -> tuple[Value | None, int]:
    """(the final number, where it stands if nothing marks it, else -1)."""
    for mark in ("####", "\\boxed"):
        at = text.rfind(mark)
        if at >= 0:
            return _number_at(text, at + len(mark)), -1
    lowered = text.lower()
    at = lowered.rfind("answer")
    while at >= 0 and len(lowered) == len(text):
        match = _ANSWER.match(text, at)
        if match and (match[0].endswith(":") or _THE.search(text, max(at - 12, 0), at)):
            return _number_at(text, match.end()), -1
        at = lowered.rfind("answer", 0, at)
    offset = max(len(text) - 4_000, 0)
    last = next(iter(deque(_ANY_NUMBER.finditer(text, offset), maxlen=1)), None)
    return (None, -1) if last is None else (_number_at(last[0], 0), last.start())


def _number_at(text: str, at: int) -> Value | None:
    """The first arithmetic of text[at:], within a few words."""
    plain = text[at : at + 40].strip()
    if plain.isascii() and plain.isdecimal() and len(text) - at < 40:
        return int(plain)
    end = text.find("\n", at)
    piece = text[at : min(len(text) if end < 0 else end, at + 2_000)]
    if not piece.strip():
        piece = text[at : at + 2_000].lstrip().partition("\n")[0]
    tokens = read_tokens(f"= {piece}", 0, len(piece) + 2)
    kinds = tokens.kinds
    skip = 1
    while kinds[skip] and kinds[skip] not in "n($vs-":
        skip += 1
    if not kinds[skip]:
        return None
    columns = ([column[0], *column[skip:]] for column in tokens)
    chain = next(iter(read_chains(type(tokens)(*columns))), None)
    side = chain.sides[1] if chain is not None else None
    if side is None:
        return None
    try:
        value = scaled(side) if side.scales else evaluate(side.program)
    except NoValueError:
        return None
    return value if side.remainder is None else Remainder(value, side.remainder)


def _is_answer(value: Value | None, reference: str | Number) -> bool:
    if isinstance(reference, bool) or not isinstance(reference, (str, int, Fraction)):
        raise TypeError(f"reference must be str, int or Fraction, got {type(reference).__name__}")
    if value is None:
        return False
    if not isinstance(reference, str):
        return value == reference
    text = reference.strip()[-MAX_CHARACTERS:]
    wanted = final_value(text) if "####" in text else _number_at(text, 0)
    if wanted is None:
        return False
    if value == wanted:
        return True
    if isinstance(value, Remainder) or isinstance(wanted, Remainder):
        return False
    if "%" in text[-20:] and value == wanted * 100:
        return True
    literal = text.rpartition("####")[2].strip().lstrip("$-").rstrip(".")
    places = decimal_places(literal) if literal.replace(".", "").replace(",", "").isdigit() else 0
    return places > 0 and is_rounded(value, wanted, places)


def scaled(side: Side) -> Number:
    program = list(side.program)
    for place, factor in side.scales:
        if place >= len(program) or type(program[place]) is str:
            raise NoValueError("root")
        program[place] *= factor
    return evaluate(program)
