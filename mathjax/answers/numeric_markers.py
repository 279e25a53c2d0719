"""Answer markers of a response, from its end: `####` tails, `\\boxed{}` and answer phrases.

Only plain string searches run over the whole text; what stands behind a marker is looked at in a
stretch of bounded length, and for a bounded number of markers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mathjax.answers.number_context import plain

MAX_MARKERS = 40
"""Markers that are looked at, from the end; more without an answer are undecided."""

STRETCH = 400
"""Characters read behind a marker."""

_CUT = re.compile(r"(?<![A-Za-z])(?:Question|Q):")
_END_TOKEN = re.compile(r"</s>|<\|(?:endoftext|im_end|eot_id|end|end_of_text)\|>")
_PHRASE = re.compile(
    r"(?:[sS](?=[\s:]))?[\"'*_)`]{0,4}"
    r"(?:\s{0,3}(?P<colon>[:=\uff1a])"
    r"|(?:,|\s+(?:to|for|of|in)\b)[^.\n:=!?]{0,80}?\s(?P<long>is(?:n['’]t)?|was|equals)\b"
    r"|\s+(?P<verb>is(?:n['’]t)?|was(?:n['’]t)?|IS|Is|would\s+be|should\s+be|will\s+be|must\s+be"
    r"|equals|becomes|comes\s+to|comes\s+out\s+to|are)(?![A-Za-z])"
    r"|\s+(?P<denied>can\s?not\b|can['’]t\b|could\s+not\b|couldn['’]t\b|does\s+not\b|doesn['’]t\b"
    r"|could\s+be\b|may\s+be\b|might\s+be\b))"
)
_NEGATED = re.compile(
    r"[\s:*_]*(?:not|never|neither|no\s+longer|definitely\s+not)\b", re.IGNORECASE
)
_SENTENCE = re.compile(
    r"(?:[.?]|!(?!\s?[-+*/^=×÷]))(?=[\s\"')\]]|\*+(?:\s|\Z)|\Z)|;(?=\s|\Z)(?!\s*[(\[]?[0-9$€£\-.])|\n"
)


def cut(text: str) -> str:
    """The response up to its end token and to the next question that the model made up."""
    if ("</s>" in text or "|>" in text) and (match := _END_TOKEN.search(text)):
        text = text[: match.start()]
    if "Q" not in text:
        return text
    match = _CUT.search(text)
    return text[: match.start()] if match else text


def markers(text: str) -> Iterator[tuple[str, int, str, bool]]:
    """Yields (marker, start, statement, is the text's end), the last marker first.

    "denied" stands for a phrase that says what the answer is not; "limit" ends the search.
    """
    ends = {"hashes": len(text), "boxed": len(text), "phrase": len(text)}
    at = {kind: _rfind(text, kind, len(text)) for kind in ends}
    for _ in range(MAX_MARKERS):
        kind = max(at, key=at.get)
        position = at[kind]
        if position < 0:
            return
        if kind == "phrase":
            match = _PHRASE.match(text, position + 5)
            word = text[position - 1 : position] in ("a", "A")
            if match and word and not text[max(position - 2, 0) : position - 1].isalpha():
                start = match.end()
                verb = match["long"] or match["verb"] or ""
                stretch = text[start : start + STRETCH]
                if match["denied"] or verb.endswith("t") or _NEGATED.match(stretch):
                    yield "denied", start, stretch, False
                else:
                    colon = "colon" if match["colon"] else "phrase"
                    yield colon, start, stretch, start + STRETCH >= len(text)
        elif kind == "boxed":
            yield "boxed", position, _box(text, position), False
        else:
            start = position + 4
            stretch = text[start : start + STRETCH]
            yield "hashes", start, stretch, start + STRETCH >= len(text)
            while position and text[position - 1] == "#":
                position -= 1
        at[kind] = _rfind(text, kind, position)
    if max(at.values()) >= 0:
        yield "limit", 0, "", False


def _rfind(text: str, kind: str, end: int) -> int:
    if kind == "hashes":
        return text.rfind("####", 0, end)
    if kind == "boxed":
        return max(text.rfind("\\boxed", 0, end), text.rfind("\\fbox", 0, end))
    return max(text.rfind("nswer", 0, end), text.rfind("NSWER", 0, end))


_BOX_BARE = re.compile(r"[0-9A-Za-z]")
_BEHIND_BOX = re.compile(r"[\^+*/×÷!√]|\\(?:sqrt|pi|frac|cdot)|-\s*[0-9]|or\s+[$-]*[0-9]")
_BEFORE_BOX = re.compile(r"[0-9)}]\s*[-+*/×÷]\Z|[\^√]\Z|\\(?:sqrt|cdot|times|div)\Z|-\Z")
_BOX_SCALE = re.compile(r"(?:hundred|thousand|million|billion|trillion)s?\b|%|percent\b")
_BOX_HEAD = re.compile(r"\\(?:boxed|fbox)\s*")
_BRACES = re.compile(r"[{}]|\\[{}\\]")


def box_contents(text: str, position: int) -> tuple[str, int] | None:
    """What `\\boxed` at `position` holds and where it ends; None if it is not closed in time."""
    head = _BOX_HEAD.match(text, position).end()
    if text[head : head + 1] != "{":
        bare = _BOX_BARE.match(text, head)
        return (bare.group(), bare.end()) if bare and text[head - 1].isspace() else None
    depth, limit = 0, head + 4 * STRETCH
    for brace in _BRACES.finditer(text, head, limit):
        if brace.group() == "{":
            depth += 1
        elif brace.group() == "}":
            depth -= 1
            if depth == 0:
                return text[head + 1 : brace.start()], brace.end()
    return None


def _box(text: str, position: int) -> str:
    """The content of a box with a scale or percent sign behind it; "\\?" if it is not closed."""
    contents = box_contents(text, position)
    if contents is None:
        return "\\?"
    inner, end = contents
    behind = plain(text[end : end + 24]).lstrip(" $*)")
    before = text[max(position - 12, 0) : position].rstrip(" $*(")
    if inner.strip() and (
        _BEHIND_BOX.match(behind)
        or _BEFORE_BOX.search(before)
        or text[position - 1 : position].isdigit()
    ):
        return "\\?"
    scale = _BOX_SCALE.match(behind)
    return f"{inner} {scale.group()}" if scale else inner


def first_sentence(text: str) -> str:
    match = _SENTENCE.search(text)
    return text[: match.start()] if match else text


def first_line(stretch: str, dressed: bool = False) -> str:
    """What a marker states up to the end of its sentence; dressed keeps LaTeX as written."""
    text = stretch if dressed else plain(stretch)
    text = text.lstrip("*_:` \n\"'")
    sentence = first_sentence(text)
    return sentence.strip(" *_`.$") if dressed else sentence.strip()
