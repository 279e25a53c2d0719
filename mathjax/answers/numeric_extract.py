"""Finds the final answer in a response: behind the last marker, else the last number.

Whichever marker comes last counts. One with nothing to read behind it ("the answer is correct") is
passed over; one that denies ("the answer is not 5") gives nothing. Where the text behind a marker
states more than one number, a bound or part of a calculation, the answer is a problem, no value.
"""

from __future__ import annotations

import dataclasses
import re
from fractions import Fraction

from mathjax.answers import numbers
from mathjax.answers.number_context import plain, problem_behind, read_number_words
from mathjax.answers.numbers import Ratio, Reading
from mathjax.answers.numeric_markers import STRETCH, first_sentence, markers

MAX_RESPONSE = 2_000_000
"""Characters; a longer response is undecided, with reason "limit"."""

UNANSWERABLE = "none"
"""Value of a response that says there is no answer."""

Value = Fraction | Ratio | str | None


@dataclasses.dataclass(frozen=True)
class Extracted:
    """The answer found in a response.

    value is a Fraction, a Ratio, a string (letter, "yes", "no", "none", or mathematics as
    written), or None; `text` is what was read; `marker` is "hashes", "boxed", "phrase",
    "last_number", "option", "whole" (a short text all of mathematics) or "" if nothing was found.
    percent: a percent sign stood there. problem says why value is None: "no_answer",
    "ambiguous", "parse" or "limit".
    """

    value: Value
    text: str = ""
    marker: str = ""
    percent: bool = False
    problem: str | None = None


_NOTHING = re.compile(
    r"(?:\b(?:can\s?not|can't|could\s+not|couldn't|impossible\s+to|unable\s+to|not\s+possible\s+to"
    r"|no\s+way\s+to)\b[^.!?\n]{0,60}?\b(?:determin|calculat|answer|comput|know|find|found|figur"
    r"|solv|say|tell|establish)"
    r"|\b(?:unknown|unclear|uncertain|undefined|undetermined|indeterminate|unanswerable"
    r"|indeterminable|undeterminable"
    r"|not\s+enough\s+information|insufficient\s+(?:information|data)|not\s+sufficient\s+information"
    r"|not\s+enough\s+data|lacks?\s+(?:the\s+)?(?:necessary\s+)?information"
    r"|does\s+not\s+(?:provide|give|specify|state|contain|mention)"
    r"|doesn't\s+(?:provide|give|specify|state|contain|mention)"
    r"|not\s+(?:given|provided|specified|stated|determinable)|n/a|not\s+applicable)\b)",
    re.IGNORECASE,
)
_NONE = re.compile(r"\s*['\"(]?(?:none|null|n/a|undefined)['\")]?[\s.!*]*\Z", re.IGNORECASE)
_CLAUSE = re.compile(
    r",(?=\s)(?!\s*[(\[]?[0-9$€£\-.])|(?<=\S)\s\((?![0-9\-]+\))|\u2014|\s[\u2013-]\s(?=[^\W\d])"
    r"|\b(?:because|since|so|which|where|when|but|while|whereas|i\.e|given|as)\b|;(?!\s*[(\[]?[0-9$€£\-.])",
    re.IGNORECASE,
)
_EQUALITY = re.compile(r"(?<![!<>=])=(?!=)|≈")
_RELATION = re.compile(r"[<>≤≥≠±]|!=|\\neq?")
_HEADING = re.compile(
    r"\s*[*_]*(?:step|part|case|section|question|problem|stage|phase|example|method|option)\s*#?[0-9]",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"\s*[0-9]{1,2}[.):]\s+[*_]*[A-Za-z]")
