"""Is an arithmetical puzzle solved? Decides any text in time linear in its length; evaluates none.

A step is `integer op integer=integer`. op is one of + - * /, or U+2212, en dash, U+00D7, U+00B7,
U+00F7. A literal may carry a sign, leading zeros and one pair of parentheses around both; digits
are ASCII. Steps are separated by comma, semicolon or newline. Each operand is a given number or an
earlier result, each used once; the steps use everything and the last one makes the target. Every
equation of the text counts: there is no picking of a good subset.

Text without an equation may stand before the first and after the last step, as may a code fence
and a full stop. Where text could also be read as part of the arithmetic it is a parse failure: an
equals sign or an unfinished operation in it, a number that touches a step by a comma (`=4,000`), a
number or symbol directly at a step. The paper's verifier (arXiv 2406.02100, Algorithm 2) is not
published; these rules are our reading of it.
"""

from __future__ import annotations

import operator
import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from mathjax.answers.verdict import Verdict

MAX_RESPONSE = 4_000
"""Characters, blanks around them aside; a longer response is undecided, with reason "limit".
Sixteen numbers with results of sixteen digits need some 900."""

MAX_BLANKS = 100_000
"""Characters with the blanks around them."""

MAX_PIECES = 256
"""Pieces between separators; more are undecided too."""

SURPLUS = 16
"""A response with so many equations more than numbers is not read: it has too many steps."""

MAX_DIGITS = 600
"""Digits of a literal and of a given number, leading zeros aside; Python converts that many."""

_SPACE = " \t\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"  # tab and the space separators of Unicode
_SPACES = " \t\u00a0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_BLANKS = _SPACES + "\r\n"
_MINUS = "\\-\u2212\u2013"
_TIMES = "*\u00d7\u00b7"
_DIVIDE = "/\u00f7"
_OPERATOR = f"[+{_MINUS}{_TIMES}{_DIVIDE}]"
_CANONICAL = str.maketrans("\u2212\u2013\u00d7\u00b7\u00f7", "--**/")

# Possessive quantifiers: nothing here can backtrack.
_INTEGER = f"[+{_MINUS}]?+[{_SPACE}]*+[0-9]++"
_LITERAL = f"({_INTEGER}|\\([{_SPACE}]*+{_INTEGER}[{_SPACE}]*+\\))"
_GAP = f"[{_SPACE}]*+"
_STEP = re.compile(f"{_GAP}{_LITERAL}{_GAP}({_OPERATOR}){_GAP}{_LITERAL}{_GAP}={_GAP}{_LITERAL}")
_WORD = re.compile(r"[^\W\d_]{2,}+")
_SENTENCE_END = re.compile(r"[.!?:]\s")
_ARITHMETIC = re.compile(f"[0-9][{_SPACE})]*+{_OPERATOR}[{_SPACE}(+{_MINUS}]*+[0-9]")
_SYMBOL = re.compile(f"[()+{_MINUS}{_TIMES}{_DIVIDE}]")
_RULE = re.compile("-{3,}|\\*{3,}")  # of Markdown
_BARE = re.compile(f"{_GAP}(?:[0-9]++{_GAP}:{_GAP})?+[{_MINUS}]?+[0-9]++{_GAP}\\.?+{_GAP}")
_EQUALS_ALIKE = re.compile(
    "[=\uff1d\ufe66\u207c\u208c\ua78a\u2248\u2250\u225f\u2260\u2261\u2243\u2245]"
)
_SEPARATOR = re.compile("[,;\r\n]")
_TAIL_STOP = re.compile(f"{_GAP}\\.?+{_GAP}`*+{_GAP}\\.?+{_GAP}")
_TAIL_SENTENCE = re.compile(f"{_GAP}\\.[{_SPACE}]++(?=\\D)")
_TAIL_WORD = re.compile(f"[{_SPACE}]++([^\\W\\d_]{{2,}}+)")
# Words that would change the number they stand at.
_QUANTITIES = frozenset(
    re.findall(
        "[a-z]+",
        "hundred thousand million billion percent squared cubed factorial remainder rem mod modulo "
        "div times plus minus negative over divided multiplied half twice thrice double triple "
        "sqrt log exp",
    )
)


class _Step(NamedTuple):
    text: str
    left: str
    symbol: str
    right: str
    result: str


class _ParseError(Exception):
    """The response is not steps with plain text around them."""


