"""Is the result of an arithmetic exercise right? Exactly: a number, or a quotient with remainder.

Quotients with remainder are written `7 R 3` (as `mathjax.problems.arithmetic` writes them).
"""

from __future__ import annotations

import re

from mathjax.answers import numeric
from mathjax.answers.verdict import Verdict

_PHRASE = "the answer is"
_REMAINDER = re.compile(r"\s*([-\u2212]?[0-9]{1,400})\s*[Rr]\s*([-\u2212]?[0-9]{1,400})\s*\.?\s*")


def final_answer(text: str) -> str:
    """What stands behind the last `The answer is`, else behind the last equals sign."""
    at = text.lower().rfind(_PHRASE)
    return text[at + len(_PHRASE) :] if at >= 0 else text.rpartition("=")[2]


def check(reference: str, response: str) -> Verdict:
    """Whether a response ends in the result that the reference (an answer, or a worked response)
    ends in. Reasons as of `numeric.score`."""
    wanted = _remainder(final_answer(reference))
    if wanted is None:
        return numeric.score("number", response, final_answer(reference).strip(" ."))
    given = _remainder(final_answer(response).split("\n")[0][:2000])
    if given is None:
        return Verdict.wrong("value", "no quotient with remainder")
    if given == wanted:
        return Verdict.right()
    return Verdict.wrong("value", f"{given[0]} R {given[1]} instead of {wanted[0]} R {wanted[1]}")


def _remainder(text: str) -> tuple[int, int] | None:
    found = _REMAINDER.fullmatch(text)
    return tuple(int(part.replace("\u2212", "-")) for part in found.groups()) if found else None
