"""What each kind of word problem hands over: text, worked solution, answer, canonical form."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass(frozen=True)
class WordProblem:
    """`lines` is the worked solution without its last line, `key` the canonical form."""

    prompt: str
    lines: list[str]
    answer: str
    key: str
    facts: dict[str, int | str]