def verify(numbers: Iterable[int], target: int, response: str, division: str = "exact") -> Verdict:
    """Decides a response to the puzzle `numbers` -> `target`.

    division "exact" wants a quotient without remainder; "integer" (the paper's rule as we read it)
    also takes a truncated one where the dividend is not negative and the divisor positive.

    Reasons: "right"; "parse" (not of the form, or no step at all); "unknown_operand" (not given,
    not made yet, or used up); "division" (by zero, or with a remainder where none may be);
    "wrong_arithmetic"; "step_count" (too many, or too few to join the results); "unused_number";
    "wrong_target". The first offending step decides. Undecided, for its length: "limit".

    Raises TypeError or ValueError if numbers, target, response or division are no puzzle.
    """
    if isinstance(numbers, (str, bytes)):
        raise TypeError(f"numbers must be integers, got {numbers!r}")
    numbers = [_as_integer("numbers", number) for number in numbers]
    target = _as_integer("target", target)
    if len(numbers) < 2:
        raise ValueError(f"numbers must be two or more, got {len(numbers)}")
    if not isinstance(response, str):
        raise TypeError(f"response must be str, got {type(response).__name__}")
    if division not in ("exact", "integer"):
        raise ValueError(f'division must be "exact" or "integer", got {division!r}')
    if len(response) <= MAX_BLANKS:
        response = response.strip(_BLANKS)
    if len(response) > MAX_RESPONSE:
        return Verdict.undecided("limit", f"response has more than {MAX_RESPONSE} characters")
    if sum(map(response.count, ",;\r\n")) >= MAX_PIECES:
        return Verdict.undecided("limit", f"response has more than {MAX_PIECES} pieces")
    equations = response.count("=")
    if equations >= len(numbers) + SURPLUS:
        return Verdict.wrong(
            "step_count", f"{equations} equals signs where {len(numbers) - 1} steps use everything"
        )
    try:
        steps = _parse(response)
    except _ParseError as error:
        return Verdict.wrong("parse", str(error))
    return _judge(numbers, target, steps, division)


def _as_integer(name: str, value: object) -> int:
    if isinstance(value, bool):
        raise TypeError(f"{name}: wants integers, got {value!r}")
    try:
        value = operator.index(value)
    except TypeError:
        raise TypeError(f"{name}: wants integers, got {value!r}") from None
    if value.bit_length() > 1990:  # 10**600 has 1994 bits
        raise ValueError(f"{name}: an integer has more than {MAX_DIGITS} digits")
    return value


def _parse(response: str) -> list[_Step]:
    """All steps; raises _ParseError where anything else might be meant as arithmetic."""
    segments = _SEPARATOR.split(response)
    separators = _SEPARATOR.findall(response)
    with_equals = [i for i, segment in enumerate(segments) if "=" in segment]
    if not with_equals:
        raise _ParseError("no step found")
    first, last = with_equals[0], with_equals[-1]
    _require_prose(segments[:first])
    _require_prose(segments[last + 1 :])
    if not any(map(str.isalpha, segments[first].partition("=")[0])):
        _require_apart(segments, separators, range(first - 1, -1, -1), -1)
    if not any(map(str.isalpha, segments[last].rpartition("=")[2])):
        _require_apart(segments, separators, range(last + 1, len(segments)), 0)
    steps = []
    for i in range(first, last + 1):
        if "=" in segments[i]:
            steps.append(_parse_step(segments[i], i == first, i == last))
        elif segments[i].strip(_SPACES):
            raise _ParseError(f"neither a step nor a separator: {_show(segments[i])}")
    return steps


def _parse_step(segment: str, first: bool, last: bool) -> _Step:
    """One step; text may stand before the first and behind the last."""
    start = _lead_size(segment) if first else 0
    match = _STEP.match(segment, start)
    if match is None:
        raise _ParseError(f"not of the form integer op integer=integer: {_show(segment)}")
    tail = segment[match.end() :]
    if not (_is_tail(tail) if last else not tail.strip(_SPACES)):
        raise _ParseError(f"something stands behind a step: {_show(segment)}")
    left, symbol, right, result = match.groups()
    return _Step(match.group().strip(_SPACES), left, symbol.translate(_CANONICAL), right, result)


def _lead_size(segment: str) -> int:
    """Characters of plain text before a step: words, or words and a colon, or backquotes."""
    before = segment[: segment.index("=")]
    colon = max(before.rfind(":"), before.rfind("\uff1a"))
    letter = next((i for i in range(len(before) - 1, -1, -1) if before[i].isalpha()), -1)
    size = 1 + max(colon, letter)
    labelled = colon == size - 1
    if size and not labelled:
        size += len(before[size:]) - len(before[size:].lstrip(".!?"))
    lead = before[:size]
    quotes = before[size:].lstrip(_SPACES)
    spaced = len(quotes) < len(before) - size
    core = quotes.lstrip("`")
    if not lead:
        return len(before) - len(core)
    words = _WORD.findall(lead)
    last_sentence = _SENTENCE_END.split(lead)[-1]
    fine = (
        (spaced or len(core) < len(quotes) or (labelled and not lead[-2:-1].isnumeric()))
        and words
        and not _ARITHMETIC.search(lead)
        and not _EQUALS_ALIKE.search(lead)
        and (
            labelled
            or (
                lead.rstrip(".!?").endswith(words[-1])
                and words[-1].lower() not in _QUANTITIES
                and not any(map(str.isnumeric, last_sentence))
            )
        )
    )
    if not fine:
        raise _ParseError(f"unclear text before the first step: {_show(segment)}")
    return len(before) - len(core)