_BLOCKED_BEFORE = re.compile(
    r"\b(?:not|n't|isn't|never|neither|nor|no|half|twice|thrice|double|triple|quadruple|third|"
    r"quarter|than|over|under|above|below|between|from|either|beyond|exceeds?|exceeding|fewer|more|"
    r"less|minus|plus|times|sqrt|root|log|except|besides|one|two|three|four|five|six|seven|eight|"
    r"nine|ten|without|before|unlike|if|almost|nearly|squared?|cubed?|factorial)\b"
    r"|[√^+*/×÷·\\<>≤≥≠±|]",
    re.IGNORECASE,
)
_FILLER = re.compile(
    r"[\s:=*_\"'`(\[{$≈,]*+(?:(?:approximately|approx|about|around|roughly|exactly|just|only|simply|"
    r"equal|equals|a|an|the|total|of|at|least|most|therefore|thus|then|now|is|be|to|by|number|"
    r"indeed|clearly|in|all|altogether|there|are|have|has|had|he|she|it|they|we|you|i|final|value|"
    r"answer|option|that)\b[\s:=*_\"'`(\[{$≈,]*+)*+(?:negative\s+|minus\s+)?",
    re.IGNORECASE,
)
_MINUS_WORD = re.compile(r"\b(?:negative|minus)\s+[$€£]?\Z", re.IGNORECASE)
_YES_NO = re.compile(r"[\s:*_\"'`(\[{$]*+(yes|no)(?![A-Za-z'])(?!\s+[a-z])", re.IGNORECASE)
_ANOTHER = re.compile(r",\s+(?:(?:or|and)\s+)?(?:[\w']{1,20}\s{0,2}[:=]\s{0,2})?[$€£]?-?[0-9]")
_ONLY_WORDS = re.compile(r"[\sa-zA-Z-]{1,80}")
_OPENING = re.compile(r"\$+ ?\n|\[\s*")
_TUPLE = re.compile(r"[(\[].*,.*[)\]]")
_LIST = re.compile(r"[\s:*_]*\n\s*1[.)]\s+\S")
_NAME = re.compile(r"\s*(?:[a-zA-Z]|[a-z]\([a-z]\)|\\?[a-z]+)\s*\Z")


def extract_number(text: str, want: str = "number") -> Extracted:
    """The final answer of a response that has been `cut`; want "yes_no" prefers yes and no."""
    floor = 0
    for marker, start, statement, final in markers(text):
        if marker == "limit":
            return Extracted(None, "", "", problem="limit")
        if marker == "denied":
            if _NOTHING.search(text[max(start - 60, 0) : start + 120].replace("’", "'")):
                return Extracted(UNANSWERABLE, plain(statement)[:60].strip(), "phrase")
            floor = max(floor, start + len(first_sentence(statement)))
            continue
        found = read_statement(statement, marker, want, final)
        if found is not None:
            return found
    return last_number(text[floor:], want)


def read_statement(stretch: str, marker: str, want: str, final: bool) -> Extracted | None:
    """The answer that the text behind a marker states; None where it states none."""
    name = "phrase" if marker == "colon" else marker
    text = plain(stretch).lstrip(" \n")
    if marker == "boxed":
        if text == "\\?":
            return Extracted(None, stretch, name, problem="parse")
        statement, rest = " ".join(text.split()), ""
        if not statement:
            return None
        if _TUPLE.fullmatch(statement):
            return Extracted(None, statement[:80], name, problem="ambiguous")
    else:
        text = text.lstrip("*_:` \n\"'")
        if _LIST.match(stretch):
            return Extracted(None, text[:60], name, problem="ambiguous")
        first = _OPENING.match(text)
        text = text[first.end() :] if first else text
        statement = first_sentence(text)
        rest = text[len(statement) :]
        if marker == "hashes" and (
            _HEADING.match(text) or (_NUMBERED.match(text) and rest.partition("\n")[2].strip())
        ):
            return None
    if not any(map(str.isalnum, statement)):
        return None
    shown = statement.strip()[:80]
    yes_no = _YES_NO.match(statement)
    if yes_no and (want == "yes_no" or numbers.next_start(statement) < 0):
        return Extracted(yes_no.group(1).lower(), shown, name)
    first = numbers.next_start(statement)
    if _NONE.match(statement) or _NOTHING.search(statement if first < 0 else statement[:first]):
        return Extracted(UNANSWERABLE, shown, name)
    reading = _in_clauses(statement, marker)
    if reading is None:
        return Extracted(None, shown, name, problem="parse") if marker == "boxed" else None
    reading, direct, end = reading
    if marker == "colon" and not direct:
        more = not final or numbers.next_start(statement[end:] + rest) >= 0
        if more:
            return None  # "Answer:" before a whole rationale does not mark the final number
    if isinstance(reading, int):
        return Extracted(Fraction(reading), shown, name)
    if reading.problem:
        return Extracted(None, shown, name, problem=reading.problem)
    return Extracted(reading.value, shown, name, reading.percent)


