"""The formula in the text of an answer: what stands around it is taken away."""

from __future__ import annotations

import unicodedata

from mathjax.answers.formulas import FormulaError

MAX_CHARACTERS = 20_000
_MAX_WRAPPERS = 12


def is_latex(text: str) -> bool:
    return "\\" in text or "$" in text or "^{" in text or "_{" in text


def unwrap(text: str) -> str:
    """The formula in an answer: invisible characters, fences, dollars, boxes and stops removed."""
    if len(text) > 2 * MAX_CHARACTERS:
        raise FormulaError("limit", f"longer than {MAX_CHARACTERS} characters")
    text = "".join(c for c in text if unicodedata.category(c) != "Cf").strip()
    for _ in range(_MAX_WRAPPERS):
        before = text
        for opening, closing in (("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]")):
            text = _without_fence(text, opening, closing)
        for fence in ("```", "`", "**"):
            text = _without_fence(text, fence, fence)
        for box in ("\\boxed{", "\\fbox{", "\\displaystyle"):
            if text.startswith(box):
                if not box.endswith("{"):
                    text = text[len(box) :].strip()
                elif _closing_brace(text, len(box) - 1) == len(text) - 1:
                    text = text[len(box) : -1].strip()
        if text.endswith(".") and not text.endswith(".."):
            text = text[:-1].strip()
        if text == before:
            break
    return text


def _without_fence(text: str, opening: str, closing: str) -> str:
    inner = text[len(opening) : -len(closing)]
    fenced = text.startswith(opening) and text.endswith(closing) and len(text) > 2 * len(opening)
    return inner.strip() if fenced and opening not in inner else text


def _closing_brace(text: str, opening: int) -> int:
    depth, i = 0, opening
    while i < len(text):
        if text[i] == "\\":
            i += 1
        elif text[i] == "{":
            depth += 1
        elif text[i] == "}":
            depth -= 1
            if depth == 0:
                return i
        i += 1
    return -1
