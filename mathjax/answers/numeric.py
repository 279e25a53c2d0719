"""Is the final answer of a word problem right? Extraction and exact comparison for benchmarks.

    score("gsm8k", "16 - 7 = 9 eggs, 9 * 2 = 18. The answer is $18.00.", "... #### 18")

The response is cut at the first `Question:` or `Q:`; its answer stands behind the last of a `####`
tail, `\\boxed{}` or an answer phrase, else it is the last number. Values are compared as exact
rationals; a percent sign lets both x and x/100 match, nothing else is forgiven. Text that states
several numbers, an unfinished calculation or a bound is undecided, never right.

The unanswerable questions of GSM-Plus (reference `None`) want a response that says so: "None", "it
cannot be determined", "not enough information" and the like, and no number.

`strict`, `flexible` and `paper` score the way published numbers were made, and `rounded` takes a
response that rounds to the printed reference; none of them is the default.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from mathjax.answers import numbers
from mathjax.answers.numbers import Ratio
from mathjax.answers.numeric_compare import compare
from mathjax.answers.numeric_extract import (
    MAX_RESPONSE,
    Extracted,
    extract_number,
    last_number,
)
from mathjax.answers.numeric_letters import extract_letter
from mathjax.answers.numeric_markers import cut, first_line, markers
from mathjax.answers.numeric_math import compare_mathematics, extract_mathematics
from mathjax.answers.numeric_reference import (
    BENCHMARKS,
    Wanted,
    benchmark_name,
    normal_text,
    read_reference,
    show,
)
from mathjax.answers.numeric_variants import flexible, paper, rounded, strict
from mathjax.answers.verdict import Verdict

__all__ = [
    "BENCHMARKS",
    "Extracted",
    "extract",
    "flexible",
    "paper",
    "rounded",
    "score",
    "strict",
]

# A whole number and the end of the text, or of its sentence: nearly every response to GSM8K.
_COMMON = re.compile(r"[ :]*+\$?(-?[0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{3}){1,5})(?:\.0+)?(?=\.?\s*\Z)")
_COMMON_BOX = re.compile(r"\\boxed\{(-?[0-9]{1,18})\}(?=[$.\s]*\Z)")


def score(
    benchmark: str, response: str, reference: object, options: Sequence[str] | None = None
) -> Verdict:
    """Decides a response against the raw answer field of a benchmark row, or a plain number.

    benchmark is one of `BENCHMARKS`, case and `-`, `_` aside. options are the option texts of an
    AQuA question (`A)21`): an answer given by value then counts for the one option that has it.

    Reasons: "right"; wrong: "value", "letter", "text", "unanswerable" (says there is no answer
    where there is one, or the other way round); undecided: "no_answer" (nothing found),
    "ambiguous" (more than one reading), "parse" (no plain number), "limit" (too long), and for
    MATH those of `symbolic.check`.

    Raises ValueError for an unknown benchmark or an empty reference, TypeError for wrong types.
    """
    name = benchmark_name(benchmark)
    if not isinstance(response, str):
        raise TypeError(f"response must be str, got {type(response).__name__}")
    wanted = read_reference(name, reference)
    if len(response) > MAX_RESPONSE:
        return Verdict.undecided("limit", f"response has more than {MAX_RESPONSE} characters")
    if wanted.kind == "number" and not wanted.percent:
        common = _common_answer(response)
        if common is not None:
            if wanted.value == common:
                return Verdict("right", "right", f"{common}, reference {common}")
            return Verdict("wrong", "value", f"{common}, reference {show(wanted.value)}")
    text = cut(response)
    if name == "math":
        return judge_mathematics(extract_mathematics(text), wanted)
    if wanted.kind == "list":
        return _score_list(text, wanted)
    if wanted.kind == "text":
        return _score_text(text, wanted)
    if wanted.kind == "letter":
        found = extract_letter(text, options)
    else:
        found = extract_number(text, wanted.kind)
    return compare(found, wanted)


def extract(benchmark: str, response: str, options: Sequence[str] | None = None) -> Extracted:
    """The answer that `score` sees in a response: value, text, marker, problem.

    Where the kind of the reference matters (yes or no, a name, a list) it is taken as a number.
    """
    name = benchmark_name(benchmark)
    if not isinstance(response, str):
        raise TypeError(f"response must be str, got {type(response).__name__}")
    if len(response) > MAX_RESPONSE:
        return Extracted(None, problem="limit")
    text = cut(response)
    if name == "aqua":
        return extract_letter(text, options)
    if name == "math":
        return extract_mathematics(text)
    found = extract_number(text)
    if found.value is None and found.problem == "no_answer":
        return last_number(text, "yes_no")
    return found


def _common_answer(response: str) -> int | None:
    """The last marker's whole number if nothing stands behind it; None leaves it to the rest."""
    if "Q:" in response or "Question:" in response or "</s>" in response or "|>" in response:
        return None
    at = response.rfind("####")
    if at >= 0:
        match = _COMMON.match(response, at + 4)
    elif (at := response.rfind("\\boxed")) >= 0:
        before = response[max(at - 12, 0) : at]
        if "\\" in before or not before.rstrip(" $*(")[-1:].strip("=:.,\n").isalpha():
            return None  # a sign or an operator may stand before the box
        match = _COMMON_BOX.match(response, at)
    else:
        at = response.rfind(" answer is")
        match = _COMMON.match(response, at + 10) if at >= 0 else None
    return int(match.group(1).replace(",", "")) if match else None