def _in_clauses(statement: str, marker: str) -> tuple[Reading | int, bool, int] | None:
    """The number of the first clause that has one, whether it opens the clause, and its end."""
    position = 0
    while position <= len(statement):
        match = _CLAUSE.search(statement, position) if marker != "boxed" else None
        end = match.start() if match else len(statement)
        found = _in_clause(statement[position:end], marker)
        if found is not None:
            reading, direct = found
            if match and isinstance(reading, Reading) and not reading.problem:
                clause = statement[position:end]
                more = match.group() == "," and not (direct and not position) and "=" not in clause
                if _ANOTHER.match(statement, end) or (
                    more and numbers.next_start(statement, end) >= 0
                ):
                    reading = dataclasses.replace(reading, problem="ambiguous")
            return reading, direct and not position, end
        if not match:
            return None
        position = match.end()
    return None


def _in_clause(clause: str, marker: str) -> tuple[Reading | int, bool] | None:
    """The number that a clause states, the right side of an equation; and whether it opens it."""
    part, chain = clause, False
    if ("=" in clause or "≈" in clause) and (equalities := list(_EQUALITY.finditer(clause))):
        equality = equalities[-1]
        if numbers.next_start(clause, equality.end()) >= 0:
            part = clause[equality.end() :]
            chain = not _NAME.match(clause[: equality.start()].strip(" *_$("))
        elif _NAME.match(clause[equality.end() :]):
            part = clause[: equality.start()]  # 5 = x
        elif any(map(str.isdigit, clause)):
            return Reading(Fraction(0), 0, 0, problem="parse"), False
        else:
            return None
    start = numbers.next_start(part)
    if start < 0:
        return None if marker == "boxed" and not _ONLY_WORDS.fullmatch(part) else _in_words(part)
    reading = numbers.read(part, start)
    before = part[: reading.start]
    if _RELATION.search(before):
        return dataclasses.replace(reading, problem="ambiguous"), False
    if minus := _MINUS_WORD.search(before):
        if isinstance(reading.value, Ratio) or reading.value < 0:
            return dataclasses.replace(reading, problem="ambiguous"), False
        reading = dataclasses.replace(reading, value=-reading.value)
        before = before[: minus.start()]
    direct = _FILLER.fullmatch(before) is not None
    problem = reading.problem or problem_behind(part, reading.end, strict=marker == "boxed")
    if not problem and not direct:
        if marker == "boxed" and before.strip(" $"):
            problem = "parse"
        elif _BLOCKED_BEFORE.search(before) or numbers.next_start(part, reading.end) >= 0:
            problem = "ambiguous"
    if problem:
        reading = dataclasses.replace(reading, problem=problem)
    return reading, direct and not chain


def _in_words(part: str) -> tuple[int, bool] | None:
    """A number in words that opens a clause: `twelve`, `minus twenty-one`."""
    words = part.lstrip(" :*_\"'`([{$")
    filler = _FILLER.match(words)
    value = read_number_words(words[filler.end() :])
    if value is None:
        return None
    return (-value if _MINUS_WORD.search(words[: filler.end()]) else value), True


