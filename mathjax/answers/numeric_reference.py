"""Reads the answer field of a benchmark row, or a plain number, into what a response must state."""

from __future__ import annotations

import dataclasses
import decimal
import functools
import json
import math
import numbers as number_types
import operator
import re
from fractions import Fraction

from mathjax.answers import numbers
from mathjax.answers.number_context import plain, problem_behind
from mathjax.answers.numbers import Ratio
from mathjax.answers.numeric_extract import UNANSWERABLE
from mathjax.answers.numeric_markers import box_contents

BENCHMARKS = tuple(
    re.findall(
        r"\w+",
        "gsm8k gsm_plus gsm_symbolic gsm_hard multiarith addsub singleeq singleop asdiv svamp "
        "mawps number aqua math",
    )
)
"""Names that `score` takes; case, `-`, `_` and blanks aside."""

_ALIASES = {re.sub(r"[-_ ]", "", name): name for name in BENCHMARKS} | {
    "gsmplus": "gsm_plus",
    "gsmsymbolicp1": "gsm_symbolic",
    "gsmsymbolicp2": "gsm_symbolic",
    "gsm8kbackward": "gsm8k",
    "aquarat": "aqua",
    "math500": "math",
    "hendrycksmath": "math",
}
_UNIT = re.compile(r"(.*\S) +\([A-Za-z][A-Za-z .,'/-]*\)", re.DOTALL)
_SPACE = re.compile(r"\s+")
_LETTER = re.compile(r"\(?([A-Ea-e])\)?(?:[).:].*)?", re.DOTALL)
_MERIDIEM = re.compile(r"\b([ap])\.? ?m\b\.?", re.IGNORECASE)
_TUPLE = re.compile(r"\s*[(\[].*,.*[)\]]\s*", re.DOTALL)


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a reference asks for.

    kind: "number", "ratio", "list" (of numbers, in order), "yes_no", "none" (unanswerable),
    "letter", "text", or "mathematics". percent: the reference carries a percent sign.
    """

    kind: str
    value: Fraction | Ratio | str | tuple[Fraction, ...]
    percent: bool = False

    def __str__(self) -> str:
        if isinstance(self.value, tuple):
            return "; ".join(map(str, self.value))
        return show(self.value, self.percent)


def show(value: object, percent: bool = False) -> str:
    """A value for people, cut short."""
    if isinstance(value, Fraction) and max(abs(value.numerator), value.denominator) > 10**60:
        return "a long number"
    return f"{value}"[:120] + ("%" if percent else "")


@functools.lru_cache(maxsize=256)
def benchmark_name(benchmark: str) -> str:
    """The canonical name; raises ValueError with the choices for an unknown one."""
    if not isinstance(benchmark, str):
        raise TypeError(f"benchmark must be str, got {type(benchmark).__name__}")
    name = _ALIASES.get(re.sub(r"[-_ ]", "", benchmark).lower())
    if name is None:
        raise ValueError(f"unknown benchmark {benchmark!r}; choose one of {', '.join(BENCHMARKS)}")
    return name


def read_reference(benchmark: str, reference: object) -> Wanted:
    """What `reference`, a raw answer field or a plain number, asks for.

    Raises TypeError for a type that no data set has, ValueError for an empty or non-finite one.
    """
    if isinstance(reference, str):
        return _read_text(benchmark, reference)
    return _read_plain(benchmark, reference)


def _read_plain(benchmark: str, reference: object) -> Wanted:
    if reference is None and benchmark == "gsm_plus":
        return Wanted("none", UNANSWERABLE)
    if isinstance(reference, (list, tuple)):
        read = [read_reference(benchmark, item) for item in reference]
        if len(read) == 1:
            return read[0]
        if not read or any(item.kind != "number" or item.percent for item in read):
            raise ValueError(f"reference: wants a list of numbers, got {str(reference)[:80]}")
        return Wanted("list", tuple(item.value for item in read))
    if isinstance(reference, bool) or reference is None:
        raise TypeError(f"reference: wants a number or text, got {reference!r}")
    if benchmark == "aqua":
        raise TypeError(f"reference: aqua wants a letter A to E, got {reference!r}")
    if isinstance(reference, number_types.Rational):
        return Wanted("number", Fraction(reference.numerator, reference.denominator))
    if isinstance(reference, (float, decimal.Decimal, number_types.Real)):
        value = reference if isinstance(reference, decimal.Decimal) else float(reference)
        if not math.isfinite(value):
            raise ValueError(f"reference: wants a finite number, got {reference!r}")
        # The number that is printed is meant, not its binary neighbour.
        return Wanted("number", numbers.exact(str(value)))
    try:
        return Wanted("number", Fraction(operator.index(reference)))
    except TypeError:
        raise TypeError(
            f"reference: wants a number or text, got {type(reference).__name__}"
        ) from None


@functools.lru_cache(maxsize=65536)
def _read_text(benchmark: str, reference: str) -> Wanted:
    text = reference
    if benchmark != "math" and "####" in text:
        text = text[text.rindex("####") + 4 :]
    box = text.rfind("\\boxed")
    if box < 0:
        box = text.rfind("\\fbox")
    if box >= 0 and (contents := box_contents(text, box)):
        text = contents[0]
    text = text.strip()
    if not text:
        raise ValueError(f"reference: no answer in {reference[:80]!r}")
    if benchmark == "aqua":
        letter = _LETTER.fullmatch(text)
        if letter is None:
            raise ValueError(f"reference: aqua wants a letter A to E, got {reference[:80]!r}")
        return Wanted("letter", letter.group(1).upper())
    if text.startswith("[") and text.endswith("]") and benchmark != "math":
        try:
            return _read_plain(benchmark, json.loads(text))
        except (ValueError, TypeError, RecursionError):
            pass
    if benchmark == "gsm_plus" and text.lower() in ("none", "null"):
        return Wanted("none", UNANSWERABLE)
    number = stated_number(text)
    if number:
        return number
    if benchmark == "math":
        return Wanted("mathematics", text)
    if ";" in text:
        parts = [stated_number(part.strip()) for part in text.split(";")]
        if all(part and part.kind == "number" and not part.percent for part in parts):
            return Wanted("list", tuple(part.value for part in parts))
    lowered = normal_text(text)
    if lowered in ("yes", "no"):
        return Wanted("yes_no", lowered)
    return Wanted("text", lowered)


def stated_number(text: str) -> Wanted | None:
    """The one number, or ratio, that a short text is, its unit aside; None if it is more."""
    text = plain(text[:1000]).strip()
    unit = _UNIT.fullmatch(text)
    if unit:
        text = unit.group(1)
    start = numbers.next_start(text)
    if start < 0 or _TUPLE.fullmatch(text) or _MERIDIEM.search(text):
        return None
    reading = numbers.read(text, start)
    if (
        reading.problem
        or text[: reading.start].strip(" $*`({")
        or problem_behind(text, reading.end, strict=True)
        or numbers.next_start(text, reading.end) >= 0
    ):
        return None
    kind = "ratio" if isinstance(reading.value, Ratio) else "number"
    return Wanted(kind, reading.value, reading.percent)


def normal_text(text: str, marks: str = ".,;:!?") -> str:
    """A name or phrase for comparison: case, blanks, the article and closing marks aside."""
    text = _SPACE.sub(" ", plain(text[:400])).strip(" *_`\"'$()" + marks).casefold()
    text = _MERIDIEM.sub(r"\1m", text)
    return text.removeprefix("the ").strip()