def _score_list(text: str, wanted: Wanted) -> Verdict:
    """Several numbers, all of them stated behind the last marker, in the order of the reference."""
    statements = [("whole", 0, text, True)] if len(text) < 200 and "\n" not in text else []
    for marker, _, statement, _ in itertools.chain(markers(text), statements):
        if marker in ("limit", "denied"):
            break
        statement = first_line(statement)
        values, position = [], 0
        while (start := numbers.next_start(statement, position)) >= 0 and len(values) < 32:
            reading = numbers.read(statement, start)
            if reading.problem or isinstance(reading.value, Ratio) or reading.percent:
                return Verdict.undecided(reading.problem or "parse", f"reference {wanted}")
            values.append(reading.value)
            position = reading.end
        if not values:
            continue
        detail = f"{'; '.join(map(show, values))}, reference {wanted}"
        if tuple(values) == wanted.value:
            return Verdict.right(detail)
        return Verdict.wrong("value", detail)
    return Verdict.undecided("no_answer", f"no marked answer, reference {wanted}")


def _score_text(text: str, wanted: Wanted) -> Verdict:
    """A name or phrase: what the last marker states must be it, case and article aside."""
    for marker, _, statement, _ in markers(text):
        if marker == "limit":
            return Verdict.undecided("limit", f"reference {wanted}")
        if marker == "denied":
            break
        stated = normal_text(statement.lstrip("*_:` \n\"'").partition("\n")[0])
        if not stated:
            continue
        if stated == wanted.value or (
            stated.startswith(wanted.value)
            and re.match(r"[.!*]|,? (?:because|since|as)\b", stated[len(wanted.value) :])
        ):
            return Verdict.right(stated[:60])
        return Verdict.wrong("text", f"{stated[:60]}, reference {wanted}")
    stated = normal_text(text) if len(text) < 200 else ""
    if stated == wanted.value:
        return Verdict.right(stated)
    return Verdict.undecided("no_answer", f"no marked answer, reference {wanted}")


def judge_mathematics(found: Extracted, wanted: Wanted) -> Verdict:
    """Plain numbers are compared here, the rest is left to the checker of formulas."""
    if found.value is None or (wanted.kind != "mathematics" and not isinstance(found.value, str)):
        return compare(found, wanted)
    return compare_mathematics(str(wanted.value), found.text)
