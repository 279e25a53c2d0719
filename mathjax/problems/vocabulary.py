"""Variable names out of a tokenizer's vocabulary, and a fixed part of them kept for testing.

The study (arXiv 2410.16973) trains on names of a subset of the vocabulary and tests on the rest;
that names are single tokens of letters, and how they are split, is our reading.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mathjax.problems.base import ProblemError
from mathjax.problems.expressions import is_name
from mathjax.problems.streams import Draws, stream_base

WORD_STARTS = ("▁", "Ġ")
"""How SentencePiece and byte-level BPE write the space before a word."""


def single_token_names(
    tokenizer: Mapping[str, int], after_space: bool | None = None
) -> tuple[str, ...]:
    """All strings of ASCII letters that are one token of a vocabulary (token -> id), by their id.

    `after_space` True keeps those that are one token after a space, as all names are in the style
    "spaced"; False those that are one token elsewhere (`3price`); None either. Words that our texts
    use (`sqrt`, `or`, ...) are left out, and other alphabets: byte-level vocabularies write them in
    a code of their own.
    """
    names: dict[str, int] = {}
    for token, number in tokenizer.items():
        begins = token.startswith(WORD_STARTS)
        bare = token[1:] if begins else token
        if after_space not in (None, begins):
            continue
        if bare.isascii() and bare.isalpha() and is_name(bare):
            names[bare] = min(number, names.get(bare, number))
    return tuple(sorted(names, key=lambda name: (names[name], name)))


def split_names(
    names: Sequence[str], size: int, seed: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(names for training, names for testing), in random order.

    A tenth of the names, at least one, is the complement for testing; it depends on the seed only,
    so that training sets of every size are tested on the same names, and a smaller training set is
    part of a larger one. Raises ProblemError naming the field.
    """
    if len(set(names)) < len(names):
        raise ProblemError("names: must differ from each other")
    complement = max(1, len(names) // 10)
    if len(names) < 2:
        raise ProblemError(f"names: wants two or more, got {len(names)}")
    if not 1 <= size <= len(names) - complement:
        raise ProblemError(
            f"size: must be 1 to {len(names) - complement} ({len(names)} names without the "
            f"{complement} for testing), got {size}"
        )
    if not 0 <= seed < 2**64:
        raise ProblemError(f"seed: must be 0 to 2**64 - 1, got {seed}")
    order = Draws(stream_base(seed, "vocabulary"), 0).shuffled(sorted(names))
    return tuple(order[complement : complement + size]), tuple(order[:complement])
