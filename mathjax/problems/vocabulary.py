"""Variable names out of a tokenizer's vocabulary, and a fixed part of them kept for testing.

The study (arXiv 2410.16973) trains on names of a subset of the vocabulary and tests on the rest;
that names are single tokens of letters, and how they are split, is our reading.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mathjax.problems.base import ProblemError, as_integer
from mathjax.problems.expressions import is_name
from mathjax.problems.streams import Draws, stream_base

WORD_STARTS = ("▁", "Ġ")
"""How SentencePiece and byte-level BPE write the space before a word."""


OPTIONS = ("tokenizer", "size", "part", "seed", "after_space")
"""Of the setting `vocabulary`, see `named_settings`."""


def read_vocabulary(path: str | Path) -> dict[str, int]:
    """token -> id of a Hugging Face `tokenizer.json` or `vocab.json`, or a directory with one of
    them. Raises ProblemError where there is none."""
    path = Path(path)
    if path.is_dir():
        inside = [path / name for name in ("tokenizer.json", "vocab.json")]
        path = next((file for file in inside if file.exists()), inside[0])
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not JSON"
        raise ProblemError(f"vocabulary.tokenizer: cannot read {path}: {reason}") from None
    tokens = data.get("model", data) if isinstance(data, dict) else None
    tokens = tokens.get("vocab", tokens) if isinstance(tokens, dict) else None
    if isinstance(tokens, list):  # a unigram model: [token, score], by id
        pairs = [row for row in tokens if isinstance(row, list) and row]
        tokens = {row[0]: number for number, row in enumerate(pairs)}
    good = isinstance(tokens, dict) and all(
        isinstance(token, str) and isinstance(number, int) for token, number in tokens.items()
    )
    if not good or not tokens:
        raise ProblemError(f"vocabulary.tokenizer: {path} has no vocabulary; name a tokenizer.json")
    return tokens


def named_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a RuleSpec with names in place of `vocabulary.*`.

    `tokenizer` is a file for `read_vocabulary`, `size` how many names are trained on (default: all
    that are not for testing), `part` "train" or "test", `seed` that of the split, `after_space` as
    `single_token_names` has it (default: True in the style "spaced"). With the part "train" the
    names for testing become `unseen_names`; where they are too few for an exercise, the registry
    leaves them out. Raises ProblemError naming the option.
    """
    options = {k.partition(".")[2]: v for k, v in settings.items() if k.startswith("vocabulary.")}
    rest = {key: value for key, value in settings.items() if not key.startswith("vocabulary.")}
    if not options:
        return rest
    for option in options:
        if option not in OPTIONS:
            raise ProblemError(f"vocabulary.{option}: unknown; there is {', '.join(OPTIONS)}")
    for field in ("names", "unseen_names"):
        if field in rest:
            raise ProblemError(f"{field}: give it or vocabulary.tokenizer, not both")
    if "tokenizer" not in options:
        raise ProblemError("vocabulary.tokenizer: say which tokenizer the names are of")
    if (part := options.get("part", "train")) not in ("train", "test"):
        raise ProblemError(f'vocabulary.part: must be "train" or "test", got {part!r}')
    after_space = options.get("after_space", True if rest.get("style") == "spaced" else None)
    if after_space not in (None, True, False):
        raise ProblemError(f"vocabulary.after_space: must be True, False or None: {after_space!r}")
    names = single_token_names(read_vocabulary(str(options["tokenizer"])), after_space)
    size = options.get("size", len(names) - max(1, len(names) // 10))
    try:
        size, seed = as_integer("size", size), as_integer("seed", options.get("seed", 0))
        train, test = split_names(names, size, seed)
    except ProblemError as error:
        raise ProblemError(f"vocabulary.{error}") from None
    return rest | ({"names": test} if part == "test" else {"names": train, "unseen_names": test})


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
