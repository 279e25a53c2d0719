"""What every problem set offers, and the two forms a problem takes: text for people, bytes for
speed."""

from __future__ import annotations

import dataclasses
import operator
from typing import Protocol

import numpy as np

from mathjax.errors import UserError

SEPARATOR = "\n"
"""Stands between prompt and response. Without it a model cannot tell the target 4 from the start
of 42."""

END = "\0"
"""Closes a rendered document; tokenizers turn it into their end-of-sequence token."""


class ProblemError(UserError):
    """A problem specification that cannot be met; the text names the field and says what to do."""


def as_integer(name: str, value: object) -> int:
    """`value` as an int, NumPy's too. Raises ProblemError with `name` for anything else."""
    try:
        if isinstance(value, (bool, np.bool_)):
            raise TypeError
        return operator.index(value)
    except TypeError:
        raise ProblemError(f"{name}: wants an integer, got {value!r}") from None


def check_arguments(seed: object, split: object, count: object) -> tuple[int, int | None]:
    """(seed, count) of a problem set. Raises ProblemError, naming the argument."""
    seed = as_integer("seed", seed)
    if not 0 <= seed < 2**64:
        raise ProblemError(f"seed: must be 0 to 2**64 - 1, got {seed}")
    if not isinstance(split, str) or not split:
        raise ProblemError(f'split: wants a name such as "train", got {split!r}')
    if count is None:
        if split != "train":
            raise ProblemError(f'count: only "train" is endless; say how many "{split}" has')
        return seed, None
    count = as_integer("count", count)
    if count < 0:
        raise ProblemError(f"count: must not be negative, got {count}")
    return seed, count


@dataclasses.dataclass(frozen=True)
class Problem:
    """One problem for people: what is asked, one worked response, the bare answer, and its
    difficulty."""

    prompt: str
    response: str
    answer: str
    task: str
    facts: dict[str, int | str]


@dataclasses.dataclass(frozen=True)
class RenderedText:
    """Many problems as one byte buffer, so that they are tokenised by one table look-up.

    Document i is `text[bounds[i]:bounds[i + 1]]`: prompt, SEPARATOR, response, END. Its first
    `prompt_sizes[i]` bytes (the separator among them) are the prompt; the loss falls on the rest.
    """

    text: np.ndarray  # uint8 [bytes]
    bounds: np.ndarray  # int64 [count + 1]
    prompt_sizes: np.ndarray  # int32 [count]

    def __len__(self) -> int:
        return len(self.prompt_sizes)


class ProblemSet(Protocol):
    """Problems by index. Example i depends on (seed, split, i) only, never on who asks, how often
    or in what order."""

    task: str
    split: str
    alphabet: str  # every character a prompt or response can contain, SEPARATOR left out
    count: int | None  # None: endless

    def render(self, indices: np.ndarray) -> RenderedText:
        """Documents of int64 indices [count], in their order."""
        ...

    def problem(self, index: int) -> Problem: ...