def _is_tail(tail: str) -> bool:
    """Whether what follows the last step in its segment is plain text."""
    if _TAIL_STOP.fullmatch(tail):
        return True
    if "=" in tail or _EQUALS_ALIKE.search(tail) or _ARITHMETIC.search(tail):
        return False
    sentence = _TAIL_SENTENCE.match(tail)
    if sentence:
        following = tail[sentence.end()]
        return not following.isnumeric() and not _SYMBOL.match(following)
    word = _TAIL_WORD.match(tail)
    return bool(
        word
        and word.group(1).lower() not in _QUANTITIES
        and not any(map(str.isnumeric, tail))
        and not re.search(r"[+*/^%!\u00d7\u00b7\u00f7]", tail)
    )


def _require_prose(segments: list[str]) -> None:
    """Raises unless segments outside the steps can only be text (a bare number is text)."""
    text = ",".join(segments)
    for pattern in (_EQUALS_ALIKE, _ARITHMETIC):
        match = pattern.search(text)
        if match:
            near = text[max(match.start() - 20, 0) : match.end() + 20]
            raise _ParseError(f"arithmetic that is no step: {_show(near)}")
    if not _SYMBOL.search(text):
        return
    for segment in segments:
        if (
            _SYMBOL.search(segment)
            and not any(map(str.isalpha, segment))
            and not _BARE.fullmatch(segment)
            and not _RULE.fullmatch(segment.strip(_SPACES))
        ):
            raise _ParseError(f"an unfinished operation: {_show(segment)}")


def _require_apart(segments: list[str], separators: list[str], outside: range, edge: int) -> None:
    """Raises if text touches the steps like a part of them: `=4,000`, `=4;+1`, `=4` newline `*2`.

    `edge` is the end of the text that faces the steps: 0 behind them, -1 before them.
    """
    newline = False
    for i in outside:
        newline |= separators[i - 1 if edge == 0 else i] in "\r\n"
        text = segments[i].strip(_SPACES)
        if not text:
            continue
        joined = not newline and (text[edge].isnumeric() or (edge == -1 and text[-1] == "."))
        continued = _SYMBOL.match(text[edge]) and not any(map(str.isalpha, text))
        if joined or (continued and not _RULE.fullmatch(text)):
            raise _ParseError(f"touches the steps like a part of them: {_show(text)}")
        return


def _judge(numbers: list[int], target: int, steps: list[_Step], division: str) -> Verdict:
    # No value exceeds the product of all (|x| + 1), so longer literals need no conversion.
    bits = sum((abs(number) + 1).bit_length() for number in numbers)
    digits = bits * 30103 // 100000 + 2
    given, made = Counter(numbers), Counter()
    live = len(numbers)
    value = None
    for position, step in enumerate(steps, 1):
        where = f"step {position}, {_show(step.text)}"
        if live < 2:
            return Verdict.wrong(
                "step_count", f"{where}: {len(steps)} steps where {len(numbers) - 1} use everything"
            )
        values = []
        for literal in (step.left, step.right, step.result):
            sign, size = _literal_sign_and_digits(literal)
            if len(size) > min(digits, MAX_DIGITS):
                if len(size) <= digits:
                    return Verdict.undecided("limit", f"{where}: over {MAX_DIGITS} digits")
                values.append(None)
            else:
                values.append(sign * int(size))
        left, right, result = values
        for operand in (left, right):
            # A given number and an equal result are interchangeable: their count matters.
            if operand is not None and given[operand] > 0:
                given[operand] -= 1
            elif operand is not None and made[operand] > 0:
                made[operand] -= 1
            else:
                shown = step.left if operand is left else step.right
                return Verdict.wrong("unknown_operand", f"{where}: {_show(shown)} is not available")
        live -= 1
        value = _apply(left, step.symbol, right, division)
        if value is None:
            why = "divides by zero" if right == 0 else "leaves a remainder"
            return Verdict.wrong("division", f"{where}: {why}")
        if value != result:
            return Verdict.wrong("wrong_arithmetic", f"{where}: makes {_show(str(value))}")
        made[value] += 1
    if live > 1:
        unused = sorted(given.elements())
        if unused:
            shown = ", ".join(_show(str(number)) for number in unused[:10])
            return Verdict.wrong("unused_number", f"never used: {shown}")
        return Verdict.wrong(
            "step_count", f"{len(steps)} steps where {len(numbers) - 1} use everything"
        )
    if value != target:
        last = _show(steps[-1].text)
        return Verdict.wrong("wrong_target", f"step {len(steps)}, {last}: the target is {target}")
    return Verdict.right()


def _literal_sign_and_digits(literal: str) -> tuple[int, str]:
    literal = literal.translate(_CANONICAL)
    body = literal.strip(_SPACES + "()+-")
    return -1 if "-" in literal else 1, body.lstrip("0") or "0"


def _apply(left: int, symbol: str, right: int, division: str) -> int | None:
    if symbol == "+":
        return left + right
    if symbol == "-":
        return left - right
    if symbol == "*":
        return left * right
    if right == 0:
        return None
    if left % right == 0 or (division == "integer" and left >= 0 and right > 0):
        return left // right
    return None


def _show(text: str) -> str:
    """Printable and short, whatever the text."""
    return ascii(text if len(text) <= 60 else text[:57] + "...")[1:-1]
