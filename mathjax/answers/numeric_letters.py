"""The letter that a response to a multiple-choice question (AQuA) chooses."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mathjax.answers.number_context import plain
from mathjax.answers.numeric_extract import Extracted
from mathjax.answers.numeric_markers import STRETCH, first_line, markers
from mathjax.answers.numeric_reference import normal_text, stated_number

_LEAD = (
    r"[\s:*_\"'`(\[{$=,-]*+(?:(?:the|option|choice|letter|answer|correct|is|therefore|thus|clearly|"
    r"most|likely|probably|definitely|indeed|number|alternative)\b[\s:*_\"'`(\[{$=,]*+)*+"
)
_LETTER = re.compile(rf"(?i:{_LEAD})([A-Ea-e])(?![A-Za-z0-9'’_])")
_BEHIND_ARTICLE = re.compile(
    r"\s+(?!(?:because|since|as|is|which|for|given|with|so|due|where|and|or|but|by|from|in)\b)[a-z]"
)
_SECOND = re.compile(
    r"[)\]}\s*_\"'`.$]*(?:,|/|&|\+|\b(?:or|and)\b)\s*(?:or\s+|and\s+)?(?:(?:option|choice)\s+)?"
    r"[(\[*]*(?<![A-Za-z])([A-E])(?![A-Za-z0-9'])"
)
_STANDALONE = re.compile(
    r"(?:(?i:\b(?:option|choice))\s+[(\[*\"']*([A-E])\b|\(([A-E])\)|(?<![A-Za-z0-9'=+*/^(-])"
    r"([B-E])(?![A-Za-z0-9'])(?!\s*[=+*/^-]))"
)
_CLOSED = re.compile(r"[\s*_\"'`$}]*(?:[).,:;!?\]]|\Z|\n)")
_OPTION_LINE = re.compile(r"\s*[*_(\[]*([A-E])(?:[*_]*[)\].:]+[*_]*(?:\s.*|\S.*)?|[*_]*\s*)\Z")
_ALONE = re.compile(r"[\s*_(\[]*+([A-Ea-e])[\s*_)\].:]*+")
_OPTION_SAID = re.compile(
    r"(?i:\b(?:options?|choice|alternative|answer|ans))\.?\s*(?:[:=-]+\s*|(?i:is)\s+)?"
    r"(?i:option\s+)?[(\[*\"'$]*([A-E])(?![A-Za-z0-9'])"
    r"|\(([A-E])\)\s+is\s+(?:the\s+)?(?:correct|right|answer)\b"
)
_OPTION_TEXT = re.compile(r"\s*\(?([A-Ea-e])\s*[).:]\s*(.*)", re.DOTALL)
_SENTENCE = re.compile(r"[.!?](?=\s|\Z)|\n")
_NEGATION = re.compile(r"\b(?:not|never|neither|n't)\b")


def extract_letter(text: str, options: Sequence[str] | None) -> Extracted:
    """The letter behind the last marker, else one that an option is named by at the end.

    An answer marked by its value instead counts for the option that alone has that value.
    """
    for marker, _, statement, _ in markers(text):
        if marker == "limit":
            return Extracted(None, problem="limit")
        if marker == "denied":
            continue
        found = _in_statement(statement, marker)
        if found is None and options:
            found = _by_value(statement, marker, options)
        if found is not None:
            return found
    return _unmarked(text)


def _in_statement(stretch: str, marker: str) -> Extracted | None:
    name = "phrase" if marker == "colon" else marker
    text = plain(stretch).lstrip()
    match = _LETTER.match(text)
    sentence = _first_sentence(text, match.end() if match else 0)
    shown = sentence.strip()[:60]
    if match:
        letter, rest = match.group(1), text[match.end() :]
        closed = bool(_CLOSED.match(rest))
        article = letter in "aA" and _BEHIND_ARTICLE.match(rest) is not None
        if not article and (letter.isupper() or closed):
            if _SECOND.match(rest) or re.match(r"\s*[=+*/^-]\s*\S", rest):
                return Extracted(None, shown, name, problem="ambiguous")
            return Extracted(letter.upper(), shown, name)
    if _NEGATION.search(sentence):
        return None
    letters = {next(filter(None, found.groups())) for found in _STANDALONE.finditer(sentence)}
    if len(letters) == 1:
        return Extracted(letters.pop(), shown, name)
    return Extracted(None, shown, name, problem="ambiguous") if letters else None


def _first_sentence(text: str, start: int) -> str:
    """The sentence from the start, where the full stop of `B.` is not its end."""
    match = _SENTENCE.search(text, start)
    return text[: match.start()] if match else text


def option_texts(options: Sequence[str]) -> dict[str, str]:
    """Letter to text: `A)21`, `(B) 22`, or the order where the texts name no letter."""
    if isinstance(options, str) or not all(isinstance(option, str) for option in options):
        raise TypeError("options must be a sequence of str")
    texts = {}
    for place, option in enumerate(options):
        match = _OPTION_TEXT.match(option)
        letter = "ABCDEFGHIJ"[place : place + 1]
        if match and match.group(1).upper() == letter:
            texts[letter] = match.group(2)
        elif letter:
            texts[letter] = option
    return texts


def _by_value(stretch: str, marker: str, options: Sequence[str]) -> Extracted | None:
    """The one option whose text, or else whose number, is what the marker states."""
    sentence = stretch.strip() if marker == "boxed" else first_line(stretch)
    texts = option_texts(options)
    said = normal_text(sentence, ".,;:")
    chosen = [
        letter for letter, text in texts.items() if said and normal_text(text, ".,;:") == said
    ]
    if not chosen and (stated := stated_number(sentence.rpartition("=")[2].rstrip(" .!"))):
        chosen = [letter for letter, text in texts.items() if stated_number(text) == stated]
    return Extracted(chosen[0], sentence[:60], "option") if len(chosen) == 1 else None


def _unmarked(text: str) -> Extracted:
    tail = text[-STRETCH:].rstrip()
    alone = _ALONE.fullmatch(text[:STRETCH])
    if alone and len(text) <= STRETCH:
        return Extracted(alone.group(1).upper(), text.strip(), "option")
    lines = [line for line in tail.split("\n") if line.strip()]
    if lines:
        last = _OPTION_LINE.match(lines[-1])
        if last and not (len(lines) > 1 and _OPTION_LINE.match(lines[-2])):
            return Extracted(last.group(1), lines[-1].strip()[:60], "option")
        if last:
            return Extracted(None, lines[-1].strip()[:60], "option", problem="ambiguous")
    *_, said = [None, *_OPTION_SAID.finditer(tail)]
    if said is None:
        return Extracted(None, problem="no_answer")
    behind = tail[said.end() :]
    unclear = (
        _SECOND.match(behind)
        or _BEHIND_ARTICLE.match(behind)
        or re.match(r"\s*[=+*/^-]", behind)
        or _NEGATION.search(tail[max(said.start() - 12, 0) : said.start()])
    )
    if unclear:
        return Extracted(None, said.group(), "option", problem="ambiguous")
    return Extracted(said.group(1) or said.group(2), said.group(), "option")
