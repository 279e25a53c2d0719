"""Scores as published numbers were made: lm-evaluation-harness, the arithmetic study, rounding.

These repeat what others do, faults included, so that a table can show them beside `score`.
"""

from __future__ import annotations

import collections
import re
from fractions import Fraction

from mathjax.answers import numbers
from mathjax.answers.number_context import plain
from mathjax.answers.numeric_compare import compare
from mathjax.answers.numeric_extract import MAX_RESPONSE, extract_number
from mathjax.answers.numeric_markers import cut
from mathjax.answers.numeric_reference import read_reference, show
from mathjax.answers.verdict import Verdict

STOPS = {
    "gsm8k": ("Question:", "</s>", "<|im_end|>"),
    "gsm8k_cot": ("Q:", "</s>", "<|im_end|>"),
}
"""Where the harness ends a generation, by task (lm-evaluation-harness 0.4.13, tasks/gsm8k)."""

_STRICT = {
    "gsm8k": re.compile(r"#### (\-?[0-9\.\,]+)"),
    "gsm8k_cot": re.compile(r"The answer is (\-?[0-9\.\,]+)."),
}
_FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")
_INVALID = "[invalid]"
_FINAL_STOP = re.compile(r"\.$")
_HASHES = "#### "
_PAPER_NUMBER = re.compile(r"-?[0-9]++(?:\.[0-9]++)?")
_PAPER_PHRASE = "the answer is"
_PAPER_DIGITS = 400


def strict(response: str, reference: object, task: str = "gsm8k") -> Verdict:
    """lm-evaluation-harness `strict-match`: the first `#### number`, compared as a string.

    task "gsm8k" (also what GSM-Plus uses) or "gsm8k_cot" ("The answer is"). The response is cut
    at the stop strings of the task, which a generation of the harness never contains.
    """
    response = _generation(response, task)
    match = _STRICT[task].search(response)
    return _exact_match(match.group(1).strip() if match else _INVALID, reference, task)


def flexible(response: str, reference: object, task: str = "gsm8k") -> Verdict:
    """lm-evaluation-harness `flexible-extract`: the last thing that looks like a number."""
    response = _generation(response, task)
    last = _last(_FLEXIBLE, response)
    return _exact_match(last.group().strip() if last else _INVALID, reference, task)


def _generation(response: str, task: str) -> str:
    if not isinstance(response, str):
        raise TypeError(f"response must be str, got {type(response).__name__}")
    if task not in STOPS:
        raise ValueError(f"task must be one of {', '.join(STOPS)}, got {task!r}")
    ends = [end for stop in STOPS[task] if (end := response.find(stop)) >= 0]
    return response[: min(ends)] if ends else response


def _exact_match(predicted: str, reference: object, task: str) -> Verdict:
    target = str(reference)
    if task == "gsm8k_cot":
        target = target.split("####")[-1].strip()
    left, right = _ignoring(predicted), _ignoring(target)
    detail = f"{left[:80]}, reference {right[-80:]}"
    if left == right:
        return Verdict.right(detail)
    if predicted == _INVALID:
        return Verdict.undecided("no_answer", detail)
    return Verdict.wrong("value", detail)


def _ignoring(text: str) -> str:
    """Without commas, dollars, all up to the last `#### `, and one final stop; lower case."""
    text = text.replace(",", "").replace("$", "")
    at = text.rfind(_HASHES)
    if at >= 0:
        text = text[at + len(_HASHES) :]
    return _FINAL_STOP.sub("", text).lower()


def paper(response: str, reference: object) -> Verdict:
    """Extraction of arXiv 2502.12855: first number after the first "the answer is", else the last.

    Lower case, commas removed, an optional minus, digits and decimals, compared as floats. The
    reference is read as in `score`, its value taken as a float.
    """
    if not isinstance(response, str):
        raise TypeError(f"response must be str, got {type(response).__name__}")
    wanted = read_reference("gsm8k", reference)
    if len(response) > MAX_RESPONSE:
        return Verdict.undecided("limit", f"response has more than {MAX_RESPONSE} characters")
    text = response.lower().replace(",", "")
    head, found, tail = text.partition(_PAPER_PHRASE)
    match = _PAPER_NUMBER.search(tail) if found else _last(_PAPER_NUMBER, head)
    if match is None or wanted.kind != "number":
        return Verdict.undecided("no_answer", f"no number, reference {wanted}")
    if match.end() - match.start() > _PAPER_DIGITS:
        return Verdict.undecided("limit", f"more than {_PAPER_DIGITS} digits")
    detail = f"{match.group()[:80]}, reference {wanted}"
    try:
        equal = float(match.group()) == float(wanted.value)
    except OverflowError:
        return Verdict.undecided("limit", detail)
    return Verdict.right(detail) if equal else Verdict.wrong("value", detail)


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    last = collections.deque(pattern.finditer(text), maxlen=1)
    return last[0] if last else None


def rounded(response: str, reference: object) -> Verdict:
    """For GSM-Plus, whose references are partly rounded (4.33 for 26/6).

    Our extraction; right if the response's value, rounded half away from zero or half to even to
    the decimals that the reference prints, is the reference. A column beside `score`, never it.
    """
    if not isinstance(response, str):
        raise TypeError(f"response must be str, got {type(response).__name__}")
    wanted = read_reference("gsm_plus", reference)
    if len(response) > MAX_RESPONSE:
        return Verdict.undecided("limit", f"response has more than {MAX_RESPONSE} characters")
    found = extract_number(cut(response), wanted.kind)
    verdict = compare(found, wanted)
    if verdict.correct or wanted.kind != "number" or not isinstance(found.value, Fraction):
        return verdict
    places = _decimals(str(reference))
    if places is None or found.percent != wanted.percent:
        return verdict
    scaled, target = found.value * 10**places, wanted.value * 10**places
    if abs(scaled - target) <= Fraction(1, 2):
        return Verdict.right(f"{show(found.value)} rounds to {show(wanted.value)}")
    return verdict


def _decimals(reference: str) -> int | None:
    """Decimals printed by a reference; None where it prints none, or is not a decimal."""
    tail = plain(reference.rpartition("####")[2].strip()[:200])
    match = re.search(r"\.([0-9]+)", tail)
    if match is None or numbers.read_whole(tail) is None or "e" in tail.lower():
        return None
    return len(match.group(1))