def last_number(text: str, want: str = "number") -> Extracted:
    """The last number of a text without a marker, with the same care for its neighbours."""
    if want == "yes_no":
        return _last_yes_no(text)
    last = max(map(text.rfind, "0123456789"))
    if not text.isascii():
        last = max(last, *map(text.rfind, numbers.VULGAR))
    if last < 0:
        return _no_number(text)
    first = last
    while first and last - first < 2 * numbers.MAX_DIGITS and text[first - 1] in "0123456789,.":
        first -= 1
    first = max(first - _WINDOW, 0)
    window = plain(text[first : last + _WINDOW])
    last = max(map(window.rfind, (*"0123456789", *numbers.VULGAR)))
    line = window.rfind("\n", 0, last + 1) + 1
    reading = _last_reading(window, line, last)
    if reading is None:
        return _no_number(text)
    shown = window[reading.start : reading.end + 20].strip()[:60]
    before = window[line : reading.start]
    newline = window.find("\n", reading.end)
    clause = window[: newline if newline >= 0 else len(window)]
    problem = reading.problem or problem_behind(clause, reading.end)
    if not problem and (_RELATION.search(before[-6:]) or _NOT_THIS.search(before)):
        problem = "ambiguous"
    if not problem and first and reading.start == 0:
        problem = "limit"
    value = reading.value
    if not problem and not isinstance(value, Ratio) and _MINUS_WORD.search(before):
        value = -value
        if value > 0 or _SUBTRACTED.search(before):
            problem = "parse"
    if problem:
        return Extracted(None, shown, "last_number", problem=problem)
    return Extracted(value, shown, "last_number", reading.percent)


_WINDOW = 160
"""Characters around the last number that are read."""

_NOT_THIS = re.compile(
    r"\b(?:not|isn't|n't|than|[0-9]\)?\s+(?:plus|minus|times|over|divided by|multiplied by))"
    r"\s+[$€£]?\Z"
    r"|[0-9][^.!?\n]{0,24}\bor\s+[$€£]?\Z"
)
_SUBTRACTED = re.compile(r"(?:[0-9]|\b[a-z])\s+minus\s+[$€£]?\Z")


def _last_reading(window: str, line: int, last: int) -> Reading | None:
    """The last number of the line that starts at `line`; its last digit is at `last`."""
    position = max(line, last - 24)
    while position > line and not window[position - 1].isspace():
        position -= 1
    found = None
    while (start := numbers.next_start(window, position)) >= 0:
        reading = numbers.read(window, start, marked=False)
        if found is None or not _UNIT_POWER.search(window[max(start - 24, 0) : start]):
            found = reading
        position = max(reading.end, start + 1)
    return found


_UNIT_POWER = re.compile(
    r"(?:[0-9] ?[a-zA-Z]{2,6}|[0-9]m|(?:\A|[ /])(?:m|s|cm|mm|km|ft|in|yd|mi|kg|units?|inch|inches"
    r"|feet|foot|meters?|metres?)) ?\^ ?\{?-?\Z"
)


def _no_number(text: str) -> Extracted:
    tail = plain(text[-STRETCH:]).replace("’", "'")
    if _NOTHING.search(tail) or _NONE.match(tail.strip()):
        return Extracted(UNANSWERABLE, tail[-60:].strip(), "last_number")
    return Extracted(None, "", "", problem="no_answer")


_LONE_YES_NO = re.compile(
    r"(?:\A|[.!?:\n,]\s*|\*\*|\b(?:is|are|[Ss]o|say|[Tt]herefore|[Tt]hus|[Hh]ence)\s+)"
    r"[\"'(*]*(yes|no|Yes|No|YES|NO)"
    r"(?=[\s]*[.,!?;:\n\"')*]|\s*\Z)"
)


def _last_yes_no(text: str) -> Extracted:
    *_, found = [None, *_LONE_YES_NO.finditer(text[-4 * STRETCH :])]
    if found is None and (found := _LONE_YES_NO.match(text.lstrip()[:40])) is None:
        return Extracted(None, "", "", problem="no_answer")
    return Extracted(found.group(1).lower(), found.group(1), "last_number")
